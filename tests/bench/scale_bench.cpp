// SPDX-License-Identifier: Apache-2.0
//
// A cluster grows from 3 masters to 6, each with a replica, on servers that run already: by us, and
// by redis-cli --cluster add-node for each and rebalance. Between the runs it is made 3 again.
//   tests/servers.sh --run valkey-9.1 sh -c 'PATH=$SERVERS:$PATH build/release/bin/scale_bench 3'
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/operations/scale/change_nodes.hpp"
#include "shared/core/key_slot.hpp"
#include "tests/support/cluster_bed.hpp"

namespace {

using namespace kredis;
using namespace std::chrono_literals;
using core::Command;
using std::chrono::steady_clock;

constexpr std::size_t k_old = 6;
constexpr std::size_t k_all = 12;
constexpr int k_keys = 300'000;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

class Bench {
 public:
  Bench() : bed_(static_cast<int>(k_all), 5000) {
    // The others are there, and nobody has met them.
    std::vector<core::Member> all = bed_.view.members;
    bed_.view.members.resize(k_old);
    if (const auto made = bed_.init(3); !made) {
      fail(made.error().message);
    }
    bed_.view.members = std::move(all);
    fill();
  }

  double ours() {
    const auto begin = steady_clock::now();
    change({.masters = 6, .replicas = 1});
    return seconds_since(begin);
  }

  /// Masters, then a replica of each, then the slots: what its help says.
  double redis_cli() {
    const auto begin = steady_clock::now();
    for (std::size_t node = k_old; node < k_all; ++node) {
      const bool replica = node >= k_old + 3;
      const std::string of = replica ? " --cluster-slave --cluster-master-id " + id(node - 3) : "";
      cli("add-node " + address(node) + " " + address(0) + of);
      await_known(node);
    }
    cli("rebalance " + address(0) + " --cluster-use-empty-masters");
    return seconds_since(begin);
  }

  void back_to_three() {
    core::ScaleWish wish{.masters = 3, .replicas = 1};
    for (std::size_t node = k_old; node < k_all; ++node) {
      wish.leaving.insert(bed_.view.members[node].pod.name);
      wish.migrating.insert(bed_.view.members[node].pod.name);
    }
    for (std::size_t node = 0; node < k_old; ++node) {
      wish.migrating.insert(bed_.view.members[node].pod.name);
    }
    change(wish);
  }

  /// Of all masters; each key once.
  void check_keys() {
    auto cluster = bed_.cluster();
    cluster->ask(observe::Ask::everything, steady_clock::now() + 10s);
    std::int64_t keys = 0;
    for (const core::Member& member : cluster->view().members) {
      const bool master = member.self()->role == core::Role::master;
      keys += master ? member.server->keys : 0;
    }
    if (keys != k_keys) {
      fail(std::to_string(keys) + " keys of " + std::to_string(k_keys) + " are there");
    }
  }

 private:
  static double seconds_since(steady_clock::time_point begin) {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
  }
  std::string address(std::size_t node) const { return bed_.servers[node].address + ":6379"; }
  std::string id(std::size_t node) const { return bed_.ask(node, {"CLUSTER", "MYID"}).text; }

  static void cli(const std::string& words) {
    const std::string command = "redis-cli --cluster " + words + " >/dev/null";
    if (std::system(command.c_str()) != 0) {
      fail(command + " failed");
    }
  }

  /// It refuses to go on from nodes that do not agree, and does not wait for them.
  void await_known(std::size_t node) {
    const core::NodeId self = *core::NodeId::parse(id(node));
    auto cluster = bed_.cluster();
    await(*cluster, [&](const core::ClusterView& view) -> std::string {
      for (const core::Member& member : view.members) {
        const bool outside = member.view->nodes().size() == 1;
        const core::Node* seen = member.view->find(self);
        if (!outside && (seen == nullptr || seen->flags.handshake)) {
          return member.pod.name + " does not know it yet";
        }
      }
      return "";
    });
  }

  static void await(observe::Cluster& cluster,
                    const std::function<std::string(const core::ClusterView&)>& missing) {
    const auto seen = plugin::wait_until_seen(
        cluster, {.deadline = steady_clock::now() + 300s}, missing, observe::Ask::everything);
    if (!seen) {
      fail(seen.error().message);
    }
  }

  void change(const core::ScaleWish& wish) {
    auto cluster = bed_.cluster();
    plugin::Site site{.cluster = cluster.get()};
    const plugin::Conduct conduct{.deadline = steady_clock::now() + 300s};
    cluster->ask(observe::Ask::everything, conduct.call_deadline());
    plugin::NodeChange nodes(site, wish, conduct);
    if (const auto done = nodes.run(); !done) {
      fail(done.error().message);
    }
    await(*cluster, [&](const core::ClusterView& view) { return core::not_settled(view, wish); });
  }

  void fill() {
    auto cluster = bed_.cluster();
    cluster->ask(observe::Ask::topology, steady_clock::now() + 10s);
    for (std::size_t node = 0; node < k_old; ++node) {
      const core::Node& self = *cluster->view().members[node].self();
      std::vector<Command> commands;
      for (int i = 0; i < k_keys && !self.slots.empty(); ++i) {
        const std::string key = "key:" + std::to_string(i);
        if (self.slots.contains(core::key_slot(key))) {
          commands.push_back({"SET", key, std::string(100, 'x')});
        }
      }
      if (!commands.empty()) {
        auto line =
            bed_.redis->connect({.host = bed_.servers[node].address}, steady_clock::now() + 10s);
        static_cast<void>((*line)->pipeline(commands, steady_clock::now() + 60s));
      }
    }
  }

  tests::ClusterBed bed_;
};

double median(std::vector<double> all) {
  std::ranges::sort(all);
  return all[all.size() / 2];
}

}  // namespace

/// scale_bench [ROUNDS]
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  Bench bench;
  std::vector<double> ours;
  std::vector<double> theirs;
  std::printf("3 -> 6 masters with a replica each, %d keys of 100 B\n", k_keys);
  for (int round = 0; round < rounds; ++round) {
    theirs.push_back(bench.redis_cli());
    bench.check_keys();
    bench.back_to_three();
    ours.push_back(bench.ours());
    bench.check_keys();
    bench.back_to_three();
    std::printf("  redis-cli add-node, rebalance %6.2f s   kubectl redis scale %6.2f s\n",
                theirs.back(),
                ours.back());
    std::fflush(stdout);
  }
  std::printf("  medians: %.2f s and %.2f s, a part of %.2f\n",
              median(theirs),
              median(ours),
              median(ours) / median(theirs));
}
