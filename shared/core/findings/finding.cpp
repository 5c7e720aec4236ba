// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/finding.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "shared/core/findings/finding_checks.hpp"

namespace kredis::core {
namespace {

using Check = void (*)(const Examined&, Findings&);

/// Within one severity, findings keep this order.
constexpr std::array<Check, 21> k_checks{
    &check_initialised,  &check_coverage,       &check_failed_owners, &check_open_slots,
    &check_agreement,    &check_majority,       &check_cluster_state, &check_pods,
    &check_pod_count,    &check_answers,        &check_addresses,     &check_ghosts,
    &check_strays,       &check_replica_counts, &check_replica_links, &check_replica_places,
    &check_survival,     &check_persistence,    &check_memory,        &check_versions,
    &check_master_count,
};

bool all_on_one_node(const ClusterView& view) {
  std::set<std::string> nodes;
  for (const Member& member : view.members) {
    nodes.insert(member.pod.domain.node);
  }
  return view.members.size() > 1 && nodes.size() == 1 && !nodes.begin()->empty();
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

std::string Examined::workload() const {
  return view.members.empty() ? "statefulset/" + view.name : view.members.front().pod.owner;
}

std::string Examined::name_of(const Node& node) const {
  const Member* member = view.by_node(node);
  return member == nullptr ? "node " + node.id.short_text() : "pod " + member->pod.name;
}

std::string_view to_text(Health health) noexcept {
  constexpr std::array<std::string_view, 3> k_names{"ok", "degraded", "down"};
  return k_names[static_cast<std::size_t>(health)];
}

std::string_view to_text(Severity severity) noexcept {
  constexpr std::array<std::string_view, 3> k_names{"info", "warning", "error"};
  return k_names[static_cast<std::size_t>(severity)];
}

std::vector<Finding> find_trouble(const ClusterView& view) {
  const Examined cluster = examine(view);
  Findings found;
  for (const Check check : k_checks) {
    check(cluster, found);
  }
  std::ranges::stable_sort(found, std::greater{}, &Finding::severity);
  return found;
}

Health health_of(const ClusterView& view, const std::vector<Finding>& findings) {
  const Topology* agreed = view.agreed();
  if (agreed == nullptr) {
    return Health::down;
  }
  std::size_t owners = 0;
  std::size_t alive = 0;
  for (const ShardView& shard : shards_of(view)) {
    if (!shard.master.node->slots.empty()) {
      ++owners;
      alive += is_there(shard.master) ? 1U : 0U;
    }
  }
  const auto says_fail = std::ranges::count_if(view.members, [](const Member& member) {
    return member.cluster && !member.cluster->state_ok;
  });
  const auto says_ok = std::ranges::count_if(view.members, [](const Member& member) {
    return member.cluster && member.cluster->state_ok;
  });
  if (served_slots(view) != SlotSet::all() || 2 * alive <= owners || says_fail > says_ok) {
    return Health::down;
  }
  const bool found = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.severity != Severity::info; });
  return found ? Health::degraded : Health::ok;
}

}  // namespace kredis::core
