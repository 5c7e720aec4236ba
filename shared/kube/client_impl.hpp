// SPDX-License-Identifier: Apache-2.0
//
// What KubeClient is made of; for this folder's own source files.
#pragma once

#include <memory>

#include "shared/kube/client.hpp"
#include "shared/kube/port_forward.hpp"
#include "shared/kube/rest.hpp"

namespace kredis::kube {

struct KubeClient::Impl {
  std::unique_ptr<RestClient> rest;
  Tunnels tunnels;

  /// Makes a call whose answer is a JSON object.
  Result<Json> call_json(const Call& call, Deadline deadline = Deadline::max());
  /// Reads a collection page by page; every item says its kind.
  Result<Json> list(const ports::ResourcePath& path,
                    const ports::ListOptions& options,
                    Deadline deadline = Deadline::max());
};

}  // namespace kredis::kube
