// SPDX-License-Identifier: Apache-2.0
//
// A certificate that somebody else renews and mounts (cert-manager): read at the start, and again
// when its files change.
#pragma once

#include <string>

#include "shared/core/result.hpp"
#include "webhook/mint.hpp"
#include "webhook/tls_context.hpp"

namespace kredis::webhook {

class MountedCertificate {
 public:
  MountedCertificate(std::string certificate_file, std::string key_file, TlsSlot& slot)
      : certificate_file_(std::move(certificate_file)),
        key_file_(std::move(key_file)),
        slot_(slot) {}

  /// Reads the files, and uses what is new. Returns whether something was.
  /// Errors: not_found, invalid_argument; what was used until then stays in use.
  Result<bool> refresh();
  const CertificateDates& dates() const noexcept { return dates_; }

 private:
  std::string certificate_file_;
  std::string key_file_;
  TlsSlot& slot_;
  KeyPair current_;
  CertificateDates dates_;
};

}  // namespace kredis::webhook
