// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_slots.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>

#include "shared/core/plans/plan_scale.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::pod_name;
using testing::ViewBuilder;

SlotHolder holder(int pod, const std::string& slots, double weight = 1) {
  return {.pod = pod_name(pod),
          .node = node_id(pod),
          .slots = slots.empty() ? SlotSet() : SlotSet::parse(slots).value(),
          .weight = weight};
}

std::string told(const std::vector<MoveSlots>& moves) {
  std::string text;
  for (const MoveSlots& move : moves) {
    text +=
        (text.empty() ? "" : "; ") + move.pod + " " + move.target_pod + " " + move.slots.to_text();
  }
  return text;
}

/// The holders once the moves are made; each slot is checked to come from who has it.
std::vector<SlotHolder> after(std::vector<SlotHolder> holders,
                              const std::vector<MoveSlots>& moves) {
  for (const MoveSlots& move : moves) {
    for (SlotHolder& each : holders) {
      if (each.node == move.source) {
        REQUIRE(move.slots.without(each.slots).empty());
        each.slots.erase(move.slots);
      }
    }
    for (SlotHolder& each : holders) {
      if (each.node == move.target) {
        each.slots.insert(move.slots);
      }
    }
  }
  return holders;
}

/// A cluster of `count` masters among whom the slots are dealt at random, in runs.
std::vector<SlotHolder> dealt(std::mt19937& random, int count) {
  std::vector<SlotHolder> holders;
  for (int i = 0; i < count; ++i) {
    holders.push_back(holder(i, "", std::uniform_int_distribution<int>(0, 3)(random)));
  }
  holders[0].weight += 1;
  for (std::uint32_t slot = 0; slot < k_slot_count;) {
    const std::uint32_t last = std::min(
        k_slot_count - 1, slot + std::uniform_int_distribution<std::uint32_t>(0, 3000)(random));
    holders[random() % holders.size()].slots.insert(*SlotRange::make(slot, last));
    slot = last + 1;
  }
  return holders;
}

TEST_SUITE("core/plan_slots") {
  TEST_CASE("two more masters get what is over of the three") {
    const auto moves = moves_to_shares({holder(0, "0-5460"),
                                        holder(1, "5461-10922"),
                                        holder(2, "10923-16383"),
                                        holder(3, ""),
                                        holder(4, "")});
    REQUIRE(moves.has_value());
    CHECK(told(*moves) ==
          "redis-app-0 redis-app-3 3277-5460; redis-app-1 redis-app-3 9830-10922; "
          "redis-app-1 redis-app-4 8738-9829; redis-app-2 redis-app-4 14200-16383");
  }

  TEST_CASE("who is even already is left alone") {
    CHECK(moves_to_shares({holder(0, "0-5460"), holder(1, "5461-10922"), holder(2, "10923-16383")})
              ->empty());
  }

  TEST_CASE("a weight of nothing gives everything away") {
    const auto moves =
        moves_to_shares({holder(0, "0-8191"), holder(1, "8192-16383"), holder(2, "", 0)});
    CHECK(moves->empty());
    const auto emptied = moves_to_shares({holder(0, "0-8191"), holder(1, "8192-16383", 0)});
    CHECK(told(*emptied) == "redis-app-1 redis-app-0 8192-16383");
  }

  TEST_CASE("weights that make no sense are refused") {
    CHECK(moves_to_shares({}).error().code == ErrorCode::invalid_argument);
    CHECK(moves_to_shares({holder(0, "0-1", 0)}).error().message ==
          "the weights sum to nothing, so nobody would have the slots");
    CHECK(moves_to_shares({holder(0, "0-1", -1), holder(1, "2", 2)}).error().message ==
          "the weight of redis-app-0 is no number from 0 on");
    CHECK_FALSE(moves_to_shares({holder(0, "0-1", std::nan(""))}).has_value());
  }

  TEST_CASE("the fewest slots move, nobody gives and takes, and all have their share") {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
      const auto holders = dealt(random, 1 + static_cast<int>(random() % 9));
      const auto moves = moves_to_shares(holders);
      REQUIRE(moves.has_value());
      std::set<NodeId> givers;
      std::set<NodeId> takers;
      std::uint32_t moved = 0;
      for (const MoveSlots& move : *moves) {
        givers.insert(move.source);
        takers.insert(move.target);
        moved += move.slots.size();
      }
      const auto both = [&](const NodeId& id) { return takers.contains(id); };
      CHECK(std::ranges::none_of(givers, both));
      double weights = 0;
      for (const SlotHolder& each : holders) {
        weights += each.weight;
      }
      double most_even = 0;
      const auto then = after(holders, *moves);
      for (std::size_t i = 0; i < then.size(); ++i) {
        const double share = k_slot_count * then[i].weight / weights;
        CHECK(std::abs(then[i].slots.size() - share) < 1);
        most_even += std::max(0.0, std::floor(holders[i].slots.size() - share - 1e-9));
      }
      // Each that has more than its share rounded up has to give that much at least.
      CHECK(moved <= most_even + static_cast<double>(holders.size()));
    }
  }

  TEST_CASE("by what slots weigh, holders end nearer to their shares") {
    std::mt19937 random(11);
    for (int round = 0; round < 100; ++round) {
      auto holders = dealt(random, 2 + static_cast<int>(random() % 6));
      for (SlotHolder& each : holders) {
        each.weight = 1;
      }
      std::vector<double> weighs(k_slot_count);
      for (double& each : weighs) {
        each = static_cast<double>(random() % 10 == 0 ? random() % 1000 : random() % 3);
      }
      const auto load = [&](const SlotHolder& of) {
        double sum = 0;
        for (const SlotRange& range : of.slots.ranges()) {
          for (std::uint32_t slot = range.first(); slot <= range.last(); ++slot) {
            sum += weighs[slot];
          }
        }
        return sum;
      };
      const auto moves = moves_to_shares(holders, [&](std::uint32_t slot) { return weighs[slot]; });
      REQUIRE(moves.has_value());
      double all = 0;
      for (const SlotHolder& each : holders) {
        all += load(each);
      }
      const double share = all / static_cast<double>(holders.size());
      for (const SlotHolder& each : after(holders, *moves)) {
        CHECK(std::abs(load(each) - share) <= 1000);
      }
    }
  }

  TEST_CASE("so many slots move from some to others, in the measure of what they have") {
    const std::vector<SlotHolder> from{holder(0, "0-299"), holder(1, "300-399")};
    const std::vector<SlotHolder> to{holder(2, ""), holder(3, "")};
    CHECK(told(*moves_between(from, to, 8, {})) ==
          "redis-app-0 redis-app-2 296-299; redis-app-0 redis-app-3 294-295; "
          "redis-app-1 redis-app-3 398-399");
    CHECK(told(*moves_between(from, to, 0, SlotSet::parse("7,300-301").value())) ==
          "redis-app-0 redis-app-2 7; redis-app-1 redis-app-2 301; redis-app-1 redis-app-3 300");
    CHECK(moves_between(from, to, 401, {}).error().message ==
          "401 slots are to move, and those that give have 400");
    CHECK(moves_between(from, to, 0, SlotSet::parse("399-400").value()).error().message ==
          "slots 400 are at none of those that give");
  }

  TEST_CASE("holders are the masters, and trouble is to be mended first") {
    CHECK(holders_of(ViewBuilder::whole(3, 1).build())->size() == 3);
    ViewBuilder open = ViewBuilder::whole(3, 1);
    open.edit(0, [](Member& member) {
      for (Node& node : edit_nodes(member)) {
        if (node.flags.myself) {
          node.open_slots.push_back(
              {.slot = 7, .direction = OpenSlot::Direction::migrating, .other = node_id(1)});
        }
      }
    });
    const auto refused = holders_of(open.build());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::unsafe);
    CHECK(refused.error().message == "slot 7 of redis-app-0 is half moved already");
  }

  TEST_CASE("a shard whose failover not all heard of is not left out of the sharing") {
    ViewBuilder builder = ViewBuilder::whole(3, 1);
    SlotSet slots;
    for (const int pod : {0, 3}) {
      builder.edit(pod, [&slots, pod](Member& member) {
        for (Node& node : edit_nodes(member)) {
          if (node.flags.myself) {
            node.role = pod == 0 ? Role::replica : Role::master;
            std::swap(node.slots, slots);
          }
        }
      });
    }
    const auto refused = holders_of(builder.build());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::conflict);
    CHECK(refused.error().message == "the nodes do not agree on the slots of redis-app-0");
  }

  TEST_CASE("what is half moved is finished, also where a replica took over meanwhile") {
    const auto open = [](ViewBuilder& builder, int pod, OpenSlot::Direction direction, int other) {
      builder.edit(pod, [=](Member& member) {
        for (Node& node : edit_nodes(member)) {
          if (node.flags.myself) {
            node.open_slots.push_back({.slot = 7, .direction = direction, .other = node_id(other)});
          }
        }
      });
    };
    ViewBuilder both = ViewBuilder::whole(3, 1);
    open(both, 0, OpenSlot::Direction::migrating, 1);
    open(both, 1, OpenSlot::Direction::importing, 0);
    CHECK(told(half_moved(both.build())) == "redis-app-0 redis-app-1 7");
    ViewBuilder target_alone = ViewBuilder::whole(3, 1);
    open(target_alone, 1, OpenSlot::Direction::importing, 0);
    CHECK(told(half_moved(target_alone.build())) == "redis-app-0 redis-app-1 7");
    // Pod 4 follows pod 1 here: as if they had changed places since the slot was opened.
    ViewBuilder heir = ViewBuilder::whole(3, 1);
    open(heir, 0, OpenSlot::Direction::migrating, 4);
    CHECK(told(half_moved(heir.build())) == "redis-app-0 redis-app-1 7");
    ViewBuilder unknown = ViewBuilder::whole(3, 1);
    open(unknown, 0, OpenSlot::Direction::migrating, 99);
    CHECK(half_moved(unknown.build()).empty());
  }

  TEST_CASE("what would not fit is said before it moves") {
    ViewBuilder builder = ViewBuilder::whole(3, 1);
    for (int pod = 0; pod < 6; ++pod) {
      builder.edit(pod, [](Member& member) {
        member.server =
            ServerInfo{.used_memory_bytes = 80'000'000, .max_memory_bytes = 100'000'000};
      });
    }
    const auto view = builder.build();
    const auto moves = [&](const char* slots) {
      return std::vector{MoveSlots{.pod = pod_name(0),
                                   .source = node_id(0),
                                   .target_pod = pod_name(1),
                                   .target = node_id(1),
                                   .slots = SlotSet::parse(slots).value()}};
    };
    CHECK(check_memory(view, moves("0-999")).has_value());
    const Status full = check_memory(view, moves("0-1999"));
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().message ==
          "redis-app-1 would have about 104 MiB, and its maxmemory is 95.3 MiB");
  }

  TEST_CASE("a mark that only a replica keeps is closed by its master, once it follows") {
    ClusterView view = ViewBuilder::whole(3, 1).build();
    const auto mark = [&](int pod) {
      Member& member = view.members[static_cast<std::size_t>(pod)];
      for (Node& node : edit_nodes(member)) {
        if (node.flags.myself) {
          node.open_slots.push_back(
              {.slot = 7, .direction = OpenSlot::Direction::importing, .other = node_id(1)});
        }
      }
    };
    CHECK(close_stale_marks(view).steps.empty());
    mark(3);
    const Stage stage = close_stale_marks(view);
    REQUIRE(stage.steps.size() == 1);
    CHECK(to_text(stage.steps.front()) == "stabilise_slots redis-app-0 7");
    CHECK(half_moved(view).empty());

    const auto plan = plan_scale(view, {.masters = 3, .replicas = 1});
    REQUIRE_MESSAGE(plan.has_value(), plan.error().message);
    REQUIRE(plan->stages.size() == 1);
    CHECK(plan->stages.front().title == stage.title);

    SUBCASE("not where its master has it, too") {
      mark(0);
      CHECK(close_stale_marks(view).steps.empty());
    }
    SUBCASE("not where no word of its master reaches it") {
      view.members[3].server->master_link_up = false;
      CHECK(close_stale_marks(view).steps.empty());
    }
    SUBCASE("not where its master is a replica by now, which takes no SETSLOT") {
      for (Node& node : edit_nodes(view.members[0])) {
        node.role = node.flags.myself ? Role::replica : node.role;
      }
      CHECK(close_stale_marks(view).steps.empty());
    }
  }
}

}  // namespace
}  // namespace kredis::core
