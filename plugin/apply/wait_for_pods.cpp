// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/wait_for_pods.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "shared/wire/kube_objects.hpp"

namespace kredis::plugin {
namespace {

using Pods = std::map<std::string, Json>;

/// How long a pod may make no progress before its events are asked for again.
constexpr auto k_look_again = std::chrono::seconds(3);
constexpr int k_log_lines = 5;

std::string name_of_pod(const Json& pod) { return pod.at("metadata").value("name", ""); }

std::string node_of(const Json& pod) {
  return pod.value(Json::json_pointer("/spec/nodeName"), std::string());
}

bool is_ready(const Json& pod) {
  return wire::pod_from_json(pod).ready && !pod.at("metadata").contains("deletionTimestamp");
}

int ready_count(const Pods& pods) {
  return static_cast<int>(std::count_if(
      pods.begin(), pods.end(), [](const auto& each) { return is_ready(each.second); }));
}

/// Why pods are missing, and their number; empty when all are there or nobody says why.
std::string not_made(const core::PodsReady& wait, const Pods& pods, const Json& events) {
  const auto missing = static_cast<int>(wait.count) - static_cast<int>(pods.size());
  const std::string reason = wire::maker_trouble(events, wait.workload);
  return missing <= 0 || reason.empty() ? "" : fmt::format("{} not made: {}", missing, reason);
}

void show(const core::PodsReady& wait,
          const Pods& pods,
          const Json& events,
          const Conduct& conduct) {
  if (conduct.progress == nullptr) {
    return;
  }
  Progress& progress = *conduct.progress;
  for (const auto& [name, pod] : pods) {
    const std::string trouble = wire::pod_trouble(pod, events);
    const std::string node = node_of(pod);
    progress.line(name,
                  is_ready(pod) ? "ready" + (node.empty() ? "" : " on " + node)
                  : !trouble.empty()
                      ? trouble
                      : pod.value(Json::json_pointer("/status/phase"), std::string("starting")));
  }
  if (const std::string missing = not_made(wait, pods, events); !missing.empty()) {
    progress.line(wait.workload, missing.substr(0, missing.find('\n')));
  }
}

bool is_enough(const core::PodsReady& wait, const Pods& pods) {
  return ready_count(pods) >= static_cast<int>(wait.count);
}

Json warnings_in(ports::KubePort& kube, const std::string& namespace_) {
  const auto list = kube.list({{"v1", "events"}, namespace_}, {.field_selector = "type=Warning"});
  return list ? list->at("items") : Json::array();
}

bool has_crashed(const Json& pod) {
  for (const Json& status :
       pod.value(Json::json_pointer("/status/containerStatuses"), Json::array())) {
    if (status.value("restartCount", 0) > 0 || status.contains("/state/terminated"_json_pointer)) {
      return true;
    }
  }
  return false;
}

/// The last lines that a crashed container wrote, indented; empty when there is nothing to show.
std::string last_words(ports::KubePort& kube, const Json& pod) {
  if (!has_crashed(pod)) {
    return {};
  }
  const std::string container =
      pod.value("/spec/containers/0/name"_json_pointer, std::string("redis"));
  const std::string namespace_ = pod.at("metadata").value("namespace", "");
  auto log = kube.logs(namespace_, name_of_pod(pod), container, k_log_lines, true);
  if (!log || log->empty()) {
    log = kube.logs(namespace_, name_of_pod(pod), container, k_log_lines, false);
  }
  std::string text;
  std::size_t start = 0;
  while (log && start < log->size()) {
    const std::size_t end = std::min(log->find('\n', start), log->size());
    text += "\n      | " + log->substr(start, end - start);
    start = end + 1;
  }
  return text;
}

/// Why a pod is not ready: its node's trouble goes before its own, which is then a consequence.
std::string reason_of(const Json& pod,
                      const Json& events,
                      const std::map<std::string, std::string>& lost_nodes) {
  if (const auto lost = lost_nodes.find(node_of(pod)); lost != lost_nodes.end()) {
    return "the node is not ready: " + lost->second;
  }
  const std::string trouble = wire::pod_trouble(pod, events);
  return trouble.empty() ? "not ready yet" : trouble;
}

Error not_ready(ports::KubePort& kube, const core::PodsReady& wait, const Pods& pods) {
  const Json events = warnings_in(kube, wait.namespace_);
  const auto nodes = kube.list({{"v1", "nodes"}, ""}, {});
  const auto lost_nodes = wire::node_troubles(nodes ? nodes->at("items") : Json::array());
  std::string text =
      fmt::format("{} of {} pods became ready in time", ready_count(pods), wait.count);
  std::string first_stuck;
  for (const auto& [name, pod] : pods) {
    if (is_ready(pod)) {
      continue;
    }
    first_stuck = first_stuck.empty() ? name : first_stuck;
    const std::string node = node_of(pod);
    text += fmt::format("\n  {}{}: {}{}",
                        name,
                        node.empty() ? "" : " on " + node,
                        reason_of(pod, events, lost_nodes),
                        last_words(kube, pod));
  }
  const std::string missing = not_made(wait, pods, events);
  if (!missing.empty()) {
    text += "\n  " + missing;
  } else if (pods.empty()) {
    text += "\n  none was made: see kubectl describe statefulset";
  }
  return Error::timeout(text).with_hint(
      first_stuck.empty() ? "mend that, then run the same command again"
                          : fmt::format("mend that (kubectl describe pod {} -n {}), then run the "
                                        "same command again",
                                        first_stuck,
                                        wait.namespace_));
}

}  // namespace

Status wait_for_pods(ports::KubePort& kube, const core::PodsReady& wait, const Conduct& conduct) {
  Pods pods;
  Json events = Json::array();
  const auto on_event = [&](const ports::WatchEvent& event) {
    if (event.kind == ports::WatchEvent::Kind::bookmark) {
      return ports::WatchStep::go_on;
    }
    const std::string name = name_of_pod(event.object);
    if (event.kind == ports::WatchEvent::Kind::deleted) {
      pods.erase(name);
    } else {
      pods[name] = event.object;
    }
    show(wait, pods, events, conduct);
    return is_enough(wait, pods) || conduct.is_cancelled() ? ports::WatchStep::stop
                                                           : ports::WatchStep::go_on;
  };
  while (true) {
    const auto pause = std::min(conduct.end(), conduct.now() + k_look_again);
    pods.clear();
    const Status watched = kube.watch({{"v1", "pods"}, wait.namespace_},
                                      {.label_selector = wait.label_selector},
                                      pause,
                                      on_event);
    if (watched && is_enough(wait, pods)) {
      return {};
    }
    if (conduct.is_cancelled()) {
      return conduct.ended_while(to_text(core::State(wait)));
    }
    // It has answered before: an API server that restarts is waited for like everything else.
    const bool is_away = !watched && watched.error().code == ErrorCode::unreachable;
    if (!watched && watched.error().code != ErrorCode::timeout && !is_away) {
      return watched.error();
    }
    if (conduct.now() >= conduct.end()) {
      return is_away ? watched.error() : not_ready(kube, wait, pods);
    }
    if (is_away) {
      conduct.say("the API server does not answer");
      conduct.clock->sleep_until(pause);
    }
    events = warnings_in(kube, wait.namespace_);
    show(wait, pods, events, conduct);
  }
}

}  // namespace kredis::plugin
