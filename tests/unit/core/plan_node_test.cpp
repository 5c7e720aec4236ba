// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_node.hpp"

#include <doctest/doctest.h>

#include <string>

#include "shared/core/plans/plan_init.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;
using What = NodeWish::What;

/// The plan's steps as words, in one text; or why there is none.
std::string words_of(const ViewBuilder& builder, const NodeWish& wish) {
  const auto plan = plan_node(builder.build(), wish);
  if (!plan) {
    return "error: " + plan.error().message + " | " + plan.error().hint;
  }
  std::string text;
  for (const Stage& stage : plan->stages) {
    for (const Step& step : stage.steps) {
      text += (text.empty() ? "" : ", ") + to_text(step);
    }
  }
  return text;
}

Risk risk_of(const ViewBuilder& builder, const NodeWish& wish) {
  const auto plan = plan_node(builder.build(), wish);
  REQUIRE(plan.has_value());
  return worst_risk(*plan);
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

ViewBuilder with_stranger(bool failed, const char* slots) {
  ViewBuilder builder = ViewBuilder::whole(3, 1);
  for (int pod = 0; pod < 6; ++pod) {
    builder.edit(pod, [=](Member& member) {
      Node node{.id = node_id(99)};
      node.flags.fail = failed;
      node.slots = SlotSet::parse(slots).value();
      edit_nodes(member)->push_back(node);
    });
  }
  return builder;
}

TEST_SUITE("core/plan_node") {
  TEST_CASE("a node that is gone is forgotten by all, and its data given up knowingly") {
    const NodeWish wish{.what = What::forget, .id = "a0000099"};
    const std::string steps = words_of(with_stranger(true, ""), wish);
    CHECK(says(steps, "forget redis-app-0 a0000099, forget redis-app-1 a0000099"));
    CHECK(risk_of(with_stranger(true, ""), wish) == Risk::none);
    CHECK(risk_of(with_stranger(true, "5"), wish) == Risk::data);
    CHECK(risk_of(with_stranger(false, ""), wish) == Risk::availability);
  }

  TEST_CASE("forget refuses nodes of pods, masters that a replica could replace, silent pods") {
    const ViewBuilder whole = ViewBuilder::whole(3, 1);
    CHECK(says(words_of(whole, {.what = What::forget, .id = "a0000001"}),
               "node a0000001 is pod redis-app-1, which answers"));
    CHECK(says(words_of(whole, {.what = What::forget, .id = "a00000"}), "several nodes"));
    CHECK(
        says(words_of(whole, {.what = What::forget, .id = "b"}), "no pod of cluster redis knows"));
    ViewBuilder silent = with_stranger(true, "");
    silent.silent(2);
    CHECK(says(words_of(silent, {.what = What::forget, .id = "a0000099"}),
               "pod redis-app-2 does not answer"));
    ViewBuilder orphan = ViewBuilder::whole(3, 1);
    orphan.edit(0, [](Member& member) { member.pod.running = false; }).silent(0);
    CHECK(says(words_of(orphan, {.what = What::forget, .id = "a0000000"}),
               "failover redis -n default --takeover --pod redis-app-3"));
  }

  TEST_CASE("meet introduces a pod to whoever does not reach it") {
    ViewBuilder builder = ViewBuilder::whole(3, 1);
    const NodeWish wish{.what = What::meet, .pod = "redis-app-3"};
    CHECK(words_of(builder, wish).empty());
    CHECK(node_missing(builder.build(), wish).empty());
    builder.edit(1, [](Member& member) { edit_nodes(member)[3].link_connected = false; });
    CHECK(words_of(builder, wish) == "meet redis-app-1 redis-app-3");
    CHECK(node_missing(builder.build(), wish) == "redis-app-1 does not reach redis-app-3 yet");
    CHECK(
        says(words_of(builder, {.what = What::meet, .pod = "redis-app-9"}), "it has redis-app-0"));
  }

  TEST_CASE("replicate takes replicas and empty masters, and says what is left without") {
    const ViewBuilder whole = ViewBuilder::whole(3, 1);
    const NodeWish wish{.what = What::replicate, .pod = "redis-app-4", .master = "redis-app-0"};
    CHECK(words_of(whole, wish) == "replicate redis-app-4 redis-app-0");
    CHECK(risk_of(whole, wish) == Risk::availability);
    CHECK(risk_of(ViewBuilder::whole(3, 2), wish) == Risk::none);
    CHECK(words_of(whole, {.what = What::replicate, .pod = "redis-app-3", .master = "a0000000"})
              .empty());
    CHECK(says(
        words_of(whole, {.what = What::replicate, .pod = "redis-app-1", .master = "redis-app-0"}),
        "pod redis-app-1 is the master of slots 5461-10922"));
    CHECK(says(
        words_of(whole, {.what = What::replicate, .pod = "redis-app-4", .master = "redis-app-5"}),
        "is no master with slots"));
    ViewBuilder keys{4};
    keys.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383").all_met().keys(3, 7);
    CHECK(says(
        words_of(keys, {.what = What::replicate, .pod = "redis-app-3", .master = "redis-app-0"}),
        "7 keys, which would go"));
  }

  TEST_CASE("reset refuses what serves and what may be the only copy, and asks for keys") {
    ViewBuilder whole = ViewBuilder::whole(3, 1);
    CHECK(says(words_of(whole, {.what = What::reset, .pod = "redis-app-0"}),
               "pod redis-app-0 serves slots 0-5460"));
    const NodeWish replica{.what = What::reset, .pod = "redis-app-4"};
    CHECK(words_of(whole, replica) == "reset hard redis-app-4");
    CHECK(risk_of(whole, replica) == Risk::availability);

    ViewBuilder outside{4};
    outside.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383").met({0, 1, 2});
    const NodeWish loner{.what = What::reset, .pod = "redis-app-3"};
    CHECK(words_of(outside, loner).empty());
    outside.keys(3, 1);
    CHECK(words_of(outside, loner) == "empty_and_reset hard redis-app-3");
    CHECK(risk_of(outside, loner) == Risk::data);

    ViewBuilder stray{4};
    stray.slots(0, "0-5460").slots(1, "5461-10922").slots(3, "10923-16383").met({0, 1, 2});
    CHECK(says(words_of(stray, loner), "may have the only copy of slots 10923-16383"));
  }

  TEST_CASE("a twin is reset though its node serves elsewhere") {
    ViewBuilder twins = ViewBuilder::whole(3, 1);
    twins.edit(5, [](Member& member) {
      edit_nodes(member)[5].flags.myself = false;
      edit_nodes(member)[1].flags.myself = true;
      member.server->role = Role::master;
      member.server->keys = 3;
    });
    const NodeWish wish{.what = What::reset, .pod = "redis-app-5"};
    CHECK(words_of(twins, wish) == "empty_and_reset hard redis-app-5");
    CHECK(costs_of(*plan_node(twins.build(), wish)) ==
          std::vector<std::string>{
              "the 3 keys on pod redis-app-5 go; pod redis-app-1, the same node, has 0 keys"});
    twins.keys(5, 0);
    CHECK(risk_of(twins, wish) == Risk::data);
  }

  TEST_CASE("claim takes slots that nobody says are its own, and no others") {
    ViewBuilder denied = ViewBuilder::whole(3, 1);
    const NodeWish wish{
        .what = What::claim, .pod = "redis-app-0", .slots = SlotSet::parse("0").value()};
    CHECK(words_of(denied, wish).empty());
    denied.edit(0, [](Member& member) {
      edit_nodes(member)[0].slots.erase(SlotSet::parse("0").value());
      edit_nodes(member)[1].slots.insert(SlotSet::parse("0").value());
    });
    CHECK(words_of(denied, wish) == "claim_slots redis-app-0 0");
    CHECK(says(node_missing(denied.build(), wish), "not all nodes show"));
    CHECK(says(words_of(denied, {.what = What::claim, .pod = "redis-app-3", .slots = wish.slots}),
               "is a replica, and owns no slots"));
    CHECK(says(
        words_of(
            denied,
            {.what = What::claim, .pod = "redis-app-0", .slots = SlotSet::parse("6000").value()}),
        "pod redis-app-1 owns slots 6000"));
  }

  TEST_CASE("init lets replicas in where masters want a password that they do not have") {
    ViewBuilder builder = ViewBuilder::whole(3, 1);
    CHECK(letting_in(builder.build(), "x").steps.empty());
    builder.edit(2, [](Member& member) {
      member.server->wants_password = true;
      member.server->gives_password = false;
    });
    CHECK(letting_in(builder.build(), "").steps.empty());
    const Stage stage = letting_in(builder.build(), "s3cret");
    REQUIRE(stage.steps.size() == 1);
    CHECK(to_text(stage.steps.front()) == "set_config redis-app-2 masterauth (secret)");
  }
}

}  // namespace
}  // namespace kredis::core
