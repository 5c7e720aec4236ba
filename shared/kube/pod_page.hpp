// SPDX-License-Identifier: Apache-2.0
//
// Pages of an HTTPS server that runs in a pod, read through the API server's tunnel: so they can be
// seen from wherever the API server can.
#pragma once

#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::kube {

struct PodServer {
  std::string namespace_;
  std::string pod;
  int port = 443;
  std::string server_name;  ///< What its certificate must carry.
  std::string ca_pem;       ///< Who must have signed it.
};

/// GETs `paths`, one after the other, over one connection.
/// Errors: those of a tunnel; unreachable (also a certificate that is not trusted); protocol for
/// any answer but 200.
Result<std::vector<std::string>> get_pages(ports::KubePort& kube,
                                           const PodServer& server,
                                           const std::vector<std::string>& paths,
                                           ports::Deadline deadline);

}  // namespace kredis::kube
