// SPDX-License-Identifier: Apache-2.0
//
// All controllers together over a real store; only the nodes' agents are played by the test.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/bootstrap.hpp"
#include "tests/sandbox/controllers/deployment.hpp"
#include "tests/sandbox/controllers/hosts_file.hpp"
#include "tests/sandbox/controllers/manager.hpp"
#include "tests/sandbox/controllers/replica_set.hpp"
#include "tests/unit/sandbox/builders.hpp"

namespace kredis::sandbox {
namespace {

class Cluster {
 public:
  Cluster() : directory_(make_directory()), controllers_(store, options()) {
    Context context{store, options_, now};
    bootstrap(context);
  }
  ~Cluster() { std::filesystem::remove_all(directory_); }

  /// Passes until nothing changes; pods that have a node become ready, terminating ones end.
  void settle() {
    for (int pass = 0; pass < 100; ++pass) {
      const auto before = store.revision();
      controllers_.reconcile_once(now);
      play_agents();
      if (store.revision() == before) {
        return;
      }
    }
    FAIL("the controllers do not come to rest");
  }

  const std::filesystem::path& directory() const { return directory_; }

  Store store;
  TimePoint now = *parse_time("2026-01-01T00:00:00Z");

 private:
  static std::filesystem::path make_directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "kredis-controllers-XXXXXX";
    return ::mkdtemp(pattern.data());
  }

  ControllerOptions& options() {
    options_.state_dir = directory_;
    return options_;
  }

  void play_agents() {
    for (const Object& pod : store.list("", "pods")) {
      const Key key = key_of("", "pods", *pod);
      if (is_terminating(*pod)) {
        static_cast<void>(store.remove(key));
      } else if (!text_at(*pod, "spec.nodeName").empty() && !pod_is_ready(*pod)) {
        const std::string address = "127.77.0." + std::to_string(++addresses_);
        update_status(store, key, [&](Json& changed) { changed = build::ready(changed, address); });
      }
    }
  }

  std::filesystem::path directory_;
  ControllerOptions options_;
  Controllers controllers_;
  int addresses_ = 0;
};

const Key k_set{"apps", "statefulsets", "default", "redis-app"};

}  // namespace

TEST_SUITE("sandbox/controllers") {
  TEST_CASE("a stateful set comes up with bound claims, spread over the nodes") {
    Cluster cluster;
    Json set = build::stateful_set(6);
    set["metadata"].erase("uid");
    REQUIRE(cluster.store.create(k_set, set));
    cluster.settle();
    CHECK(number_at(*cluster.store.get(k_set), "status.readyReplicas") == 6);
    std::map<std::string, int> on;
    for (const Object& pod : cluster.store.list("", "pods", "default")) {
      ++on[text_at(*pod, "spec.nodeName")];
    }
    CHECK(on == std::map<std::string, int>{{"node-a", 2}, {"node-b", 2}, {"node-c", 2}});
    for (const Object& claim : cluster.store.list("", "persistentvolumeclaims", "default")) {
      CHECK(text_at(*claim, "status.phase") == "Bound");
    }
  }

  TEST_CASE("deleting a stateful set takes its pods and keeps its claims") {
    Cluster cluster;
    Json set = build::stateful_set(2);
    set["metadata"].erase("uid");
    REQUIRE(cluster.store.create(k_set, set));
    cluster.settle();
    REQUIRE(cluster.store.remove(k_set));
    cluster.settle();
    CHECK(cluster.store.list("", "pods", "default").empty());
    CHECK(cluster.store.list("apps", "controllerrevisions", "default").empty());
    CHECK(cluster.store.list("", "persistentvolumeclaims", "default").size() == 2);
  }

  TEST_CASE("a pod's hosts file has its own line, then the names of its namespace") {
    Cluster cluster;
    static_cast<void>(cluster.store.create({"", "pods", "default", "redis-app-0"},
                                           build::pod("redis-app-0", "node-a")));
    const std::string uid = uid_of(*cluster.store.get({"", "pods", "default", "redis-app-0"}));
    const std::filesystem::path folder = cluster.directory() / "pods" / uid / "identity";
    cluster.settle();
    CHECK_FALSE(std::filesystem::exists(folder / "hosts"));
    std::filesystem::create_directories(folder);
    replace_file(folder / "own-hosts", "127.77.0.1 redis-app-0\n");
    cluster.settle();
    const std::string text = read_file(folder / "hosts");
    CHECK(text.starts_with("127.77.0.1 redis-app-0\n127.0.0.1 localhost\n"));
    CHECK(text.find(" kubernetes.default.svc ") != std::string::npos);
  }

  TEST_CASE("a new template rolls through every pod and becomes the current revision") {
    Cluster cluster;
    Json set = build::stateful_set(3);
    set["metadata"].erase("uid");
    REQUIRE(cluster.store.create(k_set, set));
    cluster.settle();
    const std::string before = text_at(*cluster.store.get(k_set), "status.currentRevision");
    REQUIRE(cluster.store.update(k_set, [](Json& changed) -> Status {
      changed["spec"]["template"]["metadata"]["annotations"]["restartedAt"] = "now";
      return {};
    }));
    cluster.settle();
    const Object after = cluster.store.get(k_set);
    CHECK(text_at(*after, "status.currentRevision") != before);
    CHECK(text_at(*after, "status.currentRevision") == text_at(*after, "status.updateRevision"));
    CHECK(number_at(*after, "status.updatedReplicas") == 3);
    CHECK(number_at(*after, "status.observedGeneration") == 2);
  }

  TEST_CASE("foreground deletion ends with the owner, orphaning frees the pods") {
    struct Case {
      const char* finalizer;
      std::size_t pods_left;
    };
    for (const Case& deletion : {Case{"foregroundDeletion", 0}, Case{"orphan", 2}}) {
      CAPTURE(deletion.finalizer);
      Cluster cluster;
      Json set = build::stateful_set(2);
      set["metadata"].erase("uid");
      REQUIRE(cluster.store.create(k_set, set));
      cluster.settle();
      REQUIRE(cluster.store.update(k_set, [&](Json& changed) -> Status {
        changed["metadata"]["finalizers"] = {deletion.finalizer};
        changed["metadata"]["deletionTimestamp"] = format_time(cluster.now);
        return {};
      }));
      cluster.settle();
      CHECK(cluster.store.get(k_set) == nullptr);
      CHECK(cluster.store.list("", "pods", "default").size() == deletion.pods_left);
    }
  }

  TEST_CASE("a stateful set made anew adopts the pods that an orphaning deletion left") {
    Cluster cluster;
    Json set = build::stateful_set(2);
    set["metadata"].erase("uid");
    REQUIRE(cluster.store.create(k_set, set));
    cluster.settle();
    const std::string before = uid_of(*cluster.store.get({"", "pods", "default", "redis-app-0"}));
    REQUIRE(cluster.store.update(k_set, [&](Json& changed) -> Status {
      changed["metadata"]["finalizers"] = {"orphan"};
      changed["metadata"]["deletionTimestamp"] = format_time(cluster.now);
      return {};
    }));
    cluster.settle();
    REQUIRE(cluster.store.create(k_set, set));
    cluster.settle();
    CHECK(number_at(*cluster.store.get(k_set), "status.readyReplicas") == 2);
    CHECK(uid_of(*cluster.store.get({"", "pods", "default", "redis-app-0"})) == before);
  }

  TEST_CASE("a deployment rolls over to its new template and reports complete") {
    Cluster cluster;
    const Key key{"apps", "deployments", "default", "web"};
    REQUIRE(cluster.store.create(key, Json::parse(R"({"apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": {"name": "web", "namespace": "default"},
      "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}}})")));
    cluster.settle();
    CHECK(number_at(*cluster.store.get(key), "status.availableReplicas") == 3);
    REQUIRE(cluster.store.update(key, [](Json& changed) -> Status {
      changed["spec"]["template"]["spec"]["priorityClassName"] = "high";
      return {};
    }));
    cluster.settle();
    const Object done = cluster.store.get(key);
    CHECK(number_at(*done, "status.updatedReplicas") == 3);
    CHECK(number_at(*done, "status.replicas") == 3);
    CHECK(text_at(condition_of(*done, "Progressing"), "reason") == "NewReplicaSetAvailable");
    CHECK(annotation_of(*done, "deployment.kubernetes.io/revision") == "2");
  }

  TEST_CASE("plan_replica_set removes pods without a node and pods that are not ready first") {
    const Json set{{"spec", {{"replicas", 1}}}};
    const Objects pods{build::share(build::ready(build::pod("ready", "node-a"))),
                       build::share(build::pod("starting", "node-a")),
                       build::share(build::pod("waiting"))};
    CHECK(plan_replica_set(set, pods).remove == std::vector<std::string>{"waiting", "starting"});
  }

  TEST_CASE("share_of rounds a surge up and an absence down") {
    CHECK(share_of(Json("25%"), 6, Rounding::up) == 2);
    CHECK(share_of(Json("25%"), 6, Rounding::down) == 1);
    CHECK(share_of(Json(4), 6, Rounding::down) == 4);
  }
}

}  // namespace kredis::sandbox
