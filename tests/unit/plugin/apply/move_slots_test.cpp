// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_slots.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/support/cluster_bed.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using std::chrono::steady_clock;
using tests::ClusterBed;
using namespace std::chrono_literals;

/// Of slot 0, which is redis-app-0's.
const std::string k_tag = "{06S}";
constexpr int k_counters = 250;  ///< More than two batches.

/// Three masters and their replicas, and the move of some slots from the first to the second.
struct Bed {
  explicit Bed(const std::string& password = "")
      : bed(6,
            5000,
            password.empty()
                ? std::vector<std::string>{}
                : std::vector<std::string>{"--requirepass", password, "--masterauth", password}) {
    bed.redis = std::move(*redis::make_redis(redis::Via::direct, nullptr, {.password = password}));
    const auto made = bed.init(3);
    REQUIRE_MESSAGE(made.has_value(), made.error().message);
    for (std::size_t i = 0; i < 3; ++i) {
      ids.push_back(*core::NodeId::parse(bed.ask(i, {"CLUSTER", "MYID"}).text));
    }
  }

  Status move(const std::string& slots,
              std::function<bool()> cancelled = {},
              std::chrono::seconds time = 60s,
              const MoveLimits& limits = {}) {
    auto cluster = bed.cluster();
    Site site{.cluster = cluster.get(), .limits = limits};
    const core::MoveSlots step{.pod = "redis-app-0",
                               .source = ids[0],
                               .target_pod = "redis-app-1",
                               .target = ids[1],
                               .slots = *core::SlotSet::parse(slots)};
    Status moved = carry_out(std::vector{&step},
                             site,
                             {.deadline = steady_clock::now() + time,
                              .progress = &watcher.progress,
                              .cancelled = std::move(cancelled)});
    watcher.progress.clear();
    return moved;
  }
  /// A move that is slow, and told to end in the middle.
  void cut_short(const std::string& slots) {
    const Status cut =
        move(slots, [n = 0]() mutable { return ++n >= 3; }, 60s, {.bytes_per_second = 20'000});
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == ErrorCode::cancelled);
  }
  void set(const Command& command) const {
    const core::Reply reply = bed.ask(0, command);
    REQUIRE_MESSAGE(!reply.is_error(), reply.text);
  }
  void fill() const {
    for (int i = 0; i < k_counters; ++i) {
      set({"SET", counter(i), std::to_string(i)});
    }
  }
  static std::string counter(int i) { return k_tag + std::to_string(i); }
  std::int64_t keys_at(std::size_t node, const std::string& slot = "0") const {
    return bed.ask(node, {"CLUSTER", "COUNTKEYSINSLOT", slot}).integer;
  }
  /// Every counter has its value at the target, and none is left at the source.
  void check_arrived() const {
    CHECK(keys_at(0) == 0);
    CHECK(keys_at(1) == k_counters);
    for (const int i : {0, 99, 100, 199, k_counters - 1}) {
      CHECK(bed.ask(1, {"GET", counter(i)}).text == std::to_string(i));
    }
  }
  bool is_open(std::size_t node) const {
    return contains(bed.ask(node, {"CLUSTER", "NODES"}).text, "[0-");
  }

  ClusterBed bed;
  Watcher watcher;
  std::vector<core::NodeId> ids;
};

TEST_SUITE("apply/move_slots on real servers") {
  TEST_CASE("keys of every type move with their times to live, and clients are sent on") {
    Bed bed;
    bed.set({"SET", k_tag + "text", "v", "PX", "600000"});
    bed.set({"RPUSH", k_tag + "list", "a", "b"});
    bed.set({"HSET", k_tag + "hash", "f", "v"});
    bed.set({"SADD", k_tag + "set", "m"});
    bed.set({"ZADD", k_tag + "sorted", "3", "m"});
    bed.set({"XADD", k_tag + "stream", "*", "f", "v"});

    const Status moved = bed.move("0");

    REQUIRE_MESSAGE(moved.has_value(), moved.error().message);
    const auto at_target = [&](const Command& command) { return bed.bed.ask(1, command); };
    CHECK(at_target({"GET", k_tag + "text"}).text == "v");
    const std::int64_t left = at_target({"PTTL", k_tag + "text"}).integer;
    CHECK(left > 0);
    CHECK(left <= 600'000);
    CHECK(at_target({"LRANGE", k_tag + "list", "0", "-1"}).items.size() == 2);
    CHECK(at_target({"HGET", k_tag + "hash", "f"}).text == "v");
    CHECK(at_target({"SISMEMBER", k_tag + "set", "m"}).integer == 1);
    CHECK(at_target({"ZSCORE", k_tag + "sorted", "m"}).text == "3");
    CHECK(at_target({"XLEN", k_tag + "stream"}).integer == 1);
    CHECK(at_target({"TTL", k_tag + "set"}).integer == -1);
    CHECK(bed.keys_at(0) == 0);
    for (const std::size_t other : {0U, 2U}) {
      CHECK(bed.bed.ask(other, {"GET", k_tag + "text"}).text ==
            "MOVED 0 " + bed.bed.servers[1].address + ":6379");
    }
    CHECK_FALSE(bed.is_open(0));
    CHECK_FALSE(bed.is_open(1));
    CAPTURE(bed.watcher.said());
    CHECK(contains(bed.watcher.said(), "1 of 1 slots moved, 6 keys"));
  }

  TEST_CASE("a node that was held up is looked at anew, and what had gone before counts") {
    Bed bed;
    bed.fill();
    // Its patience is short, and the others' as it was: nobody gives it up meanwhile.
    bed.set({"CONFIG", "SET", "cluster-node-timeout", "500"});
    const auto hold_up = [&bed, done = false]() mutable {
      if (!done && bed.keys_at(1) > 0) {
        done = true;
        bed.bed.servers.freeze(0);
        std::this_thread::sleep_for(700ms);
        bed.bed.servers.thaw(0);
      }
      return false;
    };

    const Status moved = bed.move("0", hold_up, 60s, {.bytes_per_second = 20'000});

    REQUIRE_MESSAGE(moved.has_value(), moved.error().message);
    bed.check_arrived();
    CAPTURE(bed.watcher.said());
    CHECK(contains(bed.watcher.said(), "looking anew"));
    CHECK(contains(bed.watcher.said(), "1 of 1 slots moved, 250 keys"));
  }

  TEST_CASE("a move that ends in the middle of a slot is finished by the next") {
    Bed bed;
    bed.fill();
    bed.cut_short("0-1");
    CHECK(bed.is_open(0));
    CHECK(bed.is_open(1));
    CHECK(bed.keys_at(0) > 0);
    CHECK(bed.keys_at(0) + bed.keys_at(1) == k_counters);
    // While it is open, clients are served: what has moved by ASK, what has not where it is.
    CHECK(bed.bed.ask(0, {"SET", Bed::counter(k_counters), "new"}).text.starts_with("ASK 0 "));

    const Status moved = bed.move("0-1");
    REQUIRE_MESSAGE(moved.has_value(), moved.error().message);
    bed.check_arrived();
    CHECK_FALSE(bed.is_open(0));
    CHECK_FALSE(bed.is_open(1));
    CHECK(bed.move("0-1").has_value());  // And what has arrived is passed over.
  }

  TEST_CASE("who is told to end before it began opens nothing") {
    Bed bed;
    const Status cut = bed.move("0-99", [] { return true; });
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == ErrorCode::cancelled);
    CHECK(contains(cut.error().message, "0 of 100 slots moved"));
    CHECK_FALSE(bed.is_open(0));
  }

  TEST_CASE("a move whose time is over opens no further slot") {
    Bed bed;
    const Status late = bed.move("0-99", {}, 0s);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ErrorCode::timeout);
    CHECK(contains(late.error().message, "0 of 100 slots moved"));
    CHECK(contains(late.error().hint, "run the same command again"));
    CHECK_FALSE(bed.is_open(0));
    CHECK_FALSE(bed.is_open(1));
  }

  TEST_CASE("a slot that is neither here nor there is a conflict, and nothing moves") {
    Bed bed;
    const Status moved = bed.move("0,16383");
    REQUIRE_FALSE(moved.has_value());
    CHECK(moved.error().code == ErrorCode::conflict);
    CHECK(moved.error().message == "slots 16383 are neither at redis-app-0 nor at redis-app-1");
    CHECK(contains(moved.error().hint, "plan anew"));
    CHECK(contains(moved.error().context.back(), "move_slots redis-app-0 redis-app-1"));
    CHECK(bed.watcher.said().empty());
  }

  TEST_CASE("servers with a password are moved between, and another one is refused in words") {
    Bed bed("s3cret");
    bed.fill();
    const Status moved = bed.move("0");
    REQUIRE_MESSAGE(moved.has_value(), moved.error().message);
    bed.check_arrived();
    CHECK_FALSE(contains(bed.watcher.said(), "s3cret"));
  }

  TEST_CASE("a copy at the target whose acknowledgement was lost does not stop the move") {
    Bed bed;
    bed.fill();
    bed.cut_short("0");
    const std::string left =
        bed.bed.ask(0, {"CLUSTER", "GETKEYSINSLOT", "0", "1"}).items.front().text;
    const std::string value = bed.bed.ask(0, {"GET", left}).text;
    auto line =
        bed.bed.redis->connect({.host = bed.bed.servers[1].address}, steady_clock::now() + 10s);
    REQUIRE(line.has_value());
    REQUIRE((*line)
                ->pipeline({{"ASKING"}, {"SET", left, "stale"}}, steady_clock::now() + 10s)
                ->back()
                .is_ok());
    REQUIRE(bed.move("0").has_value());
    bed.check_arrived();
    CHECK(bed.bed.ask(1, {"GET", left}).text == value);
  }

  TEST_CASE("a target whose replicas are behind, where that is not to be, takes no key") {
    Bed bed;
    bed.fill();
    REQUIRE(bed.bed.ask(1, {"CONFIG", "SET", "min-replicas-to-write", "2"}).text == "OK");

    const Status refused = bed.move("0");

    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message ==
          "redis-app-1 takes no writes: fewer of its replicas are in step than "
          "min-replicas-to-write asks for");
    CHECK(contains(refused.error().hint, "run the same command again"));
    CHECK(bed.keys_at(0) == k_counters);
    CHECK(bed.keys_at(1) == 0);
    REQUIRE(bed.bed.ask(1, {"CONFIG", "SET", "min-replicas-to-write", "0"}).text == "OK");
    const Status moved = bed.move("0");
    REQUIRE_MESSAGE(moved.has_value(), moved.error().message);
    bed.check_arrived();
  }

  TEST_CASE("a node that does not answer is named before anything is opened") {
    Bed bed;
    bed.bed.servers.kill(1);
    const Status moved = bed.move("0");
    REQUIRE_FALSE(moved.has_value());
    CHECK(moved.error().code == ErrorCode::unreachable);
    CHECK(contains(moved.error().message, "redis-app-1 does not answer"));
    CHECK_FALSE(bed.is_open(0));
  }
}

}  // namespace
}  // namespace kredis::plugin
