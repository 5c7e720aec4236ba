// SPDX-License-Identifier: Apache-2.0
//
// What the engine works on in tests: a clock that only sleeping moves, progress as a text, and a
// cluster whose nodes say whatever a ClusterView says.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/observe/cluster.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_redis.hpp"

namespace kredis::plugin {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How often `part` stands in `text`.
std::size_t count_of(const std::string& text, const std::string& part);

inline core::NodeId id_of(int ordinal) { return testing::node_id(ordinal); }

/// Somebody who conducts, with as much time as he likes, and what he was told meanwhile.
struct Watcher {
  Conduct conduct(std::chrono::milliseconds time = std::chrono::minutes(1)) {
    return {.deadline = clock.now() + time, .progress = &progress, .clock = &clock};
  }
  std::string said() const { return stream.str(); }

  tests::FakeClock clock;
  std::ostringstream stream;
  Progress progress{stream, TextStyle{}, Live::no};
};

/// Redis nodes that say what `view` says, and by default find every command in order.
class ViewedCluster {
 public:
  explicit ViewedCluster(core::ClusterView what);

  observe::Cluster cluster() { return {redis, view}; }
  /// The pod's node answers at another address from now on, and no more at its old one.
  void move(int pod, const std::string& ip);
  /// All that the pod's node was told and asked, as "CLUSTER MEET ..."; INFO and CONFIG GET left
  /// out.
  std::vector<std::string> heard(int pod) const;
  /// Only what it was told.
  std::vector<std::string> told(int pod) const;

  core::ClusterView view;  ///< May be changed at any time but while nodes are asked.
  tests::FakeRedis redis;
  /// What a node does about a command.
  std::function<core::Reply(const std::string& pod, const core::Command&)> on_command =
      [](const std::string&, const core::Command&) { return tests::ok(); };

 private:
  core::Reply answer(std::size_t member, const core::Command& command);

  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> heard_;
};

/// A plan of one stage.
core::Plan one_stage(std::vector<core::Step> steps, const std::string& title = "work");
core::Plan one_step(core::StepKind what);

/// One step of each kind, for redis-app-1 wherever a pod is named, by the first word of its text.
std::vector<std::pair<std::string, core::Step>> every_kind();

/// A replica took its master's place, and everybody knows.
void swap_roles(core::ClusterView& view, int heir, int master);

/// The object as Kubernetes has it: kind "Pod", "StatefulSet", ...
Json object_of(const std::string& kind, const std::string& name);

}  // namespace kredis::plugin
