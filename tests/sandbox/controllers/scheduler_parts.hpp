// SPDX-License-Identifier: Apache-2.0
//
// The pieces that the scheduler is put together from: one filter or score each. Private to it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/scheduler.hpp"

namespace kredis::sandbox {

/// A pod that has a node, with that node.
struct PlacedPod {
  const Json* pod;
  const Json* node;
};

/// One pod to be scheduled and all that the filters look at.
struct Scheduling {
  const Json& pod;
  const SchedulerView& view;
  std::vector<PlacedPod> placed;
};

enum class Preemption { may_help, cannot_help };
struct Refusal {
  std::string reason;
  Preemption preemption;
};

/// The value of a node's label, or nothing.
std::optional<std::string> domain_of(const Json& node, const std::string& topology_key);

/// Whether an affinity term of a pod in `own_namespace` means `other`.
bool term_selects(const Json& term, const Json& owner, const Json& other, const Objects& namespaces);

std::optional<Refusal> refuse_by_node(const Scheduling& scheduling, const Json& node);
std::optional<Refusal> refuse_by_resources(const Scheduling& scheduling, const Json& node);
std::optional<Refusal> refuse_by_volumes(const Scheduling& scheduling, const Json& node);
std::optional<Refusal> refuse_by_spread(const Scheduling& scheduling, const Json& node);
std::optional<Refusal> refuse_by_affinity(const Scheduling& scheduling, const Json& node);

/// Why no node at all can do (a claim that is missing or waits for a volume); empty when one may.
std::string refuse_by_claims(const Scheduling& scheduling);

using Scores = std::map<std::string, double>;  ///< By node name; 0 to 100 once normalised.
Scores score_taints(const Scheduling& scheduling, const Objects& nodes);
Scores score_node_affinity(const Scheduling& scheduling, const Objects& nodes);
Scores score_resources(const Scheduling& scheduling, const Objects& nodes);
Scores score_spread(const Scheduling& scheduling, const Objects& nodes);
Scores score_pod_affinity(const Scheduling& scheduling, const Objects& nodes);

/// Whether the node's taints of `effect` are all tolerated; otherwise the first that is not.
const Json* untolerated_taint(const Json& pod, const Json& node, const std::set<std::string>& effects);

}  // namespace kredis::sandbox
