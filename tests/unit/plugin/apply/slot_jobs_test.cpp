// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/slot_jobs.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <deque>

#include "plugin/apply/finish_jobs.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Reply;
using testing::edit_nodes;
using testing::pod_name;
using testing::ViewBuilder;
using namespace std::chrono_literals;

/// One job as a server lists it.
struct Listed {
  std::string id;
  std::string slots;
  int source;
  int target;
  std::string state;
  std::string why = {};
};

Reply list_reply(const std::vector<std::string>& words) {
  Reply list{.kind = Reply::Kind::array};
  for (const std::string& word : words) {
    list.items.push_back(tests::text_reply(word));
  }
  return list;
}

core::ClusterView view_of(const std::string& server, const std::string& version) {
  core::ClusterView view = ViewBuilder::whole(3, 0).build();
  for (core::Member& member : view.members) {
    member.server->server = server;
    member.server->version = version;
  }
  return view;
}

/// Three masters that move slots themselves; `on_look` is what becomes of a job each time that
/// somebody asks for it.
struct JobBed {
  explicit JobBed(const std::string& server = "redis", const std::string& version = "8.6.3")
      : valkey(server == "valkey"), nodes(view_of(server, version)) {
    nodes.on_command = [this](const std::string& pod, const Command& command) {
      return answer(pod, command);
    };
  }

  Reply answer(const std::string& pod, const Command& command) {
    const std::string verb = command.size() > 1 ? command[1] : "";
    if (verb == "COUNTKEYSINSLOT") {
      return {.kind = Reply::Kind::integer, .integer = pod == pod_name(0) ? 10 : strays};
    }
    if (verb == "GETSLOTMIGRATIONS" || (verb == "MIGRATION" && command[2] == "STATUS")) {
      return list(pod);
    }
    if (verb == "MIGRATESLOTS" || (verb == "MIGRATION" && command[2] == "IMPORT")) {
      return begin(pod, command);
    }
    if (verb == "CANCELSLOTMIGRATIONS" || (verb == "MIGRATION" && command[2] == "CANCEL")) {
      ++cancelled;
      for (Listed& job : jobs) {
        job.state = job.state == "completed" || job.state == "success" ? job.state
                    : valkey                                           ? "cancelled"
                                                                       : "canceled";
      }
    }
    return tests::ok();
  }

  Reply begin(const std::string& pod, const Command& command) {
    if (!refusal.empty()) {
      return tests::error_reply(refusal);
    }
    std::string slots;
    for (std::size_t i = 3; i + 1 < command.size() && command[i] != "NODE"; i += 2) {
      slots += (slots.empty() ? "" : " ") + command[i] + "-" + command[i + 1];
    }
    int target = pod.back() - '0';
    int source = 0;
    if (valkey) {
      source = target;
      target = command.back() == id_of(1).to_text() ? 1 : 2;
    }
    jobs.push_front({.id = "job-" + std::to_string(++begun),
                     .slots = slots,
                     .source = source,
                     .target = target,
                     .state = "snapshotting"});
    return valkey ? tests::ok() : tests::text_reply(jobs.front().id);
  }

  Reply list(const std::string& pod) {
    Reply all{.kind = Reply::Kind::array};
    int running = 0;
    for (Listed& job : jobs) {
      if (pod != pod_name(valkey ? job.source : job.target)) {
        continue;
      }
      on_look(job);
      running += job.state == "snapshotting" ? 1 : 0;
      const std::string from = id_of(job.source).to_text();
      const std::string to = id_of(job.target).to_text();
      all.items.push_back(valkey ? list_reply({"name",
                                               job.id,
                                               "operation",
                                               "EXPORT",
                                               "slot_ranges",
                                               job.slots,
                                               "target_node",
                                               to,
                                               "source_node",
                                               from,
                                               "state",
                                               job.state,
                                               "message",
                                               job.why})
                                 : list_reply({"id",
                                               job.id,
                                               "slots",
                                               job.slots,
                                               "source",
                                               from,
                                               "dest",
                                               to,
                                               "operation",
                                               "import",
                                               "state",
                                               job.state,
                                               "last_error",
                                               job.why}));
    }
    most_at_once = std::max(most_at_once, running);
    return all;
  }

  /// All nodes show the slots at the target.
  void give(const Listed& job) {
    const core::SlotSet slots = *core::SlotSet::parse(job.slots);
    for (core::Member& member : nodes.view.members) {
      for (core::Node& node : edit_nodes(member)) {
        node.id == id_of(job.target) ? node.slots.insert(slots) : node.slots.erase(slots);
      }
    }
  }
  void complete(Listed& job) {
    if (job.state == "snapshotting") {
      job.state = valkey ? "success" : "completed";
      give(job);
    }
  }

  Status move(std::vector<core::MoveSlots> steps = {}, std::function<bool()> stop = {}) {
    if (steps.empty()) {
      steps.push_back(step("0-99", 1));
    }
    Moves moves;
    for (const core::MoveSlots& each : steps) {
      moves.push_back(&each);
    }
    auto cluster = nodes.cluster();
    Conduct conduct = watcher.conduct(30min);
    conduct.cancelled = std::move(stop);
    return run_slot_jobs(moves, cluster, conduct);
  }
  static core::MoveSlots step(const std::string& slots, int target) {
    return {.pod = pod_name(0),
            .source = id_of(0),
            .target_pod = pod_name(target),
            .target = id_of(target),
            .slots = *core::SlotSet::parse(slots),
            .way = core::MoveWay::atomic};
  }

  bool valkey;
  ViewedCluster nodes;
  Watcher watcher;
  std::deque<Listed> jobs = {};
  std::function<void(Listed&)> on_look = [](Listed&) {};
  std::string refusal = {};
  std::int64_t strays = 0;
  int begun = 0;
  int cancelled = 0;
  int most_at_once = 0;
};

TEST_SUITE("apply/slot_jobs") {
  TEST_CASE("a job is begun once, watched, and over when the server says so") {
    for (const char* server : {"redis", "valkey"}) {
      JobBed bed(server, "9.1.2");
      int looks = 0;
      bed.on_look = [&](Listed& job) { ++looks >= 20 ? bed.complete(job) : void(); };
      const Status moved = bed.move();
      REQUIRE_MESSAGE(moved.has_value(), moved.error().message);
      CHECK(bed.begun == 1);
      CHECK(bed.cancelled == 0);
      CHECK(contains(bed.watcher.said(), "0 of 100 slots moved, 0 keys"));
      CHECK(contains(bed.watcher.said(), "redis-app-0 to redis-app-1: snapshotting"));
      CHECK(contains(bed.watcher.said(), "100 of 100 slots moved, 1000 keys"));
    }
  }

  TEST_CASE("what failed and arrived all the same is not begun anew") {
    JobBed bed("valkey", "9.1.2");
    bed.on_look = [&](Listed& job) {
      job.state = "failed";
      bed.give(job);
    };
    CHECK(bed.move().has_value());
    CHECK(bed.begun == 1);
  }

  TEST_CASE("what failed and did not arrive is begun three times, and then told in its words") {
    JobBed bed("valkey", "9.1.2");
    bed.on_look = [&](Listed& job) {
      job.state = "failed";
      job.why = "Connection lost to target";
    };
    const Status moved = bed.move();
    REQUIRE_FALSE(moved.has_value());
    CHECK(bed.begun == 3);
    CHECK(moved.error().code == ErrorCode::conflict);
    CHECK(moved.error().message ==
          "the servers gave the move of slots 0-99 from redis-app-0 to redis-app-1 up: failed: "
          "Connection lost to target");
    CHECK(contains(moved.error().hint, "--how classic"));
  }

  TEST_CASE("where the nodes do not agree on what became of it nothing is begun anew") {
    JobBed bed("valkey", "9.1.2");
    bed.on_look = [&](Listed& job) {
      if (job.state == "snapshotting") {
        job.state = "failed";
        auto seen = edit_nodes(bed.nodes.view.members[2]);
        seen[0].slots.erase(*core::SlotSet::parse("0-99"));
        seen[1].slots.insert(*core::SlotSet::parse("0-99"));
      }
    };
    const Status moved = bed.move();
    REQUIRE_FALSE(moved.has_value());
    CHECK(bed.begun == 1);
    CHECK(moved.error().code == ErrorCode::conflict);
    CHECK(contains(moved.error().message, "the nodes do not agree on who has slots 0-99"));
  }

  TEST_CASE("what somebody cancelled is not begun anew") {
    JobBed bed;
    bed.on_look = [](Listed& job) {
      job.state = "canceled";
      job.why = "Cancelled due to user request";
    };
    const Status moved = bed.move();
    REQUIRE_FALSE(moved.has_value());
    CHECK(bed.begun == 1);
    CHECK(contains(moved.error().message, "Cancelled due to user request"));
  }

  TEST_CASE("what a server of Redis tries again and again is ended after a while") {
    JobBed bed;
    bed.on_look = [](Listed& job) {
      if (job.state == "snapshotting") {
        job.state = "failed";
        job.why = "-LOADING";
      }
    };
    const Status moved = bed.move();
    REQUIRE_FALSE(moved.has_value());
    CHECK(bed.begun == 1);
    CHECK(bed.cancelled >= 1);
    CHECK(contains(moved.error().message, "failed: -LOADING"));
    CHECK(bed.watcher.clock.slept() > 15s);
    CHECK(bed.watcher.clock.slept() < 60s);
  }

  TEST_CASE("a refusal is asked again for a while: another job may be about to end") {
    JobBed bed;
    bed.on_look = [&](Listed& job) { bed.complete(job); };
    bed.refusal = "ERR another ASM task is already in progress";
    SUBCASE("it ends") {
      bed.watcher.clock.on_sleep = [&] {
        bed.refusal = bed.watcher.clock.slept() > 5s ? "" : bed.refusal;
      };
      CHECK(bed.move().has_value());
      CHECK(contains(bed.watcher.said(), "redis-app-1 waits: ERR another ASM task"));
    }
    SUBCASE("it does not") {
      const Status moved = bed.move();
      REQUIRE_FALSE(moved.has_value());
      CHECK(contains(moved.error().message, "another ASM task is already in progress"));
      CHECK(bed.watcher.clock.slept() < 20s);
    }
    CHECK(bed.cancelled == 0);
  }

  TEST_CASE("a target with keys of the slots is told of none of them") {
    JobBed bed;
    bed.strays = 1;
    const Status moved = bed.move();
    REQUIRE_FALSE(moved.has_value());
    CHECK(bed.begun == 0);
    CHECK(
        contains(moved.error().message, "redis-app-1 has 100 keys of them, which are not its own"));
    CHECK(contains(moved.error().hint, "--how classic"));
  }

  TEST_CASE("who is told to end cancels what runs, or says what goes on") {
    JobBed bed;
    int asked = 0;
    const auto soon = [&] { return ++asked > 10; };
    SUBCASE("the server ends it") {
      const Status moved = bed.move({}, soon);
      REQUIRE_FALSE(moved.has_value());
      CHECK(moved.error().code == ErrorCode::cancelled);
      CHECK(bed.cancelled >= 1);
      CHECK_FALSE(contains(moved.error().hint, "may go on"));
    }
    SUBCASE("the server does not answer any more") {
      bed.on_look = [&](Listed&) { asked = 11; };
      bed.nodes.redis.kill(bed.nodes.view.members[1].pod.ip);
      const Status moved = bed.move({}, soon);
      CHECK_FALSE(moved.has_value());
    }
  }

  TEST_CASE("much data goes in parts, and no node is in two jobs at once") {
    JobBed bed;
    for (core::Member& member : bed.nodes.view.members) {
      member.server->used_memory_bytes = std::int64_t{5461} << 20;  // 1 MiB a slot.
    }
    bed.on_look = [&](Listed& job) { bed.complete(job); };
    CHECK(bed.move({JobBed::step("0-999", 1), JobBed::step("1000-1999", 2)}).has_value());
    CHECK(bed.begun == 4);
    CHECK(bed.most_at_once <= 1);
  }

  TEST_CASE("jobs that run already are waited for, and ended by nobody") {
    JobBed bed;
    auto cluster = bed.nodes.cluster();
    cluster.ask(observe::Ask::everything, ports::Deadline::max());
    CHECK(finish_running_jobs(cluster, bed.watcher.conduct()).value() == false);

    bed.jobs.push_front({"x", "0-99", 0, 1, "snapshotting"});
    int looks = 0;
    bed.on_look = [&](Listed& job) { ++looks >= 5 ? bed.complete(job) : void(); };
    cluster.ask(observe::Ask::everything, ports::Deadline::max());
    CHECK(finish_running_jobs(cluster, bed.watcher.conduct()).value() == true);
    CHECK(bed.begun == 0);
    CHECK(contains(bed.watcher.said(),
                   "the servers move slots 0-99 from redis-app-0 to redis-app-1"));
    CHECK(cluster.view().members[1].self()->slots.contains(0));

    SUBCASE("one that fails on and on is for somebody to look at") {
      bed.jobs.push_front({"y", "100-199", 0, 1, "failed", "-NOAUTH"});
      cluster.ask(observe::Ask::everything, ports::Deadline::max());
      const auto waited = finish_running_jobs(cluster, bed.watcher.conduct());
      REQUIRE_FALSE(waited.has_value());
      CHECK(waited.error().code == ErrorCode::conflict);
      CHECK(contains(waited.error().message, "-NOAUTH"));
      CHECK(contains(waited.error().hint, "CLUSTER MIGRATION CANCEL ID y"));
    }
    SUBCASE("who is told to end says how to end them") {
      bed.jobs.push_front({"z", "100-199", 0, 1, "snapshotting"});
      bed.on_look = [](Listed&) {};
      cluster.ask(observe::Ask::everything, ports::Deadline::max());
      Conduct conduct = bed.watcher.conduct();
      conduct.cancelled = [] { return true; };
      const auto waited = finish_running_jobs(cluster, conduct);
      REQUIRE_FALSE(waited.has_value());
      CHECK(waited.error().code == ErrorCode::cancelled);
      CHECK(contains(waited.error().hint, "CLUSTER MIGRATION CANCEL ID z"));
    }
    CHECK(bed.cancelled == 0);
  }
}

}  // namespace
}  // namespace kredis::plugin
