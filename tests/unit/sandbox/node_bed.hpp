// SPDX-License-Identifier: Apache-2.0
//
// A store and a node agent without API server or controllers: what tests of the nodes stand on.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/sandbox/controllers/objects.hpp"
#include "tests/sandbox/node/agent.hpp"
#include "tests/sandbox/store.hpp"
#include "tests/support/eventually.hpp"

namespace kredis::sandbox {

class NodeBed {
 public:
  explicit NodeBed(const std::vector<std::string>& nodes = {"node-a"})
      : lease_(*AddressLease::take()), dir_(make_folder()) {
    for (const std::string& node : nodes) {
      create({"", "nodes", "", node}, {{"apiVersion", "v1"}, {"kind", "Node"}});
    }
    AgentOptions options;
    options.state_dir = dir_;
    options.shim =
        std::filesystem::canonical("/proc/self/exe").parent_path() / "libsandbox_netns.so";
    options.addresses = lease_.plan();
    options.restart_unit = std::chrono::milliseconds(200);
    auto agent = NodeAgent::make(store, options);
    if (!agent) {
      throw std::runtime_error(agent.error().message);
    }
    agent_ = std::move(*agent);
    agent_->start();
  }
  ~NodeBed() {
    agent_.reset();
    std::filesystem::remove_all(dir_);
  }

  void create(const Key& key, Json object) {
    static_cast<void>(store.create(key, std::move(object)));
  }

  void create_config_map(const std::string& name, Json data) {
    create({"", "configmaps", "default", name}, {{"data", std::move(data)}});
  }

  /// Makes a pod that is bound to a node already.
  void create_pod(const std::string& name, Json spec, const std::string& node = "node-a") {
    spec["nodeName"] = node;
    create({"", "pods", "default", name},
           {{"apiVersion", "v1"}, {"kind", "Pod"}, {"spec", std::move(spec)}});
  }

  void delete_pod(const std::string& name, int grace_seconds) {
    static_cast<void>(store.update({"", "pods", "default", name}, [&](Json& pod) -> Status {
      pod["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z";
      pod["metadata"]["deletionGracePeriodSeconds"] = grace_seconds;
      return {};
    }));
  }

  Object pod(const std::string& name) const { return store.get({"", "pods", "default", name}); }

  /// Waits until the pod (null once it is gone) is as `wanted`, at most half a minute.
  bool wait_for(const std::string& name, const std::function<bool(const Object&)>& wanted) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (auto seen = store.revision(); std::chrono::steady_clock::now() < deadline;
         seen = store.wait_past(seen, std::chrono::milliseconds(1'000))) {
      if (wanted(pod(name))) {
        return true;
      }
    }
    return false;
  }
  bool wait_until_ready(const std::string& name) const {
    return wait_for(name, [](const Object& pod) { return pod != nullptr && pod_is_ready(*pod); });
  }

  /// Messages of all events with that reason.
  std::vector<std::string> events(const std::string& reason) const {
    std::vector<std::string> messages;
    for (const Object& event : store.list("", "events")) {
      if (text_at(*event, "reason") == reason) {
        messages.push_back(text_at(*event, "message"));
      }
    }
    return messages;
  }

  NodeAgent& agent() { return *agent_; }
  const std::filesystem::path& dir() const { return dir_; }

  Store store;

 private:
  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sandbox-node-XXXXXX").string();
    return mkdtemp(name.data());
  }

  AddressLease lease_;
  std::filesystem::path dir_;
  std::unique_ptr<NodeAgent> agent_;
};

using tests::eventually;

/// The first container's status.
inline const Json& container_status(const Json& pod) {
  static const Json k_none;
  const Json& statuses = at(pod, "status.containerStatuses");
  return statuses.empty() ? k_none : statuses.front();
}

/// The article's container, shortened.
inline Json redis_spec() {
  return {{"terminationGracePeriodSeconds", 20},
          {"containers",
           {{{"name", "redis"},
             {"image", "redis"},
             {"command", {"redis-server"}},
             {"args", {"/etc/redis/redis.conf", "--protected-mode", "no"}},
             {"ports", {{{"name", "redis"}, {"containerPort", 6379}}}},
             {"volumeMounts",
              {{{"name", "redis-conf"}, {"mountPath", "/etc/redis"}},
               {{"name", "redis-data"}, {"mountPath", "/var/lib/redis"}}}}}}},
          {"volumes",
           {{{"name", "redis-conf"}, {"configMap", {{"name", "redis-conf"}}}},
            {{"name", "redis-data"}, {"emptyDir", Json::object()}}}}};
}

constexpr const char* k_redis_conf =
    "appendonly yes\n"
    "cluster-enabled yes\n"
    "cluster-config-file /var/lib/redis/nodes.conf\n"
    "cluster-node-timeout 5000\n"
    "dir /var/lib/redis\n"
    "port 6379\n";

}  // namespace kredis::sandbox
