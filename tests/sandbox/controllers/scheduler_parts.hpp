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

/// What the pods of a node ask for together.
struct NodeUse {
  double pods = 0;
  double cpu = 0;
  double memory = 0;
};

/// Sums by topology domain, written "KEY=VALUE", so that a node is judged by one look-up a term.
using DomainSums = std::map<std::string, double>;

/// How many pods that a spread constraint selects are in each domain that counts.
struct SpreadCount {
  const Json* constraint;
  DomainSums counts;
  double lowest = 0;
  double itself = 0;  ///< 1 when the pod is among those it selects.
};

/// A required term of the pod's own: where pods that it selects are.
struct TermCount {
  const Json* term;
  DomainSums counts;
};

/// One pod to be scheduled, and what the filters and scores know of everybody else: worked out
/// once, because they are asked for every node.
struct Scheduling {
  const Json& pod;
  const SchedulerView& view;
  std::vector<PlacedPod> placed = {};
  std::map<std::string, NodeUse> use = {};      ///< By node.
  std::map<std::string, double> siblings = {};  ///< Pods of the same owner, by node.
  std::vector<SpreadCount> spreads = {};
  std::vector<TermCount> affinities = {};
  std::vector<TermCount> anti_affinities = {};
  DomainSums objections = {};   ///< Placed pods whose own anti-affinity means this pod.
  DomainSums preferences = {};  ///< Weights of preferred terms, of both sides.
  std::vector<const Json*> volume_affinities = {};  ///< Node selector terms of its bound volumes.
};

/// Fills in everything about the other pods.
Scheduling prepare(const Json& pod, const SchedulerView& view);
/// The part of it that is about topology. Requires: `placed`.
void count_topology(Scheduling& scheduling);
void find_volume_affinities(Scheduling& scheduling);
/// What the containers of a pod request, of "cpu" or "memory".
double requested(const Json& pod, const std::string& resource);

enum class Preemption { may_help, cannot_help };
struct Refusal {
  std::string reason;
  Preemption preemption;
};

/// The node's domain as "KEY=VALUE"; nothing without that label.
std::optional<std::string> domain_of(const Json& node, const std::string& topology_key);

/// Whether an affinity term of a pod in `own_namespace` means `other`.
bool term_selects(const Json& term,
                  const Json& owner,
                  const Json& other,
                  const Objects& namespaces);

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
const Json* untolerated_taint(const Json& pod,
                              const Json& node,
                              const std::set<std::string>& effects);

}  // namespace kredis::sandbox
