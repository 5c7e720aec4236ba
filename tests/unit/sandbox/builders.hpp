// SPDX-License-Identifier: Apache-2.0
//
// Small Kubernetes objects for tests of the sandbox's controllers.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox::build {

inline Object share(Json object) { return std::make_shared<const Json>(std::move(object)); }

inline Json node(const std::string& name, const std::string& zone) {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata",
           {{"name", name},
            {"uid", name},
            {"labels", {{"kubernetes.io/hostname", name}, {"topology.kubernetes.io/zone", zone}}}}},
          {"spec", Json::object()},
          {"status", {{"allocatable", {{"cpu", "2"}, {"memory", "4Gi"}, {"pods", "10"}}}}}};
}

inline Json pod(const std::string& name, const std::string& on_node = {}) {
  Json made{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata",
       {{"name", name}, {"namespace", "default"}, {"uid", name}, {"labels", {{"app", "redis"}}}}},
      {"spec",
       {{"containers",
         {{{"name", "redis"}, {"ports", {{{"name", "redis"}, {"containerPort", 6379}}}}}}}}},
      {"status", {{"phase", "Pending"}}}};
  if (!on_node.empty()) {
    made["spec"]["nodeName"] = on_node;
  }
  return made;
}

inline Json ready(Json pod, const std::string& address = "127.77.0.1") {
  pod["status"] = {
      {"phase", "Running"},
      {"podIP", address},
      {"conditions",
       {{{"type", "Ready"}, {"status", "True"}, {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}};
  return pod;
}

inline Json stateful_set(std::int64_t replicas) {
  return Json::parse(R"({
    "apiVersion": "apps/v1", "kind": "StatefulSet",
    "metadata": {"name": "redis-app", "namespace": "default", "uid": "set", "generation": 1},
    "spec": {"serviceName": "redis-service", "selector": {"matchLabels": {"app": "redis"}},
      "template": {"metadata": {"labels": {"app": "redis"}},
        "spec": {"containers": [{"name": "redis", "image": "redis"}]}},
      "volumeClaimTemplates": [{"metadata": {"name": "redis-data"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "200M"}}}}]}
  })")
      .patch({{{"op", "add"}, {"path", "/spec/replicas"}, {"value", replicas}}});
}

}  // namespace kredis::sandbox::build
