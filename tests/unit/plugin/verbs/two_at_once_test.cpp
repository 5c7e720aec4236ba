// SPDX-License-Identifier: Apache-2.0
//
// Two people at one cluster: who changes it first is told to the other, and looking stays free.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {

TEST_SUITE("verbs/two at once") {
  TEST_CASE("no verb changes what somebody else is changing, and each says who and what") {
    const std::vector<Words> changes{{"create"},
                                     {"init"},
                                     {"failover", "--pod", "redis-app-3"},
                                     {"failover", "drill", "--pod", "redis-app-0", "--yes"},
                                     {"config", "apply", "--yes"},
                                     {"delete", "--yes"},
                                     {"delete", "--purge-data", "--yes"}};
    for (const Words& words : changes) {
      const auto bed = VerbBed::whole();
      bed->set_config("io-threads", "4");
      bed->hold_lease();
      check_refusal(
          {.label = words.front(),
           .words = words,
           .says = {"cluster redis is being changed by jane@laptop/42 (kubectl redis failover "
                    "redis) since 2026-11-29T12:00:00Z",
                    "kubectl get lease kubectl-redis-redis -n shop shows it",
                    "kubectl redis status redis -n shop"}},
          *bed);
      CHECK(bed->clock.slept() < std::chrono::seconds(15));
    }
  }

  TEST_CASE("whoever only looks or tries waits for nobody") {
    const std::vector<std::pair<Words, ExitStatus>> looks{
        {{"status"}, ExitStatus::done},
        {{"status", "-A"}, ExitStatus::done},
        {{"init", "--dry-run"}, ExitStatus::done},
        {{"failover", "--pod", "redis-app-3", "--dry-run"}, ExitStatus::done},
        {{"failover", "drill", "--pod", "redis-app-0", "--dry-run"}, ExitStatus::done},
        {{"config", "diff"}, ExitStatus::refused},
        {{"config", "apply", "--dry-run"}, ExitStatus::done},
        {{"create", "--dry-run=server"}, ExitStatus::done},
        {{"delete", "--dry-run=client"}, ExitStatus::done},
        {{"delete", "--dry-run=server"}, ExitStatus::done}};
    for (const auto& row : looks) {
      const auto& words = row.first;
      const auto& exit = row.second;
      CAPTURE(words);
      const auto bed = VerbBed::whole();
      bed->set_config("io-threads", "4");
      bed->hold_lease();
      const Ran ran = check_run(*bed, words, exit);
      CHECK_FALSE(ran.out.empty());
      CHECK(bed->clock.slept() == std::chrono::seconds(0));
    }
  }

  TEST_CASE("a Lease whose holder is gone is taken over once it was silent for long enough") {
    const auto bed = VerbBed::whole();
    bed->hold_lease();
    bed->meanwhile = {};
    check_run(*bed, {"failover", "--pod", "redis-app-3"}, ExitStatus::done);
    CHECK(bed->clock.slept() >= std::chrono::seconds(15));
    CHECK(bed->is_master("redis-app-3"));
  }

  TEST_CASE("without a right to Leases a change goes on") {
    const auto bed = VerbBed::whole();
    bed->kube.refuse("leases", Error::unauthorized("leases is forbidden"));
    const Ran ran = check_run(*bed, {"failover", "--pod", "redis-app-3"}, ExitStatus::done);
    check_says(ran.err, {"no right to Leases"});
  }
}

}  // namespace kredis::tests
