// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_fix.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "shared/core/findings/finding.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::pod_name;
using testing::ViewBuilder;
using Direction = OpenSlot::Direction;

/// Replicas one Kubernetes node further than their masters: nothing is wrong with it.
ViewBuilder well() {
  ViewBuilder builder = ViewBuilder::whole(3, 1);
  builder.on(3, "node-1", "zone-1").on(4, "node-2", "zone-2").on(5, "node-0", "zone-0");
  return builder;
}

ViewBuilder& on_all(ViewBuilder& builder, int pods, const std::function<void(Member&)>& change) {
  for (int pod = 0; pod < pods; ++pod) {
    builder.edit(pod, change);
  }
  return builder;
}

/// A mark of slot 7, which is pod 0's.
ViewBuilder& mark(ViewBuilder& builder, int pod, Direction direction, int other) {
  return builder.edit(pod, [=](Member& member) {
    for (Node& node : edit_nodes(member)) {
      if (node.flags.myself) {
        node.open_slots.push_back({.slot = 7, .direction = direction, .other = node_id(other)});
      }
    }
  });
}

ViewBuilder& without_slot(ViewBuilder& builder, const char* slots) {
  return on_all(builder, 6, [slots = SlotSet::parse(slots).value()](Member& member) {
    for (Node& node : edit_nodes(member)) {
      node.slots.erase(slots);
    }
  });
}

SlotKeys keys_on(const std::vector<std::pair<int, std::int64_t>>& counts) {
  SlotKeys keys;
  for (const auto& [pod, count] : counts) {
    keys.on[pod_name(pod)] = count;
  }
  return keys;
}

std::string words_of(const FixPlan& plan) {
  std::string text;
  for (const Stage& stage : plan.stages) {
    for (const Step& step : stage.steps) {
      text += (text.empty() ? "" : ", ") + to_text(step);
    }
  }
  for (const Refusal& each : plan.refused) {
    text += (text.empty() ? "" : "; ") + std::string("refused ") + each.finding + ": " +
            each.why.message + " | " + each.why.hint;
  }
  return text;
}

std::string fix(const ViewBuilder& builder, const KeyCounts& keys = {}, const FixWish& wish = {}) {
  return words_of(plan_fix(builder.build(), keys, wish));
}

Risk risk_of(const ViewBuilder& builder, const KeyCounts& keys, const FixWish& wish = {}) {
  return worst_risk(plan_fix(builder.build(), keys, wish));
}

bool says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  const bool said = text.find(part) != std::string::npos;
  CHECK(said);
  return said;
}

Node ghost(const char* slots) {
  Node node{.id = node_id(99)};
  node.flags.fail = true;
  node.slots = SlotSet::parse(slots).value();
  return node;
}

ViewBuilder with_ghost(const char* slots) {
  ViewBuilder builder = well();
  without_slot(builder, slots);
  on_all(builder, 6, [slots](Member& member) { edit_nodes(member)->push_back(ghost(slots)); });
  return builder;
}

TEST_SUITE("core/plan_fix/slots") {
  TEST_CASE("nothing is done to a cluster that is well") { CHECK(fix(well()).empty()); }

  TEST_CASE("a move whose ends agree is finished") {
    ViewBuilder builder = well();
    mark(builder, 0, Direction::migrating, 1);
    mark(builder, 1, Direction::importing, 0);
    CHECK(fix(builder) == "move_slots redis-app-0 redis-app-1 7");
    CHECK(fix(builder, {{7, keys_on({{0, 5}, {1, 3}})}}) == "move_slots redis-app-0 redis-app-1 7");
    CHECK(risk_of(builder, {}) == Risk::none);
  }

  TEST_CASE("migrating only: on where keys went, back where none did") {
    ViewBuilder builder = well();
    mark(builder, 0, Direction::migrating, 1);
    CHECK(fix(builder, {{7, keys_on({{0, 5}})}}) == "stabilise_slots redis-app-0 7");
    CHECK(fix(builder, {{7, keys_on({{0, 5}, {1, 1}})}}) == "move_slots redis-app-0 redis-app-1 7");
    builder.silent(1).edit(1, [](Member& member) { member.pod.running = false; });
    says(fix(builder, {}, {.only = {"slots-open"}}),
         "redis-app-1 does not answer, and may have keys");
  }

  TEST_CASE("migrating to a node that is gone goes back") {
    ViewBuilder builder = well();
    mark(builder, 0, Direction::migrating, 77);
    CHECK(fix(builder, {{7, keys_on({{0, 5}})}}) == "stabilise_slots redis-app-0 7");
  }

  TEST_CASE("importing only: keys go to the owner before the mark goes") {
    ViewBuilder builder = well();
    mark(builder, 1, Direction::importing, 0);
    CHECK(fix(builder) == "stabilise_slots redis-app-1 7");
    CHECK(fix(builder, {{7, keys_on({{0, 9}})}}) == "stabilise_slots redis-app-1 7");
    const KeyCounts apart{{7, keys_on({{0, 9}, {1, 2}})}};
    CHECK(fix(builder, apart) == "return_keys redis-app-1 redis-app-0 7");
    CHECK(risk_of(builder, apart) == Risk::none);
  }

  TEST_CASE("keys without a mark go to the owner, once it is clear who that is") {
    ViewBuilder builder = well();
    builder.edit(1, [](Member& member) { member.stray_keys = {{7, 2}}; });
    const KeyCounts keys{{7, keys_on({{0, 9}, {1, 2}})}};
    CHECK(slots_to_count(builder.build()) == *SlotSet::parse("7"));
    CHECK(fix(builder, keys) == "return_keys redis-app-1 redis-app-0 7");
    CHECK(risk_of(builder, keys) == Risk::none);
    mark(builder, 0, Direction::migrating, 2);
    mark(builder, 2, Direction::importing, 0);
    CHECK(fix(builder, keys) == "move_slots redis-app-0 redis-app-2 7");
  }

  TEST_CASE("a key of two values is never decided unasked") {
    ViewBuilder builder = well();
    mark(builder, 1, Direction::importing, 0);
    KeyCounts keys{{7, keys_on({{0, 9}, {1, 2}})}};
    keys[7].other_values[pod_name(1)] = 1;
    const std::string refused = fix(builder, keys);
    says(refused, "refused slots-open: of the 2 keys of slots 7 on pod redis-app-1, 1 are on");
    says(refused, "redis-app-0 (9 keys), with another value | ");
    says(refused, "kubectl redis fix redis -n default --accept-loss 7");
    CHECK(risk_of(builder, keys) == Risk::none);
    const FixWish wish{.accept_loss = {"0-10"}};
    CHECK(fix(builder, keys, wish) == "return_keys redis-app-1 redis-app-0 7");
    CHECK(risk_of(builder, keys, wish) == Risk::data);
    says(fix(builder, keys, {.accept_loss = {"8"}}), "refused");
  }

  TEST_CASE("a third that takes it over waits while the owner gives it away") {
    ViewBuilder builder = well();
    mark(builder, 0, Direction::migrating, 1);
    mark(builder, 1, Direction::importing, 0);
    mark(builder, 2, Direction::importing, 0);
    CHECK(fix(builder, {{7, keys_on({{0, 5}, {1, 3}, {2, 1}})}}) ==
          "move_slots redis-app-0 redis-app-1 7");
    CHECK(fix(builder, {{7, keys_on({{0, 5}, {1, 3}})}}) ==
          "stabilise_slots redis-app-2 7, move_slots redis-app-0 redis-app-1 7");
  }

  TEST_CASE("a mark on a replica goes by its master, once it follows") {
    ViewBuilder builder = well();
    mark(builder, 3, Direction::importing, 1);
    CHECK(fix(builder) == "stabilise_slots redis-app-0 7");
    builder.edit(3, [](Member& member) { member.server->master_link_up = false; });
    says(fix(builder, {}, {.only = {"slots-open"}}), "keeps a mark of slot 7");
  }

  TEST_CASE("two owners: keys come together first, then the higher epoch wins") {
    ViewBuilder builder = well();
    builder.edit(
        1, [](Member& member) { edit_nodes(member)[1].slots.insert(*SlotRange::parse("7")); });
    const std::string steps = fix(builder);
    says(steps, "bump_epoch redis-app-1");
    says(steps, "assign_slots redis-app-0 redis-app-1 7");
    const KeyCounts apart{{7, keys_on({{0, 2}, {1, 1}})}};
    says(fix(builder, apart), "return_keys redis-app-0 redis-app-1 7");
    KeyCounts differ = apart;
    differ[7].other_values[pod_name(0)] = 2;
    const std::string refused = fix(builder, differ);
    says(refused, "refused views-disagree");
    CHECK(refused.find("bump_epoch") == std::string::npos);
  }

  TEST_CASE("equal epochs: the node whose id comes first") {
    ViewBuilder builder = well();
    on_all(builder, 6, [](Member& member) {
      auto nodes = edit_nodes(member);
      nodes[0].config_epoch = nodes[1].config_epoch;
    });
    builder.edit(
        1, [](Member& member) { edit_nodes(member)[1].slots.insert(*SlotRange::parse("7")); });
    says(fix(builder), "bump_epoch redis-app-0");
  }

  TEST_CASE("a map that names another owner is told who it is") {
    ViewBuilder builder = well();
    builder.edit(2, [](Member& member) {
      edit_nodes(member)[0].slots.erase(SlotSet::parse("7").value());
      edit_nodes(member)[1].slots.insert(*SlotRange::parse("7"));
    });
    CHECK(fix(builder) == "assign_slots redis-app-2 redis-app-0 7, bump_epoch redis-app-0");
  }

  TEST_CASE("nodes that do not know each other are introduced") {
    ViewBuilder builder = well();
    builder.edit(0, [](Member& member) {
      std::erase_if(*edit_nodes(member), [](const Node& node) { return node.id == node_id(4); });
    });
    CHECK(fix(builder) == "meet redis-app-0 redis-app-4");
  }
}

TEST_SUITE("core/plan_fix/lost") {
  TEST_CASE("a slot of which nobody has a key gets an owner, once all answer") {
    ViewBuilder builder = well();
    without_slot(builder, "7");
    CHECK(fix(builder) == "claim_slots redis-app-0 7");
    CHECK(risk_of(builder, {}) == Risk::none);
    builder.silent(5);
    says(fix(builder, {}, {.only = {"slots-uncovered"}}), "does not answer, and may own slots 7");
  }

  TEST_CASE("a pod without a place takes that of a shard that is gone") {
    ViewBuilder builder{6};
    builder.slots(0, "0-5460").slots(1, "5461-10922").replica(3, 0).replica(4, 1);
    builder.met({0, 1, 3, 4}).shape(3, 1);
    const std::string steps = fix(builder);
    says(steps, "add_slots redis-app-2 10923-16383");
    says(steps, "replicate redis-app-5 redis-app-2");
  }

  TEST_CASE("slots of a whole shard go out in runs") {
    ViewBuilder builder = well();
    without_slot(builder, "100-5460");
    CHECK(fix(builder) == "claim_slots redis-app-0 100-5460");
  }

  TEST_CASE("a slot with keys goes to whoever has them, after asking") {
    ViewBuilder builder = well();
    without_slot(builder, "7");
    const KeyCounts keys{{7, keys_on({{1, 4}})}};
    CHECK(fix(builder, keys) == "claim_slots redis-app-1 7");
    CHECK(risk_of(builder, keys) == Risk::data);
  }

  TEST_CASE("keys on several pods take a choice, and the others' keys come along") {
    ViewBuilder builder = well();
    without_slot(builder, "7");
    const KeyCounts keys{{7, keys_on({{0, 9}, {1, 4}})}};
    says(fix(builder, keys), "pod redis-app-0 has 9 keys and pod redis-app-1 has 4 keys");
    says(fix(builder, keys, {.keep = pod_name(2)}), "refused");
    CHECK(fix(builder, keys, {.keep = pod_name(1)}) ==
          "claim_slots redis-app-1 7, return_keys redis-app-0 redis-app-1 7");
    CHECK(risk_of(builder, keys, {.keep = pod_name(1)}) == Risk::data);
  }

  TEST_CASE("the replica of a master that the others forgot has the copy") {
    ViewBuilder builder = well();
    without_slot(builder, "7");
    builder.edit(5, [](Member& member) {
      edit_nodes(member)[5].master = node_id(88);
      Node lost{.id = node_id(88)};
      lost.flags.fail = true;
      edit_nodes(member)->push_back(lost);
    });
    const KeyCounts keys{{7, keys_on({{5, 4}})}};
    says(fix(builder, keys, {.only = {"slots-uncovered"}}),
         "failover redis-app-5 node a0000088 takeover");
    CHECK(risk_of(builder, keys, {.only = {"slots-uncovered"}}) == Risk::data);
  }

  TEST_CASE("an owner that denies its slots has them again") {
    ViewBuilder builder = well();
    builder.edit(
        0, [](Member& member) { edit_nodes(member)[0].slots.erase(SlotSet::parse("7").value()); });
    CHECK(fix(builder) == "claim_slots redis-app-0 7");
    CHECK(fix(builder, {{7, keys_on({{1, 4}})}}) == "claim_slots redis-app-1 7");
  }

  TEST_CASE("what nobody has a copy of is given up by name only") {
    const ViewBuilder builder = with_ghost("7-9");
    const std::string refused = fix(builder);
    says(refused, "every copy of slots 7-9 is gone with node a0000099");
    says(refused, "kubectl redis fix redis -n default --accept-loss a0000099");
    says(fix(builder, {}, {.accept_loss = {"a0000099"}}), "forget redis-app-0 a0000099");
    says(fix(builder, {}, {.accept_loss = {"0-100"}}), "forget redis-app-0 a0000099");
    CHECK(risk_of(builder, {}, {.accept_loss = {"7-9"}}) == Risk::data);
    says(fix(builder, {}, {.accept_loss = {"7-8"}}), "refused");
    says(fix(builder, {}, {.accept_loss = {"a0"}}), "refused");
  }

  TEST_CASE("a failed master whose replica was not voted in is replaced, after asking") {
    ViewBuilder builder = well();
    on_all(builder, 6, [](Member& member) { edit_nodes(member)[1].flags.fail = true; });
    builder.silent(1).edit(1, [](Member& member) { member.pod.running = false; });
    const FixWish wish{.only = {"slots-failed"}};
    CHECK(fix(builder, {}, wish) == "failover redis-app-4 redis-app-1 force");
    CHECK(risk_of(builder, {}, wish) == Risk::data);
  }

  TEST_CASE("without a majority only a take-over helps, and only when it is asked for") {
    ViewBuilder builder = well();
    for (const int pod : {0, 1}) {
      builder.silent(pod).edit(pod, [](Member& member) { member.pod.running = false; });
    }
    const std::string refused = fix(builder);
    says(refused, "refused no-majority: no majority is left to vote");
    says(refused, "kubectl redis fix redis -n default --takeover");
    const FixWish wish{.takeover = true};
    says(fix(builder, {}, wish),
         "failover redis-app-3 redis-app-0 takeover, failover redis-app-4 redis-app-1 takeover");
    CHECK(risk_of(builder, {}, wish) == Risk::data);
  }

  TEST_CASE("no take-over from a pod that runs, nor before 45 seconds are over") {
    ViewBuilder frozen = well();
    frozen.silent(0).silent(1);
    on_all(frozen, 6, [](Member& member) {
      if (member.view) {
        edit_nodes(member)[0].flags.pfail = true;
        edit_nodes(member)[1].flags.pfail = true;
      }
    });
    says(fix(frozen, {}, {.takeover = true}), "runs and does not answer: it may serve clients");
    ViewBuilder early = well();
    for (const int pod : {0, 1}) {
      early.silent(pod).edit(pod, [](Member& member) { member.pod.running = false; });
    }
    on_all(early, 6, [](Member& member) {
      if (!member.view) {
        return;
      }
      for (Node& node : edit_nodes(member)) {
        const bool dead = node.id == node_id(0) || node.id == node_id(1);
        node.pong_received_ms = dead ? 100'000 : 120'000;
      }
    });
    says(fix(early, {}, {.takeover = true}), "is away for 20 s only");
  }
}

TEST_SUITE("core/plan_fix/members") {
  TEST_CASE("a ghost is forgotten by all") {
    says(fix(with_ghost("")), "forget redis-app-0 a0000099, forget redis-app-1 a0000099");
  }

  TEST_CASE(
      "a replica of a replica, of nobody, or of a ghost gets a master before that is forgotten") {
    ViewBuilder chain = well();
    on_all(chain, 6, [](Member& member) { edit_nodes(member)[5].master = node_id(4); });
    CHECK(fix(chain) == "replicate redis-app-5 redis-app-2");
    ViewBuilder nobody = well();
    on_all(nobody, 6, [](Member& member) { edit_nodes(member)[5].master.reset(); });
    CHECK(fix(nobody) == "replicate redis-app-5 redis-app-2");
    ViewBuilder vanished = with_ghost("");
    on_all(vanished, 6, [](Member& member) { edit_nodes(member)[5].master = node_id(99); });
    const std::string steps = fix(vanished);
    CHECK(steps == "replicate redis-app-5 redis-app-2");
    CHECK(risk_of(vanished, {}) == Risk::none);
    vanished.keys(5, 12);
    CHECK(risk_of(vanished, {}) == Risk::data);
    without_slot(vanished, "7");
    says(fix(vanished, {{7, keys_on({{5, 12}})}}, {.only = {"replica-astray"}}),
         "may have the only copy of slots 7");
  }

  TEST_CASE("a master without slots follows, or is spared for slots, as the shape says") {
    ViewBuilder builder{6};
    builder.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
    builder.replica(3, 0).replica(4, 1).all_met().shape(3, 1);
    CHECK(fix(builder) == "replicate redis-app-5 redis-app-2");
    builder.shape(4, 0);
    says(fix(builder), "give redis-app-5 slots: kubectl redis rebalance redis -n default");
  }

  TEST_CASE("a stale address is met anew") {
    ViewBuilder builder = well();
    builder.edit(0, [](Member& member) {
      edit_nodes(member)[3].address.ip = "10.0.0.99";
      edit_nodes(member)[3].flags.fail = true;
    });
    CHECK(fix(builder) == "meet redis-app-0 redis-app-3");
  }

  TEST_CASE("uneven replicas are evened, to another node where that can be") {
    ViewBuilder builder{7};
    builder.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
    builder.replica(3, 0).replica(4, 0).replica(5, 0).replica(6, 1).all_met().shape(3, 0);
    CHECK(fix(builder) == "replicate redis-app-3 redis-app-2");
  }

  TEST_CASE("masters that pile up go back, those of many one by one") {
    ViewBuilder builder = well();
    builder.on(1, "node-0", "zone-0").on(4, "node-1", "zone-1");
    CHECK(fix(builder, {}, {.only = {"majority-on-one-node"}}) ==
          "failover redis-app-3 redis-app-0");
    ViewBuilder many = ViewBuilder::whole(9, 1);
    const std::string nodes =
        "000011122"
        "111200000";
    for (int pod = 0; pod < 18; ++pod) {
      many.on(pod, std::string("node-") + nodes[static_cast<std::size_t>(pod)], "");
    }
    CHECK(fix(many, {}, {.only = {"masters-uneven"}}) == "failover redis-app-12 redis-app-3");
  }

  TEST_CASE("what is open is closed before roles change") {
    ViewBuilder builder = well();
    builder.on(1, "node-0", "zone-0").on(4, "node-1", "zone-1");
    mark(builder, 1, Direction::importing, 0);
    CHECK(fix(builder) == "stabilise_slots redis-app-1 7");
  }

  TEST_CASE("an open slot without an owner gets one first") {
    ViewBuilder builder = well();
    without_slot(builder, "7");
    mark(builder, 1, Direction::importing, 0);
    CHECK(fix(builder, {{7, keys_on({{0, 3}})}}) == "claim_slots redis-app-0 7");
  }

  TEST_CASE("a ghost and a half moved slot: the slot first") {
    ViewBuilder builder = with_ghost("");
    mark(builder, 0, Direction::migrating, 1);
    CHECK(fix(builder) == "stabilise_slots redis-app-0 7");
  }

  TEST_CASE("only what is asked for is mended") {
    ViewBuilder builder = with_ghost("");
    mark(builder, 1, Direction::importing, 0);
    CHECK(fix(builder, {}, {.only = {"replicas-uneven"}}).empty());
    CHECK(fix(builder, {}, {.only = {"slots-open"}}) == "stabilise_slots redis-app-1 7");
  }

  TEST_CASE("slots whose keys have to be counted are the open, the ownerless and the twice owned") {
    ViewBuilder builder = well();
    without_slot(builder, "100");
    mark(builder, 1, Direction::importing, 0);
    builder.edit(
        1, [](Member& member) { edit_nodes(member)[1].slots.insert(*SlotRange::parse("9")); });
    CHECK(slots_to_count(builder.build()).to_text() == "7,9,100");
    CHECK(slots_to_count(well().build()).empty());
  }

  TEST_CASE("a password that is known lets replicas in") {
    ViewBuilder builder = well();
    builder.edit(0, [](Member& member) {
      member.server->wants_password = true;
      member.server->gives_password = false;
    });
    says(fix(builder, {}, {.only = {"no-masterauth"}}), "--auth-secret");
    CHECK(fix(builder, {}, {.only = {"no-masterauth"}, .password = "pw"}) ==
          "set_config redis-app-0 masterauth (secret)");
  }

  TEST_CASE("every finding that fix mends is one that there is") {
    int mendable = 0;
    for (const FindingKind& kind : finding_kinds()) {
      mendable += is_mendable(kind.id) ? 1 : 0;
    }
    CHECK(mendable == 22);
    CHECK_FALSE(is_mendable("few-masters"));
  }
}

}  // namespace
}  // namespace kredis::core
