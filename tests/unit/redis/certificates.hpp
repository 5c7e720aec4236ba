// SPDX-License-Identifier: Apache-2.0
//
// Certificates made by the openssl program, for the TLS tests.
#pragma once

#include <string>

#include "tests/support/redis_servers.hpp"

namespace kredis::tests {

/// A CA and what it signed; every file is <name>.crt or <name>.key in one temporary directory.
class Certificates {
 public:
  Certificates();
  std::string path(const std::string& file) const { return directory_.path() + "/" + file; }
  std::string text(const std::string& file) const;
  /// Signs a certificate for the subject alternative name `san`, for example "DNS:redis-app-0".
  void sign(const std::string& name, const std::string& san);
  void make_ca(const std::string& name);

 private:
  TemporaryDirectory directory_;
};

}  // namespace kredis::tests
