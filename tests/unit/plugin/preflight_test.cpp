// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "plugin/operations/create/preflight.hpp"

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;

Json node(const std::string& name, const std::string& zone) {
  return {{"metadata", {{"name", name}, {"labels", {{"topology.kubernetes.io/zone", zone}}}}},
          {"spec", Json::object()}};
}

Json volume(const std::string& size) {
  return {{"metadata", {{"name", "pv"}}},
          {"spec", {{"capacity", {{"storage", size}}}}},
          {"status", {{"phase", "Available"}}}};
}

Json quota(const std::string& resource, const std::string& hard, const std::string& used) {
  return {{"metadata", {{"name", "team"}}},
          {"status", {{"hard", {{resource, hard}}}, {"used", {{resource, used}}}}}};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("plugin/preflight") {
  TEST_CASE("judge_storage accepts six free volumes and refuses five") {
    Resources there{.storage_classes = std::vector<Json>{},
                    .volumes = std::vector<Json>(6, volume("200M"))};
    CHECK(judge_storage({}, there).has_value());
    there.volumes->pop_back();
    const Status refused = judge_storage({}, there);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::conflict);
    CHECK(contains(refused.error().message, "5 free volumes fit"));
    CHECK(contains(refused.error().hint, "--storage-class"));
  }

  TEST_CASE("judge_storage does not count volumes that are too small") {
    const Resources there{.storage_classes = std::vector<Json>{},
                          .volumes = std::vector<Json>(6, volume("199M"))};
    CHECK_FALSE(judge_storage({}, there).has_value());
  }

  TEST_CASE("judge_storage takes the default class, and names the classes there are") {
    const Json standard = {
        {"metadata",
         {{"name", "standard"},
          {"annotations", {{"storageclass.kubernetes.io/is-default-class", "true"}}}}}};
    const Resources there{.storage_classes = std::vector<Json>{standard}};
    CHECK(judge_storage({}, there).has_value());
    ClusterSpec spec;
    spec.storage_class = "fast";
    const Status refused = judge_storage(spec, there);
    REQUIRE_FALSE(refused.has_value());
    CHECK(contains(refused.error().message, "StorageClass fast"));
    CHECK(contains(refused.error().hint, "standard"));
  }

  TEST_CASE("judge_storage asks for nothing when the pods keep their data themselves") {
    ClusterSpec spec;
    spec.storage = manifest::Storage::ephemeral;
    CHECK(judge_storage(spec, {.storage_classes = std::vector<Json>{}}).has_value());
  }

  TEST_CASE("judge_nodes counts one node a pod when anti-affinity is required") {
    ClusterSpec spec;
    spec.anti_affinity = manifest::AntiAffinity::required;
    Resources there{.nodes = std::vector<Json>(6, node("n", "z"))};
    CHECK(judge_nodes(spec, there).has_value());
    there.nodes->pop_back();
    const Status refused = judge_nodes(spec, there);
    REQUIRE_FALSE(refused.has_value());
    CHECK(contains(refused.error().message, "needs 6 nodes"));
    CHECK(contains(refused.error().message, "5 can"));
  }

  TEST_CASE("judge_nodes leaves out cordoned and tainted nodes, but not tolerated taints") {
    Json cordoned = node("a", "z");
    cordoned["spec"]["unschedulable"] = true;
    Json tainted = node("b", "z");
    tainted["spec"]["taints"] = {{{"key", "dedicated"}, {"value", "db"}, {"effect", "NoSchedule"}}};
    const Resources there{.nodes = std::vector<Json>{cordoned, tainted}};
    CHECK_FALSE(judge_nodes({}, there).has_value());
    ClusterSpec spec;
    spec.tolerations = {{.key = "dedicated", .value = "db"}};
    CHECK(judge_nodes(spec, there).has_value());
  }

  TEST_CASE("judge_nodes wants two zones for a spread over zones") {
    ClusterSpec spec;
    spec.zone_spread = manifest::ZoneSpread::on;
    CHECK_FALSE(judge_nodes(spec, {.nodes = std::vector<Json>{node("a", "z"), node("b", "z")}})
                    .has_value());
    CHECK(judge_nodes(spec, {.nodes = std::vector<Json>{node("a", "y"), node("b", "z")}})
              .has_value());
  }

  TEST_CASE("judge_quota accepts exactly what is left and refuses one more") {
    CHECK(judge_quota({}, {.quotas = std::vector<Json>{quota("pods", "10", "4")}}).has_value());
    const Status refused = judge_quota({}, {.quotas = std::vector<Json>{quota("pods", "10", "5")}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(contains(refused.error().message, "ResourceQuota team"));
    CHECK(contains(refused.error().message, "5 of 10"));
  }

  TEST_CASE("judge_quota adds up requests over all pods") {
    CHECK(judge_quota({}, {.quotas = std::vector<Json>{quota("requests.cpu", "600m", "0")}})
              .has_value());
    CHECK_FALSE(judge_quota({}, {.quotas = std::vector<Json>{quota("requests.cpu", "599m", "0")}})
                    .has_value());
    CHECK_FALSE(judge_quota({}, {.quotas = std::vector<Json>{quota("requests.storage", "1G", "0")}})
                    .has_value());
  }
}

}  // namespace kredis::plugin
