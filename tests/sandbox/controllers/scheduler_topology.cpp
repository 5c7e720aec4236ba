// SPDX-License-Identifier: Apache-2.0
//
// Filters and scores that look at where other pods are: spread constraints and pod affinity.
#include <algorithm>

#include "tests/sandbox/controllers/scheduler_parts.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_required = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr const char* k_preferred = "preferredDuringSchedulingIgnoredDuringExecution";

const Json& terms_of(const Json& pod, const char* affinity, const char* strength) {
  return at(pod, std::string("spec.affinity.") + affinity + "." + strength);
}

double value_in(const DomainSums& sums, const std::optional<std::string>& domain) {
  const auto found = domain ? sums.find(*domain) : sums.end();
  return found == sums.end() ? 0 : found->second;
}

/// The sum over all of the node's domains that occur.
double sum_at(const DomainSums& sums, const Json& node) {
  double sum = 0;
  for (auto domain = sums.begin(); domain != sums.end();) {
    const std::string key = domain->first.substr(0, domain->first.find('='));
    sum += value_in(sums, domain_of(node, key));
    // '>' follows '=': the first domain of the next key.
    domain = sums.lower_bound(key + ">");
  }
  return sum;
}

// Spread counts only nodes that the pod could go to by its node affinity (nodeAffinityPolicy:
// Honor).
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

SpreadCount count_spread(const Scheduling& scheduling, const Json& constraint) {
  const std::string key = text_at(constraint, "topologyKey");
  const Json selector = spread_selector(constraint, scheduling.pod);
  SpreadCount spread{.constraint = &constraint, .counts = {}};
  for (const Object& node : scheduling.view.nodes) {
    if (const auto domain = domain_of(*node, key);
        domain && counts_for_spread(scheduling.pod, *node)) {
      spread.counts.try_emplace(*domain, 0);
    }
  }
  for (const PlacedPod& placed : scheduling.placed) {
    const auto domain = domain_of(*placed.node, key);
    const bool counted = domain && spread.counts.contains(*domain) &&
                         !is_terminating(*placed.pod) &&
                         namespace_of(*placed.pod) == namespace_of(scheduling.pod) &&
                         matches_selector(selector, at(*placed.pod, "metadata.labels"));
    if (counted) {
      spread.counts[*domain] += 1;
    }
  }
  const auto least = std::min_element(
      spread.counts.begin(), spread.counts.end(), [](const auto& left, const auto& right) {
        return left.second < right.second;
      });
  const bool enough_domains =
      static_cast<std::int64_t>(spread.counts.size()) >= number_at(constraint, "minDomains", 1);
  spread.lowest = least == spread.counts.end() || !enough_domains ? 0 : least->second;
  spread.itself = matches_selector(selector, at(scheduling.pod, "metadata.labels")) ? 1 : 0;
  return spread;
}

/// Adds `amount` to the domain of each placed pod that the term of this pod selects.
void add_selected(DomainSums& sums, const Scheduling& scheduling, const Json& term, double amount) {
  const std::string key = text_at(term, "topologyKey");
  for (const PlacedPod& placed : scheduling.placed) {
    const auto domain = domain_of(*placed.node, key);
    if (domain && term_selects(term, scheduling.pod, *placed.pod, scheduling.view.namespaces)) {
      sums[*domain] += amount;
    }
  }
}

/// Adds `amount` to the domain of a placed pod if its own term selects the pod to be scheduled.
void add_if_selecting(DomainSums& sums,
                      const Scheduling& scheduling,
                      const PlacedPod& placed,
                      const Json& term,
                      double amount) {
  const auto domain = domain_of(*placed.node, text_at(term, "topologyKey"));
  if (domain && term_selects(term, *placed.pod, scheduling.pod, scheduling.view.namespaces)) {
    sums[*domain] += amount;
  }
}

void add_preferences(Scheduling& scheduling, const char* affinity, double sign) {
  const auto weight = [&](const Json& weighted) {
    return sign * static_cast<double>(number_at(weighted, "weight"));
  };
  for (const Json& weighted : terms_of(scheduling.pod, affinity, k_preferred)) {
    add_selected(
        scheduling.preferences, scheduling, at(weighted, "podAffinityTerm"), weight(weighted));
  }
  for (const PlacedPod& placed : scheduling.placed) {
    for (const Json& weighted : terms_of(*placed.pod, affinity, k_preferred)) {
      add_if_selecting(scheduling.preferences,
                       scheduling,
                       placed,
                       at(weighted, "podAffinityTerm"),
                       weight(weighted));
    }
  }
}

std::vector<TermCount> count_terms(const Scheduling& scheduling, const char* affinity) {
  std::vector<TermCount> counts;
  for (const Json& term : terms_of(scheduling.pod, affinity, k_required)) {
    counts.push_back({&term, {}});
    add_selected(counts.back().counts, scheduling, term, 1);
  }
  return counts;
}

// A required affinity term that selects nobody yet lets a pod in that selects itself, or no first
// pod of a group could ever be placed.
bool is_first_of_its_group(const Scheduling& scheduling, const TermCount& count) {
  return count.counts.empty() &&
         term_selects(*count.term, scheduling.pod, scheduling.pod, scheduling.view.namespaces);
}

}  // namespace

std::optional<std::string> domain_of(const Json& node, const std::string& topology_key) {
  const Json& labels = at(node, "metadata.labels");
  if (!labels.is_object() || !labels.contains(topology_key)) {
    return std::nullopt;
  }
  return topology_key + "=" + labels.at(topology_key).get<std::string>();
}

bool term_selects(const Json& term,
                  const Json& owner,
                  const Json& other,
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

void count_topology(Scheduling& scheduling) {
  for (const Json& constraint : at(scheduling.pod, "spec.topologySpreadConstraints")) {
    scheduling.spreads.push_back(count_spread(scheduling, constraint));
  }
  scheduling.affinities = count_terms(scheduling, "podAffinity");
  scheduling.anti_affinities = count_terms(scheduling, "podAntiAffinity");
  for (const PlacedPod& placed : scheduling.placed) {
    for (const Json& term : terms_of(*placed.pod, "podAntiAffinity", k_required)) {
      add_if_selecting(scheduling.objections, scheduling, placed, term, 1);
    }
  }
  add_preferences(scheduling, "podAffinity", 1);
  add_preferences(scheduling, "podAntiAffinity", -1);
}

std::optional<Refusal> refuse_by_spread(const Scheduling& scheduling, const Json& node) {
  for (const SpreadCount& spread : scheduling.spreads) {
    if (text_at(*spread.constraint, "whenUnsatisfiable") == "ScheduleAnyway") {
      continue;
    }
    const auto domain = domain_of(node, text_at(*spread.constraint, "topologyKey"));
    if (!domain) {
      return Refusal{
          "node(s) didn't match pod topology spread constraints (missing required label)",
          Preemption::cannot_help};
    }
    const double skew = value_in(spread.counts, domain) + spread.itself - spread.lowest;
    if (skew > static_cast<double>(number_at(*spread.constraint, "maxSkew", 1))) {
      return Refusal{"node(s) didn't match pod topology spread constraints", Preemption::may_help};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_by_affinity(const Scheduling& scheduling, const Json& node) {
  for (const TermCount& count : scheduling.affinities) {
    const auto domain = domain_of(node, text_at(*count.term, "topologyKey"));
    if (!domain ||
        (value_in(count.counts, domain) == 0.0 && !is_first_of_its_group(scheduling, count))) {
      return Refusal{"node(s) didn't match pod affinity rules", Preemption::cannot_help};
    }
  }
  for (const TermCount& count : scheduling.anti_affinities) {
    if (value_in(count.counts, domain_of(node, text_at(*count.term, "topologyKey"))) > 0) {
      return Refusal{"node(s) didn't match pod anti-affinity rules", Preemption::may_help};
    }
  }
  if (sum_at(scheduling.objections, node) > 0) {
    return Refusal{"node(s) didn't satisfy existing pods anti-affinity rules",
                   Preemption::may_help};
  }
  return std::nullopt;
}

Scores score_spread(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    double crowd = 0;
    for (const SpreadCount& spread : scheduling.spreads) {
      if (text_at(*spread.constraint, "whenUnsatisfiable") == "ScheduleAnyway") {
        crowd +=
            value_in(spread.counts, domain_of(*node, text_at(*spread.constraint, "topologyKey")));
      }
    }
    // Siblings repel each other a little, as the scheduler's default constraints make them.
    const auto siblings = scheduling.siblings.find(name_of(*node));
    crowd += siblings == scheduling.siblings.end() ? 0 : 0.1 * siblings->second;
    scores[name_of(*node)] = -crowd;
  }
  return scores;
}

Scores score_pod_affinity(const Scheduling& scheduling, const Objects& nodes) {
  Scores scores;
  for (const Object& node : nodes) {
    scores[name_of(*node)] = sum_at(scheduling.preferences, *node);
  }
  return scores;
}

}  // namespace kredis::sandbox
