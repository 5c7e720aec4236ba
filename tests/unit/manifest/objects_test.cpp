// SPDX-License-Identifier: Apache-2.0
//
// What each option changes, and what all objects have in common. The whole text is in
// golden_test.cpp.
#include "shared/manifest/objects.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "shared/manifest/configuration.hpp"
#include "shared/manifest/names.hpp"

namespace kredis::manifest {
namespace {

Json find(const std::vector<Json>& list, const std::string& kind, const std::string& name) {
  for (const Json& object : list) {
    if (object["kind"] == kind && object["metadata"]["name"] == name) {
      return object;
    }
  }
  FAIL("no ", kind, " ", name);
  return {};
}

Json stateful_set(const ClusterSpec& spec) {
  return find(objects(spec), "StatefulSet", names_of(spec.name).workload);
}

Json pod(const ClusterSpec& spec) { return stateful_set(spec)["spec"]["template"]["spec"]; }

Json container(const ClusterSpec& spec) { return pod(spec)["containers"][0]; }

Json environment(const Json& container, const std::string& name) {
  for (const Json& variable : container["env"]) {
    if (variable["name"] == name) {
      return variable;
    }
  }
  return nullptr;
}

std::set<std::string> names_of_kind(const std::vector<Json>& list, const std::string& kind) {
  std::set<std::string> names;
  for (const Json& object : list) {
    if (object["kind"] == kind) {
      names.insert(object["metadata"]["name"]);
    }
  }
  return names;
}

}  // namespace

TEST_SUITE("manifest/objects") {
  TEST_CASE("objects come in the order in which they are needed, the workload last") {
    std::vector<std::string> kinds;
    for (const Json& object : objects({.nfs_server = "nfs", .nfs_path = "/srv"})) {
      const std::string kind = object["kind"];
      if (kinds.empty() || kinds.back() != kind) {
        kinds.push_back(kind);
      }
    }
    CHECK(kinds ==
          std::vector<std::string>{
              "ConfigMap", "Service", "PodDisruptionBudget", "PersistentVolume", "StatefulSet"});
  }

  TEST_CASE("objects have a namespace, but for volumes, and the labels to find them by") {
    for (const Layout layout : {Layout::statefulset, Layout::deployment}) {
      const ClusterSpec spec{.name = "cache",
                             .namespace_ = "shop",
                             .nfs_server = "nfs",
                             .nfs_path = "/srv",
                             .layout = layout,
                             .labels = {{"team", "shop"}}};
      for (const Json& object : objects(spec)) {
        CAPTURE(object["metadata"].dump());
        CHECK(object["metadata"].contains("namespace") == (object["kind"] != "PersistentVolume"));
        CHECK(object["metadata"]["labels"]["app"] == "cache");
        CHECK(object["metadata"]["labels"]["appCluster"] == "cache-cluster");
        CHECK(object["metadata"]["labels"]["app.kubernetes.io/instance"] == "cache");
        CHECK(object["metadata"]["labels"]["team"] == "shop");
        CHECK_FALSE(object.contains("status"));
      }
    }
  }

  TEST_CASE("the workload remembers the shape that was asked for") {
    const Json object = stateful_set({.masters = 5, .replicas = 2});
    CHECK(object["spec"]["replicas"] == 15);
    CHECK(object["metadata"]["annotations"]["kubectl-redis.dev/masters"] == "5");
    CHECK(object["metadata"]["annotations"]["kubectl-redis.dev/replicas"] == "2");
  }

  TEST_CASE("selectors, the anti-affinity and the budget select the pods and nothing else") {
    const auto list = objects({.name = "cache"});
    const Json labels =
        find(list, "StatefulSet", "cache-app")["spec"]["template"]["metadata"]["labels"];
    const Json selector = {{"app", "cache"}, {"appCluster", "cache-cluster"}};
    CHECK(labels["app"] == "cache");
    CHECK(labels["appCluster"] == "cache-cluster");
    CHECK(find(list, "StatefulSet", "cache-app")["spec"]["selector"]["matchLabels"] == selector);
    CHECK(find(list, "Service", "cache-service")["spec"]["selector"] == selector);
    CHECK(find(list, "Service", "cache-access-service")["spec"]["selector"] == selector);
    CHECK(find(list, "PodDisruptionBudget", "cache-app")["spec"]["selector"]["matchLabels"] ==
          selector);
  }

  TEST_CASE("--image names the image and gives the version label, if it has one that fits") {
    CHECK(container({.image = "valkey/valkey:8.1"})["image"] == "valkey/valkey:8.1");
    struct Case {
      const char* image;
      const char* version;
    };
    for (const Case one : {Case{"redis:8.0", "8.0"},
                           Case{"host:5000/redis:7-alpine@sha256:ab", "7-alpine"},
                           Case{"redis", ""},
                           Case{"host:5000/redis", ""},
                           Case{"redis:_x", ""}}) {
      CAPTURE(one.image);
      const Json labels = stateful_set({.image = one.image})["metadata"]["labels"];
      CHECK(labels.value("app.kubernetes.io/version", "") == one.version);
    }
  }

  TEST_CASE("storage options shape the claims") {
    const auto claim = [](const ClusterSpec& spec) {
      return stateful_set(spec)["spec"]["volumeClaimTemplates"][0]["spec"];
    };
    CHECK(claim({})["resources"]["requests"]["storage"] == "200M");
    CHECK(claim({.size = "1Gi"})["resources"]["requests"]["storage"] == "1Gi");
    CHECK_FALSE(claim({}).contains("storageClassName"));
    CHECK(claim({.storage_class = "fast"})["storageClassName"] == "fast");
    CHECK(claim({.storage_class = ""})["storageClassName"] == "");
    CHECK(claim({})["accessModes"] == Json::array({"ReadWriteOnce"}));
    CHECK(claim({.access_mode = "ReadWriteMany"})["accessModes"] == Json::array({"ReadWriteMany"}));
    CHECK(claim({.nfs_server = "nfs", .nfs_path = "/srv"})["accessModes"] ==
          Json::array({"ReadWriteMany"}));
    CHECK(claim({.nfs_server = "nfs", .nfs_path = "/srv"})["storageClassName"] == "");
  }

  TEST_CASE("--ephemeral keeps the data in the pod") {
    for (const Layout layout : {Layout::statefulset, Layout::deployment}) {
      const auto list = objects({.storage = Storage::ephemeral, .size = "1Gi", .layout = layout});
      CHECK(names_of_kind(list, "PersistentVolumeClaim").empty());
      CHECK_FALSE(list.back()["spec"].contains("volumeClaimTemplates"));
      const Json volumes = list.back()["spec"]["template"]["spec"]["volumes"];
      CHECK(std::ranges::find(volumes,
                              Json{{"name", "redis-data"}, {"emptyDir", {{"sizeLimit", "1Gi"}}}}) !=
            volumes.end());
    }
  }

  TEST_CASE("an NFS server gives each claim its own folder") {
    const ClusterSpec spec{.nfs_server = "192.168.0.222", .nfs_path = "/usr/local/k8s/redis/"};
    const Json volume = find(objects(spec), "PersistentVolume", "nfs-pv6")["spec"];
    CHECK(volume["nfs"] == Json{{"server", "192.168.0.222"}, {"path", "/usr/local/k8s/redis/pv6"}});
    CHECK(volume["claimRef"] == Json{{"namespace", "default"}, {"name", "redis-data-redis-app-5"}});
    CHECK(volume["persistentVolumeReclaimPolicy"] == "Retain");
    CHECK(names_of_kind(objects({.name = "cache", .nfs_server = "nfs", .nfs_path = "/"}),
                        "PersistentVolume")
              .contains("cache-nfs-pv1"));
  }

  TEST_CASE("--requests and --limits shape the resources") {
    CHECK(container({})["resources"] == Json{{"requests", {{"cpu", "100m"}, {"memory", "100Mi"}}}});
    CHECK(container({.requests = {{"cpu", "2"}}})["resources"]["requests"] ==
          Json{{"cpu", "2"}, {"memory", "100Mi"}});
    CHECK(container({.limits = {{"memory", "64Mi"}}})["resources"] ==
          Json{{"requests", {{"cpu", "100m"}}}, {"limits", {{"memory", "64Mi"}}}});
  }

  TEST_CASE("placement options shape the pod") {
    const Json preferred = pod({})["affinity"]["podAntiAffinity"];
    CHECK(preferred["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"] == 100);
    const Json required =
        pod({.anti_affinity = AntiAffinity::required})["affinity"]["podAntiAffinity"];
    CHECK(required["requiredDuringSchedulingIgnoredDuringExecution"][0]["topologyKey"] ==
          "kubernetes.io/hostname");
    CHECK_FALSE(pod({}).contains("topologySpreadConstraints"));
    CHECK(pod({.zone_spread = ZoneSpread::on})["topologySpreadConstraints"][0]["topologyKey"] ==
          "topology.kubernetes.io/zone");
    CHECK(pod({.node_selector = {{"disk", "ssd"}}})["nodeSelector"] == Json{{"disk", "ssd"}});
    CHECK(pod({.priority_class = "high"})["priorityClassName"] == "high");
    CHECK(pod({.service_account = "redis"})["serviceAccountName"] == "redis");
    CHECK(pod({.tolerations = {{.key = "a", .value = "b", .effect = "NoSchedule"},
                               {}}})["tolerations"] ==
          Json::array(
              {{{"key", "a"}, {"operator", "Equal"}, {"value", "b"}, {"effect", "NoSchedule"}},
               {{"operator", "Exists"}}}));
  }

  TEST_CASE("--access chooses the Service's type") {
    const auto type = [](Access access) {
      return find(objects({.access = access}), "Service", "redis-access-service")["spec"]["type"];
    };
    CHECK(type(Access::cluster_ip) == "ClusterIP");
    CHECK(type(Access::node_port) == "NodePort");
    CHECK(type(Access::load_balancer) == "LoadBalancer");
  }

  TEST_CASE("--auth-secret is referred to, never copied") {
    const Json password = environment(container({.auth_secret = "redis-auth"}), "REDISCLI_AUTH");
    CHECK(password["valueFrom"]["secretKeyRef"] ==
          Json{{"name", "redis-auth"}, {"key", "password"}});
    CHECK(stateful_set(
              {.auth_secret = "a"})["metadata"]["annotations"]["kubectl-redis.dev/auth-secret"] ==
          "a");
    CHECK(environment(container({}), "REDISCLI_AUTH").is_null());
    CHECK(redis_conf({}).find("protected-mode no") != std::string::npos);
    CHECK(redis_conf({.auth_secret = "redis-auth"}).find("protected-mode") == std::string::npos);
  }

  TEST_CASE("--tls-secret is mounted, and closes the plain port") {
    const ClusterSpec spec{.tls_secret = "redis-tls"};
    CHECK(stateful_set(spec)["metadata"]["annotations"]["kubectl-redis.dev/tls-secret"] ==
          "redis-tls");
    CHECK(environment(container(spec), "TLS_DIR")["value"] == "/etc/redis-tls");
    CHECK(pod(spec)["volumes"].back()["secret"] ==
          Json{{"secretName", "redis-tls"}, {"defaultMode", 288}});
    CHECK(redis_conf(spec).find("\nport 0\n") != std::string::npos);
    CHECK(redis_conf(spec).find("\ntls-port 6379\n") != std::string::npos);
    CHECK(redis_conf(spec).find("\ntls-auth-clients yes\n") != std::string::npos);
  }

  TEST_CASE("--client-endpoint decides what clients are sent to") {
    CHECK(environment(container({}), "CLIENT_ENDPOINT")["value"] == "hostname");
    CHECK(environment(container({.client_endpoint = ClientEndpoint::ip}),
                      "CLIENT_ENDPOINT")["value"] == "ip");
  }

  TEST_CASE("a node of the Service & Deployment layout has a Deployment, a Service and a claim") {
    const auto list = objects({.layout = Layout::deployment});
    CHECK(names_of_kind(list, "StatefulSet").empty());
    for (const std::string kind : {"Deployment", "Service"}) {
      CHECK(names_of_kind(list, kind).contains("redis-app-0"));
      CHECK(names_of_kind(list, kind).contains("redis-app-5"));
      CHECK_FALSE(names_of_kind(list, kind).contains("redis-app-6"));
    }
    CHECK(names_of_kind(list, "PersistentVolumeClaim").size() == 6);

    const Json deployment = find(list, "Deployment", "redis-app-3");
    const Json service = find(list, "Service", "redis-app-3");
    CHECK(deployment["spec"]["strategy"]["type"] == "Recreate");
    CHECK(deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]);
    CHECK(deployment["spec"]["template"]["metadata"]["labels"]["kubectl-redis.dev/ordinal"] == "3");
    CHECK(service["spec"]["publishNotReadyAddresses"] == true);
    const Json node = deployment["spec"]["template"]["spec"]["containers"][0];
    CHECK(environment(node, "ANNOUNCE")["value"] == "service");
    CHECK(environment(node, "ANNOUNCE_HOST")["value"] == "redis-app-3");
  }

}  // TEST_SUITE

TEST_SUITE("manifest/configuration") {
  TEST_CASE("redis_conf gives every line of its own a reason") {
    const std::string text = redis_conf({.tls_secret = "tls"});
    int reasons = 0;
    int directives = 0;
    for (std::size_t begin = text.find('\n') + 1; begin < text.size();
         begin = text.find('\n', begin) + 1) {
      ++(text[begin] == '#' ? reasons : directives);
    }
    CHECK(directives > 10);
    CHECK(reasons == directives);
  }

  TEST_CASE("redis_conf lets the user's value stand instead of its own") {
    const ClusterSpec spec{.config = "# Mine\nAppendFsync always\n",
                           .settings = {{"cluster-node-timeout", "15000"}}};
    const std::string text = redis_conf(spec);
    CHECK(text.find("appendfsync everysec") == std::string::npos);
    CHECK(text.find("# Mine\nAppendFsync always\n") != std::string::npos);
    CHECK(text.find("cluster-node-timeout 5000") == std::string::npos);
    CHECK(text.ends_with("cluster-node-timeout 15000\n"));
  }

  TEST_CASE("redis_conf leaves room for a fork under the memory limit") {
    CHECK(redis_conf({}).find("maxmemory") == std::string::npos);
    CHECK(redis_conf({.limits = {{"memory", "1G"}}}).find("\nmaxmemory 600000000\n") !=
          std::string::npos);
    CHECK(redis_conf({.settings = {{"maxmemory", "1gb"}}, .limits = {{"memory", "1G"}}})
              .find("600000000") == std::string::npos);
  }

  TEST_CASE("the pod template changes when the configuration does") {
    const auto hash = [](const ClusterSpec& spec) {
      return objects(spec)
          .back()["spec"]["template"]["metadata"]["annotations"]["kubectl-redis.dev/config-hash"];
    };
    CHECK(hash({}) == hash({}));
    CHECK(hash({}) != hash({.settings = {{"maxclients", "5000"}}}));
  }

}  // TEST_SUITE

}  // namespace kredis::manifest
