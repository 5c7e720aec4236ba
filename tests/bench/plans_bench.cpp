// SPDX-License-Identifier: Apache-2.0
//
// How long plans take for a cluster of 1,000 nodes (500 masters, 500 replicas), beside what it
// takes to read one node's CLUSTER NODES of it. What looking at all of them costs is not in it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

#include "shared/core/plans/plan_fix.hpp"
#include "shared/core/plans/plan_reshard.hpp"
#include "shared/core/plans/plan_scale.hpp"
#include "shared/wire/cluster_nodes.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/nodes_text.hpp"

namespace kredis {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;

constexpr int k_masters = 500;
constexpr int k_rounds = 3;

/// The best of some rounds, in ms.
double best_of(const std::function<void()>& work) {
  double best = 1e9;
  for (int round = 0; round < k_rounds; ++round) {
    const auto began = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    best = std::min(best, took.count());
  }
  return best;
}

ViewBuilder uneven(int pods) {
  ViewBuilder builder = ViewBuilder::whole(k_masters, 1);
  const auto runs = core::even_slots(k_masters);
  core::SlotSet first = *core::SlotSet::parse(runs[0].to_text());
  for (int pod = 1; pod < pods; ++pod) {
    const core::SlotRange run = runs[static_cast<std::size_t>(pod)];
    first.insert(core::one_slot(run.first()));
    builder.slots(pod, core::SlotRange::make(run.first() + 1, run.last())->to_text());
  }
  return builder.slots(0, first.to_text());
}

void print(const char* what, double took, double read) {
  std::printf("%-28s %8.2f ms  %6.1f times reading CLUSTER NODES once\n", what, took, took / read);
}

void run() {
  const core::ClusterView view = uneven(200).build();
  std::string text;
  for (const core::Node& node : view.members[0].view->nodes()) {
    text += tests::node_line(node);
  }
  const double read = best_of([&] { static_cast<void>(wire::parse_cluster_nodes(text)); });
  print("read CLUSTER NODES once", read, read);
  print("rebalance",
        best_of([&] { plan_rebalance(view, {.threshold_percent = 0}, {}).value(); }),
        read);
  print("reshard --slots 500",
        best_of([&] { plan_reshard(view, {.to = {testing::pod_name(1)}, .count = 500}).value(); }),
        read);
  print("scale to 490 masters",
        best_of([&] { plan_scale(view, {.masters = 490, .replicas = 1}).value(); }),
        read);
  ViewBuilder open = uneven(200);
  for (int pod = 0; pod < 50; ++pod) {
    open.edit(pod, [pod](core::Member& member) {
      for (core::Node& node : edit_nodes(member)) {
        if (node.flags.myself) {
          node.open_slots.push_back({.slot = node.slots.ranges().front().first(),
                                     .direction = core::OpenSlot::Direction::migrating,
                                     .other = node_id(pod + 100)});
        }
      }
    });
  }
  const core::ClusterView marked = open.build();
  print("fix of 50 open slots", best_of([&] { plan_fix(marked, {}, {}); }), read);
}

}  // namespace
}  // namespace kredis

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  kredis::run();
}
