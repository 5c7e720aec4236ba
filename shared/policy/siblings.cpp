// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/siblings.hpp"

#include <algorithm>

namespace kredis::policy {
namespace {

std::string governing(const Json& workload) {
  return text(member(workload, {"spec", "serviceName"}));
}

/// Whether one Service gives the pods of both their names: their governing one, or a headless one
/// that selects both. One with an address may be for clients of all kinds.
bool share_names(const Subject& subject, const Json& other) {
  if (!governing(other).empty() && governing(other) == governing(subject.object())) {
    return true;
  }
  return std::ranges::any_of(subject.all("Service"), [&](const Json* service) {
    const Json selector = {{"matchLabels", member(*service, {"spec", "selector"})}};
    return text(member(*service, {"spec", "clusterIP"})) == "None" &&
           selects(selector, subject.pod_labels()) && selects(selector, pod_labels_of(other));
  });
}

bool is_sibling(const Subject& subject, const Json& other) {
  const std::string label = cluster_label_of(subject.object());
  const std::string other_label = cluster_label_of(other);
  if (!label.empty() && !other_label.empty()) {
    return label == other_label;
  }
  const MountedFile& file = subject.config_file();
  if (file.object.empty() || !mounts_config_map(other, file.object)) {
    // Without a file of its own it must be seen to be a cluster's: a Sentinel may share the name.
    return file.object.empty() && share_names(subject, other) &&
           is_cluster_workload(other, subject.around()) &&
           Subject(other, subject.around()).config_file().object.empty();
  }
  return (share_names(subject, other) || share_label(subject, other)) &&
         Subject(other, subject.around()).config_file() == file;
}

}  // namespace

std::string cluster_label_of(const Json& workload) {
  const auto own = texts(member(workload, {"metadata", "labels"}));
  for (const std::string_view key : {k_cluster_label, k_article_label}) {
    if (const auto found = own.find(std::string(key)); found != own.end()) {
      return found->second;
    }
  }
  return {};
}

bool share_label(const Subject& subject, const Json& other) {
  const auto own = subject.pod_labels();
  return std::ranges::any_of(pod_labels_of(other), [&](const auto& label) {
    const auto found = own.find(label.first);
    // Of all that one tool or one release made.
    const bool says_nothing =
        label.first == k_managed_by_label || label.first == "app.kubernetes.io/part-of" ||
        label.first == "app.kubernetes.io/version" || label.first == "helm.sh/chart";
    return !says_nothing && found != own.end() && found->second == label.second;
  });
}

std::vector<const Json*> siblings_of(const Subject& subject) {
  std::vector<const Json*> found;
  // Without a name it cannot be told from itself.
  if (subject.name().empty()) {
    return found;
  }
  for (const char* kind : {"StatefulSet", "Deployment"}) {
    for (const Json* each : subject.all(kind)) {
      const bool itself = text(member(*each, {"metadata", "name"})) == subject.name() &&
                          kind_of(*each) == subject.kind();
      if (!itself && is_sibling(subject, *each)) {
        found.push_back(each);
      }
    }
  }
  return found;
}

std::int64_t pods_together(const Subject& subject, const std::vector<const Json*>& siblings) {
  const auto pods = [](const Json& workload) {
    constexpr std::int64_t k_most = 1'000'000;
    return std::clamp<std::int64_t>(
        number(member(workload, {"spec", "replicas"})).value_or(1), 0, k_most);
  };
  std::int64_t all = pods(subject.object());
  for (const Json* each : siblings) {
    all += pods(*each);
  }
  return all;
}

std::map<std::string, std::string> common_labels(const Subject& subject,
                                                 const std::vector<const Json*>& siblings) {
  auto common = texts(member(subject.object(), {"spec", "selector", "matchLabels"}));
  for (const Json* each : siblings) {
    const auto labels = pod_labels_of(*each);
    std::erase_if(common, [&](const auto& own) {
      const auto other = labels.find(own.first);
      return other == labels.end() || other->second != own.second;
    });
  }
  return common;
}

}  // namespace kredis::policy
