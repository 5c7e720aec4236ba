// SPDX-License-Identifier: Apache-2.0
//
// `status`: one cluster, all clusters, once or again and again; nothing is ever changed by it.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {

TEST_SUITE("verbs/status") {
  TEST_CASE("status shows a healthy cluster in every form") {
    struct Row {
      std::string label;
      Words words;
      std::vector<std::string> out;
    };
    const std::vector<Row> rows{
        {"the tree",
         {"status"},
         {"ok  shop/redis  3 masters, 3 replicas, 16,384 of 16,384 slots served",
          "redis-app-1     node-b   zone-b   10.0.0.2   5461-10922",
          "└ redis-app-5   node-c   zone-c",
          "without node:  node-a survives"}},
        {"more columns", {"status", "-o", "wide"}, {"VERSION", "redis 8.0.2"}},
        {"yaml", {"status", "-o", "yaml"}, {"kind: ClusterStatus", "health: ok"}},
        {"by a selector", {"status", "-l", "app=redis"}, {"ok  shop/redis"}},
        {"all clusters",
         {"status", "-A"},
         {"NAMESPACE   NAME    HEALTH",
          "shop        redis   ok       create    3         6      16,384"}},
        {"all clusters as JSON",
         {"status", "-A", "-o", "json"},
         {"\"kind\": \"ClusterStatusList\"", "\"health\": \"ok\""}}};
    const auto bed = VerbBed::whole();
    for (const Row& row : rows) {
      CAPTURE(row.label);
      CHECK(check_run(*bed, row.words, ExitStatus::done, row.out).err == "");
    }
    CHECK(bed->kube.changes.empty());
    CHECK(bed->redis.told().empty());
  }

  TEST_CASE("status -o json says who is whose master, where, and with what") {
    const auto bed = VerbBed::whole();
    bed->model.node("redis-app-2").keys = 7;
    const Json report =
        Json::parse(check_run(*bed, {"status", "-o", "json"}, ExitStatus::done).out);
    const Json& master = report.at("masters").at(2);
    CHECK(master.at("pod") == "redis-app-2");
    CHECK(master.at("keys") == 7);
    CHECK(master.at("zone") == "zone-c");
    CHECK(master.at("slots") == Json::array({{10923, 16383}}));
    CHECK(master.at("replicas").at(0).at("pod") == "redis-app-3");
    CHECK(master.at("replicas").at(0).at("link") == "up");
  }

  TEST_CASE("status ends with 3 where a finding is an error, and names pod and remedy") {
    const auto bed = VerbBed::whole();
    bed->silence("redis-app-1");
    check_run(*bed,
              {"status"},
              ExitStatus::refused,
              {"down  shop/redis",
               "0 of 16,384 slots served",
               "! redis-app-1",
               "error [slots-failed] pod redis-app-1 failed and no replica took over its slots",
               "error [no-answer] pod redis-app-1 does not answer",
               "kubectl logs redis-app-1 -c redis --tail=20 -n shop",
               "link down"});
    check_run(
        *bed, {"status", "-A"}, ExitStatus::refused, {"down     create    3         6      0"});
  }

  TEST_CASE("status of a replica that lags or is gone warns and ends well") {
    const auto bed = VerbBed::whole();
    bed->model.node("redis-app-3").link_up = false;
    check_run(*bed,
              {"status"},
              ExitStatus::done,
              {"warning [replica-link-down] pod redis-app-3", "link down"});
  }

  TEST_CASE("status tells pods that are no cluster yet how to become one") {
    VerbBed bed;
    bed.put_cluster({});
    check_run(bed,
              {"status"},
              ExitStatus::refused,
              {"error [not-initialised] nobody serves a slot yet: the 6 pods are not one cluster",
               "fix: kubectl redis init redis -n shop"});
  }

  TEST_CASE("status says why a pod is not ready") {
    const auto bed = VerbBed::whole();
    bed->edit("pods", "redis-app-5", [](Json& pod) {
      pod["status"] = {{"phase", "Pending"},
                       {"conditions",
                        Json::array({{{"type", "PodScheduled"},
                                      {"status", "False"},
                                      {"reason", "Unschedulable"},
                                      {"message", "0/3 nodes are available"}}})}};
    });
    bed->silence("redis-app-5");
    check_run(*bed,
              {"status"},
              ExitStatus::refused,
              {"redis-app-5", "Unschedulable: 0/3 nodes are available"});
  }

  TEST_CASE("status says that there is nothing, and where to look") {
    const std::vector<Refusal> rows{
        {.label = "no cluster of that name",
         .words = {"status", "nope"},
         .says = {"there is no cluster nope in namespace shop",
                  "kubectl redis status -A lists the clusters that there are"},
         .exit = ExitStatus::failed},
        {.label = "an empty name",
         .words = {"status", ""},
         .says = {"NAME is empty", "kubectl redis status -A"},
         .exit = ExitStatus::usage},
        {.label = "a name beside all of them",
         .words = {"status", "nope", "-A"},
         .says = {"excludes"},
         .exit = ExitStatus::usage},
        {.label = "a name beside a selector",
         .words = {"status", "nope", "-l", "app=web"},
         .says = {"excludes"},
         .exit = ExitStatus::usage},
        {.label = "no pods of that selector",
         .words = {"status", "-l", "app=web"},
         .says = {"no pod in namespace shop matches app=web", "--show-labels"},
         .exit = ExitStatus::failed},
        {.label = "no pods yet",
         .words = {"status"},
         .given =
             [](VerbBed& bed) {
               bed.put_cluster({});
               for (int i = 0; i < 6; ++i) {
                 bed.kube.drop("pods", "redis-app-" + std::to_string(i));
               }
             },
         .says = {"cluster redis has no pods in namespace shop",
                  "kubectl describe statefulset/redis-app -n shop"},
         .exit = ExitStatus::failed},
        {.label = "a form that it has not",
         .words = {"status", "-o", "name"},
         .says = {"\"name\" is none of text, wide, json, yaml"},
         .exit = ExitStatus::usage},
        {.label = "pods that one may not see",
         .words = {"status"},
         .given =
             [](VerbBed& bed) {
               bed.put_cluster({});
               bed.kube.refuse("pods", Error::unauthorized("pods is forbidden"));
             },
         .says = {"pods is forbidden"},
         .exit = ExitStatus::failed}};
    for (const Refusal& row : rows) {
      VerbBed bed;
      check_refusal(row, bed);
    }
  }

  TEST_CASE("status -A without clusters says how to make one, which is no error") {
    VerbBed bed;
    const Ran ran = check_run(bed, {"status", "-A"}, ExitStatus::done);
    CHECK(ran.err == "no clusters found; kubectl redis create makes one\n");
  }

  TEST_CASE("status --watch looks again until Ctrl-C, also while it cannot look") {
    const auto bed = VerbBed::whole();
    int looks = 0;
    bed->meanwhile = [&] {
      bed->silence("redis-app-1");
      if (++looks == 2) {
        bed->kube.refuse("pods", Error::unreachable("the API server is away"));
      }
      if (looks == 3) {
        bed->press_ctrl_c();
      }
    };
    const Ran ran =
        check_run(*bed,
                  {"status", "--watch", "--interval", "5s"},
                  ExitStatus::cancelled,
                  {"ok  shop/redis", "down  shop/redis", "cannot look: the API server"});
    CHECK(ran.err == "");
    CHECK(bed->clock.slept() == std::chrono::seconds(15));
  }
}

}  // namespace kredis::tests
