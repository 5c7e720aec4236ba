// SPDX-License-Identifier: Apache-2.0
//
// Writes kubeconfig files. Pure.
#pragma once

#include <string>

#include "tests/sandbox/api/pki.hpp"

namespace kredis::sandbox::api {

struct ClusterAccess {
  std::string url;
  std::string ca_certificate;  ///< PEM.
  std::string user;
};

std::string certificate_kubeconfig(const ClusterAccess& access, const Credentials& credentials);
std::string token_kubeconfig(const ClusterAccess& access, const std::string& token);

}  // namespace kredis::sandbox::api
