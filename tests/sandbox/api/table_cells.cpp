// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/table_cells.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/tables.hpp"

namespace kredis::sandbox::api {
namespace {

using Texts = std::vector<std::string>;

std::string joined(const Texts& texts, const char* separator = ",") {
  std::string text;
  for (const std::string& part : texts) {
    text += (text.empty() ? "" : separator) + part;
  }
  return text;
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
}

std::string labels_text(const Json& labels) {
  Texts texts;
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      texts.push_back(key + "=" + plain(value));
    }
  }
  return texts.empty() ? "<none>" : joined(texts);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return text;
}

std::string access_modes(const Json& modes) {
  static const std::map<std::string, std::string> short_names = {{"ReadWriteOnce", "RWO"},
                                                                 {"ReadOnlyMany", "ROX"},
                                                                 {"ReadWriteMany", "RWX"},
                                                                 {"ReadWriteOncePod", "RWOP"}};
  Texts texts;
  for (const auto& [mode, name] : short_names) {
    if (std::find(modes.begin(), modes.end(), mode) != modes.end()) {
      texts.push_back(name);
    }
  }
  return joined(texts);
}

void append_containers(Json& cells, const Json& object) {
  Texts names;
  Texts images;
  for (const Json& container : dig_list(object, {"spec", "template", "spec", "containers"})) {
    names.push_back(dig_text(container, {"name"}));
    images.push_back(dig_text(container, {"image"}));
  }
  cells.push_back(joined(names));
  cells.push_back(joined(images));
}

std::string ready_of(const Json& object) {
  return std::to_string(dig_number(object, {"status", "readyReplicas"})) + "/" +
         std::to_string(dig_number(object, {"spec", "replicas"}));
}

std::string external_address(const Json& service) {
  const std::string type = dig_text(service, {"spec", "type"});
  Texts addresses;
  if (type == "LoadBalancer") {
    for (const Json& ingress : dig_list(service, {"status", "loadBalancer", "ingress"})) {
      const std::string ip = dig_text(ingress, {"ip"});
      addresses.push_back(ip.empty() ? dig_text(ingress, {"hostname"}) : ip);
    }
  }
  if (type == "ExternalName") {
    return dig_text(service, {"spec", "externalName"});
  }
  for (const Json& address : dig_list(service, {"spec", "externalIPs"})) {
    addresses.push_back(plain(address));
  }
  return !addresses.empty() ? joined(addresses) : type == "LoadBalancer" ? "<pending>" : "<none>";
}

std::string node_address(const Json& node, const char* type) {
  for (const Json& address : dig_list(node, {"status", "addresses"})) {
    if (dig_text(address, {"type"}) == type) {
      return dig_text(address, {"address"});
    }
  }
  return "<none>";
}

std::string or_unknown(const std::string& text) { return text.empty() ? "<unknown>" : text; }

// At most three entries, then how many more there are.
std::string first_three(const Texts& texts, const char* when_empty) {
  constexpr std::size_t k_shown = 3;
  if (texts.size() <= k_shown) {
    return texts.empty() ? when_empty : joined(texts);
  }
  return joined({texts.begin(), texts.begin() + k_shown}) + " + " +
         std::to_string(texts.size() - k_shown) + " more...";
}

std::string condition_status(const Json& object, const char* type) {
  for (const Json& condition : dig_list(object, {"status", "conditions"})) {
    if (dig_text(condition, {"type"}) == type) {
      return dig_text(condition, {"status"});
    }
  }
  return "";
}

Json job_cells(const Json& job, std::time_t now) {
  const std::string state = condition_status(job, "Complete") == "True" ? "Complete"
                            : condition_status(job, "Failed") == "True" ? "Failed"
                                                                        : "Running";
  return {name_of(job),
          state,
          std::to_string(dig_number(job, {"status", "succeeded"})) + "/" +
              std::to_string(dig_number(job, {"spec", "completions"}, 1)),
          age_since(dig_text(job, {"status", "startTime"}), now),
          age_of(job, now)};
}

}  // namespace

std::string name_of(const Json& object) { return dig_text(object, {"metadata", "name"}); }

std::string age_of(const Json& object, std::time_t now) {
  return age_since(dig_text(object, {"metadata", "creationTimestamp"}), now);
}

std::string or_none(const std::string& text) { return text.empty() ? "<none>" : text; }

Json workload_cells(const Json& object, std::time_t now) {
  const std::string kind = dig_text(object, {"kind"});
  const auto status = [&](const char* field) { return dig_number(object, {"status", field}); };
  Json cells;
  if (kind == "StatefulSet") {
    cells = {name_of(object), ready_of(object), age_of(object, now)};
  } else if (kind == "Deployment") {
    cells = {name_of(object),
             ready_of(object),
             status("updatedReplicas"),
             status("availableReplicas"),
             age_of(object, now)};
  } else if (kind == "ReplicaSet") {
    cells = {name_of(object),
             dig_number(object, {"spec", "replicas"}),
             status("replicas"),
             status("readyReplicas"),
             age_of(object, now)};
  } else if (kind == "Job") {
    cells = job_cells(object, now);
  } else {
    cells = {name_of(object),
             status("desiredNumberScheduled"),
             status("currentNumberScheduled"),
             status("numberReady"),
             status("updatedNumberScheduled"),
             status("numberAvailable"),
             labels_text(dig(object, {"spec", "template", "spec", "nodeSelector"})),
             age_of(object, now)};
  }
  append_containers(cells, object);
  if (kind != "StatefulSet") {
    cells.push_back(labels_text(dig(object, {"spec", "selector", "matchLabels"})));
  }
  return cells;
}

Json service_cells(const Json& service, std::time_t now) {
  Texts ports;
  for (const Json& port : dig_list(service, {"spec", "ports"})) {
    const std::int64_t node_port = dig_number(port, {"nodePort"});
    ports.push_back(std::to_string(dig_number(port, {"port"})) +
                    (node_port > 0 ? ":" + std::to_string(node_port) : "") + "/" +
                    dig_text(port, {"protocol"}));
  }
  return {name_of(service),
          dig_text(service, {"spec", "type"}),
          or_none(dig_text(service, {"spec", "clusterIP"})),
          external_address(service),
          or_none(joined(ports)),
          age_of(service, now),
          labels_text(dig(service, {"spec", "selector"}))};
}

Json node_cells(const Json& node, std::time_t now) {
  const std::string ready = condition_status(node, "Ready");
  std::string status = ready.empty() ? "Unknown" : ready == "True" ? "Ready" : "NotReady";
  if (dig(node, {"spec", "unschedulable"}) == true) {
    status += ",SchedulingDisabled";
  }
  Texts roles;
  const std::string prefix = "node-role.kubernetes.io/";
  const Json labels = node.value("/metadata/labels"_json_pointer, Json::object());
  for (const auto& [key, value] : labels.items()) {
    if (key.starts_with(prefix)) {
      roles.push_back(key.substr(prefix.size()));
    }
  }
  const auto about = [&](const char* field) {
    return or_unknown(dig_text(node, {"status", "nodeInfo", field}));
  };
  return {name_of(node),
          status,
          or_none(joined(roles)),
          age_of(node, now),
          dig_text(node, {"status", "nodeInfo", "kubeletVersion"}),
          node_address(node, "InternalIP"),
          node_address(node, "ExternalIP"),
          about("osImage"),
          about("kernelVersion"),
          about("containerRuntimeVersion")};
}

Json claim_cells(const Json& claim, std::time_t now) {
  const bool going = dig(claim, {"metadata"}).contains("deletionTimestamp");
  const std::string volume = dig_text(claim, {"spec", "volumeName"});
  const std::string phase = going ? "Terminating" : dig_text(claim, {"status", "phase"});
  const std::string mode = dig_text(claim, {"spec", "volumeMode"});
  return {name_of(claim),
          phase,
          volume,
          volume.empty() ? "" : plain(dig(claim, {"status", "capacity", "storage"})),
          volume.empty() ? "" : access_modes(dig_list(claim, {"status", "accessModes"})),
          dig_text(claim, {"spec", "storageClassName"}),
          "<unset>",
          age_of(claim, now),
          mode.empty() ? "<unset>" : mode};
}

Json volume_cells(const Json& volume, std::time_t now) {
  const bool going = dig(volume, {"metadata"}).contains("deletionTimestamp");
  const std::string phase = going ? "Terminating" : dig_text(volume, {"status", "phase"});
  const Json& claim = dig(volume, {"spec", "claimRef"});
  const std::string mode = dig_text(volume, {"spec", "volumeMode"});
  return {name_of(volume),
          plain(dig(volume, {"spec", "capacity", "storage"})),
          access_modes(dig_list(volume, {"spec", "accessModes"})),
          dig_text(volume, {"spec", "persistentVolumeReclaimPolicy"}),
          phase,
          claim.is_null() ? "" : dig_text(claim, {"namespace"}) + "/" + dig_text(claim, {"name"}),
          dig_text(volume, {"spec", "storageClassName"}),
          "<unset>",
          dig_text(volume, {"status", "reason"}),
          age_of(volume, now),
          mode.empty() ? "<unset>" : mode};
}

Json event_cells(const Json& event, std::time_t now) {
  std::string first = dig_text(event, {"firstTimestamp"});
  first = first.empty() ? dig_text(event, {"eventTime"}) : first;
  std::string last = dig_text(event, {"lastTimestamp"});
  last = last.empty() ? first : last;
  const bool core = event.contains("involvedObject");
  const Json& about = dig(event, {core ? "involvedObject" : "regarding"});
  const std::string name = dig_text(about, {"name"});
  std::string source = dig_text(event, {"source", "component"});
  if (const std::string host = dig_text(event, {"source", "host"}); !host.empty()) {
    source += ", " + host;
  }
  return {age_since(last, now),
          dig_text(event, {"type"}),
          dig_text(event, {"reason"}),
          lower(dig_text(about, {"kind"})) + (name.empty() ? "" : "/" + name),
          dig_text(about, {"fieldPath"}),
          source.empty() ? dig_text(event, {"reportingComponent"}) : source,
          dig_text(event, {core ? "message" : "note"}),
          age_since(first, now),
          dig_number(event, {"count"}, 1),
          name_of(event)};
}

Json endpoints_cells(const Json& endpoints, std::time_t now) {
  Texts addresses;
  for (const Json& subset : dig_list(endpoints, {"subsets"})) {
    for (const Json& address : dig_list(subset, {"addresses"})) {
      const std::string ip = dig_text(address, {"ip"});
      const Json& ports = dig_list(subset, {"ports"});
      for (const Json& port : ports) {
        addresses.push_back(ip + ":" + std::to_string(dig_number(port, {"port"})));
      }
      if (ports.empty()) {
        addresses.push_back(ip);
      }
    }
  }
  return {name_of(endpoints), first_three(addresses, "<none>"), age_of(endpoints, now)};
}

Json endpoint_slice_cells(const Json& slice, std::time_t now) {
  Texts ports;
  for (const Json& port : dig_list(slice, {"ports"})) {
    ports.push_back(std::to_string(dig_number(port, {"port"})));
  }
  Texts addresses;
  for (const Json& endpoint : dig_list(slice, {"endpoints"})) {
    for (const Json& address : dig_list(endpoint, {"addresses"})) {
      addresses.push_back(plain(address));
    }
  }
  return {name_of(slice),
          dig_text(slice, {"addressType"}),
          first_three(ports, "<unset>"),
          first_three(addresses, "<unset>"),
          age_of(slice, now)};
}

Json quota_cells(const Json& quota, std::time_t now) {
  Texts requests;
  Texts limits;
  const Json hard = quota.value("/status/hard"_json_pointer, Json::object());
  for (const auto& [name, limit] : hard.items()) {
    const std::string used = plain(dig(quota, {"status", "used", name}));
    Texts& column = name.starts_with("limits.") ? limits : requests;
    column.push_back(name + ": " + (used.empty() ? "0" : used) + "/" + plain(limit));
  }
  return {name_of(quota), joined(requests, ", "), joined(limits, ", "), age_of(quota, now)};
}

Json storage_class_cells(const Json& storage_class, std::time_t now) {
  const bool by_default =
      dig_text(storage_class,
               {"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) ==
      "true";
  return {name_of(storage_class) + (by_default ? " (default)" : ""),
          dig_text(storage_class, {"provisioner"}),
          dig_text(storage_class, {"reclaimPolicy"}),
          dig_text(storage_class, {"volumeBindingMode"}),
          dig(storage_class, {"allowVolumeExpansion"}) == true,
          age_of(storage_class, now)};
}

Json budget_cells(const Json& budget, std::time_t now) {
  const auto bound = [&](const char* field) {
    const std::string text = plain(dig(budget, {"spec", field}));
    return text.empty() ? std::string("N/A") : text;
  };
  return {name_of(budget),
          bound("minAvailable"),
          bound("maxUnavailable"),
          dig_number(budget, {"status", "disruptionsAllowed"}),
          age_of(budget, now)};
}

Json binding_cells(const Json& binding, std::time_t now) {
  Texts users;
  Texts groups;
  Texts accounts;
  for (const Json& subject : dig_list(binding, {"subjects"})) {
    const std::string kind = dig_text(subject, {"kind"});
    const std::string name = dig_text(subject, {"name"});
    if (kind == "User") {
      users.push_back(name);
    } else if (kind == "Group") {
      groups.push_back(name);
    } else {
      accounts.push_back(dig_text(subject, {"namespace"}) + "/" + name);
    }
  }
  return {name_of(binding),
          dig_text(binding, {"roleRef", "kind"}) + "/" + dig_text(binding, {"roleRef", "name"}),
          age_of(binding, now),
          joined(users, ", "),
          joined(groups, ", "),
          joined(accounts, ", ")};
}

}  // namespace kredis::sandbox::api
