// SPDX-License-Identifier: Apache-2.0
//
// Findings about how each server is set up, and whether it takes writes.
#include <algorithm>
#include <limits>
#include <map>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

constexpr std::int64_t k_mib = std::int64_t{1} << 20;

bool is_master(const Member& member) {
  return member.server && member.server->role == Role::master;
}

/// The most that a server should use under `limit`: a quarter is for the copies of a fork.
std::int64_t most_under(std::int64_t limit) { return limit / 4 * 3; }

std::int64_t twice(std::int64_t bytes) {
  constexpr std::int64_t k_most = std::numeric_limits<std::int64_t>::max();
  return bytes > k_most / 2 ? k_most : 2 * bytes;
}

Remedy set_maxmemory(const Examined& cluster, const Member& member, std::int64_t bytes) {
  return mends(cluster.redis_cli(member.pod.name, "CONFIG SET maxmemory " + std::to_string(bytes)),
               "in redis.conf, too, and in the running server");
}

/// Restarts all pods, which those that keep their data in themselves would not outlive.
Remedy give_memory(const Examined& cluster, std::int64_t bytes) {
  const std::string amount = std::to_string(bytes / k_mib + 1) + "Mi";
  const bool outlives = std::ranges::all_of(
      cluster.view.members, [](const Member& member) { return member.pod.keeps_data; });
  return outlives ? mends(cluster.kubectl("set resources " + cluster.workload() +
                                          " --limits=memory=" + amount))
                  : by_hand("give the containers " + amount +
                            ": on another cluster, as these pods keep their data in themselves and"
                            " would lose it when they restart");
}

void check_disk(const Examined& cluster, const Member& member, Findings& found) {
  const ServerInfo& server = *member.server;
  const bool refuses = server.snapshot_failed && server.stops_writes.value_or(true) &&
                       server.rdb_enabled.value_or(true) && is_master(member);
  if (!server.snapshot_failed && !server.aof_write_failed) {
    return;
  }
  const std::string what = server.aof_write_failed ? "append-only file" : "last snapshot";
  add(found,
      "snapshots-fail",
      "pod " + member.pod.name + " could not write its " + what +
          (refuses || (server.aof_write_failed && is_master(member))
               ? ", and refuses writes (MISCONF)"
               : ""),
      mends(cluster.redis_cli(member.pod.name, "BGSAVE"),
            "when its volume has room and can be written to"),
      refuses || server.aof_write_failed ? Severity::error : Severity::warning);
}

void check_full(const Examined& cluster, const Member& member, Findings& found) {
  const ServerInfo& server = *member.server;
  const std::int64_t limit = member.pod.memory_limit_bytes;
  const bool full = server.max_memory_bytes > 0 && !server.evicts && is_master(member) &&
                    server.used_memory_bytes >= server.max_memory_bytes;
  if (!full) {
    return;
  }
  const std::int64_t used = server.used_memory_bytes;
  const bool has_room = limit <= 0 || most_under(limit) > used / 10 * 11;
  add(found,
      "memory-full",
      "pod " + member.pod.name + " uses " + bytes_text(used) + " of " +
          bytes_text(server.max_memory_bytes) + " (maxmemory), evicts nothing, and refuses writes",
      has_room ? set_maxmemory(cluster, member, limit <= 0 ? twice(used) : most_under(limit))
               : give_memory(cluster, twice(used)));
}

void check_wanted_replicas(const Examined& cluster, const Member& member, Findings& found) {
  const ServerInfo& server = *member.server;
  const std::int64_t good = server.good_replicas.value_or(0);
  const std::int64_t least = server.least_replicas.value_or(0);
  if (!is_master(member) || least <= good) {
    return;
  }
  add(found,
      "too-few-replicas-to-write",
      "pod " + member.pod.name + " refuses writes: it has " + counted(good, "replica") +
          " in step, and min-replicas-to-write wants " + std::to_string(least),
      mends(cluster.redis_cli(member.pod.name,
                              "CONFIG SET min-replicas-to-write " + std::to_string(good)),
            "give it replicas; to take writes without them"));
}

}  // namespace

void check_masterauth(const Examined& cluster, Findings& found) {
  std::vector<std::string> without;
  bool follows = true;
  for (const Member& member : cluster.view.members) {
    if (!member.server) {
      continue;
    }
    const ServerInfo& server = *member.server;
    if (server.wants_password == true && server.gives_password == false) {
      without.push_back(member.pod.name);
    }
    follows = follows && (server.role == Role::master || server.master_link_up);
  }
  if (!without.empty()) {
    add(found,
        "no-masterauth",
        list_of(without) + (without.size() == 1 ? " wants" : " want") +
            " a password (requirepass) and " + (without.size() == 1 ? "gives" : "give") +
            " none to a master (masterauth)" +
            (follows ? ": when roles change, replicas cannot follow"
                     : ": replicas cannot follow, and have no copy"),
        mends(cluster.redis_command("init"), "put masterauth into redis.conf; until then"),
        follows ? Severity::warning : Severity::error);
  }
}

void check_refused_writes(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    if (member.server) {
      check_disk(cluster, member, found);
      check_full(cluster, member, found);
      check_wanted_replicas(cluster, member, found);
    }
  }
}

void check_node_timeouts(const Examined& cluster, Findings& found) {
  constexpr std::int64_t k_shortest_ms = 1000;
  constexpr std::int64_t k_default_ms = 15'000;
  std::int64_t longest = 0;
  std::vector<std::string> hasty;
  for (const Member& member : cluster.view.members) {
    const auto timeout = member.server ? member.server->node_timeout_ms : std::nullopt;
    longest = std::max(longest, timeout.value_or(0));
    if (timeout && *timeout < k_shortest_ms) {
      hasty.push_back(member.pod.name);
    }
  }
  if (!hasty.empty()) {
    const std::int64_t usual = longest < k_shortest_ms ? k_default_ms : longest;
    add(found,
        "node-timeout-short",
        list_of(hasty) + (hasty.size() == 1 ? " takes" : " take") +
            " others for lost within a second (cluster-node-timeout): a short pause of a master is "
            "a failover",
        mends(cluster.redis_cli_on_all("CONFIG SET cluster-node-timeout " + std::to_string(usual)),
              "an init that was killed may have left it; unless one runs"));
  }
}

void check_versions(const Examined& cluster, Findings& found) {
  std::map<std::string, std::vector<std::string>> pods_of;
  for (const Member& member : cluster.view.members) {
    if (member.server) {
      pods_of[member.server->server + " " + member.server->version].push_back(member.pod.name);
    }
  }
  if (pods_of.size() < 2) {
    return;
  }
  std::string message;
  for (const auto& [version, pods] : pods_of) {
    message += (message.empty() ? "" : "; ") + version + " on " + list_of(pods);
  }
  add(found,
      "mixed-versions",
      "the pods run different versions: " + message,
      shows(cluster.kubectl("rollout status " + cluster.workload() + " --timeout=10s"),
            "finish the roll-out"));
}

void check_persistence(const Examined& cluster, Findings& found) {
  std::vector<std::string> without;
  for (const Member& member : cluster.view.members) {
    if (member.server && !member.server->aof_enabled && member.server->rdb_enabled == false) {
      without.push_back(member.pod.name);
    }
  }
  if (!without.empty()) {
    add(found,
        "no-persistence",
        list_of(without) + (without.size() == 1 ? " keeps" : " keep") +
            " nothing on disk (no append-only file, no snapshots): a restart loses the data, and " +
            (cluster.view.made_by == "create" ? "what restarts all at once has nothing left"
                                              : "a restarted master empties its replicas"),
        mends(cluster.redis_cli_on_all("CONFIG SET appendonly yes"),
              "in redis.conf, too, and in the running servers"));
  }
}

void check_memory(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const std::int64_t limit = member.pod.memory_limit_bytes;
    if (!member.server || limit <= 0) {
      continue;
    }
    const std::int64_t most = member.server->max_memory_bytes;
    const std::int64_t used = member.server->used_memory_bytes;
    const std::string pod = "pod " + member.pod.name;
    // Compared in this form because it cannot overflow.
    if (most > limit) {
      add(found,
          "maxmemory-over-limit",
          pod + " may use " + bytes_text(most) + " (maxmemory) and is killed at " +
              bytes_text(limit) + " (limit)",
          set_maxmemory(cluster, member, most_under(limit)));
    } else if (used > limit / 3 * 2) {
      add(found,
          "fork-headroom",
          pod + " uses " + bytes_text(used) + " of " + bytes_text(limit) +
              ": a snapshot or rewrite may need half as much again and be killed",
          give_memory(cluster, twice(used)));
    } else if (most > most_under(limit)) {
      add(found,
          "maxmemory-headroom",
          pod + " may use " + bytes_text(most) + " (maxmemory) of " + bytes_text(limit) +
              " (limit), which leaves too little for a snapshot",
          set_maxmemory(cluster, member, most_under(limit)));
    }
  }
}

}  // namespace kredis::core
