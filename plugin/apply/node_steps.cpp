// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/node_steps.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "shared/core/plans/plan_failover.hpp"

namespace kredis::plugin {
namespace {

using core::AddSlots;
using core::ClusterView;
using core::Command;
using core::Failover;
using core::Meet;
using core::Member;
using core::Replicate;
using core::SetEpoch;

Result<const Member*> member_of(const ClusterView& view, const std::string& pod) {
  const Member* member = view.by_pod(pod);
  if (member == nullptr) {
    return Error::conflict("pod " + pod + " went away");
  }
  return member;
}

/// ADDSLOTSRANGE came with Redis 7.0; every Valkey has it.
bool knows_slot_ranges(const Member& member) {
  if (!member.server || member.server->server == "valkey") {
    return true;
  }
  const auto version = core::version_of(*member.server);
  return version && version->major >= 7;
}

Result<Command> meet(const Meet& step, const ClusterView& view) {
  KREDIS_TRY(const Member* other, member_of(view, step.other));
  // Behind a node's port it announces another port than its own: then it is met at its own address.
  const core::Node* self = other->self();
  const bool own_port = self == nullptr || self->address.port == other->pod.port;
  const std::string& ip =
      other->pod.announced_ip.empty() || !own_port ? other->pod.ip : other->pod.announced_ip;
  if (ip.empty()) {
    return Error::unreachable(step.other + " has no address yet")
        .with_hint("see why: kubectl describe pod " + step.other);
  }
  Command command{"CLUSTER", "MEET", ip, std::to_string(other->pod.port)};
  if (own_port && self != nullptr && self->address.bus_port != 0 &&
      self->address.bus_port != other->pod.port + core::k_bus_offset) {
    command.push_back(std::to_string(self->address.bus_port));
  }
  return command;
}

Result<Command> add_slots(const AddSlots& step, const ClusterView& view) {
  KREDIS_TRY(const Member* member, member_of(view, step.pod));
  const bool ranges = knows_slot_ranges(*member);
  Command command{"CLUSTER", ranges ? "ADDSLOTSRANGE" : "ADDSLOTS"};
  for (const core::SlotRange& range : step.slots.ranges()) {
    if (ranges) {
      command.push_back(std::to_string(range.first()));
      command.push_back(std::to_string(range.last()));
      continue;
    }
    for (std::uint32_t slot = range.first(); slot <= range.last(); ++slot) {
      command.push_back(std::to_string(slot));
    }
  }
  return command;
}

Command failover(const Failover& step) {
  switch (step.how) {
    case core::TakeOver::in_step:
      return {"CLUSTER", "FAILOVER"};
    case core::TakeOver::force:
      return {"CLUSTER", "FAILOVER", "FORCE"};
    case core::TakeOver::takeover:
      return {"CLUSTER", "FAILOVER", "TAKEOVER"};
  }
  return {};
}

std::vector<Command> set_config(const core::SetConfig& step) {
  std::vector<Command> commands;
  for (const core::Setting& each : step.settings) {
    commands.push_back({"CONFIG", "SET", each.name, each.value});
  }
  return commands;
}

/// Versions differ in what a running server takes; what it does not is left to a restart.
bool is_fixed(const core::Reply& reply) {
  return reply.text.find("immutable") != std::string::npos ||
         reply.text.find("protected config") != std::string::npos ||
         reply.text.find("Unsupported CONFIG parameter") != std::string::npos;
}

struct MissingOf {
  const ClusterView& view;

  const core::Node* self_of(const std::string& pod) const {
    const Member* member = view.by_pod(pod);
    return member == nullptr ? nullptr : member->self();
  }
  /// Asks `what` of the node that says what it is itself; who is silent has not shown anything.
  template <typename What>
  std::string at(const std::string& pod, What what) const {
    const core::Node* self = self_of(pod);
    return self == nullptr ? pod + " does not answer" : std::string(what(*self));
  }
  std::string answering(const std::string& pod) const {
    return at(pod, [](const core::Node&) { return ""; });
  }

  std::string operator()(const Meet& step) const {
    if (std::string silent = answering(step.pod); !silent.empty()) {
      return silent;
    }
    const Member* viewer = view.by_pod(step.pod);
    const Member* other = view.by_pod(step.other);
    const bool met = viewer != nullptr && other != nullptr && core::reaches(*viewer, *other);
    return met ? "" : step.pod + " does not reach " + step.other + " yet";
  }
  std::string operator()(const AddSlots& step) const {
    return at(step.pod, [&](const core::Node& self) {
      const core::SlotSet lacking = step.slots.without(self.slots);
      return lacking.empty() ? std::string()
                             : step.pod + " does not have slots " + lacking.to_text();
    });
  }
  std::string operator()(const SetEpoch& step) const { return answering(step.pod); }
  std::string operator()(const core::BumpEpoch& step) const {
    return at(step.pod, [&](const core::Node& self) {
      // A replica is listed with its master's epoch, which may be this one.
      const auto beats = [&](const core::Node& other) {
        return other.role == core::Role::replica || other.flags.myself ||
               other.config_epoch < self.config_epoch;
      };
      const bool highest = std::ranges::all_of(view.by_pod(step.pod)->view->nodes(), beats);
      return highest ? std::string() : step.pod + " has no epoch above all others";
    });
  }
  std::string operator()(const Replicate& step) const {
    return at(step.pod, [&](const core::Node& self) {
      return self.master == step.master ? std::string()
                                        : step.pod + " does not follow " + step.master_pod;
    });
  }
  std::string operator()(const Failover& step) const {
    const std::string silent = answering(step.pod);
    return silent.empty() ? core::failover_missing(view, step) : silent;
  }
  std::string operator()(const core::Forget& step) const {
    return at(step.pod, [&](const core::Node&) {
      const bool known = view.by_pod(step.pod)->view->find(step.node) != nullptr;
      return known ? step.pod + " still knows " + step.node.short_text() : std::string();
    });
  }
  std::string operator()(const core::Reset& step) const {
    return at(step.pod, [&](const core::Node& self) {
      const bool alone = view.by_pod(step.pod)->view->nodes().size() == 1 && self.slots.empty();
      return alone ? std::string() : step.pod + " has not left its cluster";
    });
  }
  std::string operator()(const core::ClaimSlots& step) const {
    return at(step.pod, [&](const core::Node& self) {
      const core::SlotSet lacking = step.slots.without(self.slots);
      return lacking.empty() ? std::string()
                             : step.pod + " does not have slots " + lacking.to_text();
    });
  }
  std::string operator()(const core::StabiliseSlots& step) const {
    return at(step.pod, [&](const core::Node& self) {
      const auto open = std::ranges::find_if(self.open_slots, [&](const core::OpenSlot& each) {
        return step.slots.contains(each.slot);
      });
      return open == self.open_slots.end()
                 ? std::string()
                 : "slot " + std::to_string(open->slot) + " is still half moved on " + step.pod;
    });
  }
  std::string operator()(const core::AssignSlots& step) const {
    return at(step.pod, [&](const core::Node&) {
      const core::Node* owner = view.by_pod(step.pod)->view->find(step.node);
      const bool named = owner != nullptr && step.slots.without(owner->slots).empty();
      return named ? std::string()
                   : step.pod + " does not see slots " + step.slots.to_text() + " at " +
                         step.node_pod;
    });
  }
  std::string operator()(const core::SetConfig& step) const { return answering(step.pod); }
  template <typename Kind>
  requires(!core::is_node_command<Kind>) std::string operator()(const Kind&) const { return {}; }
};

/// What a node is told for a step; nothing for what no node does.
struct CommandsOf {
  using Commands = Result<std::vector<Command>>;
  const ClusterView& view;

  static Commands one(Result<Command> command) {
    return command ? Commands({std::move(*command)}) : Commands(command.error());
  }
  /// Empties memory and volume. Who waits for replicas before it writes has none any more.
  void flush(const std::string& pod, std::vector<Command>& commands) const {
    const Member* member = view.by_pod(pod);
    const auto server = member == nullptr ? std::nullopt : member->server;
    const std::int64_t least = server ? server->least_replicas.value_or(0) : 0;
    const auto wait_for = [&](std::int64_t replicas) {
      commands.push_back({"CONFIG", "SET", "min-replicas-to-write", std::to_string(replicas)});
    };
    if (least > 0) {
      wait_for(0);
    }
    commands.push_back({"FLUSHALL"});
    if (server && server->libraries.value_or(0) > 0) {
      commands.push_back({"FUNCTION", "FLUSH"});
    }
    if (server && !server->aof_enabled) {
      commands.push_back({"SAVE"});
    }
    if (least > 0) {
      wait_for(least);
    }
  }
  Commands operator()(const Meet& what) const { return one(meet(what, view)); }
  Commands operator()(const AddSlots& what) const { return one(add_slots(what, view)); }
  Commands operator()(const SetEpoch& what) const {
    return one(Command{"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(what.epoch)});
  }
  Commands operator()(const core::BumpEpoch&) const { return one(Command{"CLUSTER", "BUMPEPOCH"}); }
  Commands operator()(const Replicate& what) const {
    return one(Command{"CLUSTER", "REPLICATE", what.master.to_text()});
  }
  Commands operator()(const Failover& what) const { return one(failover(what)); }
  Commands operator()(const core::Forget& what) const {
    return one(Command{"CLUSTER", "FORGET", what.node.to_text()});
  }
  Commands operator()(const core::Reset& what) const {
    std::vector<Command> commands;
    if (what.empties) {
      flush(what.pod, commands);
    }
    commands.push_back({"CLUSTER", "RESET", what.kind == core::ResetKind::hard ? "HARD" : "SOFT"});
    if (what.clears) {
      flush(what.pod, commands);
    }
    return commands;
  }
  Commands operator()(const core::ClaimSlots& what) const {
    std::vector<Command> commands =
        setslot_commands(what.slots.numbers(), {"NODE", what.node.to_text()});
    commands.push_back({"CLUSTER", "BUMPEPOCH"});
    return commands;
  }
  Commands operator()(const core::StabiliseSlots& what) const {
    return setslot_commands(what.slots.numbers(), {"STABLE"});
  }
  Commands operator()(const core::AssignSlots& what) const {
    return setslot_commands(what.slots.numbers(), {"NODE", what.node.to_text()});
  }
  Commands operator()(const core::SetConfig& what) const { return set_config(what); }
  template <typename Kind>
  requires(!core::is_node_command<Kind>) Commands operator()(const Kind&) const {
    return std::vector<Command>{};
  }
};

}  // namespace

std::vector<Command> setslot_commands(const std::vector<std::uint32_t>& slots,
                                      const std::vector<std::string>& how) {
  std::vector<Command> commands;
  for (const std::uint32_t slot : slots) {
    Command command{"CLUSTER", "SETSLOT", std::to_string(slot)};
    command.insert(command.end(), how.begin(), how.end());
    commands.push_back(std::move(command));
  }
  return commands;
}

std::vector<Command> raise_epoch_commands() {
  return {{"CLUSTER", "BUMPEPOCH"}, {"PUBLISH", "kubectl-redis:epoch", ""}};
}

Result<std::vector<Command>> commands_for(const core::Step& step, const ClusterView& view) {
  return std::visit(CommandsOf{view}, step.what);
}

bool acceptable(const core::Step& step, const core::Reply& reply) {
  if (!reply.is_error()) {
    return true;
  }
  if (std::holds_alternative<SetEpoch>(step.what)) {
    // Epochs that could not be given out are settled by the nodes themselves.
    return reply.text.starts_with("ERR ");
  }
  if (std::holds_alternative<Failover>(step.what)) {
    // It is a master already, by this plan's earlier try or by an election of the nodes' own.
    return reply.text.find("should send CLUSTER FAILOVER to a") != std::string::npos;
  }
  if (std::holds_alternative<core::SetConfig>(step.what)) {
    return is_fixed(reply);
  }
  if (std::holds_alternative<core::Forget>(step.what)) {
    return reply.text.find("Unknown node") != std::string::npos;
  }
  // "Slot N is already busy" may be our own earlier doing: the look that follows tells.
  return std::holds_alternative<AddSlots>(step.what) &&
         reply.text.find("already busy") != std::string::npos;
}

std::string missing_of(const core::Step& step, const ClusterView& view) {
  return std::visit(MissingOf{view}, step.what);
}

std::string not_introduced(const ClusterView& view) {
  std::size_t content = 0;
  std::string example;
  for (const Member& viewer : view.members) {
    bool knows_all = viewer.view.has_value();
    for (const Member& other : view.members) {
      if (core::reaches(viewer, other)) {
        continue;
      }
      knows_all = false;
      if (example.empty()) {
        example = viewer.pod.name + " does not reach " + other.pod.name + " yet";
      }
    }
    content += knows_all ? 1U : 0U;
  }
  const std::size_t all = view.members.size();
  return content == all ? ""
                        : std::to_string(content) + " of " + std::to_string(all) +
                              " nodes reach all others; " + example;
}

}  // namespace kredis::plugin
