// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/disruption.hpp"

#include <algorithm>
#include <map>

#include "tests/sandbox/controllers/deployment.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

Objects selected_pods(const Json& budget, const Objects& pods) {
  Objects mine;
  for (const Object& pod : pods) {
    if (namespace_of(*pod) == namespace_of(budget) && !pod_is_finished(*pod) &&
        matches_selector(at(budget, "spec.selector"), at(*pod, "metadata.labels"))) {
      mine.push_back(pod);
    }
  }
  return mine;
}

// The sum of the replicas of the workloads that the pods belong to; pods of nobody count as one.
std::int64_t expected_pods(const Store& store, const Objects& pods) {
  std::map<std::string, std::int64_t> replicas;
  std::int64_t alone = 0;
  for (const Object& pod : pods) {
    const Json& owner = controller_of(*pod);
    if (owner.is_null()) {
      ++alone;
      continue;
    }
    const std::string kind = text_at(owner, "kind");
    const Object workload = store.get({"apps",
                                       kind == "StatefulSet" ? "statefulsets" : "replicasets",
                                       namespace_of(*pod),
                                       text_at(owner, "name")});
    if (workload != nullptr) {
      replicas[text_at(owner, "uid")] = number_at(*workload, "spec.replicas", 1);
    }
  }
  for (const auto& [uid, count] : replicas) {
    alone += count;
  }
  return alone;
}

}  // namespace

Json disruption_status(const Json& budget, const Objects& pods, std::int64_t expected) {
  const Objects mine = selected_pods(budget, pods);
  const std::int64_t healthy = std::count_if(mine.begin(), mine.end(), [](const Object& pod) {
    return pod_is_ready(*pod) && !is_terminating(*pod);
  });
  const Json& least = at(budget, "spec.minAvailable");
  const Json& most_absent = at(budget, "spec.maxUnavailable");
  const std::int64_t desired =
      !least.is_null()
          ? share_of(least, expected, Rounding::up)
          : expected -
                share_of(most_absent.is_null() ? Json(1) : most_absent, expected, Rounding::up);
  const std::int64_t allowed =
      std::max<std::int64_t>(healthy - std::max<std::int64_t>(desired, 0), 0);
  Json status = at(budget, "status").is_object() ? at(budget, "status") : Json::object();
  status["observedGeneration"] = number_at(budget, "metadata.generation", 1);
  status["expectedPods"] = expected;
  status["currentHealthy"] = healthy;
  status["desiredHealthy"] = std::max<std::int64_t>(desired, 0);
  status["disruptionsAllowed"] = mine.empty() ? 0 : allowed;
  return status;
}

void reconcile_disruption_budgets(Context& context) {
  const Objects pods = context.store.list("", "pods");
  for (const Object& budget : context.store.list("policy", "poddisruptionbudgets")) {
    const std::int64_t expected = expected_pods(context.store, selected_pods(*budget, pods));
    update_status(
        context.store, key_of("policy", "poddisruptionbudgets", *budget), [&](Json& changed) {
          changed["status"] = disruption_status(changed, pods, expected);
          const bool allowed = changed["status"]["disruptionsAllowed"] != 0;
          set_condition(changed,
                        {"DisruptionAllowed",
                         allowed ? "True" : "False",
                         allowed ? "SufficientPods" : "InsufficientPods"},
                        context.now);
        });
  }
}

}  // namespace kredis::sandbox
