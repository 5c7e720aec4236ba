// SPDX-License-Identifier: Apache-2.0
#include "shared/core/unseen_pods.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "shared/core/findings/finding.hpp"
#include "shared/core/plans/plan_fix.hpp"
#include "shared/core/plans/plan_init.hpp"
#include "shared/core/plans/plan_node.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;

constexpr const char* k_missing = "1 pod of statefulset/redis-app is not there";

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Five pods of six, and a node that failed and that none of them is: with slots, the sixth pod's.
ClusterView with_a_node_less(const char* slots) {
  ViewBuilder builder{5};
  builder.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16373");
  if (std::string(slots) == "none") {
    builder.slots(2, "10923-16383");
  }
  builder.replica(3, 0).replica(4, 1).all_met().shape(3, 1);
  for (int pod = 0; pod < 5; ++pod) {
    builder.edit(pod, [slots](Member& member) {
      Node node{.id = node_id(99)};
      node.address.ip = "10.9.9.9";
      node.flags.fail = true;
      node.slots = SlotSet::parse(slots).value();
      edit_nodes(member)->push_back(node);
    });
  }
  ClusterView view = builder.build();
  view.missing_pods = {{"statefulset/redis-app", 1}};
  return view;
}

std::string refusals_of(const ClusterView& view, const FixWish& wish) {
  std::string text;
  for (const Refusal& each : plan_fix(view, {}, wish).refused) {
    text += each.why.message + "\n" + each.why.hint + "\n";
  }
  return text;
}

std::string ids_of(const ClusterView& view) {
  std::string ids;
  for (const Finding& each : find_trouble(view)) {
    ids += each.id + " ";
  }
  return ids;
}

TEST_SUITE("core/unseen_pods") {
  TEST_CASE("a pod that is silent, or not there, is told with what shows why") {
    ClusterView view = ViewBuilder::whole(3, 1).build();
    CHECK_FALSE(unseen_pods(view));
    view.missing_pods = {{"deployment/a", 2}, {"deployment/b", 1}};
    CHECK(unseen_pods(view)->what == "2 pods of deployment/a are not there");
    CHECK(unseen_pods(view)->see == "kubectl describe deployment/a -n default");
    view.members[4].view.reset();
    CHECK(unseen_pods(view)->what == "pod redis-app-4 does not answer");
    CHECK(missing_pods(view)->what == "2 pods of deployment/a are not there");
  }

  TEST_CASE("no slots are given up while a pod is not there, even where the loss was accepted") {
    ClusterView view = with_a_node_less("16374-16383");
    for (const FixWish& wish : {FixWish{}, FixWish{.accept_loss = {"a0000099", "16374-16383"}}}) {
      CHECK(says(
          refusals_of(view, wish),
          std::string(k_missing) + ", and may be node a0000099, the owner of slots 16374-16383"));
      CHECK_FALSE(says(refusals_of(view, wish), "every copy"));
    }
    view.missing_pods.clear();
    CHECK(says(refusals_of(view, {}), "every copy of slots 16374-16383 is gone"));
  }

  TEST_CASE("slots that nobody owns go to nobody while a pod is not there") {
    ClusterView view = with_a_node_less("none");
    for (Member& member : view.members) {
      for (Node& node : edit_nodes(member)) {
        node.slots.erase(SlotSet::parse("7").value());
      }
    }
    const FixWish wish{.only = {"slots-uncovered"}};
    CHECK(says(refusals_of(view, wish), std::string(k_missing) + ", and may own slots 7"));
    CHECK(plan_fix(view, {}, wish).empty());
    view.missing_pods.clear();
    CHECK(refusals_of(view, wish).empty());
    CHECK_FALSE(plan_fix(view, {}, wish).empty());
  }

  TEST_CASE("a node is no ghost, and not forgotten, while a pod is not there") {
    ClusterView view = with_a_node_less("none");
    CHECK(says(ids_of(view), "pods-missing"));
    CHECK_FALSE(says(ids_of(view), "ghost-node"));
    const NodeWish forget{.what = NodeWish::What::forget, .id = "a0000099"};
    const auto refused = plan_node(view, forget);
    REQUIRE_FALSE(refused);
    CHECK(says(refused.error().message, std::string(k_missing) + ", and may be node a0000099"));
    view.missing_pods.clear();
    CHECK(says(ids_of(view), "ghost-node"));
    CHECK(plan_node(view, forget).has_value());
  }

  TEST_CASE("a living node is no stranger while a pod is not there") {
    ClusterView view = with_a_node_less("16374-16383");
    const auto set_flags = [&view](bool linked) {
      for (Member& member : view.members) {
        testing::EditedNodes nodes = edit_nodes(member);
        nodes->back().flags.fail = false;
        nodes->back().link_connected = linked;
      }
    };
    set_flags(true);
    CHECK_FALSE(says(ids_of(view), "foreign-node"));
    CHECK(undecided_node(view) == nullptr);
    const auto refused = plan_init(view, {.masters = 3, .replicas = 0});
    REQUIRE_FALSE(refused);
    CHECK(says(refused.error().message, std::string(k_missing) + ", and may be node a0000099"));
    CHECK_FALSE(says(refused.error().hint, "reset"));
    view.missing_pods.clear();
    CHECK(says(ids_of(view), "foreign-node"));
    CHECK(says(plan_init(view, {.masters = 3, .replicas = 0}).error().message,
               "belongs to another cluster"));
    // Nobody reaches it: it is away, and a moment ago it may have been a pod's.
    set_flags(false);
    CHECK_FALSE(says(ids_of(view), "foreign-node"));
    REQUIRE(undecided_node(view) != nullptr);
    CHECK(undecided_node(view)->id == node_id(99));
    const Error away = plan_init(view, {.masters = 3, .replicas = 0}).error();
    CHECK(says(away.message, "node a0000099, the owner of slots 16374-16383, is away"));
    CHECK_FALSE(says(away.hint, "reset"));
    edit_nodes(view.members[1])->back().link_connected = true;  // Somebody does.
    CHECK(undecided_node(view) == nullptr);
    CHECK(says(ids_of(view), "foreign-node"));
    // Who dials it takes it for linked: what counts is whether it was heard since the last pod
    // came.
    const auto hear = [&view](std::int64_t silent_ms) {
      for (Member& member : view.members) {
        testing::EditedNodes nodes = edit_nodes(member);
        for (Node& node : *nodes) {
          node.pong_received_ms = 1'000'000;
        }
        nodes->back().pong_received_ms -= silent_ms;
        nodes->back().link_connected = true;
      }
    };
    hear(9'000);
    CHECK(undecided_node(view) == nullptr);
    view.members[3].pod.age_seconds = 8;
    CHECK(undecided_node(view) != nullptr);
    CHECK_FALSE(says(ids_of(view), "foreign-node"));
    hear(5'000);
    CHECK(undecided_node(view) == nullptr);
    CHECK(says(ids_of(view), "foreign-node"));
  }
}

}  // namespace
}  // namespace kredis::core
