// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/step.hpp"

#include <doctest/doctest.h>

#include <variant>

#include "shared/core/plans/plan.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::node_id;

const ObjectName k_object{
    .kind = "statefulset.apps", .api_version = "apps/v1", .plural = "statefulsets", .name = "r"};

TEST_SUITE("core/step") {
  TEST_CASE("every kind of step has its words, and its pod where it has one") {
    struct Case {
      StepKind what;
      std::string text;
      std::string pod;
    };
    const std::vector<Case> cases{
        {Meet{.pod = "a", .other = "b"}, "meet a b", "a"},
        {AddSlots{.pod = "a", .slots = *SlotSet::parse("0-2,7")}, "add_slots a 0-2,7", "a"},
        {SetEpoch{.pod = "a", .epoch = 3}, "set_epoch a 3", "a"},
        {BumpEpoch{.pod = "a"}, "bump_epoch a", "a"},
        {Replicate{.pod = "a", .master_pod = "b", .master = node_id(1)}, "replicate a b", "a"},
        {Failover{.pod = "a", .replica = node_id(0), .master_pod = "b", .master = node_id(1)},
         "failover a b",
         "a"},
        {Forget{.pod = "a", .node = node_id(1)}, "forget a a0000001", "a"},
        {Reset{.pod = "a"}, "reset soft a", "a"},
        {ClaimSlots{.pod = "a", .node = node_id(0), .slots = *SlotSet::parse("5-6")},
         "claim_slots a 5-6",
         "a"},
        {StabiliseSlots{.pod = "a", .slots = *SlotSet::parse("5-6")}, "stabilise_slots a 5-6", "a"},
        {AssignSlots{
             .pod = "a", .node_pod = "b", .node = node_id(1), .slots = *SlotSet::parse("5-6")},
         "assign_slots a b 5-6",
         "a"},
        {SetConfig{.pod = "a",
                   .settings = {{.name = "maxmemory", .value = "1gb"},
                                {.name = "requirepass", .value = "s3cret", .secret = true}}},
         "set_config a maxmemory 1gb requirepass (secret)",
         "a"},
        {CopyFunctions{.pod = "a", .from_pod = "b"}, "copy_functions a b", "a"},
        {MoveSlots{.pod = "a",
                   .source = node_id(0),
                   .target_pod = "b",
                   .target = node_id(1),
                   .slots = *SlotSet::parse("5")},
         "move_slots a b 5",
         "a"},
        {ReturnKeys{
             .pod = "a", .owner_pod = "b", .owner = node_id(1), .slots = *SlotSet::parse("5")},
         "return_keys a b 5",
         "a"},
        {ApplyObject{.object = k_object, .json = "{}"}, "apply statefulset.apps/r", ""},
        {ScaleWorkload{.workload = k_object, .replicas = 6}, "scale statefulset.apps/r 6", ""},
        {RestartPod{.pod = "a"}, "restart a", "a"},
        {DeleteObject{.object = k_object}, "delete statefulset.apps/r", ""},
        {WaitFor{ClusterWhole{}}, "wait the cluster is whole", ""}};
    REQUIRE(cases.size() == std::variant_size_v<StepKind>);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(cases[i].text);
      CHECK(cases[i].what.index() == i);
      CHECK(to_text(Step{.what = cases[i].what}) == cases[i].text);
      CHECK(pod_of(Step{.what = cases[i].what}) == cases[i].pod);
    }
  }

  TEST_CASE("what is not as usual about a step is in its words") {
    Failover failover{.pod = "a", .replica = node_id(0), .master_pod = "b", .master = node_id(1)};
    failover.how = TakeOver::force;
    CHECK(to_text(Step{.what = failover}) == "failover a b force");
    failover.how = TakeOver::takeover;
    CHECK(to_text(Step{.what = failover}) == "failover a b takeover");
    CHECK(to_text(Step{.what = Reset{.pod = "a", .kind = ResetKind::hard}}) == "reset hard a");
    const Reset emptied{.pod = "a", .kind = ResetKind::hard, .empties = true};
    CHECK(to_text(Step{.what = emptied}) == "empty_and_reset hard a");
    CHECK(to_text(Step{.what = Forget{.pod = "a", .node = node_id(1), .node_pod = "b"}}) ==
          "forget a b");
  }

  TEST_CASE("every state that is waited for has its words") {
    const std::vector<std::pair<State, std::string>> cases{
        {PodsReady{.count = 6}, "6 pods are ready"},
        {RolledOut{k_object}, "statefulset.apps/r is rolled out"},
        {Gone{k_object}, "statefulset.apps/r is gone"},
        {FieldSet{.object = k_object, .pointer = "/a", .meaning = "a is set"}, "a is set"},
        {ClusterWhole{}, "the cluster is whole"}};
    REQUIRE(cases.size() == std::variant_size_v<State>);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(cases[i].second);
      CHECK(cases[i].first.index() == i);
      CHECK(to_text(cases[i].first) == cases[i].second);
    }
    CHECK(to_text(State(PodsReady{.count = 1})) == "1 pod is ready");
  }

  TEST_CASE("a plan is as risky as its worst step, and costs what steps of that risk cost") {
    const auto step = [](Risk risk, const char* cost) {
      return Step{.what = RestartPod{.pod = "a"}, .risk = risk, .cost = cost};
    };
    using Costs = std::vector<std::string>;
    Plan plan;
    CHECK(plan.empty());
    CHECK(worst_risk(plan) == Risk::none);
    plan.stages.push_back({.title = "one", .steps = {step(Risk::none, "not shown")}});
    CHECK(worst_risk(plan) == Risk::none);
    CHECK(costs_of(plan).empty());
    plan.stages.push_back({.title = "two",
                           .steps = {step(Risk::availability, "an outage"),
                                     step(Risk::availability, "another"),
                                     step(Risk::availability, "an outage"),
                                     step(Risk::availability, "")}});
    CHECK(worst_risk(plan) == Risk::availability);
    CHECK(costs_of(plan) == Costs{"an outage", "another"});
    plan.stages.front().steps.push_back(step(Risk::data, "lost writes"));
    CHECK(worst_risk(plan) == Risk::data);
    CHECK(costs_of(plan) == Costs{"lost writes"});
    CHECK(to_text(Risk::none) == "none");
    CHECK(to_text(Risk::availability) == "availability");
    CHECK(to_text(Risk::data) == "data");
  }
}

}  // namespace
}  // namespace kredis::core
