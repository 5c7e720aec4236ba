// SPDX-License-Identifier: Apache-2.0
//
// What the nodes of a Redis Cluster answer when they are asked for it, and the pods that they run
// in: masters first, then their replicas, node i in the pod of ordinal i.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "shared/core/node.hpp"
#include "shared/core/slot_set.hpp"
#include "shared/json/json.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/fake_redis.hpp"
#include "tests/support/nodes_text.hpp"

namespace kredis::tests {

inline core::Reply array_reply(std::vector<core::Reply> items) {
  return {.kind = core::Reply::Kind::array, .items = std::move(items)};
}

/// Values only; what was installed does not follow later changes.
struct FakeCluster {
  int masters = 3;
  int replicas = 1;                           ///< Of each master.
  std::map<int, std::string> announced = {};  ///< Where that is not the pod's own address.
  std::set<int> out_of_step = {};             ///< Replicas whose link to their master is down.
  std::set<int> failed = {};                  ///< That the majority holds to be gone.

  int size() const { return masters * (1 + replicas); }
  static std::string pod_ip(int node) { return "10.1.0." + std::to_string(node + 1); }
  bool is_master(int node) const { return node < masters; }

  /// The node as `viewer` sees it.
  core::Node seen(int node, int viewer) const {
    const auto at = announced.find(node);
    const bool master = is_master(node);
    core::Node seen{.id = testing::node_id(node)};
    seen.address = {.ip = at == announced.end() ? pod_ip(node) : at->second,
                    .port = 6379,
                    .bus_port = 6379 + core::k_bus_offset};
    seen.role = master ? core::Role::master : core::Role::replica;
    seen.flags.myself = node == viewer;
    seen.flags.fail = failed.contains(node);
    seen.config_epoch = static_cast<std::uint64_t>(node % masters) + 1;
    if (master) {
      const auto runs = core::even_slots(static_cast<std::uint32_t>(masters));
      seen.slots.insert(runs[static_cast<std::size_t>(node)]);
    } else {
      seen.master = testing::node_id(node % masters);
    }
    return seen;
  }
  std::string nodes_text(int viewer) const {
    std::string text;
    for (int node = 0; node < size(); ++node) {
      text += node_line(seen(node, viewer));
    }
    return text;
  }
  std::string cluster_text() const {
    return "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n"
           "cluster_known_nodes:" +
           std::to_string(size()) + "\r\ncluster_size:" + std::to_string(masters) + "\r\n";
  }
  std::string info_text(int node) const {
    const std::string role =
        is_master(node) ? "role:master\r\nconnected_slaves:1\r\n"
                        : "role:slave\r\nmaster_link_status:" +
                              std::string(out_of_step.contains(node) ? "down" : "up") + "\r\n";
    return "redis_version:7.4.1\r\ncluster_enabled:1\r\naof_enabled:1\r\n" + role +
           "master_repl_offset:1000\r\n# Keyspace\r\ndb0:keys=10,expires=0,avg_ttl=0\r\n";
  }
  core::Reply answer(int node, const core::Command& command) const {
    if (command == core::Command{"CLUSTER", "NODES"}) {
      return text_reply(nodes_text(node));
    }
    if (command == core::Command{"CLUSTER", "INFO"}) {
      return text_reply(cluster_text());
    }
    if (command == core::Command{"INFO"}) {
      return text_reply(info_text(node));
    }
    if (command == core::Command{"CONFIG", "GET", "save"}) {
      return array_reply({text_reply("save"), text_reply("3600 1")});
    }
    return ok();
  }
  /// Puts all its nodes at the addresses of their pods.
  void install(FakeRedis& redis) const {
    for (int node = 0; node < size(); ++node) {
      redis.put(pod_ip(node), [cluster = *this, node](const core::Command& command) {
        return cluster.answer(node, command);
      });
    }
  }
};

/// A pod that runs and is ready.
inline Json pod_json(const std::string& name, const std::string& ip, const Json& labels) {
  return {{"metadata",
           {{"name", name}, {"namespace", "shop"}, {"uid", "uid-of-" + name}, {"labels", labels}}},
          {"spec", {{"nodeName", "node-a"}, {"containers", Json::array({{{"name", "redis"}}})}}},
          {"status",
           {{"phase", "Running"},
            {"podIP", ip},
            {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}}}};
}

/// The pod as that controller made it.
inline Json owned(Json pod, const std::string& kind, const std::string& owner) {
  pod["metadata"]["ownerReferences"] =
      Json::array({{{"kind", kind}, {"name", owner}, {"controller", true}}});
  return pod;
}

/// The article's StatefulSet redis-app in namespace shop.
inline Json article_set(int pods) {
  const Json labels{{"app", "redis"}, {"appCluster", "redis-cluster"}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", {{"name", "redis-app"}, {"namespace", "shop"}, {"labels", labels}}},
          {"spec",
           {{"replicas", pods},
            {"serviceName", "redis-service"},
            {"selector", {{"matchLabels", labels}}},
            {"template", {{"metadata", {{"labels", labels}}}}}}}};
}

inline Json article_pod(int ordinal) {
  return owned(pod_json("redis-app-" + std::to_string(ordinal),
                        FakeCluster::pod_ip(ordinal),
                        {{"app", "redis"}, {"appCluster", "redis-cluster"}}),
               "StatefulSet",
               "redis-app");
}

/// What `create` puts on each node's objects in the Service & Deployment layout.
inline Json node_labels(int ordinal) {
  return {{"kubectl-redis.dev/cluster", "redis"},
          {"app.kubernetes.io/instance", "redis"},
          {"app.kubernetes.io/managed-by", "kubectl-redis"},
          {"kubectl-redis.dev/ordinal", std::to_string(ordinal)}};
}

inline Json node_deployment(int ordinal) {
  const Json labels = node_labels(ordinal);
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata",
           {{"name", "redis-app-" + std::to_string(ordinal)},
            {"namespace", "shop"},
            {"labels", labels}}},
          {"spec",
           {{"replicas", 1},
            {"selector",
             {{"matchLabels",
               {{"kubectl-redis.dev/cluster", "redis"},
                {"kubectl-redis.dev/ordinal", std::to_string(ordinal)}}}}},
            {"template", {{"metadata", {{"labels", labels}}}}}}}};
}

inline std::string service_ip(int ordinal) { return "10.96.0." + std::to_string(ordinal + 1); }

inline Json node_service(int ordinal) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata",
           {{"name", "redis-app-" + std::to_string(ordinal)},
            {"namespace", "shop"},
            {"labels", node_labels(ordinal)}}},
          {"spec", {{"clusterIP", service_ip(ordinal)}}}};
}

inline std::string replica_set_name(int ordinal) {
  return "redis-app-" + std::to_string(ordinal) + "-5d8f7c9b4";
}

inline std::string deployment_pod_name(int ordinal) {
  return replica_set_name(ordinal) + "-x2v7" + std::to_string(ordinal);
}

inline Json deployment_pod(int ordinal) {
  Json labels = node_labels(ordinal);
  labels["pod-template-hash"] = "5d8f7c9b4";
  return owned(pod_json(deployment_pod_name(ordinal), FakeCluster::pod_ip(ordinal), labels),
               "ReplicaSet",
               replica_set_name(ordinal));
}

}  // namespace kredis::tests
