// SPDX-License-Identifier: Apache-2.0
//
// Short ways to a client of a TestServer.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <unistd.h>

#include "shared/kube/client.hpp"
#include "tests/unit/kube/test_server.hpp"

namespace kredis::kube {

/// One authority and a proper certificate for 127.0.0.1, made once.
inline const TestCertificate& test_authority() {
  static const TestCertificate authority = make_authority("test authority");
  return authority;
}

inline const TestServerOptions& good_tls() {
  static const TestServerOptions options{
      .certificate =
          make_certificate(test_authority(), {.alt_names = "IP:127.0.0.1,DNS:kube.test"})};
  return options;
}

inline Access access_to(const TestServer& server) {
  Access access;
  access.cluster = "test";
  access.user = "jane";
  access.server = server.address();
  access.ca_pem = test_authority().pem;
  return access;
}

inline std::unique_ptr<KubeClient> client_of(const Access& access,
                                             const KubeOptions& options = {}) {
  auto client = connect(access, options);
  return client ? std::move(*client) : nullptr;
}

/// A folder that goes away with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kredis-kube-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path(name);
  }
  std::string write_program(const std::string& name, const std::string& text) const {
    write(name, text);
    std::filesystem::permissions(path_ / name, std::filesystem::perms::owner_all);
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

inline const ports::ResourcePath k_pods{{"v1", "pods"}, "shop"};

}  // namespace kredis::kube
