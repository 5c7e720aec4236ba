// SPDX-License-Identifier: Apache-2.0
//
// `scale`: what it shows, what it refuses, what it suggests. Real servers are in tests/e2e.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {

TEST_SUITE("verbs/scale") {
  TEST_CASE("scale says what it would do, or that there is nothing to do") {
    const auto bed = VerbBed::whole();
    check_run(*bed,
              {"scale", "--masters", "3", "--replicas", "1"},
              ExitStatus::done,
              {"nothing to do: 3 masters, 1 replicas each"});
    check_run(*bed,
              {"scale", "--masters", "4", "--dry-run"},
              ExitStatus::done,
              {"scale statefulset.apps/redis-app 8",
               "meet redis-app-6 redis-app-0",
               "Attach the new replicas",
               "move_slots redis-app-0 redis-app-6"});
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("scale refuses what would not end well, and tells nobody anything") {
    const std::vector<Refusal> rows{
        {.label = "no shape",
         .words = {"scale"},
         .says = {"say how many masters", "--suggest"},
         .exit = ExitStatus::usage},
        {.label = "no masters",
         .words = {"scale", "--masters", "0"},
         .says = {"count pods"},
         .exit = ExitStatus::usage},
        {.label = "two masters",
         .words = {"scale", "--masters", "2"},
         .says = {"a majority of masters must survive one"},
         .exit = ExitStatus::usage},
        {.label = "no such cluster",
         .words = {"scale", "other", "--masters", "5"},
         .says = {"other"},
         .exit = ExitStatus::failed},
        {.label = "a right that is missing",
         .words = {"scale", "--masters", "4"},
         .given = [](VerbBed& bed) { bed.kube.forbidden.insert("patch statefulsets"); },
         .says = {"patch", "statefulsets"},
         .exit = ExitStatus::failed}};
    for (const Refusal& row : rows) {
      const auto bed = VerbBed::whole();
      check_refusal(row, *bed);
    }
  }

  TEST_CASE("scale --suggest says what would suit, and that nothing need change") {
    const auto bed = VerbBed::whole();
    check_run(*bed, {"scale", "--suggest"}, ExitStatus::done, {"suit memory, keys and places"});
    check_run(*bed,
              {"scale", "--suggest", "-o", "json"},
              ExitStatus::done,
              {"\"kind\": \"ScaleSuggestion\"", "\"reasons\": []"});
  }
}

}  // namespace kredis::tests
