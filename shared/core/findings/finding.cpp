// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/finding.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

#include "shared/core/findings/finding_checks.hpp"

namespace kredis::core {
namespace {

/// Within one severity, findings keep this order.
constexpr std::array k_checks{
    &check_kubernetes_nodes, &check_merged,        &check_twins,          &check_initialised,
    &check_majority,         &check_coverage,      &check_denied_slots,   &check_failed_owners,
    &check_open_slots,       &check_stray_keys,    &check_moving_slots,   &check_agreement,
    &check_cluster_state,    &check_pods,          &check_pod_count,      &check_answers,
    &check_addresses,        &check_ghosts,        &check_strays,         &check_masterauth,
    &check_replica_counts,   &check_replica_links, &check_replica_places, &check_survival,
    &check_refused_writes,   &check_persistence,   &check_memory,         &check_versions,
    &check_master_count,     &check_node_timeouts,
};

bool all_on_one_node(const ClusterView& view) {
  std::set<std::string> nodes;
  for (const Member& member : view.members) {
    nodes.insert(member.pod.domain.node);
  }
  return view.members.size() > 1 && nodes.size() == 1 && !nodes.begin()->empty();
}

/// Whether a pod that did not answer may serve for all we know: silence is no outage.
bool may_serve(const Member& member) {
  if (!member.pod.running || !member.trouble || (member.server && member.server->loading)) {
    return false;
  }
  const ErrorCode code = member.trouble->code;
  return code == ErrorCode::unreachable ? member.pod.ready : code != ErrorCode::unsafe;
}

/// Most masters with slots are there to vote.
bool has_majority(const ClusterView& view) {
  std::size_t owners = 0;
  std::size_t alive = 0;
  for (const ShardView& shard : shards_of(view)) {
    if (!shard.master.node->slots.empty()) {
      ++owners;
      alive += is_there(shard.master) ? 1U : 0U;
    }
  }
  return 2 * alive > owners;
}

bool most_say_fail(const ClusterView& view) {
  std::ptrdiff_t balance = 0;
  for (const Member& member : view.members) {
    balance += !member.cluster ? 0 : member.cluster->state_ok ? -1 : 1;
  }
  return balance > 0;
}

}  // namespace

Examined examine(const ClusterView& view) {
  Examined cluster{.view = view, .agreed = view.agreed(), .survival = survival_of(view)};
  cluster.one_node = all_on_one_node(view);
  cluster.shards = shards_of(view);
  for (const Member& member : view.members) {
    if (const Node* self = member.self()) {
      cluster.answering.try_emplace(self->id, &member);
    }
  }
  return cluster;
}

std::string Examined::redis_command(const std::string& verb) const {
  return core::redis_command(view, verb);
}

std::string Examined::kubectl(const std::string& command) const {
  return kubectl_command(view, command);
}

std::string Examined::redis_cli(const std::string& pod, const std::string& command) const {
  return core::redis_cli_command(view, pod, command);
}

std::string Examined::redis_cli_on_all(const std::string& command) const {
  return core::redis_cli_on_all_command(view, command);
}

std::string Examined::workload() const {
  return view.members.empty() ? "statefulset/" + view.name : view.members.front().pod.owner;
}

std::string Examined::name_of(const Node& node) const {
  const Member* member = view.by_node(node);
  return member == nullptr ? "node " + node.id.short_text() : "pod " + member->pod.name;
}

Remedy mends(std::string command, std::string advice) {
  return {Remedy::Kind::mends, std::move(command), std::move(advice)};
}

Remedy shows(std::string command, std::string advice) {
  return {Remedy::Kind::shows, std::move(command), std::move(advice)};
}

Remedy by_hand(std::string advice) { return {Remedy::Kind::by_hand, "", std::move(advice)}; }

void add(Findings& found,
         std::string_view id,
         std::string message,
         Remedy remedy,
         std::optional<Severity> severity) {
  const FindingKind* kind = find_finding_kind(id);
  const Severity usual = kind == nullptr ? Severity::error : kind->severity;
  found.push_back({.id = std::string{id},
                   .severity = severity.value_or(usual),
                   .message = std::move(message),
                   .remedy = std::move(remedy)});
}

std::string Remedy::to_text() const {
  return advice.empty() || command.empty() ? advice + command : advice + ": " + command;
}

std::string_view to_text(Health health) noexcept {
  constexpr std::array<std::string_view, 5> k_names{"ok", "degraded", "broken", "down", "unknown"};
  return k_names[static_cast<std::size_t>(health)];
}

std::string_view to_text(Severity severity) noexcept {
  constexpr std::array<std::string_view, 3> k_names{"info", "warning", "error"};
  return k_names[static_cast<std::size_t>(severity)];
}

std::string_view to_text(Remedy::Kind kind) noexcept {
  constexpr std::array<std::string_view, 3> k_names{"mends", "shows", "by-hand"};
  return k_names[static_cast<std::size_t>(kind)];
}

std::vector<Finding> find_trouble(const ClusterView& view) {
  const Examined cluster = examine(view);
  Findings found;
  for (const auto check : k_checks) {
    check(cluster, found);
  }
  std::ranges::stable_sort(found, std::greater{}, &Finding::severity);
  return found;
}

Health health_of(const ClusterView& view, const std::vector<Finding>& findings) {
  if (view.agreed() == nullptr) {
    return std::ranges::any_of(view.members, may_serve) ? Health::unknown : Health::down;
  }
  if (served_slots(view) != SlotSet::all() || !has_majority(view) || most_say_fail(view)) {
    return Health::down;
  }
  Health health = Health::ok;
  for (const Finding& finding : findings) {
    if (finding.id == "clusters-merged" || finding.id == "twin-node") {
      return Health::broken;
    }
    health = finding.severity == Severity::info ? health : Health::degraded;
  }
  return health;
}

}  // namespace kredis::core
