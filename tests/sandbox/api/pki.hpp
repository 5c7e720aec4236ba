// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's own certificate authority. Keys never leave the folder it is given and the
// kubeconfigs made from it.
#pragma once

#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::sandbox::api {

struct Credentials {
  std::string certificate;  ///< PEM.
  std::string key;          ///< PEM.
};

class Pki {
 public:
  /// Reads ca.crt and ca.key from `folder`, or makes them. Errors: internal.
  static Result<Pki> open(const std::filesystem::path& folder);

  const std::string& ca_certificate() const { return ca_pem_; }
  /// Valid for `hosts`: DNS names or IP addresses. Errors: internal.
  Result<Credentials> issue_server(const std::vector<std::string>& hosts) const;
  /// Kubernetes reads the user from the common name and the groups from the organisations.
  Result<Credentials> issue_client(const std::string& user,
                                   const std::vector<std::string>& groups) const;

 private:
  struct Request;
  Result<Credentials> issue(const Request& request) const;

  std::string ca_pem_;
  std::shared_ptr<X509> ca_;
  std::shared_ptr<EVP_PKEY> ca_key_;
};

}  // namespace kredis::sandbox::api
