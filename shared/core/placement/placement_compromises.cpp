// SPDX-License-Identifier: Apache-2.0
//
// What a placement could not meet. Says only what is known: an unknown node or zone is shared with
// nobody, and where all pods are in one zone no choice of roles could have kept zones apart.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "shared/core/placement/placement.hpp"

namespace kredis::core {
namespace {

using Compromise = Placement::Compromise;
using Kind = Compromise::Kind;

class Compromises {
 public:
  Compromises(const Placement& placement, const std::vector<Candidate>& candidates)
      : placement_(placement) {
    std::set<std::string> zones;
    for (const Candidate& candidate : candidates) {
      domains_[candidate.ordinal] = candidate.domain;
      zones.insert(candidate.domain.zone);
    }
    zones_matter_ = zones.size() > 1;
  }

  std::vector<Compromise> all() {
    for (const Placement::Shard& shard : placement_.shards) {
      look_at(shard);
    }
    look_at_majorities();
    return std::move(found_);
  }

 private:
  bool share_node(int one, int other) {
    return !domains_[one].node.empty() && domains_[one].node == domains_[other].node;
  }
  bool share_zone(int one, int other) {
    return zones_matter_ && !domains_[one].zone.empty() &&
           domains_[one].zone == domains_[other].zone;
  }

  void look_at(const Placement::Shard& shard) {
    for (std::size_t i = 0; i < shard.replicas.size(); ++i) {
      const int replica = shard.replicas[i];
      if (share_node(replica, shard.master)) {
        found_.push_back({Kind::replica_on_masters_node, replica, shard.master, domains_[replica]});
      } else if (share_zone(replica, shard.master)) {
        found_.push_back({Kind::replica_in_masters_zone, replica, shard.master, domains_[replica]});
      }
      for (std::size_t before = 0; before < i; ++before) {
        if (share_node(replica, shard.replicas[before])) {
          found_.push_back(
              {Kind::replicas_share_node, replica, shard.replicas[before], domains_[replica]});
        }
      }
    }
  }

  void look_at_majorities() {
    std::map<FailureDomain, std::size_t> on_nodes;
    std::map<std::string, std::size_t> in_zones;
    for (const Placement::Shard& shard : placement_.shards) {
      const FailureDomain& domain = domains_[shard.master];
      on_nodes[domain] += domain.node.empty() ? 0U : 1U;
      in_zones[domain.zone] += zones_matter_ && !domain.zone.empty() ? 1U : 0U;
    }
    for (const auto& [domain, masters] : on_nodes) {
      if (2 * masters >= placement_.shards.size()) {
        found_.push_back({.kind = Kind::node_holds_majority, .domain = domain});
      }
    }
    for (const auto& [zone, masters] : in_zones) {
      if (2 * masters >= placement_.shards.size()) {
        found_.push_back({.kind = Kind::zone_holds_majority, .domain = {"", zone}});
      }
    }
  }

  const Placement& placement_;
  std::map<int, FailureDomain> domains_;
  bool zones_matter_ = false;
  std::vector<Compromise> found_;
};

}  // namespace

std::vector<Placement::Compromise> compromises_of(const Placement& placement,
                                                  const std::vector<Candidate>& candidates) {
  return Compromises(placement, candidates).all();
}

}  // namespace kredis::core
