// SPDX-License-Identifier: Apache-2.0
//
// Scores that look at one node alone: taints, node affinity, room left.
#include <algorithm>

#include "tests/sandbox/controllers/scheduler_parts.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

double share(double used, double room) { return room > 0 ? std::min(used / room, 1.0) : 1.0; }

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
  const double wanted_cpu = requested(scheduling.pod, "cpu");
  const double wanted_memory = requested(scheduling.pod, "memory");
  Scores scores;
  for (const Object& node : nodes) {
    const auto found = scheduling.use.find(name_of(*node));
    const NodeUse use = found == scheduling.use.end() ? NodeUse{} : found->second;
    const double cpu = share(use.cpu + wanted_cpu, quantity_at(*node, "status.allocatable.cpu"));
    const double memory =
        share(use.memory + wanted_memory, quantity_at(*node, "status.allocatable.memory"));
    scores[name_of(*node)] = 100 * (1 - (cpu + memory) / 2);
  }
  return scores;
}

}  // namespace kredis::sandbox
