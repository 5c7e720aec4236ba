// SPDX-License-Identifier: Apache-2.0
//
// Certificates made on the spot, good and bad ones, for tests of TLS.
#pragma once

#include <string>

namespace kredis::kube {

struct TestCertificate {
  std::string pem;
  std::string key_pem;
};

struct TestSubject {
  std::string common_name = "test";
  std::string alt_names = {};  ///< As OpenSSL writes them: "IP:127.0.0.1,DNS:localhost".
  long begins_in_seconds = -3600;
  long ends_in_seconds = 3600;
};

/// A certificate authority of its own.
TestCertificate make_authority(const std::string& name);

/// A certificate signed by `authority`.
TestCertificate make_certificate(const TestCertificate& authority, const TestSubject& subject);

}  // namespace kredis::kube
