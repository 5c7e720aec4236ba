// SPDX-License-Identifier: Apache-2.0
//
// `config diff` and `config apply`: what the nodes run against what the ConfigMap says.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

std::unique_ptr<VerbBed> edited(const std::string& name, const std::string& value) {
  auto bed = VerbBed::whole();
  bed->set_config(name, value);
  return bed;
}

std::size_t line_of(const std::vector<std::string>& lines, const std::string& line) {
  return static_cast<std::size_t>(std::ranges::find(lines, line) - lines.begin());
}

}  // namespace

TEST_SUITE("verbs/config") {
  TEST_CASE("config diff of nodes that run what the file says finds nothing") {
    const auto bed = VerbBed::whole();
    check_run(*bed,
              {"config", "diff"},
              ExitStatus::done,
              {"all 6 nodes run what redis.conf of ConfigMap redis-conf says"});
    bed->set_config("maxmemory", "0b");
    check_run(*bed, {"config", "diff"}, ExitStatus::done);
  }

  TEST_CASE("config diff shows each difference and what mends it, and ends with 3") {
    const auto bed = edited("maxmemory", "1gb");
    bed->model.node("redis-app-4").settings["maxclients"] = "500";
    bed->set_config("maxclients", "10000");
    bed->set_config("io-threads", "4");
    check_run(*bed,
              {"config", "diff"},
              ExitStatus::refused,
              {"redis-app-0   maxmemory    1gb      0           live",
               "redis-app-4   maxclients   10000    500         live",
               "redis-app-5   io-threads   4        1           restart",
               "fix: kubectl redis config apply redis -n shop"});
    const Json report =
        Json::parse(check_run(*bed, {"config", "diff", "-o", "json"}, ExitStatus::refused).out);
    CHECK(report.dump().find("io-threads") != std::string::npos);
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("config never prints a secret") {
    for (const Words& words : {Words{"config", "diff"}, {"config", "diff", "-o", "json"}}) {
      const auto bed = edited("masterauth", "geheim");
      for (int i = 0; i < 6; ++i) {
        bed->model.node("redis-app-" + std::to_string(i)).settings["masterauth"] = "verborgen";
      }
      const Ran ran = check_run(*bed, words, ExitStatus::refused, {"masterauth"});
      CHECK_FALSE(contains(ran.out + ran.err, "geheim"));
      CHECK_FALSE(contains(ran.out + ran.err, "verborgen"));
    }
  }

  TEST_CASE("config apply sets live what can be set, and restarts nothing") {
    const auto bed = edited("maxmemory", "1gb");
    const Ran ran =
        check_run(*bed,
                  {"config", "apply"},
                  ExitStatus::done,
                  {"set_config redis-app-0 maxmemory 1gb  # was 0",
                   "done: every node runs what redis.conf of ConfigMap redis-conf says"});
    auto told = bed->redis.told();  // All at once, in any order.
    std::ranges::sort(told);
    REQUIRE(told.size() == 6);
    CHECK(told.front() == "10.0.0.1 CONFIG SET maxmemory 1gb");
    CHECK(bed->restarts().empty());
    CHECK(check_run(*bed, {"config", "apply"}, ExitStatus::done, {"nothing to do"}).err == "");
  }

  TEST_CASE("config apply restarts replicas first, and masters after a hand-over") {
    const auto bed = edited("io-threads", "4");
    check_run(*bed,
              {"config", "apply"},
              ExitStatus::done,
              {"restart redis-app-3  # io-threads", "done: every node runs"});
    CHECK(bed->restarts() == std::vector<std::string>{"redis-app-3",
                                                      "redis-app-4",
                                                      "redis-app-5",
                                                      "redis-app-0",
                                                      "redis-app-1",
                                                      "redis-app-2"});
    for (const char* heir : {"redis-app-3", "redis-app-4", "redis-app-5"}) {
      CAPTURE(heir);
      CHECK(bed->is_master(heir));
    }
    CHECK(bed->redis.told() == std::vector<std::string>{"10.0.0.8 CLUSTER FAILOVER",
                                                        "10.0.0.9 CLUSTER FAILOVER",
                                                        "10.0.0.7 CLUSTER FAILOVER"});
    check_run(*bed, {"config", "diff"}, ExitStatus::done);
  }

  TEST_CASE("config apply restarts what a server refuses to take live") {
    const auto bed = edited("maxclients", "20000");
    bed->model.immutable = {"maxclients"};
    check_run(*bed, {"config", "apply"}, ExitStatus::done, {"done: every node runs"});
    CHECK(bed->restarts().size() == 6);
  }

  TEST_CASE("config apply waits for each pod to be back before it takes the next") {
    const auto bed = edited("io-threads", "4");
    bed->pods_get_ready = false;
    bed->meanwhile = [&] {
      for (int i = 0; i < 6; ++i) {
        bed->edit("pods", "redis-app-" + std::to_string(i), [](Json& pod) {
          pod["status"]["conditions"][0]["status"] = "True";
        });
      }
    };
    check_run(*bed, {"config", "apply"}, ExitStatus::done);
    CHECK(bed->clock.slept() >= 6 * std::chrono::milliseconds(300));
  }

  TEST_CASE("a difference that stays after the restart is a conflict that says where") {
    const auto bed = edited("io-threads", "4");
    bed->after_start = [](ModelNode& node) { node.settings["io-threads"] = "1"; };
    const Ran ran = check_run(*bed, {"config", "apply"}, ExitStatus::refused);
    check_says(
        ran.err,
        {"redis-app-3 still runs io-threads with another value than ConfigMap redis-conf says",
         "see both: kubectl redis config diff redis -n shop"});
    CHECK(bed->restarts() == std::vector<std::string>{"redis-app-3"});
  }

  TEST_CASE("config apply asks before a master without a replica is restarted") {
    const auto lonely = [] {
      auto bed = VerbBed::whole({.replicas = 0});
      bed->set_config("io-threads", "4");
      return bed;
    };
    const auto refused = lonely();
    will_answer(*refused, "n");
    const Ran no = check_run(*refused, {"config", "apply"}, ExitStatus::refused);
    check_says(no.err, {"go on? [y/N]", "nothing was done: it was not confirmed"});
    CHECK(refused->restarts().empty());
    const auto agreed = lonely();
    will_answer(*agreed, "y");
    check_run(*agreed, {"config", "apply"}, ExitStatus::done);
    CHECK(agreed->restarts().size() == 3);
  }

  TEST_CASE("config apply --dry-run prints the plan in its order and changes nothing") {
    const auto bed = edited("io-threads", "4");
    const Ran ran = check_run(*bed, {"config", "apply", "--dry-run"}, ExitStatus::done);
    std::vector<std::string> titles;
    for (std::size_t at = ran.out.find("restarting "); at != std::string::npos;
         at = ran.out.find("restarting ", at + 1)) {
      titles.push_back(ran.out.substr(at + 11, 11));
    }
    CHECK(line_of(titles, "redis-app-5") < line_of(titles, "redis-app-0"));
    check_says(ran.out, {"failover redis-app-4 redis-app-0"});
    CHECK(bed->kube.changes.empty());
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("config refuses what no server should run, and clusters it cannot judge") {
    const std::vector<Refusal> rows{
        {.label = "a password in the file",
         .words = {"config", "apply"},
         .given = [](VerbBed& bed) { bed.set_config("requirepass", "geheim"); },
         .says = {"a password does not belong into a ConfigMap",
                  "use --auth-secret",
                  "while judging redis.conf of ConfigMap redis-conf"},
         .exit = ExitStatus::usage},
        {.label = "a setting that nobody knows",
         .words = {"config", "apply"},
         .given = [](VerbBed& bed) { bed.set_config("maxmemry", "1gb"); },
         .says = {"maxmemry"},
         .exit = ExitStatus::usage},
        {.label = "a file that cannot be read",
         .words = {"config", "diff"},
         .given = [](VerbBed& bed) { bed.set_config("save", "\"3600"); },
         .says = {"while reading redis.conf of ConfigMap redis-conf"},
         .exit = ExitStatus::usage},
        {.label = "no ConfigMap",
         .words = {"config", "diff"},
         .given = [](VerbBed& bed) { bed.kube.drop("configmaps", "redis-conf"); },
         .says = {"configmaps \"redis-conf\" not found"},
         .exit = ExitStatus::failed},
        {.label = "nothing mounted",
         .words = {"config", "diff"},
         .given =
             [](VerbBed& bed) {
               bed.edit("statefulsets", "redis-app", [](Json& set) {
                 set["spec"]["template"]["spec"]["volumes"] = Json::array();
               });
             },
         .says = {"the pods of cluster redis mount no ConfigMap with a redis.conf"},
         .exit = ExitStatus::failed},
        {.label = "a node that does not answer",
         .words = {"config", "diff"},
         .given = [](VerbBed& bed) { bed.silence("redis-app-2"); },
         .says = {"while asking redis-app-2 for its settings"},
         .exit = ExitStatus::failed}};
    for (const Refusal& row : rows) {
      const auto bed = VerbBed::whole();
      check_refusal(row, *bed);
    }
  }

  TEST_CASE("config apply gives a silent cluster up after its patience") {
    const auto bed = edited("maxmemory", "1gb");
    bed->silence("redis-app-2");
    const Ran ran = check_run(*bed, {"config", "apply"}, ExitStatus::failed);
    check_says(ran.err, {"waiting until the cluster is whole", "redis-app-2"});
    CHECK(bed->redis.told().empty());
    CHECK(bed->clock.slept() <= std::chrono::minutes(2));
  }
}

}  // namespace kredis::tests
