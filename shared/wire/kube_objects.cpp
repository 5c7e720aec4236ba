// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/kube_objects.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <utility>

#include "shared/core/labels.hpp"
#include "shared/wire/quantity.hpp"

namespace kredis::wire {
namespace {

/// The number at `pointer`, or `otherwise` where there is none.
int number_at(const Json& object, const char* pointer, int otherwise = 0) {
  const Json::json_pointer path(pointer);
  const bool fits = object.contains(path) && object.at(path).is_number_integer() &&
                    std::in_range<int>(object.at(path).get<std::int64_t>());
  return fits ? object.at(path).get<int>() : otherwise;
}

Json array_at(const Json& object, const char* pointer) {
  const Json::json_pointer path(pointer);
  return object.contains(path) && object.at(path).is_array() ? object.at(path) : Json::array();
}

std::map<std::string, std::string> labels_of(const Json& object) {
  std::map<std::string, std::string> labels;
  const Json::json_pointer path("/metadata/labels");
  const Json found = object.contains(path) ? object.at(path) : Json::object();
  for (const auto& [key, value] : found.items()) {
    labels[key] = value.is_string() ? value.get<std::string>() : "";
  }
  return labels;
}

/// The condition of that type of a pod or a node; null when it has none.
Json condition(const Json& object, const std::string& type) {
  for (const Json& each : array_at(object, "/status/conditions")) {
    if (text_at(each, "/type") == type) {
      return each;
    }
  }
  return nullptr;
}

/// A pod that is given its node's address announces that: create --external NodePort.
bool announces_its_node(const Json& pod) {
  for (const Json& container : array_at(pod, "/spec/containers")) {
    for (const Json& variable : array_at(container, "/env")) {
      if (text_at(variable, "/name") == "NODE_IP") {
        return true;
      }
    }
  }
  return false;
}

/// "redis-app-12" -> 12; 0 without a number at the end.
int ordinal_of(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  int ordinal = 0;
  if (dash != std::string::npos) {
    std::from_chars(name.data() + dash + 1, name.data() + name.size(), ordinal);
  }
  return ordinal;
}

std::string one_line(std::string text) {
  constexpr std::size_t k_longest = 240;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > k_longest ? text.substr(0, k_longest) + "..." : text;
}

std::string with_reason(const std::string& reason, const std::string& message) {
  return one_line(message.empty() ? reason : reason.empty() ? message : reason + ": " + message);
}

/// How a container ended, for people.
std::string ending(const Json& terminated) {
  const std::string reason = text_at(terminated, "/reason", "ended");
  return reason + " with exit code " + std::to_string(number_at(terminated, "/exitCode"));
}

/// Whether it could not be started because its image has no shell, as runc and crun say it.
bool lacks_shell(const Json& status) {
  for (const char* where :
       {"/state/waiting/message", "/state/terminated/message", "/lastState/terminated/message"}) {
    const std::string message = text_at(status, where);
    const bool is_missing = message.find("no such file") != std::string::npos ||
                            message.find("not found") != std::string::npos;
    if (is_missing && message.find("/bin/sh") != std::string::npos) {
      return true;
    }
  }
  return false;
}

/// Why a container waits, crashed or is not ready; empty when it is well.
std::string container_trouble(const Json& status) {
  if (lacks_shell(status)) {
    return "its image has no /bin/sh, which starts and hands over: take one that has a shell and "
           "its tools, such as redis:8.0 or valkey/valkey:8.1";
  }
  const std::string waiting = text_at(status, "/state/waiting/reason");
  const Json::json_pointer last_end("/lastState/terminated");
  const Json last = status.contains(last_end) ? status.at(last_end) : Json();
  const std::string restarts = std::to_string(number_at(status, "/restartCount")) + " restarts)";
  if (waiting == "CrashLoopBackOff") {
    return "crashes again and again (" + ending(last) + ", " + restarts;
  }
  if (!waiting.empty() && waiting != "ContainerCreating" && waiting != "PodInitializing") {
    return with_reason(waiting, text_at(status, "/state/waiting/message"));
  }
  if (status.contains("/state/terminated"_json_pointer)) {
    return ending(status.at("/state/terminated"_json_pointer));
  }
  const bool ready = status.contains("ready") && status.at("ready") == true;
  if (!ready && text_at(last, "/reason") == "OOMKilled") {
    return "was killed for using more memory than its limit (" + ending(last) + ", " + restarts;
  }
  return {};
}

std::string container_pointer(const RedisPlace& redis) {
  return "/spec/containers/" + std::to_string(redis.container);
}

/// Whether Redis's container runs as far as the pod says.
bool is_running(const Json& pod, const RedisPlace& redis) {
  const std::string name = text_at(pod, container_pointer(redis) + "/name");
  for (const Json& status : array_at(pod, "/status/containerStatuses")) {
    if (text_at(status, "/name") == name) {
      return !status.contains("/state/waiting"_json_pointer) &&
             !status.contains("/state/terminated"_json_pointer);
    }
  }
  return true;
}

bool is_about(const Json& event, const Json& pod) {
  const std::string uid = text_at(event, "/involvedObject/uid");
  return text_at(event, "/involvedObject/name") == text_at(pod, "/metadata/name") &&
         (uid.empty() || uid == text_at(pod, "/metadata/uid"));
}

/// The latest warning that is wanted; null where there is none.
template <typename Wanted>
Json latest_warning(const Json& events, const Wanted& wanted) {
  Json latest;
  std::string at;
  for (const Json& event : events) {
    const std::string time = text_at(event, "/lastTimestamp", text_at(event, "/eventTime"));
    if (text_at(event, "/type") == "Warning" && wanted(event) && time >= at) {
      latest = event;
      at = time;
    }
  }
  return latest;
}

/// Whether the event is about what makes the pods of `workload`.
bool is_about_maker(const Json& event, const std::string& workload) {
  const std::string kind = text_at(event, "/involvedObject/kind");
  const std::string name = text_at(event, "/involvedObject/name");
  return (kind == "StatefulSet" && name == workload) ||
         (kind == "ReplicaSet" && name.starts_with(workload + "-"));
}

std::int64_t memory_limit(const Json& pod, const RedisPlace& redis) {
  const auto limit =
      parse_byte_quantity(text_at(pod, container_pointer(redis) + "/resources/limits/memory", "0"));
  return limit ? *limit : 0;
}

/// Of Redis's container; a sidecar's are no news of the server.
int restarts_of(const Json& pod, const RedisPlace& redis) {
  const std::string name = text_at(pod, container_pointer(redis) + "/name");
  for (const Json& status : array_at(pod, "/status/containerStatuses")) {
    if (text_at(status, "/name") == name) {
      return number_at(status, "/restartCount");
    }
  }
  return 0;
}

}  // namespace

std::int64_t parse_time(const std::string& text) {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  // NOLINTNEXTLINE(cert-err34-c): the count of fields says whether they were read.
  if (std::sscanf(
          text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) !=
      6) {
    return 0;
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) {
    return 0;
  }
  const auto days = std::chrono::sys_days{date}.time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(days).count() + hour * 3600LL +
         minute * 60LL + second;
}

core::Pod pod_from_json(const Json& pod,
                        const std::map<std::string, std::string>& zones,
                        std::int64_t now_seconds,
                        const RedisPlace& redis) {
  core::Pod result;
  result.name = text_at(pod, "/metadata/name");
  result.uid = text_at(pod, "/metadata/uid");
  result.ending = !text_at(pod, "/metadata/deletionTimestamp").empty();
  result.keeps_data = keeps_data(pod);
  const std::string ordinal = label_of(pod, core::k_ordinal_label);
  result.ordinal = ordinal_of(ordinal.empty() ? result.name : "-" + ordinal);
  result.domain.node = text_at(pod, "/spec/nodeName");
  const auto zone = zones.find(result.domain.node);
  result.domain.zone = zone == zones.end() ? "" : zone->second;
  result.labels = labels_of(pod);
  result.ip = text_at(pod, "/status/podIP");
  result.announced_ip = announces_its_node(pod) ? text_at(pod, "/status/hostIP") : "";
  result.port = redis.port;
  result.container = text_at(pod, container_pointer(redis) + "/name");
  result.running = text_at(pod, "/status/phase") == "Running" && is_running(pod, redis);
  result.ready = text_at(condition(pod, "Ready"), "/status") == "True";
  result.restarts = restarts_of(pod, redis);
  const std::int64_t born = parse_time(text_at(pod, "/metadata/creationTimestamp"));
  result.age_seconds = born > 0 && now_seconds > born ? now_seconds - born : 0;
  result.memory_limit_bytes = memory_limit(pod, redis);
  result.trouble = result.ready ? "" : pod_trouble(pod, Json::array());
  return result;
}

std::string pod_trouble(const Json& pod, const Json& events) {
  if (pod.contains("/metadata/deletionTimestamp"_json_pointer)) {
    return "is being deleted";
  }
  const Json scheduled = condition(pod, "PodScheduled");
  if (text_at(scheduled, "/status") == "False") {
    return with_reason(text_at(scheduled, "/reason"), text_at(scheduled, "/message"));
  }
  if (text_at(pod, "/status/phase") == "Failed") {
    return with_reason(text_at(pod, "/status/reason", "failed"), text_at(pod, "/status/message"));
  }
  for (const char* statuses : {"/status/initContainerStatuses", "/status/containerStatuses"}) {
    for (const Json& status : array_at(pod, statuses)) {
      if (std::string trouble = container_trouble(status); !trouble.empty()) {
        return trouble;
      }
    }
  }
  const Json ready = condition(pod, "Ready");
  if (text_at(ready, "/status") == "True") {
    return {};
  }
  // That it waited for a node is of no interest once it has one.
  const bool is_placed = !text_at(pod, "/spec/nodeName").empty();
  const Json warning = latest_warning(events, [&](const Json& event) {
    return is_about(event, pod) && !(is_placed && text_at(event, "/reason") == "FailedScheduling");
  });
  return warning.is_null() ? one_line(text_at(ready, "/message"))
                           : with_reason(text_at(warning, "/reason"), text_at(warning, "/message"));
}

std::string maker_trouble(const Json& events, const std::string& workload) {
  const Json warning = latest_warning(events, [&](const Json& event) {
    return text_at(event, "/reason") == "FailedCreate" && is_about_maker(event, workload);
  });
  return text_at(warning, "/message");
}

std::map<std::string, std::string> node_troubles(const Json& nodes) {
  std::map<std::string, std::string> troubles;
  for (const Json& node : nodes) {
    const Json ready = condition(node, "Ready");
    if (!ready.is_null() && text_at(ready, "/status") != "True") {
      troubles[text_at(node, "/metadata/name")] =
          with_reason(text_at(ready, "/reason"), text_at(ready, "/message"));
    }
  }
  return troubles;
}

bool keeps_data(const Json& pod) {
  static constexpr std::array k_gone_with_the_pod{
      "emptyDir", "configMap", "secret", "projected", "downwardAPI", "ephemeral", "image"};
  const auto volumes = pod.contains("/spec/volumes"_json_pointer)
                           ? pod.at("/spec/volumes"_json_pointer)
                           : Json::array();
  return std::ranges::any_of(volumes, [](const Json& volume) {
    return volume.is_object() && std::ranges::none_of(k_gone_with_the_pod, [&](const char* kind) {
             return volume.contains(kind);
           });
  });
}

std::map<std::string, std::string> zones_from_json(const Json& nodes) {
  std::map<std::string, std::string> zones;
  for (const Json& node : nodes) {
    // The second label is what nodes carried before Kubernetes 1.17.
    zones[text_at(node, "/metadata/name")] =
        text_at(node,
                "/metadata/labels/topology.kubernetes.io~1zone",
                text_at(node, "/metadata/labels/failure-domain.beta.kubernetes.io~1zone"));
  }
  return zones;
}

std::optional<core::Shape> shape_from_json(const Json& workload) {
  const auto number = [&](std::string_view annotation) -> std::optional<std::uint32_t> {
    const std::string text = annotation_of(workload, annotation);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
    return whole ? std::optional(value) : std::nullopt;
  };
  const auto masters = number(core::k_masters_annotation);
  const auto replicas = number(core::k_replicas_annotation);
  if (!masters || !replicas) {
    return std::nullopt;
  }
  return core::Shape{.masters = *masters, .replicas = *replicas};
}

}  // namespace kredis::wire
