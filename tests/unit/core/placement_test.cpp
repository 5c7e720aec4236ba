// SPDX-License-Identifier: Apache-2.0
#include "shared/core/placement/placement.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/core/placement_brute_force.hpp"

namespace kredis::core {
namespace {

using testing::all_partitions;
using testing::all_placements;
using testing::best_of;
using testing::Roles;
using testing::roles_of;
using testing::score_of;
using testing::SmallCase;
using Kind = Placement::Compromise::Kind;

std::string show(const std::vector<int>& numbers) {
  std::ostringstream text;
  for (const int number : numbers) {
    text << number << ' ';
  }
  return text.str();
}

/// Checks one case against brute force; one assertion, because there are very many cases.
void compare(const SmallCase& small, int masters, const std::vector<Roles>& placements) {
  const auto pods = static_cast<int>(small.node_of_pod.size());
  const auto placement = place(small.candidates(), static_cast<std::uint32_t>(masters), 0);
  REQUIRE(placement.has_value());
  const Roles found = roles_of(*placement, pods);
  const Roles best = best_of(small, placements);
  if (found != best) {
    INFO("nodes " << show(small.node_of_pod) << "zones " << show(small.zone_of_node));
    INFO("today " << show(small.today) << "masters " << masters);
    const auto found_score = score_of(small, found);
    const auto best_score = score_of(small, best);
    INFO("score " << show({found_score.begin(), found_score.end()}) << "best "
                  << show({best_score.begin(), best_score.end()}));
    CHECK(show(found) == show(best));
  }
}

/// Up to renaming: pods in blocks, one node after the other, and dealt out in turn.
bool is_canonical(const std::vector<int>& node_of_pod) {
  std::vector<int> sizes(8);
  for (const int node : node_of_pod) {
    ++sizes[static_cast<std::size_t>(node)];
  }
  const bool blocks = std::is_sorted(node_of_pod.begin(), node_of_pod.end());
  const bool dealt = [&] {
    const auto nodes = 1 + *std::max_element(node_of_pod.begin(), node_of_pod.end());
    std::vector<int> left(sizes.begin(), sizes.begin() + nodes);
    for (std::size_t pod = 0, node = 0; pod < node_of_pod.size(); ++pod) {
      while (left[node % left.size()] == 0) {
        ++node;
      }
      if (node_of_pod[pod] != static_cast<int>(node % left.size())) {
        return false;
      }
      --left[node++ % left.size()];
    }
    return true;
  }();
  return blocks || dealt;
}

bool exhaustive() { return std::getenv("KREDIS_TEST_EXHAUSTIVE") != nullptr; }

void sweep(int pods, int masters) {
  const auto placements = all_placements(pods, masters);
  for (const auto& nodes : all_partitions(pods, 4)) {
    if (pods > 5 && !exhaustive() && !is_canonical(nodes)) {
      continue;
    }
    const int used = 1 + *std::max_element(nodes.begin(), nodes.end());
    for (const auto& zones : all_partitions(used, 3)) {
      compare({nodes, zones}, masters, placements);
    }
  }
}

/// Every placement as today's state, but for those pods that `unknown` (a bit each) leaves out.
void sweep_today(int pods, int masters, unsigned unknown) {
  const auto placements = all_placements(pods, masters);
  std::size_t turn = 0;
  for (const auto& nodes : all_partitions(pods, 4)) {
    const int used = 1 + *std::max_element(nodes.begin(), nodes.end());
    for (const auto& zones : all_partitions(used, 3)) {
      for (const Roles& today : placements) {
        if (++turn % (exhaustive() || pods < 4 ? 1 : 311) != 0) {
          continue;
        }
        SmallCase small{nodes, zones, today};
        for (std::size_t pod = 0; pod < today.size(); ++pod) {
          small.today[pod] = (unknown >> pod & 1U) != 0 ? -1 : today[pod];
        }
        compare(small, masters, placements);
      }
    }
  }
}

std::vector<Candidate> spread(int pods, int nodes, int zones) {
  std::vector<Candidate> all;
  for (int pod = 0; pod < pods; ++pod) {
    const int node = pod % nodes;
    all.push_back({pod, {"node-" + std::to_string(node), "zone-" + std::to_string(node % zones)}});
  }
  return all;
}

std::vector<Placement::Shard> in_order(int masters, int replicas) {
  std::vector<Placement::Shard> shards;
  for (int master = 0; master < masters; ++master) {
    shards.push_back({master, {}});
    for (int round = 1; round <= replicas; ++round) {
      shards.back().replicas.push_back(round * masters + master);
    }
  }
  return shards;
}

}  // namespace

TEST_SUITE("core/placement") {
  TEST_CASE("place gives the article's roles to the article's pods") {
    std::vector<Candidate> pods;
    for (int pod = 0; pod < 6; ++pod) {
      pods.push_back({pod, {pod % 2 == 0 ? "192.168.0.144" : "192.168.0.148", ""}});
    }
    const auto placement = place(pods, 3, 1);
    REQUIRE(placement.has_value());
    CHECK(placement->shards == std::vector<Placement::Shard>{{0, {3}}, {1, {4}}, {2, {5}}});
    REQUIRE(placement->compromises.size() == 1);
    CHECK(placement->compromises[0].kind == Kind::node_holds_majority);
    CHECK(placement->compromises[0].domain.node == "192.168.0.144");
  }

  TEST_CASE("place keeps the order of ordinals when nothing is known about nodes") {
    std::vector<Candidate> pods(9);
    for (int pod = 0; pod < 9; ++pod) {
      pods[static_cast<std::size_t>(pod)].ordinal = pod;
    }
    const auto placement = place(pods, 3, 2);
    REQUIRE(placement.has_value());
    CHECK(placement->shards == in_order(3, 2));
    CHECK(placement->compromises.empty());
  }

  TEST_CASE("place says what it could not meet when all pods are on one node") {
    const auto placement = place(spread(6, 1, 1), 3, 1);
    REQUIRE(placement.has_value());
    CHECK(placement->shards == in_order(3, 1));
    REQUIRE(placement->compromises.size() == 4);
    CHECK(placement->compromises[0] ==
          Placement::Compromise{Kind::replica_on_masters_node, 3, 0, {"node-0", "zone-0"}});
    CHECK(placement->compromises[3] ==
          Placement::Compromise{Kind::node_holds_majority, -1, -1, {"node-0", "zone-0"}});
  }

  TEST_CASE("place says which replicas share a node or their master's zone") {
    const auto two_nodes = place(spread(9, 2, 2), 3, 2);
    REQUIRE(two_nodes.has_value());
    std::map<Kind, int> kinds;
    for (const auto& compromise : two_nodes->compromises) {
      ++kinds[compromise.kind];
    }
    CHECK(kinds == std::map<Kind, int>{{Kind::replicas_share_node, 3},
                                       {Kind::node_holds_majority, 1},
                                       {Kind::zone_holds_majority, 1}});
    std::vector<Candidate> lopsided = spread(4, 4, 1);
    lopsided.push_back({4, {"node-4", "zone-4"}});
    lopsided.push_back({5, {"node-5", "zone-5"}});
    const auto crowded = place(lopsided, 3, 1);
    REQUIRE(crowded.has_value());
    CHECK(
        std::count_if(crowded->compromises.begin(), crowded->compromises.end(), [](const auto& it) {
          return it.kind == Kind::replica_in_masters_zone;
        }) == 1);
  }

  TEST_CASE("place refuses too few pods and no masters, and takes exactly enough") {
    CHECK(place(spread(6, 3, 1), 3, 1).has_value());
    const auto short_by_one = place(spread(5, 3, 1), 3, 1);
    REQUIRE_FALSE(short_by_one.has_value());
    CHECK(short_by_one.error().code == ErrorCode::invalid_argument);
    CHECK(short_by_one.error().message ==
          "3 masters with 1 replicas each need 6 pods, and there are 5");
    const auto none = place(spread(6, 3, 1), 0, 1);
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().code == ErrorCode::invalid_argument);
    const auto twins = place({{.ordinal = 1}, {.ordinal = 1}}, 1, 1);
    REQUIRE_FALSE(twins.has_value());
    CHECK(twins.error().message == "two pods have the ordinal 1");
  }

  TEST_CASE("place makes pods beyond the number asked for extra replicas, shared out evenly") {
    const auto placement = place(spread(8, 8, 1), 3, 1);
    REQUIRE(placement.has_value());
    CHECK(placement->shards == std::vector<Placement::Shard>{{0, {3, 6}}, {1, {4, 7}}, {2, {5}}});
  }

  TEST_CASE("place equals brute force on every small layout") {
    for (int pods = 1; pods <= 8; ++pods) {
      for (int masters = 1; masters <= pods; ++masters) {
        CAPTURE(pods);
        sweep(pods, masters);
      }
    }
  }

  TEST_CASE("place equals brute force when pods have roles today") {
    for (int pods = 2; pods <= 6; ++pods) {
      for (int masters = 1; masters < pods; ++masters) {
        CAPTURE(pods);
        sweep_today(pods, masters, 0);
        sweep_today(pods, masters, 0b010010);
      }
    }
  }

  TEST_CASE("place reaches every bound on large clusters that leave it room") {
    for (const auto& row : std::map<int, int>{{1, 120}, {2, 80}, {3, 60}}) {
      const auto& replicas = row.first;
      const auto& masters = row.second;
      CAPTURE(replicas);
      const auto pods = spread(240, 24, 4);
      const auto placement =
          place(pods, static_cast<std::uint32_t>(masters), static_cast<std::uint32_t>(replicas));
      REQUIRE(placement.has_value());
      CHECK(placement->compromises.empty());
      std::map<std::string, int> on_node;
      std::map<std::string, int> in_zone;
      for (const Placement::Shard& shard : placement->shards) {
        std::set<std::string> zones{pods[static_cast<std::size_t>(shard.master)].domain.zone};
        for (const int replica : shard.replicas) {
          zones.insert(pods[static_cast<std::size_t>(replica)].domain.zone);
        }
        CHECK(zones.size() == static_cast<std::size_t>(1 + replicas));
        ++on_node[pods[static_cast<std::size_t>(shard.master)].domain.node];
        ++in_zone[pods[static_cast<std::size_t>(shard.master)].domain.zone];
      }
      for (const auto& [node, count] : on_node) {
        CHECK(count >= masters / 24);
        CHECK(count <= (masters + 23) / 24);
      }
      CHECK(std::ranges::all_of(in_zone, [&](const auto& it) { return it.second == masters / 4; }));
    }
  }

  TEST_CASE("place does not care in which order pods come or what nodes are called") {
    std::mt19937 random{5};
    for (int turn = 0; turn < 20; ++turn) {
      std::vector<Candidate> pods;
      for (int pod = 0; pod < 90; ++pod) {
        const int node = static_cast<int>(random() % 10);
        pods.push_back({pod, {std::to_string(node), std::to_string(node % 3)}});
      }
      const auto placement = place(pods, 45, 1);
      REQUIRE(placement.has_value());
      std::vector<Candidate> disguised = pods;
      for (Candidate& pod : disguised) {
        pod.domain = {"host-" + std::string(1, static_cast<char>('z' - pod.domain.node[0] + '0')),
                      "area-" + std::string(1, static_cast<char>('c' - pod.domain.zone[0] + '0'))};
      }
      std::ranges::shuffle(disguised, random);
      CHECK(place(disguised, 45, 1)->shards == placement->shards);
    }
  }

  TEST_CASE("place changes nothing when today's roles are as good as any") {
    std::mt19937 random{9};
    for (const int replicas : {1, 2}) {
      std::vector<Candidate> pods = spread(90, 9, 3);
      const auto masters = static_cast<std::uint32_t>(90 / (1 + replicas));
      std::ranges::shuffle(pods, random);
      for (int i = 0; i < 90; ++i) {
        pods[static_cast<std::size_t>(i)].ordinal = i;
      }
      const auto today = place(pods, masters, static_cast<std::uint32_t>(replicas));
      REQUIRE(today.has_value());
      // The same shards under other ordinals: as good as before, but no longer the first in order.
      const auto renumbered = [](int ordinal) { return 89 - ordinal; };
      std::vector<Placement::Shard> expected;
      for (const Placement::Shard& shard : today->shards) {
        pods[static_cast<std::size_t>(shard.master)].is_master = true;
        expected.push_back({renumbered(shard.master)});
        for (const int replica : shard.replicas) {
          pods[static_cast<std::size_t>(replica)].replica_of = renumbered(shard.master);
          expected.back().replicas.push_back(renumbered(replica));
        }
        std::ranges::sort(expected.back().replicas);
      }
      std::ranges::sort(expected, {}, &Placement::Shard::master);
      for (Candidate& pod : pods) {
        pod.ordinal = renumbered(pod.ordinal);
      }
      const auto again = place(pods, masters, static_cast<std::uint32_t>(replicas));
      REQUIRE(again.has_value());
      CHECK(again->shards == expected);
    }
  }
}

}  // namespace kredis::core
