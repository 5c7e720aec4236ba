// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cluster_model.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "shared/core/slot_set.hpp"
#include "shared/wire/config_drift.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/fake_redis.hpp"
#include "tests/support/nodes_text.hpp"

namespace kredis::tests {
namespace {

core::SlotSet slots_in(const core::Command& command) {
  core::SlotSet slots;
  for (std::size_t i = 2; i + 1 < command.size(); i += 2) {
    slots.insert(core::SlotRange::parse(command[i] + "-" + command[i + 1]).value());
  }
  return slots;
}

core::Reply unknown(const core::Command& command) {
  return error_reply("ERR unknown command '" + command.front() + "'");
}

}  // namespace

ModelNode& ClusterModel::add(const std::string& pod, int ordinal, const std::string& host) {
  const core::NodeId id = testing::node_id(ordinal);
  nodes_.push_back({.pod = pod, .host = host, .id = id, .known = {id}});
  return nodes_.back();
}

void ClusterModel::erase(const std::string& pod) {
  std::erase_if(nodes_, [&](const ModelNode& node) { return node.pod == pod; });
}

const ModelNode* ClusterModel::find_pod(const std::string& pod) const {
  const auto found = std::ranges::find(nodes_, pod, &ModelNode::pod);
  return found == nodes_.end() ? nullptr : &*found;
}

ModelNode* ClusterModel::find_host(const std::string& host) {
  const auto found = std::ranges::find(nodes_, host, &ModelNode::host);
  return found == nodes_.end() ? nullptr : &*found;
}

ModelNode* ClusterModel::find_id(const core::NodeId& id) {
  const auto found = std::ranges::find(nodes_, id, &ModelNode::id);
  return found == nodes_.end() ? nullptr : &*found;
}

ModelNode& ClusterModel::node(const std::string& pod) {
  const auto found = std::ranges::find(nodes_, pod, &ModelNode::pod);
  if (found == nodes_.end()) {
    throw std::out_of_range("no node in pod " + pod);
  }
  return *found;
}

void ClusterModel::form(int masters) {
  const auto runs = core::even_slots(static_cast<std::uint32_t>(masters));
  const auto count = static_cast<std::size_t>(masters);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].epoch = i + 1;
    if (i < count) {
      nodes_[i].slots.insert(runs[i]);
    } else {
      nodes_[i].master = nodes_[(i - 1) % count].id;
    }
    meet(nodes_[0], nodes_[i]);
  }
}

/// Who knows one of the two knows both from now on, and everybody whom either knew.
void ClusterModel::meet(const ModelNode& one, const ModelNode& other) {
  std::set<core::NodeId> all = one.known;
  all.insert(other.known.begin(), other.known.end());
  for (ModelNode& node : nodes_) {
    if (all.contains(node.id)) {
      node.known = all;
    }
  }
}

core::Node ClusterModel::seen(const ModelNode& node, const ModelNode& viewer) {
  core::Node seen{.id = node.id};
  seen.address = {.ip = node.host, .port = 6379, .bus_port = 6379 + core::k_bus_offset};
  seen.role = node.master ? core::Role::replica : core::Role::master;
  seen.master = node.master;
  seen.flags.myself = node.id == viewer.id;
  seen.flags.fail = !node.up;
  seen.config_epoch = node.epoch;
  seen.link_connected = node.up;
  seen.slots = node.slots;
  return seen;
}

std::string ClusterModel::nodes_text(const ModelNode& viewer) const {
  std::string text;
  for (const ModelNode& node : nodes_) {
    text += viewer.known.contains(node.id) ? node_line(seen(node, viewer)) : "";
  }
  return text;
}

std::string ClusterModel::cluster_info(const ModelNode& viewer) const {
  core::SlotSet assigned;
  core::SlotSet served;
  std::uint64_t epoch = 0;
  for (const ModelNode& node : nodes_) {
    if (viewer.known.contains(node.id)) {
      assigned.insert(node.slots);
      served.insert(node.up ? node.slots : core::SlotSet());
      epoch = std::max(epoch, node.epoch);
    }
  }
  return fmt::format(
      "cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\n"
      "cluster_known_nodes:{}\r\ncluster_current_epoch:{}\r\ncluster_my_epoch:{}\r\n",
      served.size() == core::k_slot_count ? "ok" : "fail",
      assigned.size(),
      served.size(),
      viewer.known.size(),
      epoch,
      viewer.epoch);
}

std::string ClusterModel::info(const ModelNode& node) {
  std::string text =
      "redis_version:8.0.2\r\nloading:0\r\ncluster_enabled:1\r\naof_enabled:1\r\n"
      "used_memory:1048576\r\nused_memory_rss:2097152\r\nmaxmemory:0\r\nuptime_in_seconds:600\r\n";
  if (node.master) {
    const ModelNode* master = find_id(*node.master);
    const bool linked = node.link_up && master != nullptr && master->up;
    text += fmt::format("role:slave\r\nmaster_link_status:{}\r\nslave_repl_offset:{}\r\n",
                        linked ? "up" : "down",
                        node.offset);
  } else {
    const auto replicas = std::ranges::count(nodes_, node.id, &ModelNode::master);
    text += fmt::format(
        "role:master\r\nconnected_slaves:{}\r\nmaster_repl_offset:{}\r\n", replicas, node.offset);
  }
  return text + (node.keys > 0 ? fmt::format("db0:keys={},expires=0\r\n", node.keys) : "");
}

core::Reply ClusterModel::take_over(ModelNode& replica) {
  if (!replica.master) {
    return error_reply("ERR You should send CLUSTER FAILOVER to a replica");
  }
  if (may_take_over && !may_take_over(replica)) {
    return ok();  // As Redis does, which says nothing when it gives up.
  }
  ModelNode& old = *find_id(*replica.master);
  for (ModelNode& node : nodes_) {
    replica.epoch = std::max(replica.epoch, node.epoch + 1);
    node.master = node.master == old.id ? std::optional(replica.id) : node.master;
  }
  replica.master.reset();
  old.master = replica.id;
  std::swap(replica.slots, old.slots);
  return ok();
}

core::Reply ClusterModel::change(ModelNode& node, const core::Command& command) {
  const std::string& what = command[1];
  if (what == "MEET") {
    if (ModelNode* other = find_host(command[2])) {
      meet(node, *other);
    }
    return ok();
  }
  if (what == "ADDSLOTSRANGE") {
    node.slots.insert(slots_in(command));
    return ok();
  }
  if (what == "SET-CONFIG-EPOCH") {
    node.epoch = std::stoull(command[2]);
    return ok();
  }
  if (what == "REPLICATE") {
    node.master = core::NodeId::parse(command[2]).value();
    return ok();
  }
  if (what == "FAILOVER") {
    return take_over(node);
  }
  return what == "SETSLOT" ? ok() : unknown(command);
}

core::Reply ClusterModel::cluster(ModelNode& node, const core::Command& command) {
  if (command[1] == "NODES") {
    return text_reply(nodes_text(node));
  }
  if (command[1] == "COUNTKEYSINSLOT") {  // It has no keys.
    return {.kind = core::Reply::Kind::integer};
  }
  return command[1] == "INFO" ? text_reply(cluster_info(node)) : change(node, command);
}

core::Reply ClusterModel::config(ModelNode& node, const core::Command& command) const {
  const std::string& name = command[2];
  if (command[1] == "GET") {
    const auto found = node.settings.find(name);
    core::Reply reply{.kind = core::Reply::Kind::array};
    if (found != node.settings.end()) {
      reply.items = {text_reply(name), text_reply(found->second)};
    }
    return reply;
  }
  if (wire::mend_of(name) == wire::Mend::restart || immutable.contains(name)) {
    return error_reply("ERR CONFIG SET failed - can't set immutable config");
  }
  node.settings[name] = command[3];
  return ok();
}

core::Reply ClusterModel::answer(const std::string& host, const core::Command& command) {
  ModelNode* node = find_host(host);
  if (node == nullptr) {
    return error_reply("ERR nobody is at " + host);
  }
  if (command.front() == "CLUSTER") {
    return cluster(*node, command);
  }
  if (command.front() == "CONFIG") {
    return config(*node, command);
  }
  return command.front() == "INFO" ? text_reply(info(*node)) : unknown(command);
}

}  // namespace kredis::tests
