// SPDX-License-Identifier: Apache-2.0
#include "webhook/snapshot.hpp"

#include <doctest/doctest.h>

#include <map>
#include <mutex>
#include <string>

#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

using Kind = ports::WatchEvent::Kind;

Json service(const std::string& name, const std::string& value = "x") {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"spec", {{"key", value}}}};
}

ports::Deadline soon() { return ports::Clock::now() + std::chrono::seconds(10); }

struct Bed {
  explicit Bed(KeptLimits limits = {}) : snapshot(kube, log, limits) {}
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
    return snapshot.find("Service", "shop", name) != nullptr;
  }

  tests::WatchedKube kube;
  Log log{LogLevel::info};
  Snapshot snapshot;
};

TEST_SUITE("webhook/snapshot") {
  TEST_CASE("before the first look there is nothing, and it does not claim to be complete") {
    Bed bed;
    CHECK_FALSE(bed.snapshot.is_complete());
    CHECK(bed.snapshot.size() == 0);
    CHECK(bed.snapshot.age().count() == 0);
    CHECK(bed.snapshot.find("Service", "shop", "a") == nullptr);
    CHECK(bed.snapshot.bytes() == 0);
    CHECK(bed.snapshot.left_out() == 0);
  }

  TEST_CASE("what is listed is found by kind, namespace and name") {
    Bed bed;
    bed.kube.put("services", service("a"));
    bed.kube.put("services", service("b"));
    Json elsewhere = service("a");
    elsewhere["metadata"]["namespace"] = "other";
    bed.kube.put("services", elsewhere);
    bed.kube.put("deployments", tests::node_deployment(0));
    bed.read();
    CHECK(bed.snapshot.size() == 4);
    CHECK(bed.snapshot.list("Service", "shop").size() == 2);
    CHECK(bed.snapshot.list("Service", "sho").empty());
    CHECK(bed.snapshot.all("Service").size() == 3);
    CHECK(bed.snapshot.all("Deployment").size() == 1);
    CHECK(bed.snapshot.find("Deployment", "shop", "a") == nullptr);
    CHECK(bed.snapshot.age() < std::chrono::minutes(1));
  }

  TEST_CASE("a watch tells of what is new, changed and gone; bookmarks change nothing") {
    Bed bed;
    bed.kube.put("services", service("old"));
    bed.read();
    bed.kube.tell("services", Kind::added, service("new"));
    bed.kube.tell("services", Kind::modified, service("new", "changed"));
    bed.kube.tell("services", Kind::bookmark, {{"kind", "Service"}, {"metadata", {}}});
    // What a watch tells of a deletion that it did not see has no kind.
    bed.kube.tell("services", Kind::deleted, {{"metadata", service("old")["metadata"]}});
    REQUIRE(bed.kube.wait_until([&bed] { return !bed.has("old"); }));
    REQUIRE(bed.has("new"));
    CHECK((*bed.snapshot.find("Service", "shop", "new"))["spec"]["key"] == "changed");
    CHECK(bed.snapshot.size() == 1);
  }

  TEST_CASE("a watch that ends lists again, and so learns of deletions that nobody told") {
    Bed bed;
    const StderrCapture log;
    bed.kube.put("services", service("stays"));
    bed.kube.put("services", service("goes"));
    bed.kube.put("deployments", tests::node_deployment(0));
    bed.read();
    bed.kube.drop("services", "goes");
    bed.kube.put("services", service("comes"));
    bed.kube.end_watch("services", Error::timeout("the watch ended"));
    REQUIRE(bed.kube.wait_until([&bed] { return bed.has("comes") && !bed.has("goes"); }));
    CHECK(bed.has("stays"));
    CHECK(bed.snapshot.all("Deployment").size() == 1);
    // The end of a watch's life is no trouble.
    CHECK(log.lines("cannot watch").empty());
  }

  TEST_CASE("one list begins each watch: nothing can happen between the two") {
    std::mutex mutex;  // Both outlive the bed, whose threads use them to the end.
    std::map<std::string, int> lists;
    Bed bed;
    bed.kube.before = [&](const std::string& verb, const ports::ResourcePath& path) -> Status {
      const std::lock_guard lock(mutex);
      lists[verb + " " + path.type.plural] += 1;
      return {};
    };
    bed.read();
    const std::lock_guard lock(mutex);
    for (const char* plural : {"namespaces", "configmaps", "services", "statefulsets"}) {
      CAPTURE(plural);
      CHECK(lists[std::string("list ") + plural] == 1);
    }
  }

  TEST_CASE("past the limit the largest of the namespace that has most is left out, and told") {
    Bed bed({.objects = 20'000, .config_maps = 20'000});
    const StderrCapture log;
    Json mine = service("mine", std::string(2'000, 'x'));
    mine["metadata"]["namespace"] = "quiet";
    bed.kube.put("services", mine);
    bed.kube.put("services", service("small"));
    for (int i = 0; i < 5; ++i) {
      bed.kube.put("services", service("flood-" + std::to_string(i), std::string(6'000, 'x')));
    }
    bed.read();
    CHECK(bed.snapshot.bytes() <= 20'000);
    CHECK(bed.snapshot.left_out() == 3);
    CHECK(bed.has("small"));
    CHECK(bed.snapshot.find("Service", "quiet", "mine") != nullptr);
    // One line for all that happens at once.
    REQUIRE(log.lines("an object is left out").size() == 1);
    CHECK(log.lines("an object is left out").front()["namespace"] == "shop");
    // A change takes it in again, where there is room.
    bed.kube.tell("services", Kind::deleted, service("flood-0"));
    bed.kube.tell("services", Kind::deleted, service("flood-1"));
    bed.kube.tell("services", Kind::modified, service("flood-4", std::string(6'001, 'x')));
    CHECK(bed.kube.wait_until([&bed] { return bed.has("flood-4"); }));
  }

  TEST_CASE("a kind that may not be listed is told, and holds up completeness but no other kind") {
    Bed bed;
    const StderrCapture log;
    bed.kube.put("services", service("a"));
    bed.kube.refuse("deployments", Error::unauthorized("deployments is forbidden"));
    bed.snapshot.start();
    REQUIRE(
        bed.kube.wait_until([&] { return bed.has("a") && !log.lines("cannot watch").empty(); }));
    CHECK_FALSE(bed.snapshot.is_complete());
    const Json complaint = log.lines("cannot watch").front();
    CHECK(complaint["message"] == "cannot watch deployments");
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
    bed.kube.put("services", service("a", "first"));
    bed.kube.put("configmaps",
                 {{"kind", "ConfigMap"},
                  {"metadata", {{"name", "settings"}, {"namespace", "shop"}}},
                  {"data", {{"redis.conf", "port 6379"}}}});
    bed.read();
    View view(bed.snapshot, std::chrono::seconds(10));
    const policy::Surroundings around = view.surroundings();
    const Json* const found = around.find("Service", "shop", "a");
    const Json* const settings = around.find("ConfigMap", "shop", "settings");
    const auto listed = around.list("Service", "shop");
    bed.kube.tell("services", Kind::deleted, service("a"));
    bed.kube.tell(
        "configmaps", Kind::deleted, {{"metadata", {{"name", "settings"}, {"namespace", "shop"}}}});
    REQUIRE(bed.kube.wait_until([&bed] {
      return !bed.has("a") && bed.snapshot.config_map("shop", "settings", soon()) == nullptr;
    }));
    REQUIRE(found != nullptr);
    CHECK((*found)["spec"]["key"] == "first");
    REQUIRE(settings != nullptr);
    CHECK((*settings)["data"]["redis.conf"] == "port 6379");
    REQUIRE(listed.size() == 1);
    CHECK((*listed[0])["spec"]["key"] == "first");
    CHECK(around.find("Service", "shop", "a") == nullptr);
    CHECK_FALSE(around.blind());
  }
}

}  // namespace
}  // namespace kredis::webhook
