// SPDX-License-Identifier: Apache-2.0
//
// Certificates that the replicas make themselves and share in a Secret. Nobody leads: whoever finds
// that a step is due takes it, and a resource version lets only the first one through.
#pragma once

#include <ctime>
#include <string>
#include <utility>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"
#include "webhook/certificate_plan.hpp"
#include "webhook/log.hpp"
#include "webhook/mint.hpp"

namespace kredis::webhook {

struct OwnCertificateSettings {
  std::string namespace_name;
  std::string service;
  std::string secret;
  std::string configuration;  ///< Name of the mutating and of the validating one.
  CertificateLives lives;
};

class OwnCertificate {
 public:
  OwnCertificate(OwnCertificateSettings settings, ports::KubePort& kube, TlsSlot& slot, Log& log)
      : settings_(std::move(settings)), kube_(kube), slot_(slot), log_(log) {}

  /// Takes the steps that are due, uses the certificate, and tells the API server whom to trust.
  /// Errors: whatever the API server says; what was used until then stays in use.
  Status refresh(std::time_t now);
  const CertificateDates& dates() const noexcept { return dates_; }

 private:
  Result<CertificateStore> agree(std::time_t now);
  Status write(const CertificateStore& store, const std::string& version);
  Status trust(const char* plural, const std::string& bundle);

  const OwnCertificateSettings settings_;
  ports::KubePort& kube_;
  TlsSlot& slot_;
  Log& log_;
  KeyPair used_;
  CertificateDates dates_;
};

}  // namespace kredis::webhook
