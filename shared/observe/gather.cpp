// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/gather.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <set>
#include <tuple>

#include "shared/core/labels.hpp"
#include "shared/observe/wanted_pods.hpp"
#include "shared/wire/kube_objects.hpp"

namespace kredis::observe {
namespace {

std::int64_t now_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// What there is to know of Kubernetes nodes, by their names.
struct KubernetesNodes {
  std::map<std::string, std::string> zones = {};
  std::map<std::string, std::string> troubles = {};
};

/// Worth having, not worth failing for: a user may not be allowed to see nodes.
KubernetesNodes kubernetes_nodes(ports::KubePort& kube) {
  const auto nodes = kube.list({{"v1", "nodes"}, ""}, {});
  return nodes ? KubernetesNodes{.zones = wire::zones_from_json(nodes->at("items")),
                                 .troubles = wire::node_troubles(nodes->at("items"))}
               : KubernetesNodes{};
}

/// The address of each node's own Service, by ordinal; empty in the StatefulSet layout.
Result<std::map<int, std::string>> announced_addresses(ports::KubePort& kube,
                                                       const Located& located) {
  std::map<int, std::string> addresses;
  if (label_of(located.workload, core::k_ordinal_label).empty()) {
    return addresses;
  }
  KREDIS_TRY(const Json services,
             kube.list({{"v1", "services"}, located.namespace_},
                       {.label_selector =
                            located.label_selector + "," + std::string(core::k_ordinal_label)}));
  for (const Json& service : services.at("items")) {
    const int ordinal = std::atoi(label_of(service, core::k_ordinal_label).c_str());
    addresses[ordinal] = service.value("/spec/clusterIP"_json_pointer, std::string());
  }
  return addresses;
}

/// Pods that ended for good are nobody's node.
bool counts(const Json& pod) {
  const std::string phase = pod.value("/status/phase"_json_pointer, std::string());
  return phase != "Succeeded" && phase != "Failed";
}

/// Pods of one workload by their ordinals; several workloads one after the other.
void sort_members(core::ClusterView& view, const Located& located) {
  std::vector<std::string> order;
  for (const Owner& each : located.all_owners()) {
    order.push_back(each.to_text());
  }
  const auto place = [&](const core::Member& member) {
    const auto owner = std::ranges::find(order, member.pod.owner);
    const bool is_set = member.pod.owner.starts_with("statefulset/");
    return std::tuple(is_set ? owner - order.begin() : 0, member.pod.ordinal, member.pod.name);
  };
  std::ranges::sort(view.members, {}, place);
}

/// Placement tells pods apart by ordinal, and pods of other makers may have none, or share some.
void number_if_ambiguous(core::ClusterView& view) {
  std::set<int> ordinals;
  for (const core::Member& member : view.members) {
    ordinals.insert(member.pod.ordinal);
  }
  if (ordinals.size() < view.members.size()) {
    int ordinal = 0;
    for (core::Member& member : view.members) {
      member.pod.ordinal = ordinal++;
    }
  }
}

/// The pods that are selected, and all that further owners have.
Result<std::vector<Json>> pods_of(ports::KubePort& kube, const Located& located) {
  const ports::ResourcePath path{{"v1", "pods"}, located.namespace_};
  KREDIS_TRY(const Json selected, kube.list(path, {.label_selector = located.label_selector}));
  std::vector<Json> pods;
  std::set<std::string> names;
  for (const Json& pod : selected.at("items")) {
    if (located.has(pod) && names.insert(text_at(pod, "/metadata/name")).second) {
      pods.push_back(pod);
    }
  }
  if (located.further.empty()) {
    return pods;
  }
  KREDIS_TRY(const Json all, kube.list(path, {}));
  for (const Json& pod : all.at("items")) {
    const bool is_theirs =
        std::ranges::find(located.further, owner_of(pod)) != located.further.end();
    if (is_theirs && names.insert(text_at(pod, "/metadata/name")).second) {
      pods.push_back(pod);
    }
  }
  return pods;
}

/// What to look at to see why there are no pods.
std::string describe_command(const Located& located) {
  const bool is_named = !located.all_selected && !located.owners.empty();
  const std::string what =
      is_named ? located.owners.front().to_text() : "pods -l " + located.label_selector;
  return "kubectl describe " + what + " -n " + located.namespace_;
}

}  // namespace

const RedisProcess& Processes::of(const Json& pod) {
  const std::string key = text_at(pod, "/metadata/uid") + " " + text_at(pod, "/metadata/name");
  auto known = known_.find(key);
  if (known == known_.end()) {
    // `create` declares what it configures, so that nobody needs to read its files.
    const policy::Surroundings around =
        is_made_by_create(pod) ? policy::Surroundings{} : config_maps_.surroundings();
    known = known_.emplace(key, read_process(as_workload(pod), around)).first;
  }
  return known->second;
}

Result<core::ClusterView> gather_pods(ports::KubePort& kube,
                                      const Located& located,
                                      Processes& processes) {
  auto nodes_later = std::async(std::launch::async, [&kube] { return kubernetes_nodes(kube); });
  const auto pods = pods_of(kube, located);
  const KubernetesNodes nodes = nodes_later.get();
  if (!pods) {
    return pods.error();
  }
  KREDIS_TRY(const auto announced, announced_addresses(kube, located));
  core::ClusterView view{.name = located.name, .namespace_ = located.namespace_};
  view.call = located.call;
  view.made_by = maker_of(located.workload);
  for (const Json& pod : *pods) {
    if (!counts(pod)) {
      continue;
    }
    core::Member member{
        .pod = wire::pod_from_json(pod, nodes.zones, now_seconds(), processes.of(pod).place)};
    member.pod.owner = owner_of(pod).to_text();
    if (const auto trouble = nodes.troubles.find(member.pod.domain.node);
        trouble != nodes.troubles.end()) {
      member.pod.node_trouble = trouble->second;
    }
    const auto address = announced.find(member.pod.ordinal);
    if (address != announced.end()) {
      member.pod.announced_ip = address->second;
    }
    view.members.push_back(std::move(member));
  }
  if (view.members.empty()) {
    return Error::not_found("cluster " + located.name + " has no pods in namespace " +
                            located.namespace_)
        .with_hint("see why: " + describe_command(located));
  }
  sort_members(view, located);
  number_if_ambiguous(view);
  view.shape = wire::shape_from_json(located.workload).value_or(core::Shape{});
  if (view.shape.masters == 0) {
    view.shape = shape_for(view, {.replicas = 1});
  }
  view.missing_pods = missing_pods(kube, located, view);
  return view;
}

Result<core::ClusterView> gather_pods(ports::KubePort& kube, const Located& located) {
  Processes processes(kube, located.namespace_);
  return gather_pods(kube, located, processes);
}

void explain_unready(ports::KubePort& kube, const Located& located, core::ClusterView& view) {
  const auto unready = [](const core::Member& member) { return !member.pod.ready; };
  if (std::ranges::none_of(view.members, unready)) {
    return;
  }
  const auto events = kube.list({{"v1", "events"}, located.namespace_},
                                {.field_selector = "involvedObject.kind=Pod,type=Warning"});
  const auto pods = pods_of(kube, located);
  if (!events || !pods) {
    return;
  }
  for (const Json& pod : *pods) {
    for (core::Member& member : view.members) {
      if (member.pod.name == pod.at("metadata").value("name", "") && unready(member)) {
        member.pod.trouble = wire::pod_trouble(pod, events->at("items"));
      }
    }
  }
}

core::Shape shape_for(const core::ClusterView& view, const core::Shape& wanted) {
  if (wanted.masters > 0) {
    return wanted;
  }
  if (wanted.inferred && view.shape.masters > 0) {
    return view.shape;
  }
  const auto pods = static_cast<std::uint32_t>(view.members.size());
  return {.masters = pods / (1 + wanted.replicas), .replicas = wanted.replicas, .inferred = true};
}

}  // namespace kredis::observe
