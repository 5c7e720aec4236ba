// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "tests/sandbox/controllers/stateful_set.hpp"

namespace kredis::sandbox {
namespace {

using Kind = StatefulSetStep::Kind;

enum class Management { ordered, parallel };
// Whether the walk over the pods goes on after one of them was looked at.
enum class Walk { go_on, stop };

std::string revision_hash_of(const Json& pod) { return label_of(pod, "controller-revision-hash"); }

struct Planner {
  const Json& set;
  std::string update_revision;
  TimePoint now;
  Management management;
  std::int64_t first;  // Ordinals first to last - 1 are wanted.
  std::int64_t last;
  std::map<std::int64_t, Object> pods;
  StatefulSetPlan plan = {};

  bool is_available(const Json& pod) {
    const std::chrono::seconds minimum(number_at(set, "spec.minReadySeconds"));
    return pod_is_available(pod, minimum, now, &plan.due);
  }

  bool is_healthy(const Json& pod) { return !is_terminating(pod) && is_available(pod); }

  Walk wait_if_ordered() const {
    return management == Management::ordered ? Walk::stop : Walk::go_on;
  }

  std::string revision_for(std::int64_t ordinal) const {
    const std::string current = text_at(set, "status.currentRevision");
    const bool rolling = text_at(set, "spec.updateStrategy.type") != "OnDelete";
    const auto partition = number_at(set, "spec.updateStrategy.rollingUpdate.partition");
    return rolling && !current.empty() && ordinal < partition ? current : update_revision;
  }

  Walk look_at_wanted(std::int64_t ordinal) {
    const auto found = pods.find(ordinal);
    if (found == pods.end()) {
      plan.steps.push_back({Kind::create, ordinal, revision_for(ordinal)});
      return wait_if_ordered();
    }
    const Json& pod = *found->second;
    if (pod_is_finished(pod) && !is_terminating(pod)) {
      plan.steps.push_back({Kind::remove, ordinal});
      return wait_if_ordered();
    }
    return is_healthy(pod) ? Walk::go_on : wait_if_ordered();
  }

  // The unhealthy pod with the lowest ordinal may go before healthier ones above it do.
  std::int64_t first_unhealthy() {
    for (const auto& [ordinal, pod] : pods) {
      if (!is_healthy(*pod)) {
        return ordinal;
      }
    }
    return -1;
  }

  Walk look_at_condemned(std::int64_t ordinal, const Json& pod) {
    if (is_terminating(pod)) {
      return wait_if_ordered();
    }
    const bool blocked =
        management == Management::ordered && !is_available(pod) && ordinal != first_unhealthy();
    if (blocked) {
      return Walk::stop;
    }
    plan.steps.push_back({Kind::remove, ordinal});
    return wait_if_ordered();
  }

  // One pod at a time from the highest ordinal, whatever the management policy.
  void update_pods() {
    const auto partition = number_at(set, "spec.updateStrategy.rollingUpdate.partition");
    for (auto item = pods.rbegin(); item != pods.rend(); ++item) {
      const auto& [ordinal, pod] = *item;
      if (ordinal >= last || ordinal < std::max(first, partition)) {
        continue;
      }
      if (revision_hash_of(*pod) != update_revision && !is_terminating(*pod)) {
        plan.steps.push_back({Kind::remove, ordinal});
        return;
      }
      if (!is_healthy(*pod)) {
        return;
      }
    }
  }

  void run() {
    for (std::int64_t ordinal = first; ordinal < last; ++ordinal) {
      if (look_at_wanted(ordinal) == Walk::stop) {
        return;
      }
    }
    for (auto item = pods.rbegin(); item != pods.rend(); ++item) {
      const bool condemned = item->first < first || item->first >= last;
      if (condemned && look_at_condemned(item->first, *item->second) == Walk::stop) {
        return;
      }
    }
    const bool wanted_exist = plan.steps.empty();
    if (wanted_exist && text_at(set, "spec.updateStrategy.type") != "OnDelete") {
      update_pods();
    }
  }
};

struct Counts {
  std::int64_t all = 0;
  std::int64_t ready = 0;
  std::int64_t available = 0;
  std::int64_t current = 0;
  std::int64_t updated = 0;
};

}  // namespace

std::int64_t ordinal_of(const Json& set, const Json& pod) {
  const std::string prefix = name_of(set) + "-";
  const std::string name = name_of(pod);
  const bool named = name.size() > prefix.size() && name.starts_with(prefix) &&
                     name.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
  return named && name.size() < prefix.size() + 10 ? std::stoll(name.substr(prefix.size())) : -1;
}

StatefulSetPlan plan_stateful_set(const Json& set,
                                  const Objects& pods,
                                  const std::string& update_revision,
                                  TimePoint now) {
  Planner planner{.set = set,
                  .update_revision = update_revision,
                  .now = now,
                  .management = text_at(set, "spec.podManagementPolicy") == "Parallel"
                                    ? Management::parallel
                                    : Management::ordered,
                  .first = number_at(set, "spec.ordinals.start"),
                  .last = 0,
                  .pods = {}};
  planner.last = planner.first + number_at(set, "spec.replicas", 1);
  for (const Object& pod : pods) {
    if (const std::int64_t ordinal = ordinal_of(set, *pod); ordinal >= 0) {
      planner.pods[ordinal] = pod;
    }
  }
  planner.run();
  return planner.plan;
}

Json stateful_set_status(const Json& set,
                         const Objects& pods,
                         const std::string& update_revision,
                         TimePoint now) {
  Json status = at(set, "status").is_object() ? at(set, "status") : Json::object();
  std::string current = text_at(set, "status.currentRevision");
  if (current.empty()) {
    current = update_revision;
  }
  const std::chrono::seconds minimum(number_at(set, "spec.minReadySeconds"));
  Counts counts;
  for (const Object& pod : pods) {
    ++counts.all;
    counts.ready += pod_is_ready(*pod) ? 1 : 0;
    counts.available += pod_is_available(*pod, minimum, now, nullptr) ? 1 : 0;
    const bool counted = !is_terminating(*pod);
    counts.current += counted && revision_hash_of(*pod) == current ? 1 : 0;
    counts.updated += counted && revision_hash_of(*pod) == update_revision ? 1 : 0;
  }
  if (text_at(set, "spec.updateStrategy.type") != "OnDelete" && counts.updated == counts.all &&
      counts.ready == counts.all && counts.all == number_at(set, "spec.replicas", 1)) {
    current = update_revision;
    counts.current = counts.updated;
  }
  status["observedGeneration"] = number_at(set, "metadata.generation", 1);
  status["replicas"] = counts.all;
  status["readyReplicas"] = counts.ready;
  status["availableReplicas"] = counts.available;
  status["currentReplicas"] = counts.current;
  status["updatedReplicas"] = counts.updated;
  status["currentRevision"] = current;
  status["updateRevision"] = update_revision;
  status["collisionCount"] = 0;
  return status;
}

}  // namespace kredis::sandbox
