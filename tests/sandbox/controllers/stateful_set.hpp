// SPDX-License-Identifier: Apache-2.0
//
// StatefulSets: which pod to make or delete next, as Kubernetes' own controller decides it, and the
// status. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

struct StatefulSetStep {
  enum class Kind { create, remove };
  Kind kind;
  std::int64_t ordinal;
  std::string revision = {};  ///< For `create`: the template to use.
  friend bool operator==(const StatefulSetStep&, const StatefulSetStep&) = default;
};

struct StatefulSetPlan {
  std::vector<StatefulSetStep> steps;
  TimePoint due = TimePoint::max();  ///< When a pod will have been ready for long enough.
};

/// Pure. What to do now; after each change of a pod ask again. `update_revision` is the name of the
/// revision of the present template.
StatefulSetPlan plan_stateful_set(const Json& set,
                                  const Objects& pods,
                                  const std::string& update_revision,
                                  TimePoint now);

/// Pure. The status that follows from the pods.
Json stateful_set_status(const Json& set,
                         const Objects& pods,
                         const std::string& update_revision,
                         TimePoint now);

/// Pure. The pod of that ordinal, with its identity and its claims as volumes.
Json stateful_pod(const Json& set,
                  const Json& pod_template,
                  std::int64_t ordinal,
                  const std::string& revision);

/// Pure. The claims of the pod of that ordinal.
std::vector<Json> stateful_claims(const Json& set, std::int64_t ordinal);

/// The number that a pod's name ends in; -1 for a pod that is none of the set's.
std::int64_t ordinal_of(const Json& set, const Json& pod);

void reconcile_stateful_sets(Context& context);

}  // namespace kredis::sandbox
