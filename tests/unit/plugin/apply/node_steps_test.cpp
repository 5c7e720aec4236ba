// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <map>
#include <tuple>

#include "plugin/apply/node_steps.hpp"
#include "plugin/operations/init/bus_diagnosis.hpp"
#include "plugin/operations/init/forming_node_timeouts.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;
using core::ClusterView;
using core::Command;
using testing::edit_nodes;

const std::string k_id_a(40, 'a');
const std::string k_id_b(40, 'b');

core::Node node(const std::string& id, int bus_port) {
  return {.id = *core::NodeId::parse(id), .address = {.port = 6379, .bus_port = bus_port}};
}

/// Two pods that know each other.
ClusterView two_pods() {
  ClusterView view{.name = "redis", .namespace_ = "shop"};
  for (const auto& [name, ip, own, other] :
       {std::tuple{"redis-app-0", "10.0.0.1", k_id_a, k_id_b},
        std::tuple{"redis-app-1", "10.0.0.2", k_id_b, k_id_a}}) {
    core::Member member{.pod = {.name = name, .ip = ip}};
    member.view.emplace(std::vector{node(own, 16379), node(other, 16379)});
    edit_nodes(member)[0].flags.myself = true;
    member.server.emplace();
    member.server->version = "7.0.15";
    view.members.push_back(std::move(member));
  }
  return view;
}

core::Step step(core::StepKind what) { return {.what = std::move(what), .reason = ""}; }

/// The only command that a step is.
Command one(const core::Step& what, const ClusterView& view) {
  const auto commands = commands_for(what, view);
  REQUIRE(commands.has_value());
  REQUIRE(commands->size() == 1);
  return commands->front();
}

TEST_SUITE("plugin/node_steps") {
  TEST_CASE("steps are written in the words of the server's version") {
    ClusterView view = two_pods();
    const core::Step add =
        step(core::AddSlots{.pod = "redis-app-0", .slots = *core::SlotSet::parse("0-2,7")});
    CHECK(one(add, view) == Command{"CLUSTER", "ADDSLOTSRANGE", "0", "2", "7", "7"});
    view.members[0].server->version = "6.2.14";
    CHECK(one(add, view) == Command{"CLUSTER", "ADDSLOTS", "0", "1", "2", "7"});
    view.members[0].server->server = "valkey";
    CHECK(one(add, view).at(1) == "ADDSLOTSRANGE");
    CHECK(one(step(core::SetEpoch{.pod = "redis-app-0", .epoch = 3}), view) ==
          Command{"CLUSTER", "SET-CONFIG-EPOCH", "3"});
  }

  TEST_CASE("a failover names its mode, and a replica that is master already is no refusal") {
    const ClusterView view = two_pods();
    core::Failover failover{.pod = "redis-app-1",
                            .replica = *core::NodeId::parse(k_id_b),
                            .master_pod = "redis-app-0",
                            .master = *core::NodeId::parse(k_id_a)};
    CHECK(one(step(failover), view) == Command{"CLUSTER", "FAILOVER"});
    failover.how = core::TakeOver::force;
    CHECK(one(step(failover), view).at(2) == "FORCE");
    failover.how = core::TakeOver::takeover;
    CHECK(one(step(failover), view).at(2) == "TAKEOVER");
    const auto error = [](const char* text) {
      return core::Reply{.kind = core::Reply::Kind::error, .text = text};
    };
    CHECK(acceptable(step(failover), error("ERR You should send CLUSTER FAILOVER to a replica")));
    CHECK_FALSE(acceptable(
        step(failover), error("ERR Master is down or failed, please use CLUSTER FAILOVER FORCE")));
  }

  TEST_CASE("meeting uses the announced address, and names a bus port that is not the usual one") {
    ClusterView view = two_pods();
    const core::Step meet = step(core::Meet{.pod = "redis-app-0", .other = "redis-app-1"});
    CHECK(one(meet, view) == Command{"CLUSTER", "MEET", "10.0.0.2", "6379"});
    view.members[1].pod.announced_ip = "10.96.0.7";
    edit_nodes(view.members[1])->front().address.bus_port = 17000;
    CHECK(one(meet, view) == Command{"CLUSTER", "MEET", "10.96.0.7", "6379", "17000"});
    view.members[1].pod.announced_ip = "";
    view.members[1].pod.ip = "";
    CHECK(commands_for(meet, view).error().code == ErrorCode::unreachable);
    CHECK(commands_for(step(core::Meet{.pod = "redis-app-0", .other = "nobody"}), view)
              .error()
              .code == ErrorCode::conflict);
  }

  TEST_CASE("only errors that say it is so already let a plan go on") {
    const auto reply = [](const char* text) {
      return core::Reply{.kind = core::Reply::Kind::error, .text = text};
    };
    const core::Step add = step(core::AddSlots{.pod = "p"});
    const core::Step epoch = step(core::SetEpoch{.pod = "p", .epoch = 1});
    CHECK(acceptable(add, {.kind = core::Reply::Kind::status, .text = "OK"}));
    CHECK(acceptable(add, reply("ERR Slot 5 is already busy")));
    CHECK_FALSE(acceptable(add, reply("ERR Invalid or out of range slot")));
    CHECK(acceptable(epoch, reply("ERR Node config epoch is already non-zero")));
    CHECK_FALSE(acceptable(epoch, reply("NOPERM this user has no permissions")));
    CHECK_FALSE(acceptable(step(core::Meet{}), reply("ERR Invalid node address specified")));
  }

  TEST_CASE("every command to a node has its words, and every other kind has none") {
    const ClusterView view = testing::ViewBuilder::whole(3, 1).build();
    const std::map<std::string, std::string> words{
        {"meet", "CLUSTER MEET 10.0.0.1 6379"},
        {"add_slots", "CLUSTER ADDSLOTSRANGE 5461 10922"},
        {"set_epoch", "CLUSTER SET-CONFIG-EPOCH 2"},
        {"bump_epoch", "CLUSTER BUMPEPOCH"},
        {"replicate", "CLUSTER REPLICATE " + id_of(0).to_text()},
        {"failover", "CLUSTER FAILOVER"},
        {"forget", "CLUSTER FORGET " + id_of(9).to_text()},
        {"reset", "CLUSTER RESET SOFT"},
        {"claim_slots",
         "CLUSTER SETSLOT 7 NODE " + id_of(1).to_text() + " CLUSTER SETSLOT 8 NODE " +
             id_of(1).to_text() + " CLUSTER SETSLOT 9 NODE " + id_of(1).to_text() +
             " CLUSTER BUMPEPOCH"},
        {"stabilise_slots", "CLUSTER SETSLOT 7 STABLE CLUSTER SETSLOT 8 STABLE"},
        {"assign_slots",
         "CLUSTER SETSLOT 7 NODE " + id_of(0).to_text() + " CLUSTER SETSLOT 8 NODE " +
             id_of(0).to_text()},
        {"set_config", "CONFIG SET maxmemory 1mb"}};
    for (const auto& row : every_kind()) {
      const auto& kind = row.first;
      const auto& each = row.second;
      CAPTURE(kind);
      const auto commands = commands_for(each, view);
      REQUIRE(commands.has_value());
      std::string text;
      for (const Command& command : *commands) {
        for (const std::string& word : command) {
          text += (text.empty() ? "" : " ") + word;
        }
      }
      CHECK(text == (words.contains(kind) ? words.at(kind) : ""));
    }
    const core::Step hard = step(core::Reset{.pod = "p", .kind = core::ResetKind::hard});
    CHECK(one(hard, view) == Command{"CLUSTER", "RESET", "HARD"});
    const core::Step emptied = step(core::Reset{.pod = "p", .empties = true});
    CHECK(commands_for(emptied, view)->front() == Command{"FLUSHALL"});
  }

  TEST_CASE("a node that leaves takes its data along, from its volume too") {
    ClusterView view = two_pods();
    const core::Step leaves =
        step(core::Reset{.pod = "redis-app-1", .kind = core::ResetKind::hard, .clears = true});
    view.members[1].server->aof_enabled = true;
    const Command reset{"CLUSTER", "RESET", "HARD"};
    CHECK(*commands_for(leaves, view) == std::vector<Command>{reset, {"FLUSHALL"}});
    view.members[1].server->aof_enabled = false;
    CHECK(*commands_for(leaves, view) == std::vector<Command>{reset, {"FLUSHALL"}, {"SAVE"}});
    view.members[1].server->libraries = 2;
    CHECK(commands_for(leaves, view)->at(2) == Command{"FUNCTION", "FLUSH"});
    view.members[1].server->libraries = 0;
    view.members[1].server->least_replicas = 1;
    CHECK(*commands_for(leaves, view) ==
          std::vector<Command>{reset,
                               {"CONFIG", "SET", "min-replicas-to-write", "0"},
                               {"FLUSHALL"},
                               {"SAVE"},
                               {"CONFIG", "SET", "min-replicas-to-write", "1"}});
  }

  TEST_CASE("a step shows in what the nodes say, and what does not is named") {
    struct Case {
      std::string label;
      core::StepKind what;
      testing::ViewBuilder view;
      std::string missing;
    };
    const std::string pod = testing::pod_name(1);
    const auto whole = [] { return testing::ViewBuilder::whole(3, 1); };
    const auto slots = *core::SlotSet::parse("0-1");
    const core::Failover failover{
        .pod = "redis-app-3", .replica = id_of(3), .master_pod = "redis-app-0", .master = id_of(0)};
    for (const Case& each : std::vector<Case>{
             {"slots", core::AddSlots{pod, slots}, whole(), "redis-app-1 does not have slots 0-1"},
             {"slots, all", core::AddSlots{pod, slots}, whole().slots(1, "0-5"), ""},
             {"epoch", core::BumpEpoch{pod}, whole(), "redis-app-1 has no epoch above all others"},
             {"epoch, highest", core::BumpEpoch{testing::pod_name(2)}, whole(), ""},
             {"follow",
              core::Replicate{"redis-app-3", pod, id_of(1)},
              whole(),
              "redis-app-3 does not follow redis-app-1"},
             {"follows", core::Replicate{"redis-app-4", pod, id_of(1)}, whole(), ""},
             {"failover", failover, whole(), "redis-app-3 has not taken over from redis-app-0"},
             {"forget", core::Forget{pod, id_of(0)}, whole(), "redis-app-1 still knows a0000000"},
             {"forgot", core::Forget{pod, id_of(9)}, whole(), ""},
             {"reset", core::Reset{pod}, whole(), "redis-app-1 has not left its cluster"},
             {"alone with slots",
              core::Reset{pod},
              testing::ViewBuilder(2).slots(1, "0"),
              "redis-app-1 has not left its cluster"},
             {"alone", core::Reset{pod}, testing::ViewBuilder(2), ""},
             {"claims",
              core::ClaimSlots{pod, id_of(1), *core::SlotSet::parse("5460-5461")},
              whole(),
              "redis-app-1 does not have slots 5460"},
             {"assigns",
              core::AssignSlots{pod, "redis-app-0", id_of(0), *core::SlotSet::parse("5461")},
              whole(),
              "redis-app-1 does not see slots 5461 at redis-app-0"},
             {"assigned",
              core::AssignSlots{pod, "redis-app-0", id_of(0), *core::SlotSet::parse("5")},
              whole(),
              ""},
             {"stable", core::StabiliseSlots{pod, *core::SlotSet::parse("7")}, whole(), ""},
             {"open",
              core::StabiliseSlots{pod, *core::SlotSet::parse("7")},
              whole().edit(1,
                           [](core::Member& member) {
                             edit_nodes(member)[1].open_slots = {
                                 {.slot = 7,
                                  .direction = core::OpenSlot::Direction::importing,
                                  .other = id_of(0)}};
                           }),
              "slot 7 is still half moved on redis-app-1"},
             {"restart", core::RestartPod{pod}, whole(), ""}}) {
      CAPTURE(each.label);
      CHECK(missing_of(step(each.what), each.view.build()) == each.missing);
    }
    for (const auto& row : every_kind()) {
      const auto& kind = row.first;
      const auto& each = row.second;
      CAPTURE(kind);
      const bool is_command = !commands_for(each, whole().build())->empty();
      CHECK(missing_of(each, whole().silent(1).build()) ==
            (is_command ? "redis-app-1 does not answer" : ""));
    }
  }

  TEST_CASE("what a running server does not take is left to a restart, other refusals count") {
    const auto reply = [](const char* text) {
      return core::Reply{.kind = core::Reply::Kind::error, .text = text};
    };
    const core::Step set = step(core::SetConfig{.pod = "p", .settings = {}});
    CHECK(acceptable(set, reply("ERR CONFIG SET failed - can't set immutable config")));
    CHECK(acceptable(set, reply("ERR CONFIG SET failed - can't set protected config")));
    CHECK(acceptable(set, reply("ERR Unsupported CONFIG parameter: x")));
    CHECK_FALSE(acceptable(set, reply("ERR CONFIG SET failed - argument must be a memory value")));
    const core::Step forget = step(core::Forget{.pod = "p", .node = id_of(1)});
    CHECK(acceptable(forget, reply("ERR Unknown node a0000001")));
    CHECK_FALSE(acceptable(forget, reply("ERR Can't forget my master!")));
    CHECK_FALSE(acceptable(step(core::Reset{.pod = "p"}), reply("ERR Unknown node")));
    CHECK_FALSE(acceptable(step(core::BumpEpoch{.pod = "p"}), reply("ERR Unknown node")));
  }

  TEST_CASE(
      "the short node timeout is never shorter than what the nodes took, and at least wakes") {
    CHECK(forming_node_timeout(0ms, 0) == 207ms);
    CHECK(forming_node_timeout(506ms, 0) == 207ms);
    CHECK(forming_node_timeout(507ms, 0) == 507ms);
    CHECK(forming_node_timeout(0ms, k_least_to_serve) == 507ms);
    CHECK(forming_node_timeout(1h, 0) == 2007ms);
  }
}

TEST_SUITE("operations/bus_diagnosis") {
  TEST_CASE("the pair that cannot talk is named, with what the API server's side sees") {
    ClusterView view = two_pods();
    const Error late = Error::timeout("it took too long");
    CHECK(diagnose_bus(view, late, nullptr) == late);

    // What answers us and is gone for its peer is cut off from it, whatever its link says.
    edit_nodes(view.members[0])->back().flags.pfail = true;
    CHECK(blocked_pairs(view) ==
          std::vector<BusPair>{{.from = "redis-app-0", .to = "redis-app-1"}});
    edit_nodes(view.members[0])->back().flags.pfail = false;
    CHECK(blocked_pairs(view).empty());

    edit_nodes(view.members[0])->back().link_connected = false;
    CHECK(blocked_pairs(view) ==
          std::vector<BusPair>{{.from = "redis-app-0", .to = "redis-app-1"}});
    tests::FakeKube kube;
    kube.route("redis-app-1", {.address = "127.0.0.1", .port = 1});
    const Error closed = diagnose_bus(view, late, &kube);
    CHECK(closed.message ==
          "redis-app-0 cannot reach the bus port 16379 of redis-app-1 (10.0.0.2)");
    CHECK(closed.hint.find("nothing listens on port 16379") != std::string::npos);
    CHECK(diagnose_bus(view, late, nullptr).hint.find("NetworkPolicy") != std::string::npos);

    edit_nodes(view.members[1])->pop_back();
    CHECK(blocked_pairs(view).size() == 2);
    CHECK(diagnose_bus(view, late, nullptr).message.find("nor ") != std::string::npos);
  }
}

}  // namespace
}  // namespace kredis::plugin
