// SPDX-License-Identifier: Apache-2.0
//
// A small world to run whole command lines in: an API server with three nodes in three zones and a
// StatefulSet controller, Redis nodes that are a ClusterModel, a clock that only sleeping moves,
// and a terminal. `bed.run({"failover", "--pod", "redis-app-3"})` is what a user would type in
// namespace shop.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin/command_line.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "tests/support/cluster_model.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/support/fake_redis.hpp"
#include "tests/support/fake_terminal.hpp"

namespace kredis::tests {

/// What a command line came to.
struct Ran {
  core::ExitStatus exit;
  std::string out;
  std::string err;
};

/// FakeKube with an answer to "may I?".
class BedKube : public FakeKube {
 public:
  /// "create statefulsets" and the like, which this user may not.
  std::set<std::string> forbidden = {};

  Result<bool> can_i(const ports::AccessQuestion& question) override {
    return !forbidden.contains(question.verb + " " + question.resource);
  }
};

class VerbBed {
 public:
  /// An empty namespace shop.
  VerbBed();
  /// The same with the cluster that `create` makes of `spec`, whole: redis-app-0 to -2 are masters,
  /// redis-app-3 follows -2, -4 follows -0 and -5 follows -1.
  static std::unique_ptr<VerbBed> whole(const manifest::ClusterSpec& spec = {});

  Ran run(const std::vector<std::string>& words);

  /// Makes all objects of `spec` and, as the controller does, their pods.
  void put_cluster(const manifest::ClusterSpec& spec);
  /// Changes an object in place.
  void edit(const std::string& plural,
            const std::string& name,
            const std::function<void(Json&)>& change);
  /// The pod's Redis answers nobody; the other nodes notice.
  void silence(const std::string& pod);
  /// Writes redis.conf of the cluster anew, as kubectl edit would.
  void set_config(const std::string& name, const std::string& value);
  /// Somebody else changes cluster redis, and goes on doing so.
  void hold_lease();
  /// Ends the run that is under way, as far as it looks.
  void press_ctrl_c() { terminal_->ctrl_c = true; }
  bool is_master(const std::string& pod) { return !model.node(pod).master; }
  /// The pods that were deleted, in order.
  std::vector<std::string> restarts() const;

  BedKube kube;
  FakeRedis redis;
  FakeClock clock;
  ClusterModel model;

  std::deque<std::string> answers = {};  ///< Of the user, in the runs to come.
  bool asks = true;                      ///< Whether somebody sits at the terminal.
  bool pods_get_ready = true;            ///< Whether the controller's pods do.
  bool ctrl_c_while_waiting = false;     ///< At the first sleep of the next run.
  /// What else goes on while a verb waits.
  std::function<void()> meanwhile = {};
  std::optional<Error> no_access = {};  ///< Why the API server cannot be reached at all.
  /// What befalls a node's settings each time that it starts.
  std::function<void(ModelNode&)> after_start = {};

 private:
  plugin::Means means();
  void control(const std::string& what, const std::string& plural, const Json& object);
  void make_pod(const Json& workload, int ordinal);
  void start_redis(const std::string& pod, int ordinal, const std::string& host);

  std::unique_ptr<FakeTerminal> terminal_;
  int last_address_ = 0;
};

/// How a pod is: of `name`, on node `ordinal` modulo three.
Json pod_of(const Json& workload, int ordinal, const std::string& address);

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace kredis::tests
