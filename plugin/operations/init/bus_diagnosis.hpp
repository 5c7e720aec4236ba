// SPDX-License-Identifier: Apache-2.0
//
// Why nodes do not become one cluster: which of them cannot talk on the cluster bus. Clients may
// get through to every one of them while a network policy blocks the bus port.
#pragma once

#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// `from` has no working link to the bus port of `to`. Both are pod names.
struct BusPair {
  std::string from;
  std::string to;
  friend bool operator==(const BusPair&, const BusPair&) = default;
};

/// Every such pair, as the nodes themselves see it. Pure.
std::vector<BusPair> blocked_pairs(const core::ClusterView& view);

/// Turns `late`, the error of a cluster that did not form in time, into one that names who cannot
/// reach whom and where to look. Probes the worst pod's bus port through `kube` unless that is
/// null. Returns `late` itself when every node reaches every other.
Error diagnose_bus(const core::ClusterView& view, const Error& late, ports::KubePort* kube);

}  // namespace kredis::plugin
