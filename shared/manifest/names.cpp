// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/names.hpp"

#include "shared/manifest/kube_syntax.hpp"

namespace kredis::manifest {
namespace {

/// The tag of "registry:5000/redis:8.0@sha256:..."; empty where there is none.
std::string_view tag_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  const std::string_view last = slash == image.npos ? image : image.substr(slash + 1);
  const std::size_t colon = last.find(':');
  return colon == last.npos ? std::string_view{} : last.substr(colon + 1);
}

}  // namespace

std::string Names::node(int ordinal) const { return workload + "-" + std::to_string(ordinal); }

std::string Names::claim(int ordinal) const {
  return std::string(k_data_volume) + "-" + node(ordinal);
}

std::string Names::nfs_volume(int ordinal) const {
  return nfs_prefix + "nfs-pv" + std::to_string(ordinal + 1);
}

Names names_of(std::string_view cluster) {
  const std::string name(cluster);
  return Names{.config_map = name + "-conf",
               .headless_service = name + "-service",
               .workload = name + "-app",
               .access_service = name + "-access-service",
               .disruption_budget = name + "-app",
               .nfs_prefix = name == "redis" ? std::string{} : name + "-"};
}

std::map<std::string, std::string> selector_labels(std::string_view cluster) {
  const std::string name(cluster);
  return {{"app", name}, {"appCluster", name + "-cluster"}};
}

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
  if (const std::string_view tag = tag_of(image); !tag.empty() && is_label_value(tag)) {
    labels["app.kubernetes.io/version"] = std::string(tag);
  }
  return labels;
}

}  // namespace kredis::manifest
