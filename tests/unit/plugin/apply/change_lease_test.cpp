// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/change_lease.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

#include "tests/support/eventually.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

const std::string k_name = "kubectl-redis-redis";
const ports::ResourcePath k_path{{"coordination.k8s.io/v1", "leases"}, "shop", k_name};

std::string here() {
  std::array<char, 256> name{};
  REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
  return name.data();
}

/// The number of a process that is no more.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return child;
}

struct Bed {
  Bed() {
    kube.on_change = [this](const auto&...) { changed.raise(); };
  }

  Result<std::unique_ptr<ChangeLease>> take(std::chrono::milliseconds time = 60s) {
    return ChangeLease::take(kube, wish, watcher.conduct(time));
  }
  Json lease() { return kube.object("leases", k_name); }
  std::string holder() { return text_at(lease(), "/spec/holderIdentity"); }
  /// The Lease of somebody else.
  void hold(const std::string& identity) {
    kube.put("leases",
             {{"metadata",
               {{"name", k_name},
                {"namespace", "shop"},
                {"uid", "theirs"},
                {"resourceVersion", "0"},
                {"annotations", {{"kubectl-redis.dev/doing", "kubectl redis create redis"}}}}},
              {"spec", {{"holderIdentity", identity}, {"acquireTime", "2026-11-29T10:00:00Z"}}}});
  }
  /// Its holder is alive.
  void renew() {
    const Json patch{{"spec", {{"renewTime", "now"}}}};
    REQUIRE(kube.merge_patch(k_path, patch, ports::DryRun::no).has_value());
  }
  tests::Signal changed;  ///< Something was kept: the renewing thread lives.
  tests::FakeKube kube;
  Watcher watcher;
  ChangeWish wish{.namespace_ = "shop",
                  .cluster = "redis",
                  .doing = "kubectl redis config redis",
                  .renewal = 10ms};
};

TEST_SUITE("apply/change_lease") {
  TEST_CASE("a Lease says who changes what since when, and is gone when that is over") {
    Bed bed;
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      const Json there = bed.lease();
      CHECK(contains(bed.holder(), "@" + here() + "/" + std::to_string(::getpid())));
      CHECK(text_at(there, "/metadata/annotations/kubectl-redis.dev~1doing") == bed.wish.doing);
      CHECK(text_at(there, "/metadata/labels/app.kubernetes.io~1instance") == "redis");
      CHECK(there.at("spec").at("leaseDurationSeconds") == 15);
      CHECK(text_at(there, "/spec/acquireTime").size() ==
            std::string("2026-11-29T10:00:00.000000Z").size());
      CHECK_FALSE((*lease)->lost());
    }
    CHECK(bed.lease().is_null());
    CHECK(bed.watcher.clock.slept() == 0ms);
  }

  TEST_CASE("it is renewed as long as it is held, and given back after any number of times") {
    Bed bed;
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      const std::string first = text_at(bed.lease(), "/spec/renewTime");
      CHECK(bed.changed.wait_for_next());
      CHECK(text_at(bed.lease(), "/spec/renewTime") != first);
      CHECK_FALSE((*lease)->lost());
    }
    CHECK(bed.lease().is_null());
  }

  TEST_CASE("who looks is told how far it is, as long as it goes on") {
    Bed bed;
    CHECK_FALSE(change_under_way(bed.kube, "shop", "redis").has_value());
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      (*lease)->note("3 of 9 slots moved");
      // The renewal that is on its way may be of before.
      REQUIRE(bed.changed.wait_for_next());
      REQUIRE(bed.changed.wait_for_next());
      const auto change = change_under_way(bed.kube, "shop", "redis");
      REQUIRE(change.has_value());
      CHECK(change->progress == "3 of 9 slots moved");
      CHECK(change->doing == bed.wish.doing);
      CHECK(change->who == bed.holder());
    }
    bed.hold("jane@" + here() + "/" + std::to_string(dead_process()));
    CHECK_FALSE(change_under_way(bed.kube, "shop", "redis").has_value());
    bed.hold("jane@elsewhere/7");
    CHECK(change_under_way(bed.kube, "shop", "redis")->since == "2026-11-29T10:00:00Z");
  }

  TEST_CASE("an API server that is away for a moment costs no Lease") {
    Bed bed;
    std::atomic<int> calls{0};
    tests::Signal called;
    bed.kube.before = [&](const std::string& verb, const ports::ResourcePath&) {
      const bool is_away = verb == "patch" && ++calls <= 3;
      called.raise();
      return is_away ? Status{Error::unreachable("away")} : Status{};
    };
    const auto lease = bed.take();
    REQUIRE(lease.has_value());
    while (calls <= 4) {
      REQUIRE(called.wait_for_next());
    }
    CHECK_FALSE((*lease)->lost());
  }

  TEST_CASE("a holder that renews is a conflict: who, what, since when") {
    Bed bed;
    bed.hold("jane@workstation/4242");
    bed.watcher.clock.on_sleep = [&] { bed.renew(); };
    const auto taken = bed.take();
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == ErrorCode::conflict);
    CHECK(taken.error().message ==
          "cluster redis is being changed by jane@workstation/4242 (kubectl redis create redis) "
          "since 2026-11-29T10:00:00Z");
    CHECK(contains(taken.error().hint, "kubectl get lease kubectl-redis-redis -n shop"));
    CHECK(bed.watcher.clock.slept() < 15s);
    CHECK(bed.holder() == "jane@workstation/4242");
  }

  TEST_CASE("a second taker of this machine is refused while the first one lives") {
    Bed bed;
    const auto first = bed.take();
    REQUIRE(first.has_value());
    bed.watcher.clock.on_sleep = [&] { bed.changed.wait_for_next(); };
    const auto second = bed.take();
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == ErrorCode::conflict);
    CHECK(contains(second.error().message, bed.wish.doing));
  }

  TEST_CASE("a dead holder of this machine is followed at once") {
    Bed bed;
    bed.hold("jane@" + here() + "/" + std::to_string(dead_process()));
    const auto taken = bed.take();
    REQUIRE(taken.has_value());
    CHECK(bed.watcher.clock.slept() == 0ms);
    CHECK(contains(bed.holder(), "/" + std::to_string(::getpid())));
  }

  TEST_CASE("what is no dead process of this machine is waited for") {
    for (const std::string& holder : {"jane@elsewhere/" + std::to_string(dead_process()),
                                      "jane@" + here() + "/" + std::to_string(::getpid()),
                                      "jane@" + here() + "/none",
                                      "jane@" + here() + "/-1",
                                      std::string("a controller")}) {
      CAPTURE(holder);
      Bed bed;
      bed.hold(holder);
      REQUIRE(bed.take().has_value());
      CHECK(bed.watcher.clock.slept() == 15s);
    }
  }

  TEST_CASE("one that was given back is nobody's") {
    Bed bed;
    bed.hold("");
    CHECK_FALSE(change_under_way(bed.kube, "shop", "redis").has_value());
    REQUIRE(bed.take().has_value());
    CHECK(bed.watcher.clock.slept() == 0ms);
  }

  TEST_CASE("what did not come to its end is kept for the same change, and for no other") {
    Bed bed;
    const auto begun = [&] { return begun_by_earlier(bed.kube, "shop", "redis", bed.wish.doing); };
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      CHECK((*lease)->keep("500 slots").has_value());
    }
    CHECK(bed.holder().empty());
    CHECK(begun() == "500 slots");
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      CHECK(begun() == "500 slots");
      CHECK((*lease)->keep("120 slots").has_value());
    }
    CHECK(begun() == "120 slots");
    CHECK(begun_by_earlier(bed.kube, "shop", "redis", "kubectl redis fix redis").empty());
    const std::string same = std::exchange(bed.wish.doing, "kubectl redis fix redis");
    CHECK(bed.take().has_value());
    bed.wish.doing = same;
    CHECK(bed.lease().is_null());
  }

  TEST_CASE("what came to its end leaves nothing") {
    Bed bed;
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      CHECK((*lease)->keep("500 slots").has_value());
      CHECK((*lease)->keep("").has_value());
    }
    CHECK(bed.lease().is_null());
  }

  TEST_CASE("who waits says for whom, once") {
    Bed bed;
    bed.hold("jane@workstation/4242");
    REQUIRE(bed.take().has_value());
    CHECK(count_of(bed.watcher.said(), "waiting for jane@workstation/4242") == 1);
  }

  TEST_CASE("where there is no time to see whether the holder is gone it is a conflict at once") {
    for (const auto& row : {std::pair{15s, true}, std::pair{14s, false}}) {
      const auto& time = row.first;
      const auto& waits = row.second;
      CAPTURE(time.count());
      Bed bed;
      bed.hold("jane@workstation/4242");
      CHECK(bed.take(time).has_value() == waits);
      CHECK((bed.watcher.clock.slept() > 0ms) == waits);
    }
  }

  TEST_CASE("who has no right to Leases goes on without one, and it is said") {
    for (const std::string verb : {"get", "create"}) {
      CAPTURE(verb);
      Bed bed;
      bed.kube.before = [&verb](const std::string& asked, const ports::ResourcePath&) {
        return asked == verb ? Status{Error::unauthorized("no permission")} : Status{};
      };
      const auto taken = bed.take();
      REQUIRE(taken.has_value());
      CHECK(contains(bed.watcher.said(), "no right to Leases"));
      CHECK_FALSE((*taken)->lost());
      CHECK(bed.lease().is_null());
    }
  }

  TEST_CASE("any other failure is told") {
    Bed bed;
    bed.kube.refuse("leases", Error::unreachable("away"));
    const auto taken = bed.take();
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error() == Error::unreachable("away"));
  }

  TEST_CASE("a Lease that somebody took over is lost, and stays his") {
    Bed bed;
    {
      const auto lease = bed.take();
      REQUIRE(lease.has_value());
      bed.hold("jane@workstation/4242");
      CHECK((*lease)->wait_until_lost(30s));
    }
    CHECK(bed.holder() == "jane@workstation/4242");
  }

  TEST_CASE("a Lease that somebody deleted is lost") {
    Bed bed;
    const auto lease = bed.take();
    REQUIRE(lease.has_value());
    bed.kube.drop("leases", k_name);
    CHECK((*lease)->wait_until_lost(30s));
  }

  TEST_CASE("who is a moment too late looks again") {
    Bed bed;
    bool raced = false;
    SUBCASE("somebody made it first, and gives it back") {
      bed.kube.before = [&](const std::string& verb, const ports::ResourcePath&) {
        if (verb == "create" && !std::exchange(raced, true)) {
          bed.hold("jane@workstation/4242");
        }
        return Status{};
      };
      bed.watcher.clock.on_sleep = [&] { bed.kube.drop("leases", k_name); };
    }
    SUBCASE("its dead holder's Lease is gone before it is taken over") {
      bed.hold("jane@" + here() + "/" + std::to_string(dead_process()));
      bed.kube.before = [&](const std::string& verb, const ports::ResourcePath&) {
        if (verb == "patch" && !std::exchange(raced, true)) {
          bed.kube.drop("leases", k_name);
        }
        return Status{};
      };
    }
    CHECK(bed.take().has_value());
    CHECK(raced);
    CHECK(bed.watcher.clock.slept() == 500ms);
  }

  TEST_CASE("who is told to end does not wait for the holder") {
    Bed bed;
    bed.hold("jane@workstation/4242");
    Conduct conduct = bed.watcher.conduct();
    conduct.cancelled = [] { return true; };
    const auto taken = ChangeLease::take(bed.kube, bed.wish, conduct);
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == ErrorCode::cancelled);
    CHECK(bed.holder() == "jane@workstation/4242");
  }
}

}  // namespace
}  // namespace kredis::plugin
