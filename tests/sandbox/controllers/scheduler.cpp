// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/scheduler.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "tests/sandbox/controllers/scheduler_parts.hpp"

namespace kredis::sandbox {
namespace {

using Filter = std::optional<Refusal> (*)(const Scheduling&, const Json&);
// In kube-scheduler's order: the first plugin that refuses a node names the reason.
constexpr std::array<Filter, 5> k_filters{&refuse_by_node,
                                          &refuse_by_resources,
                                          &refuse_by_volumes,
                                          &refuse_by_spread,
                                          &refuse_by_affinity};

using Scorer = Scores (*)(const Scheduling&, const Objects&);
enum class Scale { absolute, relative };  // Relative scores are stretched to 0..100 over the nodes.
struct WeightedScore {
  Scorer score;
  double weight;
  Scale scale;
};
// kube-scheduler's default weights.
constexpr std::array k_scores{WeightedScore{&score_taints, 3, Scale::relative},
                              WeightedScore{&score_node_affinity, 2, Scale::relative},
                              WeightedScore{&score_resources, 1, Scale::absolute},
                              WeightedScore{&score_spread, 2, Scale::relative},
                              WeightedScore{&score_pod_affinity, 2, Scale::relative}};

std::vector<PlacedPod> placed_pods(const SchedulerView& view) {
  std::map<std::string, const Json*> nodes;
  for (const Object& node : view.nodes) {
    nodes[name_of(*node)] = node.get();
  }
  std::vector<PlacedPod> placed;
  for (const Object& pod : view.pods) {
    const auto node = nodes.find(text_at(*pod, "spec.nodeName"));
    if (node != nodes.end() && !pod_is_finished(*pod)) {
      placed.push_back({pod.get(), node->second});
    }
  }
  return placed;
}

std::optional<Refusal> refuse(const Scheduling& scheduling, const Json& node) {
  for (const Filter filter : k_filters) {
    if (auto refusal = filter(scheduling, node)) {
      return refusal;
    }
  }
  return std::nullopt;
}

std::string joined_counts(const std::map<std::string, int>& counts) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : counts) {
    parts.push_back(std::to_string(count) + " " + reason);
  }
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

std::string available(std::size_t nodes, const std::string& reasons) {
  return "0/" + std::to_string(nodes) + " nodes are available: " + reasons + ".";
}

std::string refusal_message(const std::vector<Refusal>& refusals) {
  std::map<std::string, int> reasons;
  std::map<std::string, int> preemption;
  for (const Refusal& refusal : refusals) {
    ++reasons[refusal.reason];
    ++preemption[refusal.preemption == Preemption::may_help
                     ? "No preemption victims found for incoming pod"
                     : "Preemption is not helpful for scheduling"];
  }
  return available(refusals.size(), joined_counts(reasons)) +
         " preemption: " + available(refusals.size(), joined_counts(preemption));
}

void stretch(Scores& scores) {
  const auto [low, high] =
      std::minmax_element(scores.begin(), scores.end(), [](const auto& left, const auto& right) {
        return left.second < right.second;
      });
  const double least = low->second;
  const double range = high->second - least;
  for (auto& [node, score] : scores) {
    score = range > 0 ? 100 * (score - least) / range : 0;
  }
}

std::string best_of(const Scheduling& scheduling, const Objects& feasible) {
  Scores totals;
  for (const WeightedScore& row : k_scores) {
    Scores scores = row.score(scheduling, feasible);
    if (row.scale == Scale::relative) {
      stretch(scores);
    }
    for (const auto& [node, score] : scores) {
      totals[node] += score * row.weight;
    }
  }
  const auto rank = [&](const std::string& node) {
    const auto use = scheduling.use.find(node);
    return std::tuple(-totals[node], use == scheduling.use.end() ? 0 : use->second.pods, node);
  };
  std::string best;
  for (const Object& node : feasible) {
    const std::string name = name_of(*node);
    if (best.empty() || rank(name) < rank(best)) {
      best = name;
    }
  }
  return best;
}

SchedulerView view_of(Store& store) {
  return {.nodes = store.list("", "nodes"),
          .pods = store.list("", "pods"),
          .namespaces = store.list("", "namespaces"),
          .claims = store.list("", "persistentvolumeclaims"),
          .volumes = store.list("", "persistentvolumes"),
          .classes = store.list("storage.k8s.io", "storageclasses")};
}

void mark_unschedulable(Context& context, const Json& pod, const std::string& message) {
  if (text_at(condition_of(pod, "PodScheduled"), "message") == message) {
    return;
  }
  update_status(context.store, key_of("", "pods", pod), [&](Json& changed) {
    changed["status"]["phase"] = "Pending";
    set_condition(changed, {"PodScheduled", "False", "Unschedulable", message}, context.now);
  });
  record_event(context, pod, {Severity::warning, "FailedScheduling", message, "default-scheduler"});
}

void bind(Context& context, const Json& pod, const std::string& node) {
  update_status(context.store, key_of("", "pods", pod), [&](Json& changed) {
    changed["spec"]["nodeName"] = node;
    changed["status"]["phase"] = "Pending";
    set_condition(changed, {"PodScheduled", "True"}, context.now);
  });
  record_event(context,
               pod,
               {Severity::normal,
                "Scheduled",
                "Successfully assigned " + namespace_of(pod) + "/" + name_of(pod) + " to " + node,
                "default-scheduler"});
}

bool claims_are_bound(const Json& pod, const SchedulerView& view) {
  const Json& volumes = at(pod, "spec.volumes");
  return std::all_of(volumes.begin(), volumes.end(), [&](const Json& volume) {
    const std::string name = text_at(volume, "persistentVolumeClaim.claimName");
    return name.empty() ||
           std::any_of(view.claims.begin(), view.claims.end(), [&](const auto& claim) {
             return name_of(*claim) == name && namespace_of(*claim) == namespace_of(pod) &&
                    text_at(*claim, "status.phase") == "Bound";
           });
  });
}

// A claim of a class that waits for its first consumer learns the node here; the pod follows in the
// pass after its volume is there.
void select_node_for_claims(Context& context, const Json& pod, const std::string& node) {
  for (const Json& volume : at(pod, "spec.volumes")) {
    const std::string claim = text_at(volume, "persistentVolumeClaim.claimName");
    if (claim.empty()) {
      continue;
    }
    update_status(context.store,
                  {"", "persistentvolumeclaims", namespace_of(pod), claim},
                  [&](Json& changed) {
                    if (text_at(changed, "status.phase") != "Bound") {
                      changed["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] =
                          node;
                    }
                  });
  }
}

}  // namespace

Scheduling prepare(const Json& pod, const SchedulerView& view) {
  Scheduling scheduling{.pod = pod, .view = view};
  scheduling.placed = placed_pods(view);
  const std::string owner = text_at(controller_of(pod), "uid");
  for (const PlacedPod& placed : scheduling.placed) {
    const std::string node = name_of(*placed.node);
    NodeUse& use = scheduling.use[node];
    use.pods += 1;
    use.cpu += requested(*placed.pod, "cpu");
    use.memory += requested(*placed.pod, "memory");
    const bool sibling = !owner.empty() && owner == text_at(controller_of(*placed.pod), "uid");
    scheduling.siblings[node] += sibling ? 1 : 0;
  }
  count_topology(scheduling);
  find_volume_affinities(scheduling);
  return scheduling;
}

Verdict schedule(const Json& pod, const SchedulerView& view) {
  if (view.nodes.empty()) {
    return {{}, "no nodes available to schedule pods"};
  }
  const Scheduling scheduling = prepare(pod, view);
  if (const std::string reason = refuse_by_claims(scheduling); !reason.empty()) {
    const std::string all = std::to_string(view.nodes.size());
    return {{},
            available(view.nodes.size(), reason) + " preemption: " +
                available(view.nodes.size(), all + " Preemption is not helpful for scheduling")};
  }
  Objects feasible;
  std::vector<Refusal> refusals;
  for (const Object& node : view.nodes) {
    if (auto refusal = refuse(scheduling, *node)) {
      refusals.push_back(*std::move(refusal));
    } else {
      feasible.push_back(node);
    }
  }
  if (feasible.empty()) {
    return {{}, refusal_message(refusals)};
  }
  return {best_of(scheduling, feasible), {}};
}

void reconcile_scheduler(Context& context) {
  SchedulerView view = view_of(context.store);
  for (std::size_t i = 0; i < view.pods.size(); ++i) {
    const Object pod = view.pods[i];
    const bool waits = text_at(*pod, "spec.nodeName").empty() && !is_terminating(*pod) &&
                       !pod_is_finished(*pod) && at(*pod, "spec.schedulingGates").empty();
    if (!waits) {
      continue;
    }
    const Verdict verdict = schedule(*pod, view);
    if (verdict.node.empty()) {
      mark_unschedulable(context, *pod, verdict.message);
      continue;
    }
    if (!claims_are_bound(*pod, view)) {
      select_node_for_claims(context, *pod, verdict.node);
      continue;
    }
    bind(context, *pod, verdict.node);
    if (Object bound = context.store.get(key_of("", "pods", *pod))) {
      view.pods[i] = std::move(bound);
    }
  }
}

}  // namespace kredis::sandbox
