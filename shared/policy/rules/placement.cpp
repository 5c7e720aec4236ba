// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/placement.hpp"

#include <algorithm>

#include "shared/policy/patch.hpp"
#include "shared/policy/siblings.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

struct Term {
  const Json* term;
  std::string path;
};

std::string affinity_path() { return Subject::pod_path() + "/affinity/podAntiAffinity"; }

std::string spread_path() { return Subject::pod_path() + "/topologySpreadConstraints"; }

/// Required and preferred terms alike.
std::vector<Term> anti_affinity_terms(const Subject& subject) {
  std::vector<Term> terms;
  const Json& affinity = member(subject.pod(), {"affinity", "podAntiAffinity"});
  constexpr const char* k_required = "requiredDuringSchedulingIgnoredDuringExecution";
  constexpr const char* k_preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  const Json& required = items(member(affinity, {k_required}));
  for (std::size_t i = 0; i < required.size(); ++i) {
    terms.push_back({&required[i], joined(joined(affinity_path(), k_required), i)});
  }
  const Json& preferred = items(member(affinity, {k_preferred}));
  for (std::size_t i = 0; i < preferred.size(); ++i) {
    terms.push_back({&member(preferred[i], {"podAffinityTerm"}),
                     joined(joined(affinity_path(), k_preferred), i) + "/podAffinityTerm"});
  }
  return terms;
}

/// The workload's own selector: it is immutable, so it goes on matching the pods. Where it does not
/// match them, a workload that the API server refuses, the pods' own labels stand in.
Json own_selector(const Subject& subject) {
  const Json& selector = member(subject.object(), {"spec", "selector"});
  const Json& labels = member(selector, {"matchLabels"});
  if (!selects(selector, subject.pod_labels())) {
    return {{"matchLabels", subject.pod_labels()}};
  }
  return labels.is_object() && !labels.empty() ? Json{{"matchLabels", labels}} : selector;
}

/// In the Service & Deployment layout each Deployment selects one pod, by its ordinal; what keeps
/// pods apart must select all of the cluster.
Json cluster_selector(const Subject& subject) {
  Json selector = own_selector(subject);
  // A master and its replica may be pods of two workloads.
  const auto siblings = siblings_of(subject);
  const auto common = common_labels(subject, siblings);
  if (!siblings.empty() && !common.empty() && subject.kind() == k_stateful_set) {
    return {{"matchLabels", common}};
  }
  if (subject.kind() == k_deployment && selector.contains("matchLabels")) {
    Json& labels = selector["matchLabels"];
    labels.erase(std::string(k_ordinal_label));
  }
  return selector;
}

/// Any term by zone counts, whatever its skew: somebody has thought about it.
bool has_zone_constraint(const Subject& subject) {
  return std::ranges::any_of(
      items(member(subject.pod(), {"topologySpreadConstraints"})),
      [](const Json& each) { return text(member(each, {"topologyKey"})) == k_zone_topology; });
}

}  // namespace

void check_anti_affinity(const Subject& subject, Report& report) {
  if (anti_affinity_terms(subject).empty()) {
    report.objection(affinity_path(),
                     "nothing",
                     "a term for the cluster's own pods by kubernetes.io/hostname",
                     "nothing keeps two pods off one node: it would take both with it");
  }
}

void patch_anti_affinity(const Subject& subject, Patch& patch) {
  // An empty selector would match every pod of the namespace (Kubernetes docs, "Inter-pod affinity
  // and anti-affinity").
  if (!anti_affinity_terms(subject).empty() || subject.pod_labels().empty()) {
    return;
  }
  const Json term = {{"labelSelector", cluster_selector(subject)},
                     {"topologyKey", k_host_topology}};
  // Preferred, as a required term would leave pods pending on fewer nodes than pods. 100 is the
  // most that a preference may weigh.
  patch.add(affinity_path() + "/preferredDuringSchedulingIgnoredDuringExecution/-",
            {{"weight", 100}, {"podAffinityTerm", term}});
}

void check_anti_affinity_selects(const Subject& subject, Report& report) {
  const auto terms = anti_affinity_terms(subject);
  const auto labels = subject.pod_labels();
  const bool any = std::ranges::any_of(terms, [&](const Term& each) {
    return selects(member(*each.term, {"labelSelector"}), labels);
  });
  if (!terms.empty() && !any) {
    report.objection(terms.front().path + "/labelSelector",
                     shown(member(*terms.front().term, {"labelSelector"})),
                     shown(cluster_selector(subject)),
                     "anti-affinity selects none of the cluster's own pods, so it does nothing");
  }
}

void check_anti_affinity_topology(const Subject& subject, Report& report) {
  const auto terms = anti_affinity_terms(subject);
  const bool any = std::ranges::any_of(terms, [](const Term& each) {
    return text(member(*each.term, {"topologyKey"})) == k_host_topology;
  });
  if (!terms.empty() && !any) {
    report.objection(terms.front().path + "/topologyKey",
                     shown(member(*terms.front().term, {"topologyKey"})),
                     std::string(k_host_topology),
                     "anti-affinity goes by another topology than the node, so pods may share one");
  }
}

void check_zone_spread(const Subject& subject, Report& report) {
  // `create` has a flag for it (--zone-spread), and its absence is an answer.
  if (!subject.made_by_create() && !has_zone_constraint(subject)) {
    report.objection(spread_path(),
                     shown(member(subject.pod(), {"topologySpreadConstraints"})),
                     "a constraint for topology.kubernetes.io/zone",
                     "nothing spreads the pods over zones: one zone may hold most of them");
  }
}

void patch_zone_spread(const Subject& subject, Patch& patch) {
  if (subject.made_by_create() || has_zone_constraint(subject) || subject.pod_labels().empty()) {
    return;
  }
  patch.add(spread_path() + "/-",
            {{"maxSkew", 1},
             {"topologyKey", k_zone_topology},
             {"whenUnsatisfiable", "ScheduleAnyway"},
             {"labelSelector", cluster_selector(subject)}});
}

void check_spread_selects(const Subject& subject, Report& report) {
  const Json& constraints = items(member(subject.pod(), {"topologySpreadConstraints"}));
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const Json& selector = member(constraints[i], {"labelSelector"});
    if (!selects(selector, subject.pod_labels())) {
      report.objection(joined(spread_path(), i) + "/labelSelector",
                       shown(selector),
                       shown(cluster_selector(subject)),
                       "this spread selects none of the cluster's own pods, so it does nothing");
    }
  }
}

}  // namespace kredis::policy
