// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/quota.hpp"

#include <algorithm>
#include <map>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/quantity.hpp"

namespace kredis::sandbox::api {
namespace {

// Quantities in thousandths by quota name, for example "requests.cpu".
using Usage = std::map<std::string, double>;

void add(Usage& usage, const Usage& more) {
  for (const auto& [name, amount] : more) {
    usage[name] += amount;
  }
}

Usage usage_of_pod(const Json& pod) {
  const std::string phase = dig_text(pod, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") {
    return {};
  }
  Usage usage{{"pods", 1e3}, {"count/pods", 1e3}};
  for (const Json& container : dig_list(pod, {"spec", "containers"})) {
    for (const char* kind : {"requests", "limits"}) {
      for (const char* name : {"cpu", "memory", "ephemeral-storage"}) {
        const Json& amount = dig(container, {"resources", kind, name});
        if (amount.is_null()) {
          continue;
        }
        const double value = parse_quantity(amount).value_or(0);
        usage[std::string(kind) + "." + name] += value;
        if (std::string_view(kind) == "requests") {
          usage[name] += value;  // The short name means the request.
        }
      }
    }
  }
  return usage;
}

Usage usage_of_claim(const Json& claim) {
  const double size =
      parse_quantity(dig(claim, {"spec", "resources", "requests", "storage"})).value_or(0);
  Usage usage{{"persistentvolumeclaims", 1e3}, {"requests.storage", size}};
  const std::string storage_class = dig_text(claim, {"spec", "storageClassName"});
  if (!storage_class.empty()) {
    const std::string prefix = storage_class + ".storageclass.storage.k8s.io/";
    usage[prefix + "requests.storage"] = size;
    usage[prefix + "persistentvolumeclaims"] = 1e3;
  }
  return usage;
}

Usage usage_of_service(const Json& service) {
  Usage usage{{"services", 1e3}};
  const std::string type = dig_text(service, {"spec", "type"});
  if (type == "NodePort" || type == "LoadBalancer") {
    usage["services.nodeports"] =
        1e3 * static_cast<double>(dig_list(service, {"spec", "ports"}).size());
  }
  if (type == "LoadBalancer") {
    usage["services.loadbalancers"] = 1e3;
  }
  return usage;
}

Usage usage_of(const ResourceInfo& info, const Json& object) {
  Usage usage;
  if (info.kind == "Pod") {
    usage = usage_of_pod(object);
  } else if (info.kind == "PersistentVolumeClaim") {
    usage = usage_of_claim(object);
  } else if (info.kind == "Service") {
    usage = usage_of_service(object);
  } else if (info.group.empty()) {
    usage[std::string(info.resource)] = 1e3;
  }
  const std::string suffix = info.group.empty() ? "" : "." + std::string(info.group);
  usage["count/" + std::string(info.resource) + suffix] = 1e3;
  return usage;
}

Usage usage_of_namespace(const Store& store, const std::string& namespace_) {
  Usage total;
  for (const ResourceInfo& info : resources()) {
    if (info.storage == Storage::stored && info.scope == Scope::namespaced) {
      for (const Object& object :
           store.list(std::string(info.group), std::string(info.resource), namespace_)) {
        add(total, usage_of(info, *object));
      }
    }
  }
  return total;
}

// A quota on requests or limits makes every container name them.
ApiStatus check_named(const ResourceInfo& info,
                      const Json& object,
                      const std::string& quota,
                      const Json& hard) {
  if (info.kind != "Pod") {
    return {};
  }
  const Usage asked = usage_of_pod(object);
  std::string missing;
  for (const auto& [name, limit] : hard.items()) {
    const bool compute = name == "cpu" || name == "memory" || name.starts_with("requests.cpu") ||
                         name.starts_with("requests.memory") || name.starts_with("limits.");
    if (compute && !asked.contains(name)) {
      missing += (missing.empty() ? "" : ",") + name + " for: ";
      std::string containers;
      for (const Json& container : dig_list(object, {"spec", "containers"})) {
        containers += (containers.empty() ? "" : ",") + dig_text(container, {"name"});
      }
      missing += containers;
    }
  }
  if (missing.empty()) {
    return {};
  }
  return forbidden(info,
                   dig_text(object, {"metadata", "name"}),
                   "failed quota: " + quota + ": must specify " + missing);
}

ApiStatus check_one(const ResourceInfo& info,
                    const Json& object,
                    const Json& quota,
                    const Usage& used) {
  const std::string name = dig_text(quota, {"metadata", "name"});
  const Json hard = dig(quota, {"spec", "hard"});
  if (!hard.is_object()) {
    return {};
  }
  KREDIS_CHECK(check_named(info, object, name, hard));
  std::string requested_text;
  std::string used_text;
  std::string limited_text;
  const auto append = [](std::string& text, const std::string& what, const std::string& amount) {
    text += (text.empty() ? "" : ",") + what + "=" + amount;
  };
  for (const auto& [what, amount] : usage_of(info, object)) {
    if (!hard.contains(what) || amount == 0) {
      continue;
    }
    const double limit = parse_quantity(hard[what]).value_or(0);
    const double now = used.contains(what) ? used.at(what) : 0;
    if (now + amount > limit) {
      const std::string unit = hard[what].is_string() ? hard[what].get<std::string>() : "";
      append(requested_text, what, format_quantity(amount, unit));
      append(used_text, what, format_quantity(now, unit));
      append(limited_text, what, unit);
    }
  }
  if (requested_text.empty()) {
    return {};
  }
  return forbidden(info,
                   dig_text(object, {"metadata", "name"}),
                   "exceeded quota: " + name + ", requested: " + requested_text +
                       ", used: " + used_text + ", limited: " + limited_text);
}

}  // namespace

ApiStatus check_quota(const Store& store, const ResourceInfo& info, const Json& object) {
  const std::string namespace_ = dig_text(object, {"metadata", "namespace"});
  const auto quotas =
      namespace_.empty() ? std::vector<Object>{} : store.list("", "resourcequotas", namespace_);
  if (quotas.empty()) {
    return {};
  }
  const Usage used = usage_of_namespace(store, namespace_);
  for (const Object& quota : quotas) {
    KREDIS_CHECK(check_one(info, object, *quota, used));
  }
  return {};
}

void refresh_quotas(Store& store) {
  std::map<std::string, Usage> by_namespace;
  for (const Object& quota : store.list("", "resourcequotas")) {
    const std::string namespace_ = dig_text(*quota, {"metadata", "namespace"});
    if (!by_namespace.contains(namespace_)) {
      by_namespace[namespace_] = usage_of_namespace(store, namespace_);
    }
    const Usage& used = by_namespace[namespace_];
    const Key key{"", "resourcequotas", namespace_, dig_text(*quota, {"metadata", "name"})};
    (void)store.update(key, [&](Json& changed) -> Status {
      const Json hard = changed.value("/spec/hard"_json_pointer, Json::object());
      changed["status"] = {{"hard", hard}, {"used", Json::object()}};
      for (const auto& [name, limit] : hard.items()) {
        const double amount = used.contains(name) ? used.at(name) : 0;
        changed["status"]["used"][name] =
            format_quantity(amount, limit.is_string() ? limit.get<std::string>() : "");
      }
      return {};
    });
  }
}

}  // namespace kredis::sandbox::api
