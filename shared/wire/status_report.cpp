// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/status_report.hpp"

#include <map>
#include <string>

#include "shared/wire/report.hpp"

namespace kredis::wire {
namespace {

using core::ClusterView;
using core::Finding;
using core::Loss;
using core::SeenNode;
using core::ShardView;
using core::SlotRange;
using core::SlotSet;

/// Where the node is now. A node may go on naming the address of its pod's earlier life.
std::string address_text(const SeenNode& seen) {
  std::string ip = seen.node->address.ip;
  if (seen.member != nullptr && !seen.member->pod.ip.empty()) {
    const core::Pod& pod = seen.member->pod;
    ip = core::expected_ip(pod);
  }
  const bool v6 = ip.find(':') != std::string::npos;
  return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(seen.node->address.port);
}

/// What masters and replicas have in common.
Json node_json(const SeenNode& seen) {
  const core::Pod pod = seen.member == nullptr ? core::Pod{} : seen.member->pod;
  return {{"id", seen.node->id.to_text()},
          {"pod", pod.name},
          {"node", pod.domain.node},
          {"zone", pod.domain.zone},
          {"address", address_text(seen)}};
}

Json replica_json(const SeenNode& master, const SeenNode& replica) {
  Json json = node_json(replica);
  const auto lag = core::replication_lag_bytes(master, replica);
  json["lagBytes"] = lag ? Json(*lag) : Json();
  const bool answered = replica.member != nullptr && replica.member->server.has_value();
  const bool up = answered && replica.member->server->master_link_up;
  json["link"] = !answered ? Json() : Json(up ? "up" : "down");
  return json;
}

Json master_json(const ShardView& shard) {
  Json json = node_json(shard.master);
  const bool answered = shard.master.member != nullptr && shard.master.member->server.has_value();
  json["slots"] = slots_json(shard.master.node->slots);
  json["keys"] = answered ? Json(shard.master.member->server->keys) : Json();
  json["memoryBytes"] = answered ? Json(shard.master.member->server->used_memory_bytes) : Json();
  json["replicas"] = Json::array();
  for (const SeenNode& replica : shard.replicas) {
    json["replicas"].push_back(replica_json(shard.master, replica));
  }
  return json;
}

std::uint32_t count_open_slots(const ClusterView& view) {
  SlotSet open;
  for (const core::Member& member : view.members) {
    const core::Node* self = member.self();
    for (const core::OpenSlot& slot :
         self == nullptr ? std::vector<core::OpenSlot>{} : self->open_slots) {
      open.insert(core::one_slot(slot.slot));
    }
  }
  return open.size();
}

Json losses_json(const std::map<std::string, Loss>& losses) {
  Json json = Json::object();
  for (const auto& [name, loss] : losses) {
    json[name] = {{"survived", loss.survived()},
                  {"lostSlots", slots_json(loss.slots)},
                  {"majorityLost", loss.majority_gone},
                  {"masters", loss.masters}};
  }
  return json;
}

Json change_json(const ClusterView& view) {
  if (!view.change) {
    return nullptr;
  }
  return {{"doing", view.change->doing},
          {"by", view.change->who},
          {"since", view.change->since},
          {"progress", view.change->progress}};
}

Json connect_json(const ClusterView& view) {
  Json services = Json::array();
  for (const core::ClientService& each : view.connect.services) {
    services.push_back({{"name", each.name},
                        {"address", each.address},
                        {"type", each.type},
                        {"pod", each.pod},
                        {"nodePort", each.node_port},
                        {"external", each.external}});
  }
  return {{"services", std::move(services)},
          {"authSecret", view.connect.auth_secret},
          {"authKey", view.connect.auth_key},
          {"tls", view.connect.tls},
          {"command", core::redis_command(view, "cli")}};
}

}  // namespace

Json slots_json(const SlotSet& slots) {
  Json runs = Json::array();
  for (const SlotRange& range : slots.ranges()) {
    runs.push_back({range.first(), range.last()});
  }
  return runs;
}

Json status_report(const ClusterView& view,
                   const std::vector<Finding>& findings,
                   const core::Survival& survival) {
  const core::Topology* agreed = view.agreed();
  Json masters = Json::array();
  for (const ShardView& shard : core::shards_of(view)) {
    masters.push_back(master_json(shard));
  }
  Json found = Json::array();
  for (const Finding& finding : findings) {
    const core::FindingKind* kind = core::find_finding_kind(finding.id);
    found.push_back({{"id", finding.id},
                     {"title", kind == nullptr ? "" : kind->title},
                     {"severity", core::to_text(finding.severity)},
                     {"message", finding.message},
                     {"fix", finding.remedy.to_text()},
                     {"remedy",
                      {{"kind", core::to_text(finding.remedy.kind)},
                       {"command", finding.remedy.command},
                       {"advice", finding.remedy.advice}}}});
  }
  return {{"apiVersion", k_report_api},
          {"kind", "ClusterStatus"},
          {"name", view.name},
          {"namespace", view.namespace_},
          {"madeBy", view.made_by},
          {"health", core::to_text(core::health_of(view, findings))},
          {"slots",
           {{"assigned", agreed == nullptr ? 0 : agreed->assigned_slots().size()},
            {"ok", core::served_slots(view).size()},
            {"open", count_open_slots(view)}}},
          {"connect", connect_json(view)},
          {"change", change_json(view)},
          {"masters", std::move(masters)},
          {"survives",
           {{"nodes", losses_json(survival.nodes)}, {"zones", losses_json(survival.zones)}}},
          {"findings", std::move(found)}};
}

}  // namespace kredis::wire
