// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes objects -> core values: pods with where they run and why they do not, the shape that a
// workload asks for. Objects come from an API server, yet nothing here trusts their types.
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "shared/core/cluster_view.hpp"
#include "shared/json/json.hpp"

namespace kredis::wire {

/// Where Redis runs in a pod: the place of its container, and the port for clients.
struct RedisPlace {
  std::size_t container = 0;
  int port = 6379;
};

/// Reads a Pod. `zones` maps a node's name to its zone. Units: `now_seconds` since 1970, UTC.
core::Pod pod_from_json(const Json& pod,
                        const std::map<std::string, std::string>& zones = {},
                        std::int64_t now_seconds = 0,
                        const RedisPlace& redis = {});

/// Says in one line why `pod` does not run or is not ready; empty when it is well. `events` is a
/// list of Event objects, of which those about the pod are read.
std::string pod_trouble(const Json& pod, const Json& events);

/// Why a workload's pods or claims are not made, in the API server's own words and at any length:
/// the latest complaint about the StatefulSet `workload`, or about a ReplicaSet whose name begins
/// with it. Empty when nobody complains.
std::string maker_trouble(const Json& events, const std::string& workload);

/// Why each node in a list of Node objects is not ready; those that are well are left out.
std::map<std::string, std::string> node_troubles(const Json& nodes);

/// Whether a volume of `pod` outlives it: a claim, or one that lies elsewhere.
bool keeps_data(const Json& pod);

/// The zone of each node in a list of Node objects.
std::map<std::string, std::string> zones_from_json(const Json& nodes);

/// The shape in a workload's annotations; nothing when they are absent or no numbers.
std::optional<core::Shape> shape_from_json(const Json& workload);

/// Reads an RFC 3339 time as Kubernetes writes it, "2019-06-04T03:36:00Z". Units: seconds since
/// 1970; 0 for anything else.
std::int64_t parse_time(const std::string& text);

}  // namespace kredis::wire
