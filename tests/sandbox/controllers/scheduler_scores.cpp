// SPDX-License-Identifier: Apache-2.0
//
// Scores that look at one node alone: taints, node affinity, room left.
#include <algorithm>

#include "tests/sandbox/controllers/scheduler_parts.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

double used_share(const Scheduling& scheduling, const Json& node, const std::string& resource) {
  double used = 0;
  const auto add = [&](const Json& pod) {
    for (const Json& container : at(pod, "spec.containers")) {
      used += quantity_at(container, "resources.requests." + resource);
    }
  };
  add(scheduling.pod);
  for (const PlacedPod& placed : scheduling.placed) {
    if (placed.node == &node) {
      add(*placed.pod);
    }
  }
  const double room = quantity_at(node, "status.allocatable." + resource);
  return room > 0 ? std::min(used / room, 1.0) : 1.0;
}

}  // namespace

Scores score_taints(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    scores[name_of(*node)] =
        untolerated_taint(scheduling.pod, *node, {"PreferNoSchedule"}) == nullptr ? 0 : -1;
  }
  return scores;
}

Scores score_node_affinity(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    double sum = 0;
    for (const Json& weighted :
         at(scheduling.pod,
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution")) {
      const bool matches = matches_node_term(at(weighted, "preference"), *node);
      sum += matches ? static_cast<double>(number_at(weighted, "weight")) : 0;
    }
    scores[name_of(*node)] = sum;
  }
  return scores;
}

Scores score_resources(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    const double cpu = used_share(scheduling, *node, "cpu");
    const double memory = used_share(scheduling, *node, "memory");
    scores[name_of(*node)] = 100 * (1 - (cpu + memory) / 2);
  }
  return scores;
}

}  // namespace kredis::sandbox
