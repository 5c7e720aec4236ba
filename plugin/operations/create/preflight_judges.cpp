// SPDX-License-Identifier: Apache-2.0
//
// Whether storage, nodes and quota are enough for a cluster. Pure: values in, a verdict out.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/operations/create/preflight.hpp"
#include "shared/manifest/names.hpp"
#include "shared/wire/quantity.hpp"

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;

/// Units: as written; 0 for what cannot be read, so that it never satisfies a need.
double amount(const std::string& quantity) {
  const auto parsed = wire::parse_quantity(quantity);
  return parsed ? static_cast<double>(parsed->whole) + parsed->thousandths / 1000.0 : 0;
}

bool is_default_class(const Json& storage_class) {
  const auto annotations = Json::json_pointer("/metadata/annotations");
  return storage_class.contains(annotations) &&
         storage_class.at(annotations).value("storageclass.kubernetes.io/is-default-class", "") ==
             "true";
}

bool volume_fits(const Json& volume, const ClusterSpec& spec) {
  return text_at(volume, "/status/phase") == "Available" &&
         text_at(volume, "/spec/storageClassName") == spec.storage_class.value_or("") &&
         amount(text_at(volume, "/spec/capacity/storage", "0")) >= amount(spec.size);
}

long free_volumes(const ClusterSpec& spec, const Resources& there) {
  return there.volumes ? std::count_if(there.volumes->begin(),
                                       there.volumes->end(),
                                       [&](const Json& each) { return volume_fits(each, spec); })
                       : 0;
}

/// Whether every claim of the cluster is there from an earlier life.
bool claims_exist(const ClusterSpec& spec, const Resources& there) {
  if (!there.claims) {
    return false;
  }
  std::set<std::string> names;
  for (const Json& claim : *there.claims) {
    names.insert(text_at(claim, "/metadata/name"));
  }
  const manifest::Names ours = manifest::names_of(spec.name);
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    if (!names.contains(ours.claim(ordinal))) {
      return false;
    }
  }
  return true;
}

Status judge_named_class(const ClusterSpec& spec, const Resources& there) {
  std::vector<std::string> names;
  for (const Json& each : *there.storage_classes) {
    names.push_back(text_at(each, "/metadata/name"));
  }
  const bool known = std::find(names.begin(), names.end(), *spec.storage_class) != names.end();
  // A class that is only a name serves to bind volumes that carry it.
  if (known || free_volumes(spec, there) >= spec.nodes()) {
    return {};
  }
  return Error::conflict("there is no StorageClass " + *spec.storage_class)
      .with_hint(names.empty() ? "this cluster has none; use --nfs-server, or --ephemeral"
                               : fmt::format("choose one of: {}", fmt::join(names, ", ")));
}

bool tolerated(const Json& taint, const ClusterSpec& spec) {
  if (taint.value("effect", "") == "PreferNoSchedule") {
    return true;
  }
  return std::any_of(spec.tolerations.begin(), spec.tolerations.end(), [&](const auto& each) {
    const bool key = each.key.empty() || each.key == taint.value("key", "");
    const bool value = !each.value || *each.value == taint.value("value", "");
    return key && value && (each.effect.empty() || each.effect == taint.value("effect", ""));
  });
}

bool can_run_pods(const Json& node, const ClusterSpec& spec) {
  const Json& node_spec = node.contains("spec") ? node.at("spec") : Json::object();
  if (node_spec.value("unschedulable", false)) {
    return false;
  }
  for (const Json& taint : node_spec.value("taints", Json::array())) {
    if (!tolerated(taint, spec)) {
      return false;
    }
  }
  const Json labels = node.at("metadata").value("labels", Json::object());
  return std::all_of(spec.node_selector.begin(), spec.node_selector.end(), [&](const auto& wanted) {
    return labels.value(wanted.first, "") == wanted.second;
  });
}

/// Units: those of the resource (cores, bytes, pieces).
double asked_for(const std::string& resource, const ClusterSpec& spec) {
  const auto of_pod = [&](const manifest::Pairs& pairs, const char* key, const char* otherwise) {
    const auto found = pairs.find(key);
    return spec.nodes() * amount(found == pairs.end() ? otherwise : found->second);
  };
  const bool claims = spec.storage == manifest::Storage::claim;
  if (resource == "pods" || resource == "count/pods") {
    return spec.nodes();
  }
  if (resource == "requests.cpu" || resource == "cpu") {
    return of_pod(spec.requests, "cpu", "100m");
  }
  if (resource == "requests.memory" || resource == "memory") {
    return of_pod(spec.requests, "memory", "100Mi");
  }
  if (resource == "limits.cpu") {
    return of_pod(spec.limits, "cpu", "0");
  }
  if (resource == "limits.memory") {
    return of_pod(spec.limits, "memory", "0");
  }
  if (resource == "persistentvolumeclaims") {
    return claims ? spec.nodes() : 0;
  }
  return resource == "requests.storage" && claims ? spec.nodes() * amount(spec.size) : 0;
}

}  // namespace

Status judge_storage(const ClusterSpec& spec, const Resources& there) {
  const bool settled = spec.storage == manifest::Storage::ephemeral || spec.on_nfs() ||
                       claims_exist(spec, there) || !there.storage_classes;
  if (settled) {
    return {};
  }
  if (spec.storage_class && !spec.storage_class->empty()) {
    return judge_named_class(spec, there);
  }
  const bool by_default =
      std::any_of(there.storage_classes->begin(), there.storage_classes->end(), is_default_class);
  const long volumes = free_volumes(spec, there);
  if (by_default || volumes >= spec.nodes()) {
    return {};
  }
  return Error::conflict(fmt::format("no storage for {} claims of {}: there is no default "
                                     "StorageClass, and {} free volumes fit",
                                     spec.nodes(),
                                     spec.size,
                                     volumes))
      .with_hint(
          "name one with --storage-class, make volumes with --nfs-server, or use --ephemeral");
}

Status judge_nodes(const ClusterSpec& spec, const Resources& there) {
  if (!there.nodes) {
    return {};
  }
  std::set<std::string> zones;
  int usable = 0;
  for (const Json& node : *there.nodes) {
    if (can_run_pods(node, spec)) {
      ++usable;
      zones.insert(node.at("metadata")
                       .value("labels", Json::object())
                       .value("topology.kubernetes.io/zone", ""));
    }
  }
  if (usable == 0) {
    return Error::conflict(fmt::format("none of {} nodes can take these pods", there.nodes->size()))
        .with_hint("check --node-selector and --tolerations, and kubectl get nodes");
  }
  if (spec.anti_affinity == manifest::AntiAffinity::required && usable < spec.nodes()) {
    return Error::conflict(fmt::format("--anti-affinity required needs {} nodes, one a pod, and "
                                       "{} can take them",
                                       spec.nodes(),
                                       usable))
        .with_hint(
            "add nodes, ask for fewer masters or replicas, or use --anti-affinity preferred");
  }
  if (spec.zone_spread == manifest::ZoneSpread::on && (zones.size() < 2 || zones.contains(""))) {
    return Error::conflict("--zone-spread needs nodes in at least two zones")
        .with_hint("label every node with topology.kubernetes.io/zone, or leave --zone-spread out");
  }
  return {};
}

Status judge_quota(const ClusterSpec& spec, const Resources& there) {
  for (const Json& quota : there.quotas.value_or(std::vector<Json>{})) {
    const Json status = quota.value("status", Json::object());
    const Json hard = status.value("hard", Json::object());
    for (const auto& [resource, limit] : hard.items()) {
      const std::string used = status.value("used", Json::object()).value(resource, "0");
      const double left = amount(limit.get<std::string>()) - amount(used);
      const double need = asked_for(resource, spec);
      // Sums of decimal fractions: six times 100m is 600m, whatever the last bit says.
      if (need > left + 1e-9 * need) {
        return Error::conflict(fmt::format("ResourceQuota {} leaves too little {}: {} of {} are in "
                                           "use, and {} pods need {:g} more",
                                           text_at(quota, "/metadata/name"),
                                           resource,
                                           used,
                                           limit.get<std::string>(),
                                           spec.nodes(),
                                           need))
            .with_hint(
                "raise the quota, or ask for less with --requests, --limits, --size, "
                "--masters or --replicas");
      }
    }
  }
  return {};
}

}  // namespace kredis::plugin
