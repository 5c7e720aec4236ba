// SPDX-License-Identifier: Apache-2.0
//
// Filters and scores that look at where other pods are: spread constraints and pod affinity.
#include <algorithm>
#include <limits>

#include "tests/sandbox/controllers/scheduler_parts.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_required = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr const char* k_preferred = "preferredDuringSchedulingIgnoredDuringExecution";

const Json& terms_of(const Json& pod, const char* affinity, const char* strength) {
  return at(pod, std::string("spec.affinity.") + affinity + "." + strength);
}

bool same_domain(const Json& left, const Json& right, const std::string& topology_key) {
  const auto domain = domain_of(left, topology_key);
  return domain && domain == domain_of(right, topology_key);
}

// Spread counts only nodes that the pod could go to by its node affinity (nodeAffinityPolicy: Honor).
bool counts_for_spread(const Json& pod, const Json& node) {
  const Json& required = at(pod, "spec.affinity.nodeAffinity." + std::string(k_required));
  return matches_map(at(pod, "spec.nodeSelector"), at(node, "metadata.labels")) &&
         (!required.is_object() || matches_node_terms(at(required, "nodeSelectorTerms"), node));
}

Json spread_selector(const Json& constraint, const Json& pod) {
  Json selector = at(constraint, "labelSelector");
  for (const Json& key : at(constraint, "matchLabelKeys")) {
    const std::string name = key.get<std::string>();
    selector["matchLabels"][name] = label_of(pod, name);
  }
  return selector;
}

/// How many pods that the constraint selects are in each domain.
std::map<std::string, int> spread_counts(const Scheduling& scheduling, const Json& constraint) {
  const std::string key = text_at(constraint, "topologyKey");
  const Json selector = spread_selector(constraint, scheduling.pod);
  std::map<std::string, int> counts;
  for (const Object& node : scheduling.view.nodes) {
    if (const auto domain = domain_of(*node, key);
        domain && counts_for_spread(scheduling.pod, *node)) {
      counts.try_emplace(*domain, 0);
    }
  }
  for (const PlacedPod& placed : scheduling.placed) {
    const auto domain = domain_of(*placed.node, key);
    const bool counted = domain && counts.contains(*domain) && !is_terminating(*placed.pod) &&
                         namespace_of(*placed.pod) == namespace_of(scheduling.pod) &&
                         matches_selector(selector, at(*placed.pod, "metadata.labels"));
    if (counted) {
      ++counts[*domain];
    }
  }
  return counts;
}

int lowest(const std::map<std::string, int>& counts) {
  const auto found = std::min_element(
      counts.begin(), counts.end(),
      [](const auto& left, const auto& right) { return left.second < right.second; });
  return found == counts.end() ? 0 : found->second;
}

// A required affinity term that selects nobody yet lets a pod in that selects itself, or no first
// pod of a group could ever be placed.
bool is_first_of_its_group(const Scheduling& scheduling, const Json& term) {
  const Objects& spaces = scheduling.view.namespaces;
  const bool anybody = std::any_of(
      scheduling.placed.begin(), scheduling.placed.end(), [&](const PlacedPod& placed) {
        return term_selects(term, scheduling.pod, *placed.pod, spaces);
      });
  return !anybody && term_selects(term, scheduling.pod, scheduling.pod, spaces);
}

bool selected_in_domain(const Scheduling& scheduling, const Json& term, const Json& node) {
  return std::any_of(
      scheduling.placed.begin(), scheduling.placed.end(), [&](const PlacedPod& placed) {
        return same_domain(*placed.node, node, text_at(term, "topologyKey")) &&
               term_selects(term, scheduling.pod, *placed.pod, scheduling.view.namespaces);
      });
}

bool existing_pod_objects(const Scheduling& scheduling, const Json& node) {
  for (const PlacedPod& placed : scheduling.placed) {
    for (const Json& term : terms_of(*placed.pod, "podAntiAffinity", k_required)) {
      if (same_domain(*placed.node, node, text_at(term, "topologyKey")) &&
          term_selects(term, *placed.pod, scheduling.pod, scheduling.view.namespaces)) {
        return true;
      }
    }
  }
  return false;
}

double preferred_weight(const Scheduling& scheduling, const Json& node, const char* affinity) {
  double sum = 0;
  const Objects& spaces = scheduling.view.namespaces;
  for (const PlacedPod& placed : scheduling.placed) {
    for (const Json& weighted : terms_of(scheduling.pod, affinity, k_preferred)) {
      const Json& term = at(weighted, "podAffinityTerm");
      if (same_domain(*placed.node, node, text_at(term, "topologyKey")) &&
          term_selects(term, scheduling.pod, *placed.pod, spaces)) {
        sum += static_cast<double>(number_at(weighted, "weight"));
      }
    }
    for (const Json& weighted : terms_of(*placed.pod, affinity, k_preferred)) {
      const Json& term = at(weighted, "podAffinityTerm");
      if (same_domain(*placed.node, node, text_at(term, "topologyKey")) &&
          term_selects(term, *placed.pod, scheduling.pod, spaces)) {
        sum += static_cast<double>(number_at(weighted, "weight"));
      }
    }
  }
  return sum;
}

}  // namespace

std::optional<std::string> domain_of(const Json& node, const std::string& topology_key) {
  const Json& labels = at(node, "metadata.labels");
  if (!labels.is_object() || !labels.contains(topology_key)) {
    return std::nullopt;
  }
  return labels.at(topology_key).get<std::string>();
}

bool term_selects(const Json& term, const Json& owner, const Json& other,
                  const Objects& namespaces) {
  const std::string theirs = namespace_of(other);
  const Json& listed = at(term, "namespaces");
  const Json& selector = at(term, "namespaceSelector");
  bool in_namespace = listed.empty() && selector.is_null()
                          ? theirs == namespace_of(owner)
                          : std::find(listed.begin(), listed.end(), theirs) != listed.end();
  for (const Object& space : namespaces) {
    in_namespace = in_namespace || (name_of(*space) == theirs &&
                                    matches_selector(selector, at(*space, "metadata.labels")));
  }
  return in_namespace && matches_selector(at(term, "labelSelector"), at(other, "metadata.labels"));
}

std::optional<Refusal> refuse_by_spread(const Scheduling& scheduling, const Json& node) {
  for (const Json& constraint : at(scheduling.pod, "spec.topologySpreadConstraints")) {
    if (text_at(constraint, "whenUnsatisfiable") == "ScheduleAnyway") {
      continue;
    }
    const auto domain = domain_of(node, text_at(constraint, "topologyKey"));
    if (!domain) {
      return Refusal{"node(s) didn't match pod topology spread constraints (missing required label)",
                     Preemption::cannot_help};
    }
    const auto counts = spread_counts(scheduling, constraint);
    const auto found = counts.find(*domain);
    const int here = found == counts.end() ? 0 : found->second;
    const bool counts_itself = matches_selector(spread_selector(constraint, scheduling.pod),
                                                at(scheduling.pod, "metadata.labels"));
    const auto domains = static_cast<std::int64_t>(counts.size());
    const int low = domains < number_at(constraint, "minDomains", 1) ? 0 : lowest(counts);
    if (here + (counts_itself ? 1 : 0) - low > number_at(constraint, "maxSkew", 1)) {
      return Refusal{"node(s) didn't match pod topology spread constraints", Preemption::may_help};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_by_affinity(const Scheduling& scheduling, const Json& node) {
  for (const Json& term : terms_of(scheduling.pod, "podAffinity", k_required)) {
    if (!domain_of(node, text_at(term, "topologyKey")) ||
        (!selected_in_domain(scheduling, term, node) && !is_first_of_its_group(scheduling, term))) {
      return Refusal{"node(s) didn't match pod affinity rules", Preemption::cannot_help};
    }
  }
  for (const Json& term : terms_of(scheduling.pod, "podAntiAffinity", k_required)) {
    if (selected_in_domain(scheduling, term, node)) {
      return Refusal{"node(s) didn't match pod anti-affinity rules", Preemption::may_help};
    }
  }
  if (existing_pod_objects(scheduling, node)) {
    return Refusal{"node(s) didn't satisfy existing pods anti-affinity rules",
                   Preemption::may_help};
  }
  return std::nullopt;
}

Scores score_spread(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    double crowd = 0;
    for (const Json& constraint : at(scheduling.pod, "spec.topologySpreadConstraints")) {
      if (text_at(constraint, "whenUnsatisfiable") != "ScheduleAnyway") {
        continue;
      }
      const auto domain = domain_of(*node, text_at(constraint, "topologyKey"));
      const auto counts = spread_counts(scheduling, constraint);
      crowd += domain && counts.contains(*domain) ? counts.at(*domain) : 0;
    }
    for (const PlacedPod& placed : scheduling.placed) {
      // Siblings repel each other a little, as the scheduler's default constraints make them.
      const std::string owner = text_at(controller_of(scheduling.pod), "uid");
      const bool sibling = !owner.empty() && owner == text_at(controller_of(*placed.pod), "uid");
      crowd += sibling && placed.node == node.get() ? 0.1 : 0;
    }
    scores[name_of(*node)] = -crowd;
  }
  return scores;
}

Scores score_pod_affinity(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    scores[name_of(*node)] = preferred_weight(scheduling, *node, "podAffinity") -
                             preferred_weight(scheduling, *node, "podAntiAffinity");
  }
  return scores;
}

}  // namespace kredis::sandbox
