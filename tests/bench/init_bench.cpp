// SPDX-License-Identifier: Apache-2.0
//
// Initialising ready nodes: ours against `redis-cli --cluster create`, turn about, each time on
// fresh servers at the same addresses. Both are timed until EVERY node says cluster_state:ok;
// redis-cli itself ends earlier, which is told as well.
//
//   init_bench [NODES] [TURNS] [NODE_TIMEOUT_MS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "plugin/operations/init/initialise.hpp"
#include "shared/redis/redis.hpp"
#include "tests/support/redis_servers.hpp"

namespace kredis::tests {
namespace {

using plugin::FormQuickly;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "init_bench: %s\n", why.c_str());
  std::exit(1);
}

/// Fresh nodes, up for long enough that Redis lets a master serve (2 s after its start).
struct Bed {
  Bed(int nodes, int node_timeout)
      : servers({.count = nodes, .arguments = cluster_arguments(node_timeout)}),
        redis(std::move(*redis::make_redis(redis::Via::direct, nullptr, {}))) {
    std::this_thread::sleep_for(3s);
    view.name = "bench";
    for (int i = 0; i < nodes; ++i) {
      core::Member member;
      member.pod.name = "bench-" + std::to_string(i);
      member.pod.ordinal = i;
      member.pod.ip = servers[static_cast<std::size_t>(i)].address;
      member.pod.domain.node = "node-" + std::to_string(i % 3);
      view.members.push_back(member);
    }
  }

  RedisServers servers;
  std::unique_ptr<ports::RedisPort> redis;
  core::ClusterView view;
};

/// Waits until every node says that the cluster is ok with all slots.
void await_ok(Bed& bed) {
  observe::Switchboard switchboard(*bed.redis, observe::targets_of(bed.view));
  for (;;) {
    const auto answers = switchboard.ask_all({{"CLUSTER", "INFO"}}, steady_clock::now() + 10s);
    const bool all = std::ranges::all_of(answers, [](const observe::Answer& answer) {
      return answer && answer->front().text.find("cluster_state:ok") != std::string::npos &&
             answer->front().text.find("cluster_slots_ok:16384") != std::string::npos;
    });
    if (all) {
      return;
    }
    std::this_thread::sleep_for(10ms);
  }
}

double time_ours(int nodes, int node_timeout, FormQuickly quickly) {
  Bed bed(nodes, node_timeout);
  const auto masters = static_cast<std::uint32_t>(nodes / 2);
  const auto start = steady_clock::now();
  observe::Cluster cluster(*bed.redis, bed.view);
  const auto outcome = plugin::initialise(
      cluster,
      nullptr,
      {.shape = {.masters = masters, .replicas = 1}, .form_quickly = quickly, .link_time = 0ms},
      {.deadline = start + 300s});
  if (!outcome) {
    give_up(outcome.error().message);
  }
  await_ok(bed);
  return seconds_since(start);
}

struct PeerTimes {
  double until_ok;
  double until_exit;
};

PeerTimes time_peer(int nodes, int node_timeout) {
  Bed bed(nodes, node_timeout);
  std::string command = "redis-cli --cluster create";
  for (const RedisServer& server : bed.servers.all()) {
    command += " " + server.address + ":" + std::to_string(server.port);
  }
  command += " --cluster-replicas 1 --cluster-yes >/dev/null 2>&1";
  const auto start = steady_clock::now();
  if (std::system(command.c_str()) != 0) {
    give_up("redis-cli --cluster create failed");
  }
  const double until_exit = seconds_since(start);
  await_ok(bed);
  return {seconds_since(start), until_exit};
}

int argument(int argc, char** argv, int at, int otherwise) {
  return argc > at ? std::atoi(argv[at]) : otherwise;
}

int run(int argc, char** argv) {
  const int nodes = argument(argc, argv, 1, 6);
  const int turns = argument(argc, argv, 2, 3);
  const int node_timeout = argument(argc, argv, 3, 5000);
  std::vector<double> ours;
  std::vector<double> ours_untouched;
  std::vector<double> peer;
  std::vector<double> peer_exit;
  for (int turn = 0; turn < turns; ++turn) {
    ours.push_back(time_ours(nodes, node_timeout, FormQuickly::yes));
    const PeerTimes times = time_peer(nodes, node_timeout);
    peer.push_back(times.until_ok);
    peer_exit.push_back(times.until_exit);
    ours_untouched.push_back(time_ours(nodes, node_timeout, FormQuickly::no));
    std::fprintf(stderr,
                 "turn %d: ours %.2f s (%.2f s without the short node timeout), redis-cli %.2f s "
                 "(its own exit: %.2f s)\n",
                 turn + 1,
                 ours.back(),
                 ours_untouched.back(),
                 peer.back(),
                 peer_exit.back());
  }
  const auto print = [nodes](const char* what, double mine, double theirs) {
    std::printf(
        "{\"bench\":\"init\",\"case\":\"%d "
        "nodes%s\",\"ours\":%.3f,\"peer\":%.3f,\"unit\":\"s\",\"ratio\":%.3f}\n",
        nodes,
        what,
        mine,
        theirs,
        mine / theirs);
  };
  print("", median(ours), median(peer));
  print(", against redis-cli's own exit", median(ours), median(peer_exit));
  print(", node timeout untouched", median(ours_untouched), median(peer));
  return 0;
}

}  // namespace
}  // namespace kredis::tests

int main(int argc, char** argv) { return kredis::tests::run(argc, argv); }
