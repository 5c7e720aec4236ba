// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/owner.hpp"

#include "shared/core/text.hpp"

namespace kredis::observe {
namespace {

constexpr const char* k_pod = "Pod";

/// A Deployment names its ReplicaSets NAME-HASH, and the hash is a label of their pods.
/// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
std::string deployment_of(const std::string& replica_set, const Json& pod) {
  const std::string hash = label_of(pod, "pod-template-hash");
  const std::string end = "-" + hash;
  const bool fits = !hash.empty() && replica_set.size() > end.size() && replica_set.ends_with(end);
  return fits ? replica_set.substr(0, replica_set.size() - end.size()) : std::string{};
}

}  // namespace

std::string Owner::to_text() const { return core::to_lower(kind) + "/" + name; }

Owner owner_of(const Json& pod) {
  const Json::json_pointer owners("/metadata/ownerReferences");
  const Json list = pod.contains(owners) ? pod.at(owners) : Json::array();
  Owner found{k_pod, text_at(pod, "/metadata/name")};
  for (const Json& each : list) {
    const Owner owner{text_at(each, "/kind"), text_at(each, "/name")};
    const bool controls = each.is_object() && each.value("controller", Json(false)) == true;
    if (owner.kind.empty() || (found.kind != k_pod && !controls)) {
      continue;
    }
    const std::string deployment =
        owner.kind == "ReplicaSet" ? deployment_of(owner.name, pod) : std::string{};
    found = deployment.empty() ? owner : Owner{"Deployment", deployment};
  }
  return found;
}

bool is_bare(const Json& pod) { return owner_of(pod).kind == k_pod; }

Owner owner_named_by(const Json& workload) {
  return {text_at(workload, "/kind", "StatefulSet"), text_at(workload, "/metadata/name")};
}

}  // namespace kredis::observe
