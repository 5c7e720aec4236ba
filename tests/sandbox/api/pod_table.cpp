// SPDX-License-Identifier: Apache-2.0
//
// A pod's row. Its STATUS column is the worst thing that one of its containers reports.
#include <algorithm>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/table_cells.hpp"
#include "tests/sandbox/api/tables.hpp"

namespace kredis::sandbox::api {
namespace {

struct Summary {
  std::string reason;
  std::int64_t restarts = 0;
  std::int64_t ready = 0;
  std::string last_restart;  // RFC 3339, so that texts compare as times do.
};

bool has_condition(const Json& pod, const char* type) {
  const Json& conditions = dig_list(pod, {"status", "conditions"});
  return std::any_of(conditions.begin(), conditions.end(), [&](const Json& condition) {
    return dig_text(condition, {"type"}) == type && dig_text(condition, {"status"}) == "True";
  });
}

std::string ended_as(const Json& terminated) {
  if (const std::string reason = dig_text(terminated, {"reason"}); !reason.empty()) {
    return reason;
  }
  const std::int64_t signal = dig_number(terminated, {"signal"});
  return signal != 0 ? "Signal:" + std::to_string(signal)
                     : "ExitCode:" + std::to_string(dig_number(terminated, {"exitCode"}));
}

void count_restarts(Summary& summary, const Json& container) {
  summary.restarts += dig_number(container, {"restartCount"});
  summary.last_restart = std::max(summary.last_restart,
                                  dig_text(container, {"lastState", "terminated", "finishedAt"}));
}

// Returns whether an init container still holds the others back.
bool summarise_init(const Json& pod, Summary& summary) {
  const Json& statuses = dig_list(pod, {"status", "initContainerStatuses"});
  for (std::size_t at = 0; at < statuses.size(); ++at) {
    count_restarts(summary, statuses[at]);
    const Json& terminated = dig(statuses[at], {"state", "terminated"});
    if (terminated.is_object() && dig_number(terminated, {"exitCode"}) == 0) {
      continue;
    }
    const std::string waiting = dig_text(statuses[at], {"state", "waiting", "reason"});
    if (terminated.is_object()) {
      summary.reason = "Init:" + ended_as(terminated);
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      summary.reason = "Init:" + waiting;
    } else {
      summary.reason = "Init:" + std::to_string(at) + "/" +
                       std::to_string(dig_list(pod, {"spec", "initContainers"}).size());
    }
    return true;
  }
  return false;
}

void summarise_containers(const Json& pod, Summary& summary) {
  summary.restarts = 0;
  summary.last_restart.clear();
  bool running = false;
  const Json& statuses = dig_list(pod, {"status", "containerStatuses"});
  for (auto at = statuses.rbegin(); at != statuses.rend(); ++at) {
    count_restarts(summary, *at);
    const std::string waiting = dig_text(*at, {"state", "waiting", "reason"});
    const Json& terminated = dig(*at, {"state", "terminated"});
    if (!waiting.empty()) {
      summary.reason = waiting;
    } else if (terminated.is_object()) {
      summary.reason = ended_as(terminated);
    } else if (dig(*at, {"ready"}) == true && dig(*at, {"state", "running"}).is_object()) {
      running = true;
      ++summary.ready;
    }
  }
  if (summary.reason == "Completed" && running) {
    summary.reason = has_condition(pod, "Ready") ? "Running" : "NotReady";
  }
}

Summary summarise(const Json& pod) {
  Summary summary;
  const std::string phase = dig_text(pod, {"status", "phase"});
  const std::string own_reason = dig_text(pod, {"status", "reason"});
  summary.reason = own_reason.empty() ? phase : own_reason;
  if (!summarise_init(pod, summary) || has_condition(pod, "Initialized")) {
    summarise_containers(pod, summary);
  }
  if (dig(pod, {"metadata"}).contains("deletionTimestamp")) {
    if (own_reason == "NodeLost") {
      summary.reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      summary.reason = "Terminating";
    }
  }
  return summary;
}

}  // namespace

Json pod_cells(const Json& pod, std::time_t now) {
  const Summary summary = summarise(pod);
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts > 0 && !summary.last_restart.empty()) {
    restarts += " (" + age_since(summary.last_restart, now) + " ago)";
  }
  return {dig_text(pod, {"metadata", "name"}),
          std::to_string(summary.ready) + "/" +
              std::to_string(dig_list(pod, {"spec", "containers"}).size()),
          summary.reason,
          restarts,
          age_since(dig_text(pod, {"metadata", "creationTimestamp"}), now),
          or_none(dig_text(pod, {"status", "podIP"})),
          or_none(dig_text(pod, {"spec", "nodeName"})),
          or_none(dig_text(pod, {"status", "nominatedNodeName"})),
          "<none>"};
}

}  // namespace kredis::sandbox::api
