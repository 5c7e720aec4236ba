// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/suggest_scale.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace kredis::core {
namespace {

constexpr double k_full = 0.75;   ///< The rest is for buffers, copies on write, and a lost master.
constexpr double k_empty = 0.35;  ///< Below that with one master less, there is one too many.
/// A server loads about half a million keys a second: what is more takes over a minute.
constexpr std::int64_t k_many_keys = 30'000'000;
constexpr std::uint32_t k_fewest = 3;

/// What all masters hold together, and the least that one of them can.
struct Load {
  std::uint32_t masters = 0;
  std::size_t copies = 0;  ///< Replicas in all.
  double used = 0;
  double room = 0;  ///< 0 where nobody says.
  std::int64_t keys = 0;
};

Load load_of(const ClusterView& view) {
  Load load;
  for (const ShardView& shard : shards_of(view)) {
    const Member* member = shard.master.member;
    if (member == nullptr || !member->server || shard.master.node->slots.empty()) {
      continue;
    }
    ++load.masters;
    load.copies += shard.replicas.size();
    load.used += static_cast<double>(member->server->used_memory_bytes);
    load.keys += member->server->keys;
    const auto room =
        static_cast<double>(member->server->max_memory_bytes > 0 ? member->server->max_memory_bytes
                                                                 : member->pod.memory_limit_bytes);
    load.room = load.room == 0 || (room > 0 && room < load.room) ? room : load.room;
  }
  return load;
}

std::string fullness(const Load& load) {
  const double part = load.used / (load.room * load.masters);
  return "memory: " + std::to_string(load.masters) + " masters are " +
         std::to_string(std::llround(100 * part)) + "% full; ";
}

void judge_masters(const Load& load, ScaleSuggestion& found) {
  const auto least = [](double amount, double each) {
    return std::max(k_fewest, static_cast<std::uint32_t>(std::ceil(amount / each)));
  };
  const auto by_keys = least(static_cast<double>(load.keys), static_cast<double>(k_many_keys));
  const auto by_memory = load.room > 0 ? least(load.used, load.room * k_full) : k_fewest;
  if (by_memory > load.masters) {
    found.reasons.push_back(fullness(load) + std::to_string(by_memory) + " would be below 75%");
  }
  if (by_keys > load.masters) {
    found.reasons.push_back("keys: " + std::to_string(load.keys) + " on " +
                            std::to_string(load.masters) + " masters; more than " +
                            std::to_string(k_many_keys) + " on one take over a minute to load");
  }
  found.wanted.masters = std::max({load.masters, by_memory, by_keys});
  const auto fewer =
      load.room > 0 ? std::max(least(load.used, load.room * k_empty), by_keys) : load.masters;
  if (fewer < load.masters && found.reasons.empty()) {
    found.wanted.masters = fewer;
    found.reasons.push_back(fullness(load) + std::to_string(fewer) + " would do");
  }
}

void judge_replicas(const ClusterView& view, ScaleSuggestion& found) {
  std::set<std::string> hosts;
  for (const Member& member : view.members) {
    if (!member.pod.domain.node.empty()) {
      hosts.insert(member.pod.domain.node);
    }
  }
  const auto most = static_cast<std::uint32_t>(hosts.size());
  if (found.now.replicas == 0) {
    found.wanted.replicas = 1;
    found.reasons.emplace_back(
        "spread: without replicas a lost pod is lost slots until it is back");
  } else if (most > 1 && found.now.replicas + 1 > most) {
    found.wanted.replicas = most - 1;
    found.reasons.push_back("spread: " + std::to_string(found.now.replicas + 1) +
                            " copies of a slot on " + std::to_string(most) +
                            " Kubernetes nodes: two of them fall together");
  }
}

}  // namespace

Result<ScaleSuggestion> suggest_scale(const ClusterView& view) {
  if (view.agreed() == nullptr) {
    return nobody_answers(view);
  }
  const SlotSet missing = SlotSet::all().without(served_slots(view));
  if (!missing.empty()) {
    return Error::unsafe(std::to_string(missing.size()) + " slots of cluster " + view.name +
                         " have no master that serves them")
        .with_hint("mend it first; see what ails it: " + status_command(view));
  }
  const Load load = load_of(view);
  ScaleSuggestion found;
  found.now = {.masters = load.masters,
               .replicas = static_cast<std::uint32_t>(load.copies / load.masters)};
  found.wanted = found.now;
  judge_masters(load, found);
  judge_replicas(view, found);
  return found;
}

}  // namespace kredis::core
