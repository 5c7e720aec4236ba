// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/scale/leaving_clients.hpp"

#include <chrono>
#include <vector>

#include "shared/core/text.hpp"
#include "shared/core/topology.hpp"
#include "shared/wire/redis_info.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Reply;
using namespace std::chrono_literals;

using Commands = std::vector<std::vector<Command>>;

constexpr auto k_asking_pace = 250ms;
constexpr auto k_quiet_for = 1s;
constexpr auto k_wait_at_most = 10s;
constexpr core::Version k_knows_subcommands{.major = 7};

bool can_hide(const core::Member& member) {
  const auto version = member.server ? core::version_of(*member.server) : std::nullopt;
  return version && *version >= k_knows_subcommands;
}

/// `commands` for each node of these pods that can be told.
Commands for_each_of(const observe::Cluster& cluster,
                     const std::set<std::string>& pods,
                     const std::vector<Command>& commands) {
  Commands all(cluster.view().members.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const core::Member& member = cluster.view().members[i];
    if (pods.contains(member.pod.name) && can_hide(member)) {
      all[i] = commands;
    }
  }
  return all;
}

/// How often these nodes have sent a client on so far.
std::int64_t sent_on(observe::Cluster& cluster,
                     const std::set<std::string>& pods,
                     const Conduct& conduct) {
  std::int64_t all = 0;
  for (const observe::Answer& answer : cluster.switchboard().ask_each(
           for_each_of(cluster, pods, {{"INFO", "errorstats"}}), conduct.call_deadline())) {
    if (!answer || answer->empty()) {
      continue;
    }
    for (const auto& [name, value] : wire::parse_info_fields(answer->front().text)) {
      constexpr std::string_view k_count = "count=";
      if ((name == "errorstat_MOVED" || name == "errorstat_ASK") && value.starts_with(k_count)) {
        all += core::to_number<std::int64_t>(value.substr(k_count.size())).value_or(0);
      }
    }
  }
  return all;
}

Status await_quiet(observe::Cluster& cluster,
                   const std::set<std::string>& pods,
                   const Conduct& conduct) {
  const auto begin = conduct.now();
  auto since = begin;
  std::int64_t before = sent_on(cluster, pods, conduct);
  return wait_until(conduct, k_asking_pace, [&]() -> Result<std::string> {
    const std::int64_t now = sent_on(cluster, pods, conduct);
    since = now == before ? since : conduct.now();
    before = now;
    const bool quiet =
        conduct.now() - since >= k_quiet_for || conduct.now() - begin >= k_wait_at_most;
    return quiet ? std::string() : "clients are still being sent on by nodes that leave";
  });
}

/// Tells each node about each of its users who `is_meant`, of what those users may see.
void tell(observe::Cluster& cluster,
          const std::set<std::string>& pods,
          const std::vector<std::string>& rules,
          bool (*is_meant)(const Reply& nodes, const Reply& slots),
          const Conduct& conduct) {
  const auto users = cluster.switchboard().ask_each(for_each_of(cluster, pods, {{"ACL", "USERS"}}),
                                                    conduct.call_deadline());
  Commands asked(users.size());
  for (std::size_t i = 0; i < users.size(); ++i) {
    if (users[i] && !users[i]->empty()) {
      for (const Reply& user : users[i]->front().items) {
        asked[i].push_back({"ACL", "DRYRUN", user.text, "CLUSTER", "NODES"});
        asked[i].push_back({"ACL", "DRYRUN", user.text, "CLUSTER", "SLOTS"});
      }
    }
  }
  const auto may = cluster.switchboard().ask_each(asked, conduct.call_deadline());
  Commands told(users.size());
  for (std::size_t i = 0; i < may.size(); ++i) {
    for (std::size_t at = 0; may[i] && at + 1 < may[i]->size(); at += 2) {
      if (is_meant((*may[i])[at], (*may[i])[at + 1])) {
        told[i].push_back({"ACL", "SETUSER", asked[i][at][2]});
        told[i].back().insert(told[i].back().end(), rules.begin(), rules.end());
      }
    }
  }
  static_cast<void>(cluster.switchboard().ask_each(told, conduct.call_deadline()));
}

bool is_allowed(const Reply& dry_run) { return dry_run.text == "OK"; }

}  // namespace

Status let_clients_go(observe::Cluster& cluster,
                      const std::set<std::string>& pods,
                      const Conduct& conduct) {
  KREDIS_CHECK(await_quiet(cluster, pods, conduct));
  tell(
      cluster,
      pods,
      {"-cluster|slots", "-cluster|shards"},
      [](const Reply& nodes, const Reply& slots) { return is_allowed(nodes) && is_allowed(slots); },
      conduct);
  return {};
}

void let_clients_come(observe::Cluster& cluster,
                      const std::set<std::string>& pods,
                      const Conduct& conduct) {
  tell(
      cluster,
      pods,
      {"+cluster|slots", "+cluster|shards"},
      [](const Reply& nodes, const Reply& slots) {
        return is_allowed(nodes) && !is_allowed(slots);
      },
      conduct);
}

}  // namespace kredis::plugin
