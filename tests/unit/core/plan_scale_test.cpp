// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_scale.hpp"

#include <doctest/doctest.h>

#include <string>

#include "shared/core/plans/suggest_scale.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;

/// The stages, each with its steps as words; or why there are none.
std::string words_of(const ClusterView& view, const ScaleWish& wish) {
  const auto plan = plan_scale(view, wish);
  if (!plan) {
    return "error: " + plan.error().message + " | " + plan.error().hint;
  }
  std::string text;
  for (const Stage& stage : plan->stages) {
    text += stage.title + ": ";
    for (const Step& step : stage.steps) {
      text += to_text(step) + ", ";
    }
    text += "\n";
  }
  return text;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// 3 masters with a replica each, and `more` pods that nobody has met.
ViewBuilder with_new(int more) {
  ViewBuilder builder(6 + more);
  const auto runs = even_slots(3);
  for (int i = 0; i < 3; ++i) {
    builder.slots(i, runs[static_cast<std::size_t>(i)].to_text()).replica(3 + i, i);
  }
  return builder.met({0, 1, 2, 3, 4, 5});
}

ViewBuilder used(ViewBuilder builder, int masters, std::int64_t bytes, std::int64_t most) {
  for (int i = 0; i < masters; ++i) {
    builder.edit(i, [=](Member& member) {
      member.server->used_memory_bytes = bytes;
      member.server->max_memory_bytes = most;
    });
  }
  return builder;
}

std::string refusal(const ClusterView& view, const ScaleWish& wish) {
  const Status checked = check_scale(view, wish);
  return checked ? "" : checked.error().message + " | " + checked.error().hint;
}

const ScaleWish k_in{.masters = 3,
                     .replicas = 1,
                     .leaving = {"redis-app-6", "redis-app-7", "redis-app-8", "redis-app-9"}};

}  // namespace

TEST_SUITE("core/plan_scale") {
  TEST_CASE("a cluster of that shape has nothing to do") {
    CHECK(words_of(ViewBuilder::whole(3, 1).build(), {.masters = 3, .replicas = 1}).empty());
    CHECK(words_of(ViewBuilder::whole(5, 2).build(), {.masters = 5, .replicas = 2}).empty());
  }

  TEST_CASE("out: new nodes are met, get replicas, and then slots") {
    const std::string text = words_of(with_new(4).build(), {.masters = 5, .replicas = 1});
    CHECK(says(text, "Introduce the new nodes: meet redis-app-6 redis-app-0"));
    CHECK(says(text, "Attach the new replicas: replicate redis-app-8"));
    CHECK(text.find("Introduce") < text.find("Attach"));
    CHECK(text.find("Attach") < text.find("move_slots"));
    CHECK(!says(text, "reset"));
    CHECK(!says(text, "failover"));
  }

  TEST_CASE("new masters get the functions that the others have") {
    const ScaleWish wish{.masters = 4, .replicas = 1};
    ClusterView view = with_new(2).build();
    CHECK_FALSE(says(words_of(view, wish), "copy_functions"));
    view.members[1].server->libraries = 2;
    view.members[2].server->libraries = 1;
    const std::string text = words_of(view, wish);
    CHECK(says(text, "copy_functions redis-app-6 redis-app-1,"));
    CHECK(text.find("copy_functions") < text.find("move_slots"));
    view.members[6].server->libraries = 2;
    CHECK_FALSE(says(words_of(view, wish), "copy_functions redis-app-6"));
  }

  TEST_CASE("in: slots away, then the nodes that leave are forgotten by all and reset") {
    ScaleWish wish{.masters = 3, .replicas = 1};
    ViewBuilder five(10);
    const auto runs = even_slots(5);
    const int masters[] = {0, 1, 2, 6, 7};
    const int replicas[] = {3, 4, 5, 8, 9};
    for (std::size_t i = 0; i < 5; ++i) {
      five.slots(masters[i], runs[i].to_text()).replica(replicas[i], masters[i]);
    }
    wish.leaving = k_in.leaving;
    wish.migrating = {"redis-app-0", "redis-app-6"};
    const std::string text = words_of(five.all_met().build(), wish);
    CHECK(says(text, "Keep replicas where they are meanwhile: "));
    CHECK(says(text, "cluster-allow-replica-migration"));
    CHECK(says(text, "forget redis-app-0 "));
    CHECK(says(text, "reset hard redis-app-6"));
    CHECK(text.find("Keep replicas") < text.find("move_slots"));
    CHECK(text.find("move_slots") < text.find("forget"));
    CHECK(!says(text, "replicate"));
  }

  TEST_CASE("a master on a pod that leaves hands over to a replica, and no slot moves") {
    ViewBuilder builder(6);
    const auto runs = even_slots(3);
    for (int i = 0; i < 3; ++i) {
      builder.slots(3 + i, runs[static_cast<std::size_t>(i)].to_text()).replica(i, 3 + i);
    }
    ScaleWish wish{.masters = 3, .replicas = 0};
    wish.leaving = {"redis-app-3", "redis-app-4", "redis-app-5"};
    const std::string text = words_of(builder.all_met().build(), wish);
    CHECK(says(text, "failover redis-app-0"));
    CHECK(says(text, "failover redis-app-2"));
    CHECK(!says(text, "move"));
  }

  TEST_CASE("replicas become masters where no pod is added, which costs a copy") {
    const auto plan = plan_scale(ViewBuilder::whole(3, 1).build(), {.masters = 6, .replicas = 0});
    REQUIRE(plan.has_value());
    CHECK(worst_risk(*plan) == Risk::availability);
    CHECK(says(words_of(ViewBuilder::whole(3, 1).build(), {.masters = 6, .replicas = 0}),
               "reset soft redis-app-3"));
  }

  TEST_CASE("what a run before this one left open goes on in the same direction") {
    ViewBuilder builder = ViewBuilder::whole(4, 1);
    builder.slots(3, "12289-16383").slots(0, "0-4095,12288");
    builder.edit(0, [](Member& member) {
      edit_nodes(member)[0].open_slots = {
          {.slot = 7, .direction = OpenSlot::Direction::migrating, .other = node_id(3)}};
    });
    CHECK(says(words_of(builder.build(), {.masters = 4, .replicas = 1}),
               "move_slots redis-app-0 redis-app-3 7"));
  }

  TEST_CASE("what a replica repeats of its master's marks is nobody else's hand") {
    ViewBuilder builder = ViewBuilder::whole(4, 1);
    builder.slots(3, "12289-16383").slots(0, "0-4095,12288");
    for (const int pod : {0, 4}) {
      builder.edit(pod, [](Member& member) {
        const_cast<Node*>(member.view->myself())->open_slots = {
            {.slot = 7, .direction = OpenSlot::Direction::migrating, .other = node_id(3)}};
      });
    }
    CHECK(says(words_of(builder.build(), {.masters = 4, .replicas = 1}),
               "move_slots redis-app-0 redis-app-3 7"));
  }

  TEST_CASE("replicas find masters on other Kubernetes nodes") {
    const ClusterView view = ViewBuilder(with_new(3)).build();
    const auto plan = plan_scale(view, {.masters = 3, .replicas = 2});
    REQUIRE(plan.has_value());
    for (const Stage& stage : plan->stages) {
      for (const Step& step : stage.steps) {
        if (const auto* replicate = std::get_if<Replicate>(&step.what)) {
          CHECK(view.by_pod(replicate->pod)->pod.domain.node !=
                view.by_pod(replicate->master_pod)->pod.domain.node);
        }
      }
    }
  }

  TEST_CASE("what would not end well is refused") {
    const ScaleWish three{.masters = 3, .replicas = 1};
    const ViewBuilder whole = ViewBuilder::whole(5, 1);
    CHECK(says(refusal(whole.build(), {.masters = 2, .replicas = 1}), "at least 3 masters, not 2"));
    CHECK(refusal(ViewBuilder::whole(2, 1).build(), {.masters = 2, .replicas = 1}).empty());
    CHECK(
        says(refusal(ViewBuilder(whole).silent(2).build(), three), "redis-app-2 does not answer"));
    CHECK(says(refusal(with_new(1).keys(6, 5).build(), three), "redis-app-6 came up with 5 keys"));
    // A server that finds data and knows nobody takes the slots of it for its own.
    const ClusterView loaded = with_new(1).keys(6, 5).slots(6, "0-99").build();
    CHECK(not_settled(loaded, three).empty());
    CHECK(says(refusal(loaded, three), "redis-app-6 came up with 5 keys"));
    CHECK(says(refusal(used(whole, 5, 80 << 20, 100 << 20).build(), three),
               "would hold about 133 MiB, and its maxmemory is 100 MiB"));
    CHECK(says(words_of(ViewBuilder::whole(3, 1).build(), {.masters = 7, .replicas = 0}),
               "has pods for 6 masters, and 7 were asked for"));
    ViewBuilder failed = ViewBuilder::whole(3, 1);
    failed.edit(1, [](Member& member) { member.cluster->state_ok = false; });
    CHECK(says(refusal(failed.build(), three), "redis-app-1 sees the cluster as failed"));
    ViewBuilder open = ViewBuilder::whole(3, 1);
    open.edit(0, [](Member& member) {
      const_cast<Node*>(member.view->myself())->open_slots = {
          {.slot = 7, .direction = OpenSlot::Direction::migrating, .other = node_id(99)}};
    });
    CHECK(says(words_of(open.build(), three), "slot 7 is open on redis-app-0"));
  }

  TEST_CASE("a pod that answers through a tunnel has no address at first") {
    ClusterView view = with_new(2).build();
    const ScaleWish wish{.masters = 4, .replicas = 1};
    REQUIRE(not_settled(view, wish).empty());
    view.members[7].pod.ip.clear();
    CHECK(not_settled(view, wish) == "redis-app-7 has no address yet");
  }

  TEST_CASE("a stage waits for copies and agreement, not for nodes that left") {
    const ScaleWish three{.masters = 3, .replicas = 1};
    CHECK(not_settled(with_new(2).build(), three).empty());
    // Others may be attached to a new master before it thinks that all is well; slots wait for
    // that.
    ViewBuilder met = with_new(2).all_met();
    met.edit(6, [](Member& member) { member.cluster->state_ok = false; });
    const ClusterView young = met.build();
    CHECK(not_settled(young, three).empty());
    const MoveSlots to_it{.pod = "redis-app-0",
                          .source = node_id(0),
                          .target_pod = "redis-app-6",
                          .target = node_id(6),
                          .slots = *SlotSet::parse("0-9")};
    CHECK(not_ready_to_take(young, {.steps = {{.what = to_it}}}) ==
          "redis-app-6 sees the cluster as failed");
    CHECK(not_ready_to_take(young, {.steps = {{.what = Reset{.pod = "redis-app-6"}}}}).empty());
    CHECK(not_ready_to_take(with_new(2).all_met().build(), {.steps = {{.what = to_it}}}).empty());
    ViewBuilder copying = ViewBuilder::whole(3, 1);
    copying.edit(4, [](Member& member) { member.server->master_link_up = false; });
    CHECK(not_settled(copying.build(), three) == "redis-app-4 copies from its master");
    ScaleWish leaving = three;
    leaving.leaving = {"redis-app-4"};
    CHECK(not_settled(copying.build(), leaving).empty());
  }
}

TEST_SUITE("core/suggest_scale") {
  TEST_CASE("memory, keys and spread ask for what they need") {
    const auto suggestion = [](const ViewBuilder& builder) {
      const auto found = suggest_scale(builder.build());
      REQUIRE(found.has_value());
      return *found;
    };
    const std::int64_t mib = 1 << 20;
    CHECK(suggestion(used(ViewBuilder::whole(3, 1), 3, 50 * mib, 100 * mib)).reasons.empty());
    const auto full = suggestion(used(ViewBuilder::whole(3, 1), 3, 90 * mib, 100 * mib));
    CHECK(full.wanted.masters == 4);
    CHECK(says(full.reasons.front(), "memory: 3 masters are 90% full; 4 would be below 75%"));
    CHECK(suggestion(used(ViewBuilder::whole(6, 1), 6, 10 * mib, 100 * mib)).wanted.masters == 3);
    CHECK(suggestion(ViewBuilder::whole(3, 1).keys(0, 100'000'000)).wanted.masters == 4);
    CHECK(suggestion(ViewBuilder::whole(3, 0)).wanted.replicas == 1);
    CHECK(suggestion(ViewBuilder::whole(3, 3)).wanted.replicas == 2);
  }
}

}  // namespace kredis::core
