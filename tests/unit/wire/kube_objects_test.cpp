// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/kube_objects.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::wire {
namespace {

/// A pod that runs and is ready.
Json healthy_pod() {
  return Json::parse(R"({
    "metadata": {"name": "redis-app-4", "uid": "u4", "creationTimestamp": "2024-02-29T12:00:00Z"},
    "spec": {"nodeName": "node-b", "containers": [{"name": "redis",
      "ports": [{"name": "cluster", "containerPort": 16379}, {"name": "redis", "containerPort": 7000}],
      "resources": {"limits": {"memory": "100Mi"}}}]},
    "status": {"phase": "Running", "podIP": "10.0.0.4",
      "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
      "containerStatuses": [{"name": "redis", "ready": true, "restartCount": 2,
        "state": {"running": {}}}]}})");
}

/// The same pod, not ready, with its Redis container in `state`.
Json pod_in_state(const std::string& state, const std::string& last_state = "{}") {
  Json pod = healthy_pod();
  pod["status"]["conditions"][1]["status"] = "False";
  Json& status = pod["status"]["containerStatuses"][0];
  status["ready"] = false;
  status["state"] = Json::parse(state);
  status["lastState"] = Json::parse(last_state);
  return pod;
}

Json warning(const std::string& reason, const std::string& message, const std::string& time) {
  return {{"type", "Warning"},
          {"reason", reason},
          {"message", message},
          {"lastTimestamp", time},
          {"involvedObject", {{"name", "redis-app-4"}, {"uid", "u4"}}}};
}

TEST_SUITE("wire/kube_objects") {
  TEST_CASE("pod_from_json reads where a pod runs and how it is") {
    const std::int64_t now = parse_time("2024-03-01T12:00:05Z");
    const core::Pod pod = pod_from_json(healthy_pod(), {{"node-b", "zone-1"}}, now, {.port = 7000});
    CHECK(pod.name == "redis-app-4");
    CHECK(pod.ordinal == 4);
    CHECK(pod.domain == core::FailureDomain{"node-b", "zone-1"});
    CHECK(pod.ip == "10.0.0.4");
    CHECK(pod.port == 7000);
    CHECK(pod.running);
    CHECK(pod.ready);
    CHECK(pod.restarts == 2);
    CHECK(pod.age_seconds == 86'405);
    CHECK(pod.memory_limit_bytes == 104'857'600);
    CHECK(pod.trouble.empty());
  }

  TEST_CASE("pod_from_json takes the ordinal from the label where the name has none") {
    Json pod = healthy_pod();
    pod["metadata"]["name"] = "redis-app-2-6f7d9-x2x4z";
    pod["metadata"]["labels"]["kubectl-redis.dev/ordinal"] = "2";
    CHECK(pod_from_json(pod).ordinal == 2);
  }

  TEST_CASE("pod_from_json survives objects of any shape") {
    for (const char* text :
         {"{}",
          "[]",
          "null",
          "7",
          R"({"metadata": 1, "status": [], "spec": ""})",
          R"({"status": {"containerStatuses": [1, null, {"restartCount": 99999999999}]}})",
          R"({"spec": {"containers": {}}})"}) {
      CAPTURE(text);
      const core::Pod pod = pod_from_json(Json::parse(text));
      CHECK_FALSE(pod.running);
      CHECK(pod_trouble(Json::parse(text), Json::parse(text)).empty());
    }
  }

  TEST_CASE("pod_from_json does not call a crashing pod running, whatever its phase") {
    const core::Pod pod =
        pod_from_json(pod_in_state(R"({"waiting": {"reason": "CrashLoopBackOff"}})",
                                   R"({"terminated": {"reason": "Error", "exitCode": 1}})"));
    CHECK_FALSE(pod.running);
    CHECK(pod.trouble == "crashes again and again (Error with exit code 1, 2 restarts)");
  }

  TEST_CASE("pod_trouble gives the reason that a person needs") {
    struct Case {
      const char* label;
      Json pod;
      Json events;
      std::string expected;
    };
    Json unschedulable = healthy_pod();
    unschedulable["status"] = Json::parse(R"({"phase": "Pending", "conditions": [
      {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
       "message": "0/3 nodes are available:\n3 Insufficient memory."}]})");
    Json evicted = healthy_pod();
    evicted["status"] = {{"phase", "Failed"}, {"reason", "Evicted"}, {"message", "low on disk"}};
    const Json creating = pod_in_state(R"({"waiting": {"reason": "ContainerCreating"}})");
    const Json unready = pod_in_state(R"({"running": {}})");
    const Case cases[] = {
        {"unschedulable",
         unschedulable,
         Json::array(),
         "Unschedulable: 0/3 nodes are available: 3 Insufficient memory."},
        {"image",
         pod_in_state(R"({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})"),
         Json::array(),
         "ImagePullBackOff: no such image"},
        {"configuration",
         pod_in_state(R"({"waiting": {"reason": "CreateContainerConfigError",
                          "message": "configmap \"redis-conf\" not found"}})"),
         Json::array(),
         "CreateContainerConfigError: configmap \"redis-conf\" not found"},
        {"volume",
         creating,
         Json::array({warning("FailedMount", "mount failed", "2024-01-01T00:00:02Z"),
                      warning("FailedScheduling", "earlier", "2024-01-01T00:00:01Z")}),
         "FailedMount: mount failed"},
        {"probe",
         unready,
         Json::array({warning("Unhealthy", "Readiness probe failed", "t")}),
         "Unhealthy: Readiness probe failed"},
        {"memory",
         pod_in_state(R"({"running": {}})",
                      R"({"terminated": {"reason": "OOMKilled", "exitCode": 137}})"),
         Json::array(),
         "was killed for using more memory than its limit (OOMKilled with exit code 137, 2 "
         "restarts)"},
        {"no shell",
         pod_in_state(R"({"waiting": {"reason": "CrashLoopBackOff"}})",
                      R"({"terminated": {"reason": "StartError", "exitCode": 128,
                          "message": "exec: \"/bin/sh\": stat /bin/sh: no such file or directory"}})"),
         Json::array(),
         "its image has no /bin/sh, which starts and hands over: take one that has a shell and its "
         "tools, such as redis:8.0 or valkey/valkey:8.1"},
        {"ended",
         pod_in_state(R"({"terminated": {"reason": "Completed", "exitCode": 0}})"),
         Json::array(),
         "Completed with exit code 0"},
        {"evicted", evicted, Json::array(), "Evicted: low on disk"},
        {"well", healthy_pod(), Json::array({warning("Unhealthy", "long ago", "t")}), ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.label);
      CHECK(pod_trouble(c.pod, c.events) == c.expected);
    }
  }

  TEST_CASE("pod_trouble forgets that a pod waited for a node once it has one") {
    const Json creating = pod_in_state(R"({"waiting": {"reason": "ContainerCreating"}})");
    const Json waited =
        warning("FailedScheduling", "0/3 nodes are available", "2024-01-01T00:00:05Z");
    CHECK(pod_trouble(creating, Json::array({waited})) == pod_trouble(creating, Json::array()));
    const Json mount = warning("FailedMount", "mount failed", "2024-01-01T00:00:01Z");
    CHECK(pod_trouble(creating, Json::array({mount, waited})) == "FailedMount: mount failed");
  }

  TEST_CASE("node_troubles names the nodes that are not ready, with the reason") {
    const Json nodes = Json::parse(R"([
      {"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}},
      {"metadata": {"name": "b"}, "status": {"conditions": [{"type": "Ready", "status": "Unknown",
       "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}]}},
      {"metadata": {"name": "c"}, "status": {}}])");
    CHECK(node_troubles(nodes) ==
          std::map<std::string, std::string>{
              {"b", "NodeStatusUnknown: Kubelet stopped posting node status."}});
    CHECK(node_troubles(Json()).empty());
  }

  TEST_CASE("maker_trouble gives the latest refusal of what makes the pods, whole") {
    const auto event = [](const char* kind,
                          const char* name,
                          const char* reason,
                          const char* time,
                          const std::string& message) {
      return Json{{"type", "Warning"},
                  {"reason", reason},
                  {"lastTimestamp", time},
                  {"message", message},
                  {"involvedObject", {{"kind", kind}, {"name", name}}}};
    };
    const std::string whole = std::string(600, 'x') + "\nask the owners of the policy";
    const Json events = Json::array(
        {event("StatefulSet", "redis-app", "FailedCreate", "2026-01-01T10:00:02Z", whole),
         event("StatefulSet", "redis-app", "FailedCreate", "2026-01-01T10:00:01Z", "earlier"),
         event(
             "StatefulSet", "redis-app", "FailedUpdate", "2026-01-01T10:00:03Z", "another matter"),
         event("StatefulSet", "other-app", "FailedCreate", "2026-01-01T10:00:03Z", "a neighbour"),
         event("ReplicaSet", "shop-app-0-5d8f", "FailedCreate", "2026-01-01T10:00:01Z", "quota")});
    CHECK(maker_trouble(events, "redis-app") == whole);
    CHECK(maker_trouble(events, "shop-app") == "quota");
    CHECK(maker_trouble(events, "cache-app") == "");
    CHECK(maker_trouble(events, "") == "");
    CHECK(maker_trouble(Json(), "redis-app") == "");
  }

  TEST_CASE("pod_trouble reads events about that very pod only") {
    Json other = warning("FailedMount", "another pod's", "t");
    other["involvedObject"]["name"] = "redis-app-5";
    Json former = warning("FailedMount", "the former pod's", "t");
    former["involvedObject"]["uid"] = "u3";
    Json creating = pod_in_state(R"({"waiting": {"reason": "ContainerCreating"}})");
    creating["status"]["conditions"][1]["message"] = "containers with unready status: [redis]";
    CHECK(pod_trouble(creating, Json::array({other, former})) ==
          "containers with unready status: [redis]");
  }

  TEST_CASE("zones_from_json knows the label of today and of old") {
    const Json nodes = Json::parse(R"([
      {"metadata": {"name": "a", "labels": {"topology.kubernetes.io/zone": "z1"}}},
      {"metadata": {"name": "b", "labels": {"failure-domain.beta.kubernetes.io/zone": "z2"}}},
      {"metadata": {"name": "c"}}])");
    const auto zones = zones_from_json(nodes);
    CHECK(zones.at("a") == "z1");
    CHECK(zones.at("b") == "z2");
    CHECK(zones.at("c") == "");
  }

  TEST_CASE("keeps_data tells volumes that outlive the pod from those that do not") {
    const auto pod = [](const Json& volume) {
      return Json{{"spec", {{"volumes", {{{"name", "scripts"}, {"configMap", {}}}, volume}}}}};
    };
    CHECK(keeps_data(pod({{"name", "data"}, {"persistentVolumeClaim", {}}})));
    CHECK(keeps_data(pod({{"name", "data"}, {"hostPath", {}}})));
    CHECK_FALSE(keeps_data(pod({{"name", "data"}, {"emptyDir", {}}})));
    CHECK_FALSE(keeps_data(Json::object()));
  }

  TEST_CASE("shape_from_json takes two numbers or nothing") {
    const auto shape = [](const char* masters, const char* replicas) {
      return shape_from_json({{"metadata",
                               {{"annotations",
                                 {{"kubectl-redis.dev/masters", masters},
                                  {"kubectl-redis.dev/replicas", replicas}}}}}});
    };
    REQUIRE(shape("3", "1").has_value());
    CHECK(shape("3", "1")->masters == 3);
    CHECK(shape("3", "1")->replicas == 1);
    CHECK_FALSE(shape("3", "-1").has_value());
    CHECK_FALSE(shape("three", "1").has_value());
    CHECK_FALSE(shape_from_json(Json::object()).has_value());
  }

  TEST_CASE("parse_time reads UTC and gives 0 for anything else") {
    CHECK(parse_time("1970-01-02T00:00:01Z") == 86'401);
    CHECK(parse_time("2024-02-30T00:00:00Z") == 0);
    CHECK(parse_time("yesterday") == 0);
  }
}

}  // namespace
}  // namespace kredis::wire
