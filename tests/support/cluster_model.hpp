// SPDX-License-Identifier: Apache-2.0
//
// A Redis Cluster as values: nodes that have met, roles, slots, epochs, settings, and what each
// answers to the commands that the product sends. News travels at once: nodes that have met see the
// same. There is no time and no data in it; a fault is whatever a test sets on a node.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "shared/core/node.hpp"
#include "shared/core/reply.hpp"

namespace kredis::tests {

struct ModelNode {
  std::string pod;
  std::string host;
  core::NodeId id;
  std::optional<core::NodeId> master = {};
  core::SlotSet slots = {};
  std::uint64_t epoch = 0;
  std::set<core::NodeId> known = {};  ///< Whom it has met, itself too.
  bool up = true;                     ///< Whether the others reach it.
  bool link_up = true;                ///< A replica's, to its master.
  std::int64_t keys = 0;
  std::int64_t offset = 1000;  ///< Of replication.
  std::map<std::string, std::string> settings = {};
};

/// Threads: one at a time, which FakeRedis sees to.
class ClusterModel {
 public:
  /// A node that nobody knows yet, with the id testing::node_id(ordinal).
  ModelNode& add(const std::string& pod, int ordinal, const std::string& host);
  /// Forgets the node: its data went with its pod.
  void erase(const std::string& pod);
  bool has(const std::string& pod) const { return find_pod(pod) != nullptr; }
  ModelNode& node(const std::string& pod);

  /// Makes those that are there one cluster: the first `masters` share the slots, pod i follows
  /// master (i - 1) modulo `masters`, which puts copies on other nodes where pods go round.
  void form(int masters);

  /// What the node at `host` answers.
  core::Reply answer(const std::string& host, const core::Command& command);

  /// Settings that CONFIG SET refuses, beyond those that the product itself knows as fixed.
  std::set<std::string> immutable = {};
  /// Hears a hand-over that a replica was asked for; false keeps it from happening.
  std::function<bool(const ModelNode&)> may_take_over = {};

 private:
  const ModelNode* find_pod(const std::string& pod) const;
  ModelNode* find_host(const std::string& host);
  ModelNode* find_id(const core::NodeId& id);
  static core::Node seen(const ModelNode& node, const ModelNode& viewer);
  std::string nodes_text(const ModelNode& viewer) const;
  std::string cluster_info(const ModelNode& viewer) const;
  std::string info(const ModelNode& node);
  core::Reply cluster(ModelNode& node, const core::Command& command);
  core::Reply change(ModelNode& node, const core::Command& command);
  core::Reply config(ModelNode& node, const core::Command& command) const;
  core::Reply take_over(ModelNode& replica);
  void meet(const ModelNode& one, const ModelNode& other);

  std::vector<ModelNode> nodes_;
};

}  // namespace kredis::tests
