// SPDX-License-Identifier: Apache-2.0
#include "webhook/snapshot.hpp"

#include <doctest/doctest.h>

#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

using Kind = ports::WatchEvent::Kind;

Json config_map(const std::string& name, const std::string& value = "x") {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"data", {{"key", value}}}};
}

struct Bed {
  Bed() = default;
  ~Bed() {
    kube.cancel();
    snapshot.join();
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  void read() {
    snapshot.start();
    REQUIRE(kube.wait_until([this] { return snapshot.is_complete(); }));
  }
  bool has(const std::string& name) const {
    return snapshot.find("ConfigMap", "shop", name) != nullptr;
  }

  tests::WatchedKube kube;
  Log log{LogLevel::info};
  Snapshot snapshot{kube, log};
};

TEST_SUITE("webhook/snapshot") {
  TEST_CASE("before the first look there is nothing, and it does not claim to be complete") {
    Bed bed;
    CHECK_FALSE(bed.snapshot.is_complete());
    CHECK(bed.snapshot.size() == 0);
    CHECK(bed.snapshot.age().count() == 0);
    CHECK(bed.snapshot.find("ConfigMap", "shop", "a") == nullptr);
  }

  TEST_CASE("what is listed is found by kind, namespace and name") {
    Bed bed;
    bed.kube.put("configmaps", config_map("a"));
    bed.kube.put("configmaps", config_map("b"));
    Json elsewhere = config_map("a");
    elsewhere["metadata"]["namespace"] = "other";
    bed.kube.put("configmaps", elsewhere);
    bed.kube.put("services", tests::node_service(0));
    bed.read();
    CHECK(bed.snapshot.size() == 4);
    CHECK(bed.snapshot.list("ConfigMap", "shop").size() == 2);
    CHECK(bed.snapshot.list("ConfigMap", "sho").empty());
    CHECK(bed.snapshot.all("ConfigMap").size() == 3);
    CHECK(bed.snapshot.all("Service").size() == 1);
    CHECK(bed.snapshot.find("Service", "shop", "a") == nullptr);
    CHECK(bed.snapshot.age() < std::chrono::minutes(1));
  }

  TEST_CASE("a watch tells of what is new, changed and gone; bookmarks change nothing") {
    Bed bed;
    bed.kube.put("configmaps", config_map("old"));
    bed.read();
    bed.kube.tell("configmaps", Kind::added, config_map("new"));
    bed.kube.tell("configmaps", Kind::modified, config_map("new", "changed"));
    bed.kube.tell("configmaps", Kind::bookmark, {{"kind", "ConfigMap"}, {"metadata", {}}});
    bed.kube.tell("configmaps", Kind::deleted, config_map("old"));
    REQUIRE(bed.kube.wait_until([&bed] { return !bed.has("old"); }));
    REQUIRE(bed.has("new"));
    CHECK((*bed.snapshot.find("ConfigMap", "shop", "new"))["data"]["key"] == "changed");
    CHECK(bed.snapshot.size() == 1);
  }

  TEST_CASE("a watch that ends lists again, and so learns of deletions that nobody told") {
    Bed bed;
    const StderrCapture log;
    bed.kube.put("configmaps", config_map("stays"));
    bed.kube.put("configmaps", config_map("goes"));
    bed.kube.put("services", tests::node_service(0));
    bed.read();
    bed.kube.drop("configmaps", "goes");
    bed.kube.put("configmaps", config_map("comes"));
    bed.kube.end_watch("configmaps", Error::timeout("the watch ended"));
    REQUIRE(bed.kube.wait_until([&bed] { return bed.has("comes") && !bed.has("goes"); }));
    CHECK(bed.has("stays"));
    CHECK(bed.snapshot.all("Service").size() == 1);
    // The end of a watch's life is no trouble.
    CHECK(log.lines("cannot watch").empty());
  }

  TEST_CASE("what nobody reads is left out, the rest is kept as it is") {
    Bed bed;
    Json object = config_map("a");
    object["metadata"]["managedFields"] = Json::array({1});
    object["metadata"]["annotations"] = {{"kubectl.kubernetes.io/last-applied-configuration", "{}"},
                                         {"mine", "yes"}};
    object["status"] = {{"phase", "x"}};
    object["binaryData"] = {{"dump", "eA=="}};
    bed.kube.put("configmaps", object);
    bed.read();
    const auto kept = bed.snapshot.find("ConfigMap", "shop", "a");
    REQUIRE(kept != nullptr);
    Json wanted = config_map("a");
    wanted["metadata"]["annotations"] = {{"mine", "yes"}};
    CHECK(*kept == wanted);
  }

  TEST_CASE("a kind that may not be listed is told, and holds up completeness but no other kind") {
    Bed bed;
    const StderrCapture log;
    bed.kube.put("configmaps", config_map("a"));
    bed.kube.refuse("services", Error::unauthorized("services is forbidden"));
    bed.snapshot.start();
    REQUIRE(
        bed.kube.wait_until([&] { return bed.has("a") && !log.lines("cannot watch").empty(); }));
    CHECK_FALSE(bed.snapshot.is_complete());
    const Json complaint = log.lines("cannot watch").front();
    CHECK(complaint["message"] == "cannot watch services");
    CHECK(complaint["code"] == "unauthorized");
  }

  TEST_CASE("a namespace's label is its value, or nothing where anything is missing") {
    Bed bed;
    bed.kube.put("namespaces",
                 {{"kind", "Namespace"},
                  {"metadata", {{"name", "shop"}, {"labels", {{"policy", "warn"}}}}}});
    bed.kube.put("namespaces", {{"kind", "Namespace"}, {"metadata", {{"name", "bare"}}}});
    bed.read();
    CHECK(bed.snapshot.namespace_label("shop", "policy") == "warn");
    CHECK_FALSE(bed.snapshot.namespace_label("shop", "other").has_value());
    CHECK_FALSE(bed.snapshot.namespace_label("bare", "policy").has_value());
    CHECK_FALSE(bed.snapshot.namespace_label("absent", "policy").has_value());
  }

  TEST_CASE("what a View has given out stays though the snapshot goes on") {
    Bed bed;
    bed.kube.put("configmaps", config_map("a", "first"));
    bed.read();
    View view(bed.snapshot);
    const policy::Surroundings around = view.surroundings();
    const Json* const found = around.find("ConfigMap", "shop", "a");
    const auto listed = around.list("ConfigMap", "shop");
    bed.kube.tell("configmaps", Kind::deleted, config_map("a"));
    REQUIRE(bed.kube.wait_until([&bed] { return !bed.has("a"); }));
    REQUIRE(found != nullptr);
    CHECK((*found)["data"]["key"] == "first");
    REQUIRE(listed.size() == 1);
    CHECK((*listed[0])["data"]["key"] == "first");
    CHECK(around.find("ConfigMap", "shop", "a") == nullptr);
    CHECK_FALSE(around.blind());
  }
}

}  // namespace
}  // namespace kredis::webhook
