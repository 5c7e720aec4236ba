// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/cluster.hpp"

#include <doctest/doctest.h>

#include "shared/observe/gather.hpp"
#include "tests/support/fake_cluster.hpp"
#include "tests/support/fake_kube.hpp"

namespace kredis::observe {
namespace {

struct Bed {
  Bed() {
    for (int i = 0; i < nodes.size(); ++i) {
      kube.put("pods", tests::article_pod(i));
    }
    nodes.install(redis);
  }
  static ports::Deadline soon() { return ports::Clock::now() + std::chrono::seconds(10); }

  tests::FakeCluster nodes{.masters = 1, .replicas = 1};
  tests::FakeKube kube;
  tests::FakeRedis redis;
  Located located = located_from(tests::article_set(2));
};

TEST_SUITE("observe/cluster") {
  TEST_CASE("each look finds the pods of that moment and asks them") {
    Bed bed;
    Cluster cluster(bed.kube, bed.redis, bed.located);
    CHECK(cluster.view().members.empty());
    REQUIRE(cluster.look(Ask::everything, Bed::soon()).has_value());
    CHECK(cluster.view().members.size() == 2);
    CHECK(cluster.view().all_agree());
    CHECK(cluster.switchboard().size() == 2);

    bed.kube.drop("pods", "redis-app-1");
    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    CHECK(cluster.view().members.size() == 1);
    CHECK(cluster.switchboard().size() == 1);
  }

  TEST_CASE("a pod that came back under another address is asked there") {
    Bed bed;
    Cluster cluster(bed.kube, bed.redis, bed.located);
    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    Json moved = tests::article_pod(1);
    moved["status"]["podIP"] = "10.1.0.77";
    bed.kube.put("pods", moved);
    bed.redis.kill(tests::FakeCluster::pod_ip(1));
    bed.redis.put("10.1.0.77", [nodes = bed.nodes](const core::Command& command) {
      return nodes.answer(1, command);
    });

    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    CHECK_FALSE(cluster.view().members[1].trouble.has_value());
    CHECK(cluster.switchboard().target(1).host == "10.1.0.77");
  }

  TEST_CASE("a node that is silent does not end a look, one that lets nobody in does") {
    Bed bed;
    Cluster cluster(bed.kube, bed.redis, bed.located);
    bed.redis.kill(tests::FakeCluster::pod_ip(1));
    CHECK(cluster.look(Ask::everything, Bed::soon()).has_value());
    CHECK(cluster.view().members[1].trouble.has_value());

    bed.redis.put(tests::FakeCluster::pod_ip(1), [](const core::Command&) {
      return tests::error_reply("NOAUTH Authentication required.");
    });
    const Status looked = cluster.look(Ask::everything, Bed::soon());
    REQUIRE_FALSE(looked.has_value());
    CHECK(looked.error().code == ErrorCode::unauthorized);
    CHECK(looked.error().message == "redis-app-1 asks for a password");
    CHECK(looked.error().hint.find("--auth-secret") != std::string::npos);
  }

  TEST_CASE("a look that Kubernetes refuses leaves the view as it was") {
    Bed bed;
    Cluster cluster(bed.kube, bed.redis, bed.located);
    REQUIRE(cluster.look(Ask::everything, Bed::soon()).has_value());
    bed.kube.refuse("pods", Error::unreachable("the API server is away"));
    const Status looked = cluster.look(Ask::everything, Bed::soon());
    REQUIRE_FALSE(looked.has_value());
    CHECK(looked.error().code == ErrorCode::unreachable);
    CHECK(cluster.view().members.size() == 2);
    CHECK(cluster.view().members[0].server.has_value());
  }

  TEST_CASE("pods of another workload are found where the nodes know them as theirs") {
    Bed bed;
    const auto follower = [](const char* name) {
      return tests::owned(
          tests::pod_json(name, tests::FakeCluster::pod_ip(1), {{"app", "follower"}}),
          "StatefulSet",
          "follower");
    };
    bed.kube.drop("pods", "redis-app-1");
    bed.kube.put("pods", follower("follower-0"));
    Cluster cluster(bed.kube, bed.redis, bed.located);
    REQUIRE(cluster.look(Ask::everything, Bed::soon()).has_value());
    REQUIRE(cluster.view().members.size() == 2);
    CHECK(cluster.view().members[0].pod.name == "redis-app-0");
    CHECK(cluster.view().members[1].pod.name == "follower-0");
    CHECK(cluster.view().all_agree());
    CHECK(cluster.owners() ==
          std::vector<Owner>{{"StatefulSet", "redis-app"}, {"StatefulSet", "follower"}});

    // They are known from now on, and asked with the others.
    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    CHECK(cluster.view().members.size() == 2);
  }

  TEST_CASE("one pod that was introduced to another cluster makes that none of ours") {
    tests::FakeKube kube;
    tests::FakeRedis redis;
    const auto put = [&](const std::string& set, int ordinal, int node, std::vector<int> known) {
      const std::string address = "10.1.0." + std::to_string(node + 1);
      kube.put("pods",
               tests::owned(
                   tests::pod_json(set + "-" + std::to_string(ordinal), address, {{"app", set}}),
                   "StatefulSet",
                   set));
      std::string text;
      known.push_back(node);
      for (const int each : known) {
        core::Node line{.id = testing::node_id(each)};
        line.address = {.ip = "10.1.0." + std::to_string(each + 1), .port = 6379};
        line.flags.myself = each == node;
        text += tests::node_line(line);
      }
      redis.put(address, [text](const core::Command& command) {
        return command == core::Command{"CLUSTER", "NODES"}
                   ? tests::text_reply(text)
                   : tests::FakeCluster{}.answer(0, command);
      });
    };
    put("ours", 0, 0, {});
    put("ours", 1, 1, {});
    put("ours", 2, 2, {3, 4});
    put("theirs", 0, 3, {2, 4});
    put("theirs", 1, 4, {2, 3});
    const auto located = locate_by_selector(kube, "shop", "app=ours");
    REQUIRE(located.has_value());
    Cluster cluster(kube, redis, *located);
    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    CHECK(cluster.view().members.size() == 3);
    CHECK(cluster.owners() == std::vector<Owner>{{"StatefulSet", "ours"}});
  }

  TEST_CASE("an address that somebody else has by now makes nobody a member") {
    Bed bed;
    bed.kube.drop("pods", "redis-app-1");
    bed.kube.put(
        "pods",
        tests::owned(tests::pod_json("other-0", tests::FakeCluster::pod_ip(1), Json::object()),
                     "StatefulSet",
                     "other"));
    bed.redis.put(tests::FakeCluster::pod_ip(1),
                  [other = tests::FakeCluster{.masters = 5, .replicas = 0}](
                      const core::Command& command) { return other.answer(4, command); });
    Cluster cluster(bed.kube, bed.redis, bed.located);
    REQUIRE(cluster.look(Ask::everything, Bed::soon()).has_value());
    CHECK(cluster.view().members.size() == 1);
    CHECK(cluster.owners() == std::vector<Owner>{{"StatefulSet", "redis-app"}});
  }

  TEST_CASE("a selector over two clusters is refused, with the owners of both") {
    tests::FakeKube kube;
    tests::FakeRedis redis;
    for (const auto& [name, address, id] :
         {std::tuple{"alpha", "10.1.0.1", 0}, std::tuple{"beta", "10.1.0.2", 4}}) {
      kube.put("pods",
               tests::owned(tests::pod_json(std::string(name) + "-0", address, {{"app", "redis"}}),
                            "StatefulSet",
                            name));
      core::Node self{.id = testing::node_id(id), .address = {.ip = address, .port = 6379}};
      self.flags.myself = true;
      self.slots = core::SlotSet::all();
      redis.put(address, [self](const core::Command& command) {
        return command == core::Command{"CLUSTER", "NODES"}
                   ? tests::text_reply(tests::node_line(self))
                   : tests::FakeCluster{}.answer(0, command);
      });
    }
    const auto located = locate_by_selector(kube, "shop", "app=redis");
    REQUIRE(located.has_value());
    Cluster cluster(kube, redis, *located);
    const Status looked = cluster.look(Ask::everything, Bed::soon());
    REQUIRE_FALSE(looked.has_value());
    CHECK(looked.error().code == ErrorCode::conflict);
    CHECK(looked.error().message ==
          "app=redis matches the pods of 2 clusters: statefulset/alpha (1 nodes) and "
          "statefulset/beta (1 nodes)");
  }

  TEST_CASE("pods that were given once are never looked for") {
    Bed bed;
    const auto view = gather_pods(bed.kube, bed.located);
    REQUIRE(view.has_value());
    Cluster cluster(bed.redis, *view);
    bed.kube.drop("pods", "redis-app-1");
    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    CHECK(cluster.view().members.size() == 2);
    CHECK(cluster.view().all_agree());
  }

  TEST_CASE("who is left out is named, asked no more, and back with the next look for pods") {
    Bed bed;
    Cluster cluster(bed.kube, bed.redis, bed.located);
    REQUIRE(cluster.look(Ask::topology, Bed::soon()).has_value());
    const auto names = cluster.leave_out(
        [](const core::Member& member) { return member.pod.name == "redis-app-0"; });
    CHECK(names == std::vector<std::string>{"redis-app-0"});
    CHECK(cluster.switchboard().size() == 1);
    cluster.ask(Ask::topology, Bed::soon());
    REQUIRE(cluster.view().members.size() == 1);
    CHECK(cluster.view().members[0].self()->id == testing::node_id(1));
    CHECK(cluster.leave_out([](const core::Member&) { return false; }).empty());
    REQUIRE(cluster.find_pods().has_value());
    CHECK(cluster.view().members.size() == 2);
  }
}

}  // namespace
}  // namespace kredis::observe
