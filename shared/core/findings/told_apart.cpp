// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/told_apart.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

using Labels = std::map<std::string, std::string>;

/// What pods of one workload have in common.
struct Workload {
  std::string name;
  std::size_t pods = 0;
  Labels labels = {};
  std::set<std::string> zones = {};
};

/// Labels that say what a pod is, not which cluster it is of.
bool names_a_cluster(std::string_view key) {
  constexpr std::array<std::string_view, 13> k_general{"app.kubernetes.io/name",
                                                       "app.kubernetes.io/component",
                                                       "app.kubernetes.io/managed-by",
                                                       "app.kubernetes.io/version",
                                                       "app.kubernetes.io/part-of",
                                                       "helm.sh/chart",
                                                       "pod-template-hash",
                                                       "controller-revision-hash",
                                                       "statefulset.kubernetes.io/pod-name",
                                                       "apps.kubernetes.io/pod-index",
                                                       "redis_setup_type",
                                                       "role",
                                                       "tier"};
  return !is_one_of(k_general, key);
}

std::vector<Workload> workloads_of(const ClusterView& view) {
  std::map<std::string, Workload> by_owner;
  std::vector<std::string> order;
  for (const Member& member : view.members) {
    const Pod& pod = member.pod;
    const auto [entry, is_new] = by_owner.try_emplace(pod.owner);
    Workload& workload = entry->second;
    if (is_new) {
      order.push_back(pod.owner);
      workload.name = pod.owner.substr(pod.owner.find('/') + 1);
      workload.labels = pod.labels;
    }
    ++workload.pods;
    workload.zones.insert(pod.domain.zone);
    std::erase_if(workload.labels, [&](const auto& label) {
      const auto other = pod.labels.find(label.first);
      return other == pod.labels.end() || other->second != label.second ||
             !names_a_cluster(label.first);
    });
  }
  std::vector<Workload> workloads;
  for (const std::string& owner : order) {
    workloads.push_back(by_owner.at(owner));
  }
  return workloads;
}

/// Whether `word` tells parts of one cluster apart.
bool tells_parts_apart(std::string_view word, const Workload& workload) {
  constexpr std::array<std::string_view, 13> k_roles{"leader",
                                                     "follower",
                                                     "master",
                                                     "masters",
                                                     "replica",
                                                     "replicas",
                                                     "slave",
                                                     "slaves",
                                                     "primary",
                                                     "secondary",
                                                     "shard",
                                                     "node",
                                                     "zone"};
  const bool is_number = word.find_first_not_of("0123456789") == std::string_view::npos;
  const bool is_zone = std::ranges::any_of(workload.zones, [&](const std::string& zone) {
    return zone.find(word) != std::string::npos;
  });
  return word.size() <= 1 || is_number || is_zone ||
         std::ranges::find(k_roles, word) != k_roles.end();
}

/// Whether the names have a beginning in common and differ by words that tell parts apart.
bool are_parts_by_name(const Workload& one, const Workload& other) {
  auto left = split(one.name, '-');
  auto right = split(other.name, '-');
  std::size_t common = 0;
  while (common < left.size() && common < right.size() && left[common] == right[common]) {
    ++common;
  }
  const auto parts = [&](const std::vector<std::string_view>& words, const Workload& workload) {
    return std::all_of(words.begin() + static_cast<std::ptrdiff_t>(common),
                       words.end(),
                       [&](std::string_view word) { return tells_parts_apart(word, workload); });
  };
  return common > 0 && parts(left, one) && parts(right, other);
}

bool are_one_cluster(const Workload& one, const Workload& other) {
  const bool share = std::ranges::any_of(one.labels, [&](const auto& label) {
    const auto found = other.labels.find(label.first);
    return found != other.labels.end() && found->second == label.second;
  });
  return share || are_parts_by_name(one, other);
}

}  // namespace

std::vector<std::string> clusters_told_apart(const ClusterView& view) {
  constexpr std::size_t k_fewest_nodes = 3;
  std::vector<Workload> firsts;
  for (const Workload& workload : workloads_of(view)) {
    const bool is_part = std::ranges::any_of(
        firsts, [&](const Workload& first) { return are_one_cluster(first, workload); });
    if (!is_part && workload.pods >= k_fewest_nodes && !workload.name.empty()) {
      firsts.push_back(workload);
    }
  }
  std::vector<std::string> names;
  for (const Workload& first : firsts) {
    names.push_back(first.name);
  }
  return names;
}

}  // namespace kredis::core
