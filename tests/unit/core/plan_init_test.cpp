// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "shared/core/plans/plan_init.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::pod_name;
using testing::ViewBuilder;

constexpr Shape k_three_by_two{.masters = 3, .replicas = 1};

std::vector<std::string> steps_of(const Plan& plan, const std::string& verb) {
  std::vector<std::string> texts;
  for (const Stage& stage : plan.stages) {
    for (const Step& step : stage.steps) {
      if (to_text(step).starts_with(verb + " ")) {
        texts.push_back(to_text(step));
      }
    }
  }
  return texts;
}

InitPlan planned(const ViewBuilder& builder, Shape shape = k_three_by_two) {
  auto plan = plan_init(builder.build(), shape);
  REQUIRE_MESSAGE(plan.has_value(), plan.error().message);
  return *plan;
}

Error refused(const ViewBuilder& builder, Shape shape = k_three_by_two) {
  const auto plan = plan_init(builder.build(), shape);
  REQUIRE_FALSE(plan.has_value());
  CHECK_FALSE(plan.error().hint.empty());
  return plan.error();
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The cluster's true state as the steps change it: what a test checks at the end, and what a run
/// that is killed between two steps leaves behind.
struct World {
  explicit World(int pods) : slots(static_cast<std::size_t>(pods)), master(slots.size(), -1) {
    for (int i = 0; i < pods; ++i) {
      known[i] = {i};
      index[pod_name(i)] = i;
    }
  }

  ViewBuilder builder() const {
    ViewBuilder result{static_cast<int>(slots.size())};
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const int pod = static_cast<int>(i);
      result.slots(pod, slots[i].to_text());
      if (master[i] >= 0) {
        result.replica(pod, master[i]);
      }
      for (const int other : known.at(pod)) {
        result.met({pod, other});
      }
    }
    return result;
  }

  void apply(const Step& step) {
    if (const auto* add = std::get_if<AddSlots>(&step.what)) {
      SlotSet& own = slots[static_cast<std::size_t>(index.at(add->pod))];
      CHECK(own.shared_with(add->slots).empty());
      own.insert(add->slots);
    } else if (const auto* meet = std::get_if<Meet>(&step.what)) {
      known[index.at(meet->pod)].insert(index.at(meet->other));
      known[index.at(meet->other)].insert(index.at(meet->pod));
    } else if (const auto* replicate = std::get_if<Replicate>(&step.what)) {
      const auto pod = static_cast<std::size_t>(index.at(replicate->pod));
      CHECK(slots[pod].empty());
      CHECK(replicate->master == node_id(index.at(replicate->master_pod)));
      master[pod] = index.at(replicate->master_pod);
    }
  }

  std::vector<SlotSet> slots;
  std::vector<int> master;
  std::map<int, std::set<int>> known;
  std::map<std::string, int> index;
};

std::vector<Step> all_steps(const Plan& plan) {
  std::vector<Step> steps;
  for (const Stage& stage : plan.stages) {
    steps.insert(steps.end(), stage.steps.begin(), stage.steps.end());
  }
  return steps;
}

TEST_SUITE("core/plan_init") {
  TEST_CASE("plan_init turns six strangers into the article's cluster in two stages") {
    const InitPlan plan = planned(ViewBuilder{6});
    REQUIRE(plan.stages.size() == 2);
    CHECK(steps_of(plan, "set_epoch").size() == 6);
    CHECK(steps_of(plan, "set_epoch").front() == "set_epoch redis-app-0 1");
    CHECK(steps_of(plan, "add_slots") ==
          std::vector<std::string>{"add_slots redis-app-0 0-5460",
                                   "add_slots redis-app-1 5461-10922",
                                   "add_slots redis-app-2 10923-16383"});
    CHECK(steps_of(plan, "meet").size() == 15);
    CHECK(steps_of(plan, "replicate").size() == 3);
    CHECK(plan.placement.shards.size() == 3);
  }

  TEST_CASE("plan_init follows the article when its pods share two nodes in turn") {
    ViewBuilder builder{6};
    for (int pod = 0; pod < 6; ++pod) {
      builder.on(pod, pod % 2 == 0 ? "node-a" : "node-b");
    }
    CHECK(steps_of(planned(builder), "replicate") ==
          std::vector<std::string>{"replicate redis-app-3 redis-app-0",
                                   "replicate redis-app-4 redis-app-1",
                                   "replicate redis-app-5 redis-app-2"});
  }

  TEST_CASE("plan_init says the epoch of a pod before that pod meets anyone") {
    std::set<std::string> met;
    for (const Step& step : all_steps(planned(ViewBuilder{6}))) {
      if (const auto* epoch = std::get_if<SetEpoch>(&step.what)) {
        CHECK_FALSE(met.contains(epoch->pod));
      } else if (const auto* meet = std::get_if<Meet>(&step.what)) {
        met.insert(meet->pod);
      }
    }
  }

  TEST_CASE("plan_init has nothing to do for a whole cluster, well placed or not") {
    CHECK(planned(ViewBuilder::whole(3, 1)).empty());
    ViewBuilder one_node = ViewBuilder::whole(3, 1);
    for (int pod = 0; pod < 6; ++pod) {
      one_node.on(pod, "node-a");
    }
    CHECK(planned(one_node).empty());
    ViewBuilder on_masters_node = ViewBuilder::whole(3, 1);
    on_masters_node.on(3, "node-0").on(4, "node-1").on(5, "node-2").keys(0, 12);
    CHECK(planned(on_masters_node).empty());
  }

  TEST_CASE("plan_init finishes what a run left behind, wherever that run was killed") {
    std::mt19937 random{11};  // NOLINT: the same sequence in every run.
    for (const Shape shape : {Shape{3, 1}, Shape{3, 0}, Shape{5, 1}, Shape{4, 2}}) {
      const int pods = static_cast<int>(shape.masters * (1 + shape.replicas));
      const auto fresh = planned(ViewBuilder{pods}, shape);
      World expected{pods};
      for (const Step& step : all_steps(fresh)) {
        expected.apply(step);
      }
      for (int round = 0; round < 20; ++round) {
        // Steps of different pods run at the same time, so any subset of a stage may be done.
        World world{pods};
        const std::size_t dead_stage = static_cast<std::size_t>(round) % fresh.stages.size();
        for (std::size_t i = 0; i <= dead_stage; ++i) {
          for (const Step& step : fresh.stages[i].steps) {
            if (i < dead_stage || random() % 2 == 0) {
              world.apply(step);
            }
          }
        }
        CAPTURE(pods);
        CAPTURE(round);
        for (const Step& step : all_steps(planned(world.builder(), shape))) {
          world.apply(step);
        }
        CHECK((world.slots == expected.slots));
        CHECK((world.master == expected.master));
        CHECK((world.known == expected.known));
        CHECK(planned(world.builder(), shape).empty());
      }
    }
  }

  TEST_CASE("plan_init completes a cluster that another hand began, keeping every role") {
    ViewBuilder builder{6};
    builder.slots(5, "0-99").slots(1, "5461-10922").replica(0, 1).met({0, 1, 5});
    const InitPlan plan = planned(builder);
    SlotSet dealt;
    for (const Step& step : all_steps(plan)) {
      if (const auto* add = std::get_if<AddSlots>(&step.what)) {
        CHECK(add->pod != pod_name(0));
        CHECK(dealt.shared_with(add->slots).empty());
        dealt.insert(add->slots);
      }
      if (const auto* replicate = std::get_if<Replicate>(&step.what)) {
        CHECK(replicate->pod != pod_name(0));
        CHECK(replicate->master_pod != pod_name(1));
      }
    }
    CHECK(dealt.to_text() == "100-5460,10923-16383");
    CHECK(steps_of(plan, "replicate").size() == 2);
    for (const Placement::Shard& shard : plan.placement.shards) {
      CHECK(shard.replicas.size() == 1);
    }
  }

  TEST_CASE("plan_init introduces again a member that others lost sight of") {
    ViewBuilder builder = ViewBuilder::whole(3, 1);
    builder.edit(0, [](Member& member) { edit_nodes(member)[4].flags.fail = true; });
    CHECK(steps_of(planned(builder), "meet") ==
          std::vector<std::string>{"meet redis-app-0 redis-app-4"});
  }

  TEST_CASE("plan_init makes extra pods extra replicas") {
    const InitPlan plan = planned(ViewBuilder{8});
    CHECK(steps_of(plan, "replicate").size() == 5);
  }

  TEST_CASE("plan_init refuses a shape that cannot be") {
    CHECK(says(refused(ViewBuilder{6}, {.masters = 2, .replicas = 1}).message, "3 masters, not 2"));
    const Error few = refused(ViewBuilder{5});
    CHECK(few.code == ErrorCode::invalid_argument);
    CHECK(says(few.message, "need 6 pods"));
    CHECK(says(few.message, "has 5"));
    const Error more = refused(ViewBuilder::whole(3, 1), {.masters = 4, .replicas = 0});
    CHECK(more.code == ErrorCode::conflict);
    CHECK(says(more.message, "has 3 masters already, and 4 were asked for"));
    CHECK(says(refused(ViewBuilder::whole(4, 1)).message, "has 4 masters already"));
  }

  TEST_CASE("plan_init refuses keys outside the cluster and says where and how many") {
    const Error error = refused(ViewBuilder{6}.keys(4, 7));
    CHECK(error.code == ErrorCode::unsafe);
    CHECK(error.message == "pod redis-app-4 holds 7 keys and is not part of the cluster");
    CHECK(says(error.hint, "redis-app-4"));
    CHECK(says(refused(ViewBuilder{6}.slots(2, "0-16383").keys(2, 1)).message, "1 key "));
  }

  TEST_CASE("plan_init refuses a member of another cluster and says how it knows") {
    ViewBuilder builder{6};
    builder.edit(3, [](Member& member) {
      Node stranger{.id = node_id(99)};
      stranger.address = {.ip = "10.9.9.9", .port = 6379, .bus_port = 16'379};
      stranger.slots = SlotSet::parse("0-5460").value();
      edit_nodes(member)->push_back(stranger);
    });
    const Error error = refused(builder);
    CHECK(error.code == ErrorCode::unsafe);
    CHECK(says(error.message, "pod redis-app-3 belongs to another cluster"));
    CHECK(says(error.message, "10.9.9.9:6379"));
    CHECK(says(error.message, "0-5460"));
  }

  TEST_CASE("plan_init refuses a member that has met a stranger a moment ago") {
    const auto met = [](const char* ip, bool handshake, bool connected = true) {
      return ViewBuilder{6}.edit(3, [=](Member& member) {
        Node stranger{.id = node_id(99)};
        stranger.address = {.ip = ip, .port = 6379, .bus_port = 16'379};
        stranger.flags.handshake = handshake;
        stranger.link_connected = connected;
        edit_nodes(member)->push_back(stranger);
      });
    };
    for (const bool handshake : {true, false}) {
      const Error error = refused(met("10.9.9.9", handshake));
      CHECK(error.code == ErrorCode::unsafe);
      CHECK(says(error.message, "pod redis-app-3 has just met the node at 10.9.9.9:6379"));
      CHECK(says(error.hint, "wait a few seconds"));
    }
    // One of ours, met by a run that was killed; one that has gone before anybody says so.
    const std::string ours = ViewBuilder{6}.build().members[1].pod.ip;
    CHECK_FALSE(planned(met(ours.c_str(), true)).empty());
    CHECK_FALSE(planned(met("10.9.9.9", false, false)).empty());
  }

  TEST_CASE("plan_init refuses to forget a lost node's slots, and has all forget one without any") {
    const auto lost = [](const char* slots) {
      return ViewBuilder::whole(3, 1).edit(0, [slots](Member& member) {
        Node ghost{.id = node_id(99)};
        ghost.flags.fail = true;
        ghost.slots = SlotSet::parse(slots).value();
        edit_nodes(member)->push_back(ghost);
      });
    };
    const auto everybody = lost("none").edit(3, [](Member& member) {
      Node ghost{.id = node_id(99)};
      ghost.flags.noaddr = true;
      edit_nodes(member)->push_back(ghost);
    });
    const auto plan = planned(everybody);
    REQUIRE(plan.stages.size() == 1);
    CHECK(steps_of(plan, "forget").size() == 2);
    CHECK(says(steps_of(plan, "forget").front(), "redis-app-0"));
    CHECK(says(steps_of(plan, "forget").back(), "redis-app-3"));
    CHECK(says(refused(lost("0-9")).message, "is gone"));
  }

  TEST_CASE("plan_init refuses slots with two owners, stale claims, open slots and twin ids") {
    ViewBuilder both{6};
    both.slots(0, "0-100").slots(1, "100-200");
    CHECK(says(refused(both).message, "slots 100 are served by pod redis-app-1"));

    ViewBuilder stale = ViewBuilder::whole(3, 1);
    stale.edit(1, [](Member& member) { edit_nodes(member)[1].slots = SlotSet{}; });
    CHECK(says(refused(stale).message, "thinks that pod redis-app-1 serves slots"));

    ViewBuilder open = ViewBuilder::whole(3, 1);
    open.edit(0, [](Member& member) {
      edit_nodes(member)[0].open_slots.push_back(
          {.slot = 77, .direction = OpenSlot::Direction::migrating, .other = node_id(1)});
    });
    const Error error = refused(open);
    CHECK(says(error.message, "slot 77 is half moved on pod redis-app-0"));
    CHECK(says(error.hint, "kubectl redis fix redis -n default --only slots-open"));

    ViewBuilder twins{6};
    twins.edit(2, [](Member& member) { edit_nodes(member)[0].id = node_id(0); });
    CHECK(says(refused(twins).message, "redis-app-0 and redis-app-2 both say"));
  }

  TEST_CASE("plan_init waits for members that do not answer or are loading") {
    const Error silent = refused(ViewBuilder{6}.silent(5));
    CHECK(silent.code == ErrorCode::unreachable);
    CHECK(says(silent.message, "redis-app-5 did not answer: connection refused"));
    ViewBuilder loading{6};
    loading.edit(1, [](Member& member) { member.server->loading = true; });
    loading.edit(1, [](Member& member) { member.trouble = Error::unreachable("LOADING"); });
    CHECK(says(refused(loading).message, "redis-app-1 is still loading"));
  }
}

}  // namespace
}  // namespace kredis::core
