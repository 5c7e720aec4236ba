// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/wanted_pods.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/json/json.hpp"

namespace kredis::observe {
namespace {

/// Above this many one list costs less than asking for each; to list is also all that those may who
/// look at what `create` made.
constexpr std::size_t k_few = 4;

using Counts = std::map<std::string, std::size_t>;

struct Kind {
  std::string_view word;
  ports::ResourceType type;
};

const std::array<Kind, 2>& kinds() {
  static const std::array<Kind, 2> all{Kind{"statefulset/", {"apps/v1", "statefulsets"}},
                                       Kind{"deployment/", {"apps/v1", "deployments"}}};
  return all;
}

std::set<std::string> names_of(const Kind& kind,
                               const Located& located,
                               const core::ClusterView& view) {
  std::set<std::string> owners;
  for (const Owner& owner : located.all_owners()) {
    owners.insert(owner.to_text());
  }
  for (const core::Member& member : view.members) {
    owners.insert(member.pod.owner);
  }
  std::set<std::string> names;
  for (const std::string& owner : owners) {
    if (owner.starts_with(kind.word)) {
      names.insert(owner.substr(kind.word.size()));
    }
  }
  return names;
}

/// What a workload that goes is to have is nothing.
std::size_t wanted_by(const Json& workload) {
  const bool goes = workload.contains("/metadata/deletionTimestamp"_json_pointer);
  const Json replicas = workload.value("/spec/replicas"_json_pointer, Json(1));
  const std::int64_t wanted = replicas.is_number_integer() ? replicas.get<std::int64_t>() : 0;
  return goes ? 0 : static_cast<std::size_t>(std::max(wanted, std::int64_t{0}));
}

/// By name. Errors: those of reading; one that is not there wants nothing.
Result<Counts> wanted(ports::KubePort& kube,
                      const Kind& kind,
                      const Located& located,
                      const std::set<std::string>& names) {
  Counts counts;
  if (is_made_by_create(located.workload) || names.size() > k_few) {
    KREDIS_TRY(const Json list, kube.list({kind.type, located.namespace_}, {}));
    for (const Json& workload : list.at("items")) {
      counts[text_at(workload, "/metadata/name")] = wanted_by(workload);
    }
    return counts;
  }
  for (const std::string& name : names) {
    const auto workload = kube.get({kind.type, located.namespace_, name});
    if (!workload && workload.error().code != ErrorCode::not_found) {
      return workload.error();
    }
    counts[name] = workload ? wanted_by(*workload) : 0;
  }
  return counts;
}

/// What the annotations of the first workload ask for; a guess asks for nothing.
Counts missing_of_shape(const core::ClusterView& view) {
  const core::Shape& shape = view.shape;
  const std::size_t asked = std::size_t{shape.masters} * (std::size_t{1} + shape.replicas);
  return shape.inferred || asked <= view.members.size()
             ? Counts{}
             : Counts{{view.members.front().pod.owner, asked - view.members.size()}};
}

}  // namespace

Counts missing_pods(ports::KubePort& kube, const Located& located, const core::ClusterView& view) {
  Counts missing;
  for (const Kind& kind : kinds()) {
    const std::set<std::string> names = names_of(kind, located, view);
    if (names.empty()) {
      continue;
    }
    const auto counts = wanted(kube, kind, located, names);
    if (!counts) {
      return missing_of_shape(view);
    }
    for (const std::string& name : names) {
      const std::string owner = std::string(kind.word) + name;
      const auto there = static_cast<std::size_t>(std::ranges::count_if(
          view.members, [&](const core::Member& member) { return member.pod.owner == owner; }));
      const auto found = counts->find(name);
      if (found != counts->end() && found->second > there) {
        missing[owner] = found->second - there;
      }
    }
  }
  return missing;
}

}  // namespace kredis::observe
