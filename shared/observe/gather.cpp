// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/gather.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <map>

#include "shared/core/labels.hpp"
#include "shared/wire/kube_objects.hpp"

namespace kredis::observe {
namespace {

std::int64_t now_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// Zones are worth having, not worth failing for: a user may not be allowed to see nodes.
std::map<std::string, std::string> zones_of(ports::KubePort& kube) {
  const auto nodes = kube.list({{"v1", "nodes"}, ""}, {});
  return nodes ? wire::zones_from_json(nodes->at("items")) : std::map<std::string, std::string>{};
}

/// The address of each node's own Service, by ordinal; empty in the StatefulSet layout.
Result<std::map<int, std::string>> announced_addresses(ports::KubePort& kube,
                                                       const Located& located) {
  std::map<int, std::string> addresses;
  if (text_at(located.workload, "/kind", "StatefulSet") != "Deployment") {
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

/// Pods that ended for good, or are on their way out, are nobody's node.
bool counts(const Json& pod) {
  const std::string phase = pod.value("/status/phase"_json_pointer, std::string());
  return phase != "Succeeded" && phase != "Failed";
}

/// Placement tells pods apart by ordinal, and pods of other makers may have none, or share some.
void number_if_ambiguous(core::ClusterView& view) {
  const auto same = [](const core::Member& a, const core::Member& b) {
    return a.pod.ordinal == b.pod.ordinal;
  };
  if (std::adjacent_find(view.members.begin(), view.members.end(), same) != view.members.end()) {
    int ordinal = 0;
    for (core::Member& member : view.members) {
      member.pod.ordinal = ordinal++;
    }
  }
}

std::string workload_name(const Located& located) {
  return text_at(located.workload, "/metadata/name", located.name);
}

}  // namespace

Result<core::ClusterView> gather_pods(ports::KubePort& kube, const Located& located) {
  auto zones_later = std::async(std::launch::async, [&kube] { return zones_of(kube); });
  auto pods =
      kube.list({{"v1", "pods"}, located.namespace_}, {.label_selector = located.label_selector});
  const auto zones = zones_later.get();
  if (!pods) {
    return pods.error();
  }
  KREDIS_TRY(const auto announced, announced_addresses(kube, located));
  core::ClusterView view{.name = located.name, .namespace_ = located.namespace_};
  view.workload_kind = text_at(located.workload, "/kind", "StatefulSet");
  view.workload_name = workload_name(located);
  for (const Json& pod : pods->at("items")) {
    if (!counts(pod)) {
      continue;
    }
    core::Member member{.pod = wire::pod_from_json(pod, zones, now_seconds())};
    const auto address = announced.find(member.pod.ordinal);
    if (address != announced.end()) {
      member.pod.announced_ip = address->second;
    }
    view.members.push_back(std::move(member));
  }
  if (view.members.empty()) {
    return Error::not_found("cluster " + located.name + " has no pods in namespace " +
                            located.namespace_)
        .with_hint("see why: kubectl describe " + view.workload_kind + " " + view.workload_name +
                   " -n " + located.namespace_);
  }
  std::sort(view.members.begin(), view.members.end(), [](const auto& a, const auto& b) {
    return std::pair(a.pod.ordinal, a.pod.name) < std::pair(b.pod.ordinal, b.pod.name);
  });
  number_if_ambiguous(view);
  view.shape = wire::shape_from_json(located.workload).value_or(core::Shape{});
  if (view.shape.masters == 0) {
    view.shape = shape_for(view, {.replicas = 1});
  }
  return view;
}

void explain_unready(ports::KubePort& kube, const Located& located, core::ClusterView& view) {
  const auto unready = [](const core::Member& member) { return !member.pod.ready; };
  if (std::ranges::none_of(view.members, unready)) {
    return;
  }
  const auto events = kube.list({{"v1", "events"}, located.namespace_},
                                {.field_selector = "involvedObject.kind=Pod,type=Warning"});
  const auto pods =
      kube.list({{"v1", "pods"}, located.namespace_}, {.label_selector = located.label_selector});
  if (!events || !pods) {
    return;
  }
  for (const Json& pod : pods->at("items")) {
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
