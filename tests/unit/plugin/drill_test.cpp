// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/drill.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>

#include "shared/observe/ask_members.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/cluster_bed.hpp"

namespace kredis::plugin {
namespace {

using std::chrono::steady_clock;
using tests::ClusterBed;
using namespace std::chrono_literals;

/// A strike made of a test's own functions.
struct TestStrike : Strike {
  std::function<Status()> hit = [] { return Status{}; };
  std::function<std::string()> goes_on = [] { return std::string(); };
  Status deliver() override { return hit(); }
  std::string lasts() override { return goes_on(); }
};

/// A whole cluster of six, and the plan to lose redis-app-0.
struct Drilled {
  explicit Drilled(int node_timeout_ms) : bed(6, node_timeout_ms) {
    auto initialised = bed.init(3);
    REQUIRE_MESSAGE(initialised.has_value(), initialised.error().message);
    view = std::move(initialised->view);
    observe::Switchboard switchboard(*bed.redis, observe::targets_of(view));
    // Replicas take a moment to be in step.
    Result<core::Drill> plan = Error::internal("not tried");
    for (int attempt = 0; attempt < 200 && !plan; ++attempt) {
      observe::ask_members(switchboard, view, observe::Ask::everything, steady_clock::now() + 5s);
      plan = core::plan_drill(view, {.master = "redis-app-0"});
    }
    REQUIRE_MESSAGE(plan.has_value(), plan.error().message);
    drill = *plan;
  }

  ClusterBed bed;
  core::ClusterView view;
  core::Drill drill{.victim = testing::node_id(0)};
};

Result<DrillOutcome> run(Drilled& made,
                         Strike& strike,
                         std::function<bool()> cancelled = {},
                         std::chrono::milliseconds time = 60s) {
  return run_drill({.redis = *made.bed.redis,
                    .pods = [&]() -> Result<core::ClusterView> { return made.bed.view; },
                    .strike = strike,
                    .run = "test"},
                   made.drill,
                   made.view,
                   {.deadline = steady_clock::now() + time, .cancelled = std::move(cancelled)});
}

bool no_keys_left(const Drilled& made) {
  for (std::size_t node = 0; node < made.view.members.size(); ++node) {
    if (!made.bed.ask(node, {"KEYS", "kubectl-redis-drill:*"}).items.empty()) {
      return false;
    }
  }
  return true;
}

TEST_SUITE("operations/drill") {
  TEST_CASE("a master that dies is missed, replaced and back, and every phase is timed") {
    Drilled made(1000);
    TestStrike strike;
    auto back_at = steady_clock::time_point::max();
    strike.hit = [&] {
      made.bed.servers.kill(0);
      back_at = steady_clock::now() + 4s;
      return Status{};
    };
    strike.goes_on = [&]() -> std::string {
      if (steady_clock::now() < back_at) {
        return "it is away";
      }
      if (back_at != steady_clock::time_point{}) {
        made.bed.servers.start(0);
        back_at = {};
      }
      return "";
    };

    const auto outcome = run(made, strike);

    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    CHECK(outcome->missing == "");
    CHECK(outcome->heir_pod == made.drill.replicas.front().name);
    const wire::DrillTimes& times = outcome->times;
    REQUIRE((times.suspected && times.detected && times.promoted && times.healed));
    CHECK(*times.suspected <= *times.detected);
    CHECK(*times.detected <= *times.promoted);
    CHECK(*times.promoted < *times.healed);
    CHECK(*times.detected >= 500ms);
    CHECK(outcome->probe.victim.failures() > 0);
    CHECK(outcome->probe.victim.gap().length >= *times.detected);
    CHECK(outcome->probe.victim.writes() > 100);
    REQUIRE(outcome->probe.lost_writes.has_value());
    CHECK(no_keys_left(made));
  }

  TEST_CASE("a frozen master is passed over, wakes up and follows, and its limit is as before") {
    Drilled made(1000);
    auto strike = strike_by_freezing(*made.bed.redis,
                                     {.pod = "redis-app-0", .host = made.view.members[0].pod.ip},
                                     steady_clock::now() + 5s);
    REQUIRE_MESSAGE(strike.has_value(), strike.error().message);

    const auto outcome = run(made, **strike);

    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    CHECK(outcome->missing == "");
    CHECK(outcome->heir_pod == made.drill.replicas.front().name);
    CHECK(outcome->probe.victim.reasons().contains("no answer in time"));
    CHECK(made.bed.setting(0, "lua-time-limit") == "5000");
    CHECK(no_keys_left(made));
  }

  TEST_CASE("what is not healed in time is said, and the figures are there all the same") {
    Drilled made(60'000);
    TestStrike strike;
    strike.goes_on = [] { return "redis-app-0 ends"; };
    const auto outcome = run(made, strike, {}, 2s);
    REQUIRE(outcome.has_value());
    CHECK(outcome->missing == "redis-app-0 ends");
    CHECK_FALSE(outcome->times.healed.has_value());
    CHECK(outcome->probe.victim.failures() == 0);
    CHECK(outcome->probe.lost_writes == 0);
  }

  TEST_CASE("a probe that cannot write stops the drill before the strike") {
    Drilled made(60'000);
    for (std::size_t node = 0; node < 6; ++node) {
      REQUIRE(made.bed.ask(node, {"ACL", "SETUSER", "default", "-rpush"}).is_ok());
    }
    TestStrike strike;
    bool struck = false;
    strike.hit = [&] {
      struck = true;
      return Status{};
    };
    const auto outcome = run(made, strike);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == ErrorCode::unsafe);
    CHECK(outcome.error().message.find("NOPERM") != std::string::npos);
    CHECK_FALSE(struck);
  }

  TEST_CASE("an interrupted drill leaves no key behind") {
    Drilled made(60'000);
    TestStrike strike;
    strike.goes_on = [] { return "redis-app-0 ends"; };
    const auto begin = steady_clock::now();
    const auto outcome = run(made, strike, [&] { return steady_clock::now() > begin + 2s; });
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == ErrorCode::cancelled);
    CHECK(no_keys_left(made));
  }

  TEST_CASE("who may not run scripts freezes nothing") {
    ClusterBed bed(1, 5000);
    REQUIRE(bed.ask(0, {"ACL", "SETUSER", "default", "-eval"}).is_ok());
    const auto strike =
        strike_by_freezing(*bed.redis,
                           {.pod = "redis-app-0", .host = bed.view.members[0].pod.ip},
                           steady_clock::now() + 5s);
    REQUIRE_FALSE(strike.has_value());
    CHECK(strike.error().code == ErrorCode::unsafe);
    CHECK(strike.error().hint.find("--by delete") != std::string::npos);
  }
}

}  // namespace
}  // namespace kredis::plugin
