// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/replica_set.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "tests/sandbox/controllers/ownership.hpp"
#include "tests/sandbox/controllers/pod_template.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_replica_set_controller = "replicaset-controller";

bool is_active(const Json& pod) { return !is_terminating(pod) && !pod_is_finished(pod); }

// Unassigned before assigned, not ready before ready, young before old.
auto removal_rank(const Json& pod) {
  return std::tuple(!text_at(pod, "spec.nodeName").empty(),
                    pod_is_ready(pod),
                    std::string(text_at(pod, "metadata.creationTimestamp")));
}

Objects unfinished_pods(Context& context, const Json& set) {
  return owned_by(context, set, "", "pods", [](const Json& pod) { return !pod_is_finished(pod); });
}

void apply_plan(Context& context, const Json& set, const ReplicaSetPlan& plan) {
  for (std::size_t i = 0; i < plan.create; ++i) {
    create_pod(
        context,
        set,
        pod_from_template(at(set, "spec.template"), set, name_of(set) + "-" + random_suffix()),
        k_replica_set_controller);
  }
  for (const std::string& name : plan.remove) {
    request_deletion(context.store, {"", "pods", namespace_of(set), name}, context.now);
    record_event(
        context,
        set,
        {Severity::normal, "SuccessfulDelete", "Deleted pod: " + name, k_replica_set_controller});
  }
}

Json status_of(Context& context, const Json& set, const Objects& pods) {
  const std::chrono::seconds minimum(number_at(set, "spec.minReadySeconds"));
  std::int64_t all = 0;
  std::int64_t ready = 0;
  std::int64_t available = 0;
  for (const Object& pod : pods) {
    if (!is_active(*pod)) {
      continue;
    }
    ++all;
    ready += pod_is_ready(*pod) ? 1 : 0;
    available += pod_is_available(*pod, minimum, context.now, &context.due) ? 1 : 0;
  }
  Json status = at(set, "status").is_object() ? at(set, "status") : Json::object();
  status["observedGeneration"] = number_at(set, "metadata.generation", 1);
  status["replicas"] = all;
  status["fullyLabeledReplicas"] = all;
  status["readyReplicas"] = ready;
  status["availableReplicas"] = available;
  return status;
}

}  // namespace

ReplicaSetPlan plan_replica_set(const Json& set, const Objects& pods) {
  Objects active;
  std::copy_if(pods.begin(), pods.end(), std::back_inserter(active), [](const Object& pod) {
    return is_active(*pod);
  });
  const auto wanted = static_cast<std::size_t>(number_at(set, "spec.replicas", 1));
  ReplicaSetPlan plan;
  if (active.size() < wanted) {
    plan.create = wanted - active.size();
    return plan;
  }
  std::stable_sort(active.begin(), active.end(), [](const Object& left, const Object& right) {
    const auto [left_node, left_ready, left_age] = removal_rank(*left);
    const auto [right_node, right_ready, right_age] = removal_rank(*right);
    return std::tie(left_node, left_ready, right_age) < std::tie(right_node, right_ready, left_age);
  });
  for (std::size_t i = 0; i < active.size() - wanted; ++i) {
    plan.remove.push_back(name_of(*active[i]));
  }
  return plan;
}

void reconcile_replica_sets(Context& context) {
  for (const Object& set : context.store.list("apps", "replicasets")) {
    if (is_terminating(*set)) {
      continue;
    }
    apply_plan(context, *set, plan_replica_set(*set, unfinished_pods(context, *set)));
    const Objects pods = unfinished_pods(context, *set);
    update_status(context.store, key_of("apps", "replicasets", *set), [&](Json& changed) {
      changed["status"] = status_of(context, changed, pods);
    });
  }
}

}  // namespace kredis::sandbox
