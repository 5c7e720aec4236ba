// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/names.hpp"

namespace kredis::policy {
namespace {

/// "redis:8.0" of "registry:5000/redis:8.0@sha256:...".
/// A registry's address may hold a colon of its own, so a tag counts only behind the last slash.
std::string_view last_part(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  return slash == image.npos ? image : image.substr(slash + 1);
}

}  // namespace

/// The StatefulSet controller forms the names of pods and claims: WORKLOAD-ORDINAL and TEMPLATE-POD
/// (Kubernetes docs, StatefulSets, "Stable Network ID" and "Stable Storage"). They cannot be
/// chosen.
std::string Names::node(int ordinal) const { return workload + "-" + std::to_string(ordinal); }

std::string Names::claim(int ordinal) const {
  return std::string(k_data_volume) + "-" + node(ordinal);
}

/// Ordinals begin with 0, but the article counts its volumes from 1.
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

/// A workload's selector is immutable: what goes in here is fixed for the life of every cluster
/// that exists, so it stays with the article's two labels.
std::map<std::string, std::string> selector_labels(std::string_view cluster) {
  const std::string name(cluster);
  return {{"app", name}, {std::string(k_article_label), name + "-cluster"}};
}

std::string_view image_tag(std::string_view image) {
  const std::string_view last = last_part(image);
  const std::size_t colon = last.find(':');
  return colon == last.npos ? std::string_view{} : last.substr(colon + 1);
}

/// Without the registry: mirrors keep an image's own name.
std::string_view image_base(std::string_view image) {
  const std::string_view last = last_part(image);
  return last.substr(0, last.find(':'));
}

}  // namespace kredis::policy
