// SPDX-License-Identifier: Apache-2.0
//
// `init`: pods that are there already become one cluster, and pods that must not are left alone.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

std::unique_ptr<VerbBed> pods_only() {
  auto bed = std::make_unique<VerbBed>();
  bed->put_cluster({});
  bed->kube.changes.clear();
  return bed;
}

bool was_told(VerbBed& bed, const std::string& line) {
  return std::ranges::count(bed.redis.told(), line) == 1;
}

}  // namespace

TEST_SUITE("verbs/init") {
  TEST_CASE("init gives out slots, introduces the nodes and attaches replicas on other nodes") {
    const auto bed = pods_only();
    const Ran ran = check_run(*bed, {"init"}, ExitStatus::done, {"ok  shop/redis"});
    check_says(ran.err,
               {"Give out the slots and introduce the nodes",
                "Attach the replicas",
                "initialised: 3 masters, 3 replicas, 16,384 slots served, every node agrees"});
    CHECK(was_told(*bed, "10.0.0.1 CLUSTER ADDSLOTSRANGE 0 5460"));
    CHECK(was_told(*bed, "10.0.0.1 CLUSTER SET-CONFIG-EPOCH 1"));
    CHECK(was_told(*bed, "10.0.0.5 CLUSTER MEET 10.0.0.6 6379"));
    CHECK(was_told(*bed,
                   "10.0.0.4 CLUSTER REPLICATE " + bed->model.node("redis-app-2").id.to_text()));
    CHECK(bed->kube.changes == std::vector<std::string>{"create leases/kubectl-redis-redis",
                                                        "delete leases/kubectl-redis-redis"});
  }

  TEST_CASE("init --dry-run prints the plan and changes nothing") {
    const auto bed = pods_only();
    check_run(*bed,
              {"init", "--dry-run"},
              ExitStatus::done,
              {"Give out the slots and introduce the nodes\n",
               "add_slots redis-app-2 10923-16383  # nobody serves these slots",
               "meet redis-app-4 redis-app-5  # these nodes do not know each other",
               "replicate redis-app-3 redis-app-2"});
    CHECK(bed->redis.told().empty());
    CHECK(bed->kube.changes.empty());
  }

  TEST_CASE("init of what is one cluster already has nothing to do") {
    const auto bed = VerbBed::whole();
    const Ran ran = check_run(*bed, {"init"}, ExitStatus::done, {"ok  shop/redis"});
    check_says(ran.err, {"nothing to do: 3 masters, 3 replicas"});
    check_run(*bed, {"init", "--dry-run"}, ExitStatus::done, {"nothing to do: 3 masters"});
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("init finishes what another run began") {
    const auto bed = pods_only();
    ModelNode& first = bed->model.node("redis-app-0");
    first.slots = core::SlotSet::parse("0-5460").value();
    first.epoch = 1;
    check_run(*bed, {"init"}, ExitStatus::done, {"16,384 of 16,384 slots served"});
    CHECK_FALSE(was_told(*bed, "10.0.0.1 CLUSTER ADDSLOTSRANGE 0 5460"));
    CHECK(was_told(*bed, "10.0.0.2 CLUSTER ADDSLOTSRANGE 5461 10922"));
  }

  TEST_CASE("init takes the pods of a selector, whoever made them") {
    const auto bed = pods_only();
    check_run(*bed,
              {"init", "--selector", "app=redis", "--replicas", "1"},
              ExitStatus::done,
              {"3 masters, 3 replicas"});
    check_run(*bed, {"init", "-l", "app=redis", "--replicas", "1"}, ExitStatus::done);
  }

  TEST_CASE("init --replicas 0 makes every pod a master") {
    const auto bed = pods_only();
    bed->run({"init", "--replicas", "0"});
    for (int i = 0; i < 6; ++i) {
      CAPTURE(i);
      CHECK_FALSE(bed->model.node("redis-app-" + std::to_string(i)).slots.empty());
    }
  }

  TEST_CASE("init leaves alone what must not be touched, and says why") {
    const std::vector<Refusal> rows{
        {.label = "a node that holds keys",
         .words = {"init"},
         .given = [](VerbBed& bed) { bed.model.node("redis-app-4").keys = 12; },
         .says = {"redis-app-4", "12 keys", "-n shop --pod redis-app-4"}},
        {.label = "a node of another cluster",
         .words = {"init"},
         .given =
             [](VerbBed& bed) {
               bed.model.add("web-app-9", 9, "10.9.9.9");
               bed.model.node("redis-app-0").known.insert(bed.model.node("web-app-9").id);
             },
         .says = {"redis-app-0"}},
        {.label = "a pod that does not answer",
         .words = {"init"},
         .given = [](VerbBed& bed) { bed.silence("redis-app-1"); },
         .says = {"redis-app-1 did not answer", "kubectl describe pod redis-app-1 -n shop"},
         .exit = ExitStatus::failed},
        {.label = "more than there are pods for",
         .words = {"init", "--replicas", "3"},
         .says = {"cluster redis needs at least 3 masters, not 1"},
         .exit = ExitStatus::usage},
        {.label = "a negative number",
         .words = {"init", "--replicas", "-1"},
         .says = {"--replicas cannot be negative", "0 makes every pod a master"},
         .exit = ExitStatus::usage},
        {.label = "a cluster that is not there",
         .words = {"init", "nope"},
         .says = {"there is no cluster nope in namespace shop", "kubectl redis status -A"},
         .exit = ExitStatus::failed},
        {.label = "a selector that matches nothing",
         .words = {"init", "-l", "app=web"},
         .says = {"no pod in namespace shop matches app=web"},
         .exit = ExitStatus::failed}};
    for (const Refusal& row : rows) {
      const auto bed = pods_only();
      check_refusal(row, *bed);
    }
  }

  TEST_CASE("init that is interrupted ends with 130 and gives the Lease back") {
    const auto bed = pods_only();
    bed->hold_lease();
    bed->ctrl_c_while_waiting = true;
    check_run(*bed, {"init"}, ExitStatus::cancelled);
    CHECK(bed->redis.told().empty());
  }
}

}  // namespace kredis::tests
