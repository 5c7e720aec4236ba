// SPDX-License-Identifier: Apache-2.0
//
// A cluster that is looked at again and again: its pods as Kubernetes has them, its nodes as each
// of them sees the others.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/observe/ask_members.hpp"
#include "shared/observe/gather.hpp"
#include "shared/observe/locate.hpp"
#include "shared/observe/switchboard.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::observe {

/// Threads: one thread at a time.
class Cluster {
 public:
  /// Pods and their addresses are looked up at each `look`. Both ports must outlive the Cluster.
  Cluster(ports::KubePort& kube, ports::RedisPort& redis, Located located);
  /// The pods of `view` for ever: where somebody has looked them up already.
  Cluster(ports::RedisPort& redis, core::ClusterView view);

  /// Asks Kubernetes for the pods, where it can, and then every node.
  /// Errors: those of listing pods; conflict (the pods are of two clusters that know nothing of
  /// each other); unauthorized (a node does not let us in: no waiting mends that).
  Status look(Ask ask, ports::Deadline deadline);
  /// Asks Kubernetes alone. Errors: not_found (there are none), those of the server.
  Status find_pods();
  /// Asks every node, and pods that nobody named where nodes know them as theirs: other workloads'
  /// pods are found so. Pods stay as they were seen last.
  void ask(Ask ask, ports::Deadline deadline);

  /// Whether what was seen last is one cluster. Errors: conflict (a selector matches the pods of
  /// two that know nothing of each other: names whose).
  Status check_one() const;

  /// As it was seen last.
  const core::ClusterView& view() const noexcept { return view_; }
  /// Whose pods it is made of, as far as was seen.
  std::vector<Owner> owners() const { return located_.all_owners(); }
  /// Lines to the pods of `view`, in its order.
  Switchboard& switchboard() { return *switchboard_; }

  /// Nobody waits for these any more: each look would take the whole time for one that is dead.
  /// Returns their names.
  std::vector<std::string> leave_out(const std::function<bool(const core::Member&)>& whom);

 private:
  void open_lines();
  void find_who_is_known(Ask ask, ports::Deadline deadline);
  bool take_further(const std::vector<Json>& pods,
                    std::set<core::NodeId>& ids,
                    ports::Deadline deadline);

  ports::KubePort* kube_ = nullptr;
  ports::RedisPort& redis_;
  Located located_;
  std::optional<Processes> processes_;
  core::ClusterView view_;
  std::vector<std::string> lines_to_;  ///< Names and addresses that there are lines to.
  std::optional<Switchboard> switchboard_;
  std::set<std::string> left_out_;  ///< Pods that nobody waits for.
  std::set<core::NodeId> in_vain_;  ///< Looked for, and no pod is that node.
};

}  // namespace kredis::observe
