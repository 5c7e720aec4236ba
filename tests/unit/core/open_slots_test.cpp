// SPDX-License-Identifier: Apache-2.0
#include "shared/core/open_slots.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;
using Direction = OpenSlot::Direction;

/// Slot 7 is pod 0's; pod 3 + i follows pod i.
class OpenBuilder : public ViewBuilder {
 public:
  OpenBuilder() : ViewBuilder(ViewBuilder::whole(3, 1)) {}

  OpenBuilder& mark(int pod, Direction direction, int other, std::uint32_t slot = 7) {
    edit(pod, [=](Member& member) {
      for (Node& node : edit_nodes(member)) {
        if (node.flags.myself) {
          node.open_slots.push_back(
              {.slot = slot, .direction = direction, .other = node_id(other)});
        }
      }
    });
    return *this;
  }
};

std::string pod_of(const Member* member) { return member == nullptr ? "?" : member->pod.name; }

/// "7 redis-app-0 > redis-app-1 given taken half"
std::string told(const ViewBuilder& builder) {
  const ClusterView view = builder.build();
  std::string text;
  for (const OpenMove& open : open_moves(view)) {
    text += (text.empty() ? "" : "; ") + std::to_string(open.slot) + " " + pod_of(open.from) +
            " > " + pod_of(open.to) + (open.given ? " given" : "") + (open.taken ? " taken" : "") +
            (open.has_arrived() ? " arrived" : "") + (open.is_half_moved() ? " half" : "");
  }
  return text;
}

TEST_SUITE("core/open_slots") {
  TEST_CASE("both marks of a move are one, and each alone tells the way") {
    CHECK(told(ViewBuilder::whole(3, 1)).empty());
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 1).mark(1, Direction::importing, 0)) ==
          "7 redis-app-0 > redis-app-1 given taken half");
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 1)) ==
          "7 redis-app-0 > redis-app-1 given half");
    CHECK(told(OpenBuilder().mark(1, Direction::importing, 0)) ==
          "7 redis-app-0 > redis-app-1 taken half");
  }

  TEST_CASE("marks that contradict each other are told one by one") {
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 1).mark(2, Direction::importing, 0)) ==
          "7 redis-app-0 > redis-app-1 given half; 7 redis-app-0 > redis-app-2 taken half");
  }

  TEST_CASE("a slot is half moved to one only, whom the giver names") {
    const auto halves = [](const OpenBuilder& builder) {
      const ClusterView view = builder.build();
      std::string text;
      for (const OpenMove& open : half_moves(view)) {
        text += pod_of(open.to) + " ";
      }
      return text;
    };
    OpenBuilder two;
    two.mark(1, Direction::importing, 0).mark(2, Direction::importing, 0);
    CHECK(halves(two).empty());
    CHECK(halves(two.mark(0, Direction::migrating, 2)) == "redis-app-2 ");
    CHECK(halves(OpenBuilder().mark(1, Direction::importing, 0)) == "redis-app-1 ");
    OpenBuilder came_back;  // Pod 2 took the place of pod 0, which has not heard of it.
    came_back.slots(2, "0-5460,10923-16383");
    CHECK(halves(came_back.mark(0, Direction::migrating, 1)).empty());
  }

  TEST_CASE("a slot that the taker has and the giver still marks has arrived") {
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 1, 6000)) ==
          "6000 redis-app-0 > redis-app-1 given arrived half");
    // The taker's mark outlived the move: nothing of it is at the end that it names.
    CHECK(told(OpenBuilder().mark(1, Direction::importing, 0, 6000)) ==
          "6000 redis-app-0 > redis-app-1 taken");
  }

  TEST_CASE("who took a marked node's place stands for it") {
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 4)) ==
          "7 redis-app-0 > redis-app-1 given half");
    CHECK(told(OpenBuilder().mark(1, Direction::importing, 3)) ==
          "7 redis-app-0 > redis-app-1 taken half");
    OpenBuilder chain;
    chain.replica(3, 4);
    CHECK(told(chain.mark(0, Direction::migrating, 3)) == "7 redis-app-0 > redis-app-1 given half");
    OpenBuilder circle;
    circle.replica(3, 4).replica(4, 3);
    CHECK(told(circle.mark(0, Direction::migrating, 3)) == "7 redis-app-0 > ? given");
  }

  TEST_CASE("who does not answer, or is nobody, is no end") {
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 99)) == "7 redis-app-0 > ? given");
    OpenBuilder silent;
    silent.silent(1);
    CHECK(told(silent.mark(0, Direction::migrating, 1)) == "7 redis-app-0 > ? given");
    CHECK(told(OpenBuilder().mark(0, Direction::migrating, 0)) ==
          "7 redis-app-0 > redis-app-0 given");
  }

  TEST_CASE("a replica's marks count for nothing") {
    CHECK(told(OpenBuilder().mark(3, Direction::migrating, 1)).empty());
    const ClusterView view = OpenBuilder().mark(3, Direction::migrating, 1).build();
    CHECK(is_open_on(view.members[3], 7));
    CHECK_FALSE(is_open_on(view.members[3], 8));
  }

  TEST_CASE("a slot's owners are those that say so themselves") {
    ViewBuilder builder = ViewBuilder::whole(3, 1);
    CHECK(owners_of(builder.build(), 7).size() == 1);
    builder.edit(1, [](Member& member) {
      const_cast<Node*>(member.view->myself())->slots.insert(one_slot(7));
    });
    const ClusterView view = builder.build();
    CHECK(owners_of(view, 7) == std::vector<const Member*>{&view.members[0], &view.members[1]});
    CHECK(owners_of(ViewBuilder::whole(3, 1).silent(0).build(), 7).empty());
  }
}

}  // namespace
}  // namespace kredis::core
