// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/step_commands.hpp"

#include <array>
#include <charconv>
#include <string_view>
#include <variant>

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

template <typename... Functions>
struct Overload : Functions... {
  using Functions::operator()...;
};

Result<const Member*> member_of(const ClusterView& view, const std::string& pod) {
  const Member* member = view.by_pod(pod);
  if (member == nullptr) {
    return Error::internal("the plan names " + pod + ", which is no pod of cluster " + view.name);
  }
  return member;
}

/// ADDSLOTSRANGE came with Redis 7.0; every Valkey has it.
bool knows_slot_ranges(const Member& member) {
  if (!member.server || member.server->server == "valkey") {
    return true;
  }
  const std::string& version = member.server->version;
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major >= 7;
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
  constexpr int k_bus_distance = 10'000;
  if (own_port && self != nullptr && self->address.bus_port != 0 &&
      self->address.bus_port != other->pod.port + k_bus_distance) {
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

}  // namespace

const std::string& pod_of(const core::Step& step) {
  return std::visit([](const auto& what) -> const std::string& { return what.pod; }, step.what);
}

Result<Command> command_for(const core::Step& step, const ClusterView& view) {
  return std::visit(
      Overload{[&](const Meet& what) { return meet(what, view); },
               [&](const AddSlots& what) { return add_slots(what, view); },
               [](const SetEpoch& what) -> Result<Command> {
                 return Command{"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(what.epoch)};
               },
               [](const Replicate& what) -> Result<Command> {
                 return Command{"CLUSTER", "REPLICATE", what.master.to_text()};
               },
               [](const Failover& what) -> Result<Command> { return failover(what); }},
      step.what);
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
  // "Slot N is already busy" may be our own earlier doing: the look that follows tells.
  return std::holds_alternative<AddSlots>(step.what) &&
         reply.text.find("already busy") != std::string::npos;
}

}  // namespace kredis::plugin
