// SPDX-License-Identifier: Apache-2.0
//
// Time, peak memory and quality of placement, against the shuffling baseline. Each run is a process
// of its own, so that its peak memory is its own; the two take turns.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "shared/core/placement/placement.hpp"
#include "tests/bench/shuffle_baseline.hpp"

namespace kredis::bench {
namespace {

constexpr int k_runs = 7;

struct Scenario {
  int pods;
  int nodes;
  int zones;
  int replicas;
  const char* layout;
};

struct Measure {
  double ms = 0;
  double peak_mib = 0;
  double shared_places = 0;  ///< Replicas that share a node or zone, and majorities.
};

std::vector<core::Candidate> pods_of(const Scenario& scenario) {
  std::mt19937 random{1};
  std::vector<core::Candidate> pods;
  for (int pod = 0; pod < scenario.pods; ++pod) {
    const bool even = std::string(scenario.layout) == "even";
    const int node = static_cast<int>((even ? static_cast<unsigned>(pod) : random()) %
                                      static_cast<unsigned>(scenario.nodes));
    pods.push_back(
        {pod, {"node-" + std::to_string(node), "zone-" + std::to_string(node % scenario.zones)}});
  }
  return pods;
}

using Placer = std::function<core::Placement(const std::vector<core::Candidate>&)>;

/// Requires: this process has placed nothing yet, for its children inherit its peak.
Measure measure(const std::vector<core::Candidate>& pods, const Placer& placer) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) {
    std::abort();
  }
  const pid_t child = fork();
  if (child == 0) {
    const auto start = std::chrono::steady_clock::now();
    const core::Placement placement = placer(pods);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    const Measure seen{.ms = took.count(),
                       .shared_places = static_cast<double>(placement.compromises.size())};
    _exit(write(ends[1], &seen, sizeof seen) == sizeof seen ? 0 : 1);
  }
  Measure seen;
  rusage usage{};
  if (read(ends[0], &seen, sizeof seen) != sizeof seen || wait4(child, nullptr, 0, &usage) < 0) {
    std::abort();
  }
  close(ends[0]);
  close(ends[1]);
  seen.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  return seen;
}

double median(std::vector<Measure> runs, double Measure::*what) {
  std::ranges::sort(runs, {}, what);
  return runs[runs.size() / 2].*what;
}

void report(const std::string& title, const std::string& unit, double ours, double peer) {
  const std::string ratio = peer > 0 ? std::to_string(ours / peer) : "null";
  std::printf(
      "{\"bench\": \"placement\", \"case\": \"%s\", \"ours\": %.3f, \"peer\": %.3f, "
      "\"unit\": \"%s\", \"ratio\": %s}\n",
      title.c_str(),
      ours,
      peer,
      unit.c_str(),
      ratio.c_str());
  std::fflush(stdout);
}

void run(const Scenario& scenario) {
  const std::vector<core::Candidate> pods = pods_of(scenario);
  const auto masters = static_cast<std::uint32_t>(scenario.pods / (1 + scenario.replicas));
  std::vector<Measure> ours;
  std::vector<Measure> peer;
  for (int turn = 0; turn < k_runs; ++turn) {
    ours.push_back(measure(pods, [&](const auto& candidates) {
      return core::place(candidates, masters, static_cast<std::uint32_t>(scenario.replicas))
          .value();
    }));
    peer.push_back(measure(
        pods, [&](const auto& candidates) { return place_by_shuffling(candidates, masters); }));
  }
  const std::string title = std::to_string(scenario.pods) + " pods, " +
                            std::to_string(scenario.nodes) + " nodes, " +
                            std::to_string(scenario.zones) + " zones, " +
                            std::to_string(scenario.replicas) + " replicas, " + scenario.layout;
  report(title, "ms", median(ours, &Measure::ms), median(peer, &Measure::ms));
  report(title, "MiB", median(ours, &Measure::peak_mib), median(peer, &Measure::peak_mib));
  report(title,
         "compromises",
         median(ours, &Measure::shared_places),
         median(peer, &Measure::shared_places));
}

}  // namespace
}  // namespace kredis::bench

int main() {
  for (const char* layout : {"even", "random"}) {
    for (const kredis::bench::Scenario& scenario :
         {kredis::bench::Scenario{10, 5, 3, 1, layout},
          kredis::bench::Scenario{100, 20, 4, 1, layout},
          kredis::bench::Scenario{1'000, 100, 10, 1, layout},
          kredis::bench::Scenario{1'000, 100, 10, 4, layout}}) {
      kredis::bench::run(scenario);
    }
  }
}
