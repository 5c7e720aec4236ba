// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/names.hpp"

#include "shared/manifest/kube_syntax.hpp"

namespace kredis::manifest {

std::map<std::string, std::string> stable_labels(std::string_view cluster) {
  auto labels = selector_labels(cluster);
  labels["app.kubernetes.io/name"] = "redis";
  labels["app.kubernetes.io/instance"] = std::string(cluster);
  labels["app.kubernetes.io/component"] = "node";
  labels["app.kubernetes.io/part-of"] = std::string(cluster) + "-cluster";
  labels["app.kubernetes.io/managed-by"] = std::string(k_field_manager);
  return labels;
}

std::map<std::string, std::string> common_labels(std::string_view cluster, std::string_view image) {
  auto labels = stable_labels(cluster);
  if (const std::string_view tag = policy::image_tag(image); !tag.empty() && is_label_value(tag)) {
    labels["app.kubernetes.io/version"] = std::string(tag);
  }
  return labels;
}

}  // namespace kredis::manifest
