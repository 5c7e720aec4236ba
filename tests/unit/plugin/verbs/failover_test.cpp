// SPDX-License-Identifier: Apache-2.0
//
// `failover` and `failover drill`: who becomes master, what is asked before, what is refused.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

/// Takes the replicas away from a master, and with them whoever could follow it.
void orphan(VerbBed& bed, const std::string& replica) { bed.model.node(replica).link_up = false; }

}  // namespace

TEST_SUITE("verbs/failover") {
  TEST_CASE("failover relieves what it is told to, and shows who is master now") {
    struct Row {
      std::string label;
      Words words;
      std::vector<std::string> masters;
      std::vector<std::string> out;
    };
    const std::vector<Row> rows{
        {"a replica takes over",
         {"failover", "--pod", "redis-app-3"},
         {"redis-app-3"},
         {"10923-16383   redis-app-3   node-a (zone-a)   redis-app-2, follows"}},
        {"a master's best replica takes over",
         {"failover", "--pod", "redis-app-0"},
         {"redis-app-4"},
         {"0-5460   redis-app-4"}},
        {"a master by its pod",
         {"failover", "--master", "redis-app-1"},
         {"redis-app-5"},
         {"redis-app-1, follows"}},
        {"a master by its id's start",
         {"failover", "--master", "a0000001"},
         {"redis-app-5"},
         {"5461-10922   redis-app-5"}},
        {"all masters of a node",
         {"failover", "--node", "node-c"},
         {"redis-app-3"},
         {"redis-app-2, follows   node-c (zone-c)"}},
        {"all masters of a zone",
         {"failover", "--zone", "zone-b"},
         {"redis-app-5"},
         {"every node shows it; it took 0.0 s"}},
        {"as JSON",
         {"failover", "--pod", "redis-app-3", "-o", "json"},
         {"redis-app-3"},
         {"\"redis-app-3\"", "\"dryRun\": false"}}};
    for (const Row& row : rows) {
      CAPTURE(row.label);
      const auto bed = VerbBed::whole();
      check_run(*bed, row.words, ExitStatus::done, row.out);
      for (const std::string& master : row.masters) {
        CHECK(bed->is_master(master));
      }
      CHECK(bed->redis.told().size() == row.masters.size());
      CHECK(bed->kube.changes == std::vector<std::string>{"create leases/kubectl-redis-redis",
                                                          "delete leases/kubectl-redis-redis"});
    }
  }

  TEST_CASE("failover of a node that runs no master has nothing to do, again and again") {
    const auto bed = VerbBed::whole();
    check_run(*bed, {"failover", "--node", "node-a"}, ExitStatus::done);
    const std::size_t told = bed->redis.told().size();
    const Ran again = check_run(*bed,
                                {"failover", "--node", "node-a"},
                                ExitStatus::done,
                                {"nothing to do: no master is to hand over\n"});
    check_says(again.err, {"nothing to do"});
    CHECK(bed->redis.told().size() == told);
  }

  TEST_CASE("failover --dry-run prints the plan, takes no Lease and tells no node anything") {
    const auto bed = VerbBed::whole();
    check_run(*bed,
              {"failover", "--zone", "zone-a", "--dry-run"},
              ExitStatus::done,
              {"Hand over redis-app-0 to redis-app-4\n",
               "failover redis-app-4 redis-app-0  # 0 bytes behind; writes to slots 0-5460 wait"});
    const Json plan = Json::parse(
        check_run(
            *bed, {"failover", "--node", "node-a", "--dry-run", "-o", "json"}, ExitStatus::done)
            .out);
    CHECK(plan.at("dryRun") == true);
    CHECK(bed->kube.changes.empty());
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("a hand-over that the replica gives up is asked for again") {
    const auto bed = VerbBed::whole();
    int asked = 0;
    bed->model.may_take_over = [&](const ModelNode&) { return ++asked == 2; };
    check_run(*bed, {"failover", "--pod", "redis-app-3"}, ExitStatus::done, {"redis-app-3"});
    CHECK(asked == 2);
    CHECK(bed->clock.slept() > std::chrono::seconds(5));
  }

  TEST_CASE("a hand-over that never comes ends in time, with how to see and finish it") {
    const auto bed = VerbBed::whole();
    bed->model.may_take_over = [](const ModelNode&) { return false; };
    const Ran ran = check_run(
        *bed, {"failover", "--pod", "redis-app-3", "--timeout", "20s"}, ExitStatus::failed);
    check_says(ran.err,
               {"redis-app-3 has not taken over from redis-app-2",
                "kubectl redis status redis -n shop",
                "kubectl redis failover redis -n shop --master a0000002",
                "while failing over cluster redis in namespace shop"});
    CHECK(bed->clock.slept() < std::chrono::seconds(25));
    CHECK(bed->is_master("redis-app-2"));
  }

  TEST_CASE("--force and --takeover ask for the cluster's name and say what is at stake") {
    for (const char* flag : {"--force", "--takeover"}) {
      CAPTURE(flag);
      const auto bed = VerbBed::whole();
      bed->silence("redis-app-1");
      will_answer(*bed, "redis");
      const Ran ran = check_run(
          *bed, {"failover", "--pod", "redis-app-5", flag}, ExitStatus::done, {"redis-app-5"});
      check_says(ran.err,
                 {"redis-app-5 takes over slots 5461-10922 from redis-app-1 without waiting for it",
                  "this cannot be undone",
                  "type redis to go on"});
      CHECK(bed->is_master("redis-app-5"));
    }
  }

  TEST_CASE("--yes answers beforehand and still says what is at stake") {
    const auto bed = VerbBed::whole();
    bed->asks = false;
    bed->silence("redis-app-1");
    const Ran ran =
        check_run(*bed, {"failover", "--pod", "redis-app-5", "--force", "--yes"}, ExitStatus::done);
    check_says(ran.err, {"writes that it has not received are lost"});
    CHECK_FALSE(contains(ran.err, "type redis"));
  }

  TEST_CASE("failover refuses what would lose something or cannot be, and changes nothing") {
    const auto silent = [](VerbBed& bed) { bed.silence("redis-app-1"); };
    const std::vector<Refusal> rows{
        {.label = "nothing named",
         .words = {"failover"},
         .says = {"say which masters are to hand over", "--pod, --master, --node and --zone"},
         .exit = ExitStatus::usage},
        {.label = "two things named",
         .words = {"failover", "--pod", "redis-app-3", "--zone", "zone-a"},
         .says = {"say which masters are to hand over"},
         .exit = ExitStatus::usage},
        {.label = "force and takeover",
         .words = {"failover", "--pod", "redis-app-3", "--force", "--takeover"},
         .says = {"--takeover"},
         .exit = ExitStatus::usage},
        {.label = "an unknown pod",
         .words = {"failover", "--pod", "redis-app-9"},
         .says = {"cluster redis has no pod redis-app-9", "there are: redis-app-0"},
         .exit = ExitStatus::failed},
        {.label = "an unknown node",
         .words = {"failover", "--node", "node-z"},
         .says = {"cluster redis has no pods on node node-z", "node-a, node-b and node-c"},
         .exit = ExitStatus::failed},
        {.label = "an unknown zone",
         .words = {"failover", "--zone", "moon"},
         .says = {"cluster redis has no pods in zone moon"},
         .exit = ExitStatus::failed},
        {.label = "a master without a replica in step",
         .words = {"failover", "--master", "redis-app-2"},
         .given = [](VerbBed& bed) { orphan(bed, "redis-app-3"); },
         .says = {"redis-app-2 (slots 10923-16383) has no replica that could take over",
                  "redis-app-3 is not in step",
                  "--force takes one that is not in sync"}},
        {.label = "a master that is away",
         .words = {"failover", "--master", "redis-app-1"},
         .given = silent,
         .says = {"redis-app-1 does not answer, and a planned hand-over needs it", "--force"}},
        {.label = "no majority",
         .words = {"failover", "--pod", "redis-app-5", "--force"},
         .given =
             [](VerbBed& bed) {
               bed.silence("redis-app-0");
               bed.silence("redis-app-1");
             },
         .says = {"only 1 of 3 masters answer: no majority is left", "--takeover"}},
        {.label = "another name typed",
         .words = {"failover", "--pod", "redis-app-5", "--force"},
         .given =
             [&](VerbBed& bed) {
               silent(bed);
               will_answer(bed, "yes");
             },
         .says = {"nothing was done: losing data was not confirmed", "type redis when asked"}},
        {.label = "nobody there to ask",
         .words = {"failover", "--pod", "redis-app-5", "--force"},
         .given =
             [&](VerbBed& bed) {
               silent(bed);
               bed.asks = false;
             },
         .says = {"nothing was done", "or add --yes"}}};
    for (const Refusal& row : rows) {
      const auto bed = VerbBed::whole();
      check_refusal(row, *bed);
    }
  }
}

TEST_SUITE("verbs/failover drill") {
  TEST_CASE("a drill says what it would do and stops with --dry-run") {
    const auto bed = VerbBed::whole();
    check_run(*bed,
              {"failover", "drill", "--pod", "redis-app-0", "--dry-run"},
              ExitStatus::done,
              {"redis-app-0", "redis-app-4", "0-5460"});
    const Json plan = Json::parse(
        check_run(*bed, {"failover", "drill", "--dry-run", "-o", "json"}, ExitStatus::done).out);
    CHECK(plan.at("dryRun") == true);
    CHECK(bed->kube.changes.empty());
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("a drill refuses what the cluster may not get over, and changes nothing") {
    const std::vector<Refusal> rows{
        {.label = "two victims",
         .words = {"failover", "drill", "--pod", "redis-app-0", "--master", "redis-app-1"},
         .says = {"a drill takes one master away"},
         .exit = ExitStatus::usage},
        {.label = "an unknown pod",
         .words = {"failover", "drill", "--pod", "redis-app-9"},
         .says = {"cluster redis has no pod redis-app-9", "kubectl redis status redis -n shop"},
         .exit = ExitStatus::failed},
        {.label = "a replica",
         .words = {"failover", "drill", "--pod", "redis-app-3"},
         .says = {"redis-app-3 is not a master, and a drill is about losing one"}},
        {.label = "a cluster that is not whole",
         .words = {"failover", "drill"},
         .given = [](VerbBed& bed) { orphan(bed, "redis-app-3"); },
         .says = {"cluster redis is not whole, so it is not drilled: redis-app-3 is not in sync",
                  "mend that first: kubectl redis status redis -n shop"}},
        {.label = "a replica that is far behind",
         .words = {"failover", "drill", "--pod", "redis-app-0"},
         .given = [](VerbBed& bed) { bed.model.node("redis-app-0").offset += 64 << 20; },
         .says = {"the best replica of redis-app-0, redis-app-4, is 64",
                  "wait until it has caught"}},
        {.label = "the user says no",
         .words = {"failover", "drill", "--pod", "redis-app-0"},
         .given = [](VerbBed& bed) { will_answer(bed, "n"); },
         .says = {"go on? [y/N]", "nothing was done: it was not confirmed", "add --yes"}},
        {.label = "nobody there to ask",
         .words = {"failover", "drill", "--pod", "redis-app-0"},
         .given = [](VerbBed& bed) { bed.asks = false; },
         .says = {"nothing was done: it was not confirmed"}}};
    for (const Refusal& row : rows) {
      const auto bed = VerbBed::whole();
      check_refusal(row, *bed);
    }
  }

  TEST_CASE("a server that cannot be frozen is not struck at all, and the other way is named") {
    const auto bed = VerbBed::whole();
    const Ran ran =
        check_run(*bed, {"failover", "drill", "--by", "freeze", "--yes"}, ExitStatus::refused);
    check_says(ran.err, {"cannot be frozen", "unknown command 'EVAL'", "drill with --by delete"});
    CHECK(bed->kube.changes.empty());
  }

  TEST_CASE(
      "a pod without a volume is not deleted for a drill, for it would come back a stranger") {
    const auto bed = VerbBed::whole({.storage = manifest::Storage::ephemeral});
    check_refusal({.label = "ephemeral",
                   .words = {"failover", "drill", "--pod", "redis-app-0", "--yes"},
                   .says = {"redis-app-0 keeps its data in itself", "--by freeze"}},
                  *bed);
  }
}

}  // namespace kredis::tests
