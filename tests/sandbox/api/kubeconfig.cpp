// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/kubeconfig.hpp"

#include "tests/sandbox/api/identity.hpp"

namespace kredis::sandbox::api {
namespace {

std::string compose(const ClusterAccess& access, const std::string& secret_lines) {
  return "apiVersion: v1\n"
         "kind: Config\n"
         "current-context: sandbox\n"
         "clusters:\n"
         "- name: sandbox\n"
         "  cluster:\n"
         "    server: " +
         access.url +
         "\n"
         "    certificate-authority-data: " +
         base64_encode(access.ca_certificate) +
         "\n"
         "contexts:\n"
         "- name: sandbox\n"
         "  context:\n"
         "    cluster: sandbox\n"
         "    user: \"" +
         access.user +
         "\"\n"
         "    namespace: default\n"
         "users:\n"
         "- name: \"" +
         access.user +
         "\"\n"
         "  user:\n" +
         secret_lines;
}

}  // namespace

std::string certificate_kubeconfig(const ClusterAccess& access, const Credentials& credentials) {
  return compose(access,
                 "    client-certificate-data: " + base64_encode(credentials.certificate) + "\n" +
                     "    client-key-data: " + base64_encode(credentials.key) + "\n");
}

std::string token_kubeconfig(const ClusterAccess& access, const std::string& token) {
  return compose(access, "    token: \"" + token + "\"\n");
}

}  // namespace kredis::sandbox::api
