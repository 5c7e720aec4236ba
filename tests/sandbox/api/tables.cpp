// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/tables.hpp"

#include <array>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/table_cells.hpp"

namespace kredis::sandbox::api {
namespace {

Json created_cells(const Json& object, std::time_t) {
  return {name_of(object), dig_text(object, {"metadata", "creationTimestamp"})};
}

Json config_map_cells(const Json& object, std::time_t now) {
  const std::size_t count = dig(object, {"data"}).size() + dig(object, {"binaryData"}).size();
  return {name_of(object), count, age_of(object, now)};
}

Json secret_cells(const Json& object, std::time_t now) {
  return {name_of(object),
          dig_text(object, {"type"}),
          dig(object, {"data"}).size(),
          age_of(object, now)};
}

Json namespace_cells(const Json& object, std::time_t now) {
  return {name_of(object), dig_text(object, {"status", "phase"}), age_of(object, now)};
}

Json account_cells(const Json& object, std::time_t now) {
  return {name_of(object), dig(object, {"secrets"}).size(), age_of(object, now)};
}

Json revision_cells(const Json& object, std::time_t now) {
  const Json& owner = dig_list(object, {"metadata", "ownerReferences"});
  std::string controller = "<none>";
  if (!owner.empty()) {
    controller = "statefulset.apps/" + dig_text(owner[0], {"name"});
  }
  return {name_of(object), controller, dig_number(object, {"revision"}), age_of(object, now)};
}

Json lease_cells(const Json& object, std::time_t now) {
  return {name_of(object), dig_text(object, {"spec", "holderIdentity"}), age_of(object, now)};
}

Json priority_cells(const Json& object, std::time_t now) {
  return {name_of(object),
          dig_number(object, {"value"}),
          dig(object, {"globalDefault"}) == true,
          age_of(object, now),
          or_none(dig_text(object, {"preemptionPolicy"}))};
}

Json webhook_cells(const Json& object, std::time_t now) {
  return {name_of(object), dig_list(object, {"webhooks"}).size(), age_of(object, now)};
}

// A column is shown with `-o wide` only when its name begins with an asterisk.
struct KindTable {
  std::string_view kind;
  std::string_view columns;
  CellsOf cells;
};

constexpr std::string_view k_created = "Name,Created At";

constexpr std::array k_tables{
    KindTable{"Pod",
              "Name,Ready,Status,Restarts,Age,*IP,*Node,*Nominated Node,*Readiness Gates",
              pod_cells},
    KindTable{"StatefulSet", "Name,Ready,Age,*Containers,*Images", workload_cells},
    KindTable{"Deployment",
              "Name,Ready,Up-to-date,Available,Age,*Containers,*Images,*Selector",
              workload_cells},
    KindTable{"ReplicaSet",
              "Name,Desired,Current,Ready,Age,*Containers,*Images,*Selector",
              workload_cells},
    KindTable{
        "DaemonSet",
        "Name,Desired,Current,Ready,Up-to-date,Available,Node Selector,Age,*Containers,*Images,"
        "*Selector",
        workload_cells},
    KindTable{"Job",
              "Name,Status,Completions,Duration,Age,*Containers,*Images,*Selector",
              workload_cells},
    KindTable{"Service", "Name,Type,Cluster-IP,External-IP,Port(s),Age,*Selector", service_cells},
    KindTable{"Node",
              "Name,Status,Roles,Age,Version,*Internal-IP,*External-IP,*OS-Image,*Kernel-Version,"
              "*Container-Runtime",
              node_cells},
    KindTable{"PersistentVolumeClaim",
              "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,"
              "*VolumeMode",
              claim_cells},
    KindTable{"PersistentVolume",
              "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,"
              "VolumeAttributesClass,Reason,Age,*VolumeMode",
              volume_cells},
    KindTable{"Event",
              "Last Seen,Type,Reason,Object,*Subobject,*Source,Message,*First Seen,*Count,*Name",
              event_cells},
    KindTable{"Endpoints", "Name,Endpoints,Age", endpoints_cells},
    KindTable{"EndpointSlice", "Name,AddressType,Ports,Endpoints,Age", endpoint_slice_cells},
    KindTable{"ResourceQuota", "Name,Request,Limit,Age", quota_cells},
    KindTable{"StorageClass",
              "Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age",
              storage_class_cells},
    KindTable{"PodDisruptionBudget",
              "Name,Min Available,Max Unavailable,Allowed Disruptions,Age",
              budget_cells},
    KindTable{"RoleBinding", "Name,Role,Age,*Users,*Groups,*ServiceAccounts", binding_cells},
    KindTable{"ClusterRoleBinding", "Name,Role,Age,*Users,*Groups,*ServiceAccounts", binding_cells},
    KindTable{"ConfigMap", "Name,Data,Age", config_map_cells},
    KindTable{"Secret", "Name,Type,Data,Age", secret_cells},
    KindTable{"Namespace", "Name,Status,Age", namespace_cells},
    KindTable{"ServiceAccount", "Name,Secrets,Age", account_cells},
    KindTable{"ControllerRevision", "Name,Controller,Revision,Age", revision_cells},
    KindTable{"Lease", "Name,Holder,Age", lease_cells},
    KindTable{"PriorityClass", "Name,Value,Global-Default,Age,PreemptionPolicy", priority_cells},
    KindTable{"MutatingWebhookConfiguration", "Name,Webhooks,Age", webhook_cells},
    KindTable{"ValidatingWebhookConfiguration", "Name,Webhooks,Age", webhook_cells},
};

constexpr KindTable k_plain{"", k_created, created_cells};

const KindTable& row_of(std::string_view kind) {
  for (const KindTable& row : k_tables) {
    if (row.kind == kind) {
      return row;
    }
  }
  return k_plain;
}

Json column_definitions(std::string_view columns) {
  Json definitions = Json::array();
  for (std::string_view column : split_commas(columns)) {
    const bool wide = column.starts_with('*');
    column.remove_prefix(wide ? 1 : 0);
    definitions.push_back({{"name", column},
                           {"type", "string"},
                           {"format", column == "Name" ? "name" : ""},
                           {"description", ""},
                           {"priority", wide ? 1 : 0}});
  }
  return definitions;
}

Json row_object(const Json& object, IncludeObject include) {
  if (include == IncludeObject::object) {
    return object;
  }
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", object.value("metadata", Json::object())}};
}

// Beyond ten of a unit, the smaller one next to it no longer matters.
std::string human_duration(std::int64_t seconds) {
  constexpr std::int64_t k_minute = 60;
  constexpr std::int64_t k_hour = 60 * k_minute;
  constexpr std::int64_t k_day = 24 * k_hour;
  const auto two = [](std::int64_t large, const char* unit, std::int64_t small, const char* sub) {
    return std::to_string(large) + unit + (small == 0 ? "" : std::to_string(small) + sub);
  };
  if (seconds < -1) {
    return "<invalid>";
  }
  if (seconds < 2 * k_minute) {
    return std::to_string(std::max<std::int64_t>(seconds, 0)) + "s";
  }
  if (seconds < 10 * k_minute) {
    return two(seconds / k_minute, "m", seconds % k_minute, "s");
  }
  if (seconds < 3 * k_hour) {
    return std::to_string(seconds / k_minute) + "m";
  }
  if (seconds < 8 * k_hour) {
    return two(seconds / k_hour, "h", seconds / k_minute % 60, "m");
  }
  if (seconds < 2 * k_day) {
    return std::to_string(seconds / k_hour) + "h";
  }
  if (seconds < 8 * k_day) {
    return two(seconds / k_day, "d", seconds / k_hour % 24, "h");
  }
  return std::to_string(seconds / k_day) + "d";
}

}  // namespace

std::string age_since(const std::string& timestamp, std::time_t now) {
  std::tm parts{};
  if (strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) {
    return "<unknown>";
  }
  return human_duration(now - timegm(&parts));
}

Json to_table(const ResourceInfo& info,
              std::span<const Object> objects,
              IncludeObject include,
              const Json& list_metadata) {
  const KindTable& row = row_of(info.kind);
  const std::time_t now = std::time(nullptr);
  Json rows = Json::array();
  for (const Object& object : objects) {
    Json entry = {{"cells", row.cells(*object, now)}};
    if (include != IncludeObject::none) {
      entry["object"] = row_object(*object, include);
    }
    rows.push_back(std::move(entry));
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", list_metadata},
          {"columnDefinitions", column_definitions(row.columns)},
          {"rows", std::move(rows)}};
}

}  // namespace kredis::sandbox::api
