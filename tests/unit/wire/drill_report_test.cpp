// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/drill_report.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/builders.hpp"

namespace kredis::wire {
namespace {

using namespace std::chrono_literals;

DrillReport report() {
  const auto view = testing::ViewBuilder::whole(3, 1).build();
  return {.name = "redis",
          .namespace_ = "shop",
          .drill = core::plan_drill(view, {.master = "redis-app-0"}).value()};
}

}  // namespace

TEST_SUITE("wire/probe_tally") {
  TEST_CASE("operations are counted by interval, both ends right") {
    ProbeTally tally;
    tally.acknowledged(ProbeKind::write, 0us);
    tally.acknowledged(ProbeKind::read, 99'999us);
    tally.acknowledged(ProbeKind::write, 100'000us);
    tally.failed("CLUSTERDOWN", 250ms);
    CHECK(tally.writes() == 2);
    CHECK(tally.reads() == 1);
    CHECK(tally.failures() == 1);
    const std::vector<ProbeInterval> expected{{2, 0}, {1, 0}, {0, 1}};
    CHECK(tally.intervals() == expected);
  }

  TEST_CASE("the longest gap is between acknowledged operations, whatever failed in it") {
    ProbeTally tally;
    tally.acknowledged(ProbeKind::write, 10ms);
    tally.failed("connection lost", 30ms);
    tally.acknowledged(ProbeKind::read, 60ms);
    CHECK(tally.gap().from == 10ms);
    CHECK(tally.gap().length == 50ms);
    tally.end(200ms);
    CHECK(tally.gap().from == 60ms);
    CHECK(tally.gap().length == 140ms);
  }

  TEST_CASE("tallies of several shards are added and the longer gap stays") {
    ProbeTally one;
    one.acknowledged(ProbeKind::write, 150ms);
    ProbeTally other;
    other.acknowledged(ProbeKind::write, 20ms);
    other.failed("LOADING", 350ms);
    one.add(other);
    CHECK(one.writes() == 2);
    CHECK(one.reasons().at("LOADING") == 1);
    CHECK(one.intervals().size() == 4);
    CHECK(one.intervals()[0].acknowledged == 1);
    CHECK(one.gap().length == 150ms);
  }

  TEST_CASE("a lost write is one that was acknowledged and is not found") {
    CHECK(count_lost({0, 1, 2, 3}, {3, 2, 1, 0}) == 0);
    CHECK(count_lost({0, 1, 3}, {0, 1, 2, 3}) == 0);  // 2 arrived, its answer did not.
    CHECK(count_lost({0, 1, 2, 3}, {0, 1}) == 2);
    CHECK(count_lost({}, {}) == 0);
  }
}

TEST_SUITE("wire/drill_report") {
  TEST_CASE("a dry run says what would be done and no more") {
    DrillReport dry = report();
    dry.dry_run = true;
    const Json json = drill_report(dry);
    CHECK(json.at("kind") == "FailoverDrill");
    CHECK(json.at("strike") == "delete");
    CHECK(json.at("master").at("pod") == "redis-app-0");
    CHECK(json.at("master").at("slots") == Json::parse("[[0, 5460]]"));
    CHECK(json.at("replicas") == Json{"redis-app-3"});
    CHECK_FALSE(json.contains("probe"));
  }

  TEST_CASE("what was never seen is null, and times are since the strike") {
    DrillReport done = report();
    done.strike = DrillStrike::freeze;
    done.times.promoted = 1200ms;
    done.missing = "redis-app-0 is not ready yet";
    done.probe.struck_at = 1000ms;
    done.probe.victim.acknowledged(ProbeKind::write, 1100ms);
    done.probe.victim.acknowledged(ProbeKind::write, 2300ms);
    done.probe.others.acknowledged(ProbeKind::read, 2350ms);
    const Json json = drill_report(done);
    CHECK(json.at("strike") == "freeze");
    CHECK(json.at("promoted").is_null());
    CHECK(json.at("milliseconds").at("promoted") == 1200);
    CHECK(json.at("milliseconds").at("detected").is_null());
    CHECK(json.at("missing") == "redis-app-0 is not ready yet");
    const Json& probe = json.at("probe");
    CHECK(probe.at("lostWrites").is_null());
    CHECK(probe.at("longestGap").at("milliseconds") == 1200);
    CHECK(probe.at("longestGap").at("fromMilliseconds") == 100);
    CHECK(probe.at("timeline").at("acknowledged").at(23) == 2);
  }
}

}  // namespace kredis::wire
