// SPDX-License-Identifier: Apache-2.0
#include "webhook/observer.hpp"

#include <doctest/doctest.h>

#include <future>
#include <set>

#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

using std::chrono::seconds;
using Pods = std::set<std::string>;

const Json k_article = tests::article_set(6);

TEST_SUITE("webhook/observer") {
  TEST_CASE("a cluster that was looked at is seen with all that its nodes say") {
    ObserverBed bed;
    bed.add_article();
    bed.look();
    const policy::Sight sight = bed.observer.sight(k_article);
    REQUIRE(sight.view != nullptr);
    CHECK(sight.age_seconds == 0);
    CHECK(sight.leaving.empty());
    CHECK(sight.view->members.size() == 6);
    CHECK(sight.view->all_agree());

    const auto watched = bed.observer.watched();
    REQUIRE(watched.size() == 1);
    CHECK(watched[0].namespace_name == "shop");
    CHECK(watched[0].cluster == "redis");
    CHECK(watched[0].slots == 16384);
    CHECK(watched[0].seen);
  }

  TEST_CASE("a workload that is no cluster, or of another namespace, is not seen") {
    ObserverBed bed;
    bed.add_article();
    bed.look();
    Json elsewhere = k_article;
    elsewhere["metadata"]["namespace"] = "other";
    CHECK(bed.observer.sight(elsewhere).view == nullptr);
    CHECK(bed.observer.sight(Json::object()).view == nullptr);
  }

  TEST_CASE("several Deployments are one cluster, which each of them leads to") {
    ObserverBed bed;
    bed.add_deployments();
    bed.look();
    REQUIRE(bed.observer.watched().size() == 1);
    CHECK(bed.opened == 1);
    for (const int node : {0, 5}) {
      const policy::Sight sight = bed.observer.sight(tests::node_deployment(node));
      REQUIRE(sight.view != nullptr);
      CHECK(sight.view->members.size() == 6);
    }
  }

  TEST_CASE("a cluster without pods is seen: it has none") {
    ObserverBed bed;
    const StderrCapture log;
    bed.kube.put("statefulsets", k_article);
    bed.look();
    const policy::Sight sight = bed.observer.sight(k_article);
    REQUIRE(sight.view != nullptr);
    CHECK(sight.view->members.empty());
    CHECK(log.lines("cannot see").empty());
  }

  TEST_CASE("the old view stays with its age while no node answers, and complains once") {
    ObserverBed bed;
    const StderrCapture log;
    bed.add_article();
    bed.look();
    for (int i = 0; i < 6; ++i) {
      bed.redis.kill(tests::FakeCluster::pod_ip(i));
    }
    bed.pass(seconds(7));
    bed.observer.look_around();
    bed.observer.look_around();
    auto watched = bed.observer.watched();
    REQUIRE(watched.size() == 1);
    CHECK(watched[0].age_seconds == 7);
    CHECK_FALSE(watched[0].seen);
    const auto complaints = log.lines("cannot see cluster shop/redis");
    REQUIRE(complaints.size() == 1);
    CHECK(complaints[0]["level"] == "warning");
    CHECK(complaints[0]["error"] == "redis-app-0 does not answer");

    // Seen again, and then not: that is told anew.
    tests::FakeCluster{}.install(bed.redis);
    bed.observer.look_around();
    watched = bed.observer.watched();
    CHECK(watched[0].age_seconds == 0);
    CHECK(watched[0].seen);
    for (int i = 0; i < 6; ++i) {
      bed.redis.kill(tests::FakeCluster::pod_ip(i));
    }
    bed.observer.look_around();
    CHECK(log.lines("cannot see cluster shop/redis").size() == 2);
  }

  TEST_CASE("a cluster whose Secrets cannot be read is told with what to do, and tried again") {
    ObserverBed bed;
    const StderrCapture log;
    bed.add_article();
    bed.opens = Error::unauthorized("secrets is forbidden");
    bed.look();
    CHECK(bed.observer.sight(k_article).view == nullptr);
    const auto complaints = log.lines("cannot see cluster shop/redis");
    REQUIRE(complaints.size() == 1);
    CHECK(complaints[0]["code"] == "unauthorized");
    CHECK(complaints[0]["hint"] == "let the webhook get the Secrets that the workload names");

    bed.opens = {};
    bed.observer.look_around();
    CHECK(bed.observer.sight(k_article).view != nullptr);
  }

  TEST_CASE("the way in is kept while it leads there, and opened anew after a failure") {
    ObserverBed bed;
    const StderrCapture log;
    bed.add_article();
    bed.look();
    bed.observer.look_around();
    CHECK(bed.opened == 1);
    bed.kube.refuse("pods", Error::unreachable("the API server is away"));
    bed.observer.look_around();
    CHECK(bed.opened == 1);
    bed.observer.look_around();
    CHECK(bed.opened == 2);
  }

  TEST_CASE("a cluster that vanishes is forgotten") {
    ObserverBed bed;
    bed.add_article();
    bed.look();
    bed.kube.tell("statefulsets", ports::WatchEvent::Kind::deleted, k_article);
    REQUIRE(bed.kube.wait_until([&bed] { return bed.snapshot.all("StatefulSet").empty(); }));
    bed.observer.look_around();
    CHECK(bed.observer.watched().empty());
    CHECK(bed.observer.sight(k_article).view == nullptr);
  }

  TEST_CASE("a pod that was let go counts as gone for a minute of its own life") {
    ObserverBed bed;
    bed.add_article();
    bed.look();
    bed.observer.let_go("shop", "redis-app-1");
    bed.observer.let_go("shop", "redis-app-99");
    bed.observer.let_go("other", "redis-app-2");
    const auto leaving = [&bed] {
      bed.observer.look_around();
      return bed.observer.sight(k_article).leaving;
    };
    CHECK(leaving() == Pods{"redis-app-1"});

    SUBCASE("but no longer") {
      bed.pass(seconds(59));
      CHECK(leaving() == Pods{"redis-app-1"});
      bed.pass(seconds(1));
      CHECK(leaving().empty());
    }
    SUBCASE("and not in its next life, under the same name") {
      Json next = tests::article_pod(1);
      next["metadata"]["uid"] = "another";
      bed.kube.put("pods", next);
      CHECK(leaving().empty());
    }
  }

  TEST_CASE("a pod that is being deleted counts as gone without anybody's word") {
    ObserverBed bed;
    bed.add_article();
    Json ending = tests::article_pod(4);
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    bed.kube.put("pods", ending);
    bed.look();
    CHECK(bed.observer.sight(k_article).leaving == Pods{"redis-app-4"});
  }

  TEST_CASE("the thread waits until the snapshot is complete, and then looks") {
    ObserverBed bed;
    bed.add_article();
    bed.observer.start();
    CHECK(bed.observer.watched().empty());
    bed.read();
    REQUIRE(tests::eventually([&bed] {
      bed.pass(seconds(1));
      return bed.observer.watched().size() == 1;
    }));
  }

  TEST_CASE("a view of more than a second is renewed for whoever needs it") {
    ObserverBed bed;
    bed.add_article();
    bed.read();
    bed.observer.start();
    REQUIRE(tests::eventually([&bed] { return bed.observer.watched().size() == 1; }));

    // Half a minute before the next poll.
    tests::FakeCluster{.failed = {5}}.install(bed.redis);
    bed.pass(seconds(1));
    CHECK(bed.observer.sight(k_article).age_seconds == 1);
    bed.pass(seconds(1));
    policy::Sight sight;
    REQUIRE(tests::eventually([&] {
      sight = bed.observer.sight(k_article);
      return sight.age_seconds == 0;
    }));
    CHECK(sight.view->agreed()->find(testing::node_id(5))->flags.fail);
  }

  TEST_CASE("a node that hangs holds a review up for a second, and then the old view has to do") {
    ObserverBed bed;
    bed.add_article();
    bed.read();
    bed.observer.start();
    REQUIRE(tests::eventually([&bed] { return bed.observer.watched().size() == 1; }));
    std::promise<void> let_on;
    bed.redis.put(tests::FakeCluster::pod_ip(0),
                  [until = let_on.get_future().share()](const core::Command& command) {
                    until.wait();
                    return tests::FakeCluster{}.answer(0, command);
                  });
    bed.pass(seconds(5));
    const policy::Sight sight = bed.observer.sight(k_article);
    let_on.set_value();
    REQUIRE(sight.view != nullptr);
    CHECK(sight.age_seconds == 5);
  }
}

}  // namespace
}  // namespace kredis::webhook
