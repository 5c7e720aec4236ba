// SPDX-License-Identifier: Apache-2.0
//
// `doctor` and `fix` as whole command lines; what steps do is the engine's tests' to show.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {

TEST_SUITE("verbs/fix") {
  TEST_CASE("nothing is found on a healthy cluster, and nothing is changed") {
    const auto bed = VerbBed::whole();
    check_run(*bed, {"doctor"}, ExitStatus::done, {"cluster redis is ok, 0 findings"});
    check_run(*bed, {"doctor", "-o", "json"}, ExitStatus::done, {"\"kind\": \"ClusterDiagnosis\""});
    check_run(*bed,
              {"doctor", "-o", "prometheus"},
              ExitStatus::done,
              {"kubectl_redis_cluster_slots_served{namespace=\"shop\",cluster=\"redis\"} 16384"});
    check_run(*bed, {"fix", "--dry-run"}, ExitStatus::done, {"nothing to do"});
    CHECK(bed->kube.changes.empty());
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("the exit status goes by severity, and as far as it was asked to") {
    const auto bed = VerbBed::whole();
    bed->silence("redis-app-1");
    check_run(*bed, {"doctor"}, ExitStatus::refused, {"error  no-answer", "why      Redis in it"});
    check_run(*bed, {"doctor", "--fail-on", "error"}, ExitStatus::refused);
    check_run(*bed, {"doctor", "--fail-on", "never"}, ExitStatus::done, {"no-answer"});
  }

  TEST_CASE("what fix has no remedy for is said before anything is asked") {
    const auto bed = VerbBed::whole();
    const auto unknown = check_run(*bed, {"fix", "--only", "slots-opne"}, ExitStatus::usage);
    CHECK(unknown.err.find("did you mean slots-open?") != std::string::npos);
    const auto other =
        check_run(*bed, {"fix", "--only", "few-masters", "redis"}, ExitStatus::usage);
    CHECK(other.err.find("fix has no remedy for few-masters") != std::string::npos);
    CHECK(bed->redis.told().empty());
  }
}

}  // namespace kredis::tests
