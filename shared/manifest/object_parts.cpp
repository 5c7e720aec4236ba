// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/object_parts.hpp"

#include "shared/manifest/names.hpp"

namespace kredis::manifest {

Json object_labels(const ClusterSpec& spec) {
  auto labels = common_labels(spec.name, spec.image);
  labels.insert(spec.labels.begin(), spec.labels.end());
  return labels;
}

Json namespaced_object(const ClusterSpec& spec,
                       std::string_view api_version,
                       std::string_view kind,
                       const std::string& name) {
  Json object = cluster_object(spec, api_version, kind, name);
  object["metadata"]["namespace"] = spec.namespace_;
  return object;
}

Json cluster_object(const ClusterSpec& spec,
                    std::string_view api_version,
                    std::string_view kind,
                    const std::string& name) {
  Json object = {{"apiVersion", api_version},
                 {"kind", kind},
                 {"metadata", {{"name", name}, {"labels", object_labels(spec)}}}};
  if (!spec.annotations.empty()) {
    object["metadata"]["annotations"] = spec.annotations;
  }
  return object;
}

Pairs effective_requests(const ClusterSpec& spec) {
  Pairs requests = spec.requests;
  // A default above the user's own limit would be refused, so there the limit is the request.
  for (const auto& [resource, amount] : policy::k_default_requests) {
    if (!spec.limits.contains(std::string(resource))) {
      requests.emplace(resource, amount);
    }
  }
  return requests;
}

}  // namespace kredis::manifest
