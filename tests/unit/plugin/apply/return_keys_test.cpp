// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/return_keys.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "plugin/apply/databases.hpp"
#include "plugin/operations/fix/count_keys.hpp"
#include "plugin/operations/fix/stray_keys.hpp"
#include "tests/support/cluster_bed.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using std::chrono::steady_clock;
using tests::ClusterBed;
using namespace std::chrono_literals;

/// Slot 0 is redis-app-0's, and redis-app-1 keeps some of its keys from a move that was given up at
/// the source only.
struct HalfBack {
  HalfBack() : bed(6, 5000, {}) {
    const auto made = bed.init(3);
    REQUIRE_MESSAGE(made.has_value(), made.error().message);
    owner = *core::NodeId::parse(bed.ask(0, {"CLUSTER", "MYID"}).text);
    const std::string target = bed.ask(1, {"CLUSTER", "MYID"}).text;
    for (int i = 0; i < 120; ++i) {
      tell(0, {"SET", key(i), std::to_string(i), "PX", "600000"});
    }
    tell(1, {"CLUSTER", "SETSLOT", "0", "IMPORTING", owner.to_text()});
    tell(0, {"CLUSTER", "SETSLOT", "0", "MIGRATING", target});
    Command migrate{"MIGRATE", bed.servers[1].address, "6379", "", "0", "5000", "KEYS"};
    for (int i = 0; i < 70; ++i) {
      migrate.push_back(key(i));
    }
    tell(0, migrate);
    tell(0, {"CLUSTER", "SETSLOT", "0", "STABLE"});
  }

  static std::string key(int i) { return "{06S}" + std::to_string(i); }
  void tell(std::size_t node, const Command& command) const {
    const core::Reply reply = bed.ask(node, command);
    REQUIRE_MESSAGE(!reply.is_error(), reply.text);
  }
  std::int64_t keys_at(std::size_t node) const {
    return bed.ask(node, {"CLUSTER", "COUNTKEYSINSLOT", "0"}).integer;
  }
  bool is_open(std::size_t node) const {
    return contains(bed.ask(node, {"CLUSTER", "NODES"}).text, "[0-");
  }
  Status bring(bool drops = false, std::function<bool()> cancelled = {}) {
    auto cluster = bed.cluster();
    Site site{.cluster = cluster.get()};
    return carry_out(core::ReturnKeys{.pod = "redis-app-1",
                                      .owner_pod = "redis-app-0",
                                      .owner = owner,
                                      .slots = *core::SlotSet::parse("0"),
                                      .drops = drops},
                     site,
                     {.deadline = steady_clock::now() + 30s, .cancelled = std::move(cancelled)});
  }
  core::ClusterView look() {
    looked_at = bed.cluster();
    looked_at->ask(observe::Ask::everything, steady_clock::now() + 10s);
    return view_with_stray_keys(*looked_at, steady_clock::now() + 10s);
  }
  core::SlotKeys counted() {
    const core::ClusterView view = look();
    const auto keys = count_keys(*looked_at, view, steady_clock::now() + 10s);
    REQUIRE_MESSAGE(keys.has_value(), keys.error().message);
    CHECK(keys->size() == 1);
    return keys->at(0);
  }

  ClusterBed bed;
  decltype(bed.cluster()) looked_at = {};
  core::NodeId owner = testing::node_id(0);
};

}  // namespace

TEST_SUITE("apply/return_keys on real servers") {
  TEST_CASE("keys go to the owner with their times to live, and then the mark goes") {
    HalfBack half;
    CHECK(half.keys_at(0) == 50);
    CHECK(half.counted().on.at("redis-app-0") == 50);
    CHECK(half.counted().on.at("redis-app-1") == 70);
    CHECK(half.counted().other_values.empty());
    const Status done = half.bring();
    REQUIRE_MESSAGE(done.has_value(), done.error().message);
    CHECK(half.keys_at(0) == 120);
    CHECK(half.keys_at(1) == 0);
    CHECK_FALSE(half.is_open(1));
    CHECK(half.bed.ask(0, {"GET", HalfBack::key(69)}).text == "69");
    CHECK(half.bed.ask(0, {"PTTL", HalfBack::key(69)}).integer > 0);
    CHECK(half.bring().has_value());  // There is nothing left to do.
  }

  TEST_CASE("the same value on both sides goes, another one stays with its mark until it is said") {
    HalfBack half;
    half.tell(0, {"SET", HalfBack::key(1), "1"});
    half.tell(0, {"SET", HalfBack::key(2), "the owner's"});
    CHECK(half.counted().other_values.at("redis-app-1") == 1);
    const Status refused = half.bring();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::unsafe);
    CHECK(contains(refused.error().message, "1 key of slots 0 on pod redis-app-1"));
    CHECK(contains(refused.error().hint, "--accept-loss 0"));
    CHECK(half.keys_at(1) == 1);
    CHECK(half.is_open(1));
    REQUIRE(half.bring(true).has_value());
    CHECK(half.keys_at(1) == 0);
    CHECK(half.keys_at(0) == 120);
    CHECK(half.bed.ask(0, {"GET", HalfBack::key(2)}).text == "the owner's");
    CHECK_FALSE(half.is_open(1));
  }

  TEST_CASE("who is told to end does, with the mark in place, and the next run goes on") {
    HalfBack half;
    const Status cut = half.bring(false, [n = 0]() mutable { return ++n > 2; });
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == ErrorCode::cancelled);
    CHECK(half.keys_at(0) + half.keys_at(1) == 120);
    CHECK(half.is_open(1));
    REQUIRE(half.bring().has_value());
    CHECK(half.keys_at(0) == 120);
  }

  TEST_CASE("keys without a mark, on a pod that knows no owner, are marked first") {
    HalfBack half;
    CHECK(half.look().members[1].stray_keys.empty());
    half.tell(1, {"CLUSTER", "SETSLOT", "0", "STABLE"});
    half.tell(0, {"SET", HalfBack::key(2), "the owner's"});
    const core::ClusterView view = half.look();
    CHECK(view.members[0].stray_keys.empty());
    CHECK(view.members[1].stray_keys == std::map<std::uint32_t, std::int64_t>{{0, 70}});
    CHECK(half.counted().other_values.empty());  // Nobody can tell without a mark.
    REQUIRE_FALSE(half.bring().has_value());
    CHECK(half.counted().other_values.at("redis-app-1") == 1);
    CHECK(half.look().members[1].stray_keys.empty());
    REQUIRE(half.bring(true).has_value());
    CHECK(half.keys_at(0) == 120);
  }

  TEST_CASE("a node that does not say which keys it has is not one without") {
    HalfBack half;
    half.tell(1, {"CLUSTER", "SETSLOT", "0", "STABLE"});
    half.look();
    half.bed.servers.freeze(1);
    const core::ClusterView view = view_with_stray_keys(*half.looked_at, steady_clock::now() + 10s);
    CHECK(view.members[1].stray_trouble.has_value());
    CHECK_FALSE(view.members[0].stray_trouble.has_value());
  }

  TEST_CASE("an owner that is none any more is an error") {
    HalfBack half;
    half.owner = *core::NodeId::parse(half.bed.ask(2, {"CLUSTER", "MYID"}).text);
    auto cluster = half.bed.cluster();
    Site site{.cluster = cluster.get()};
    const Status done = carry_out(core::ReturnKeys{.pod = "redis-app-1",
                                                   .owner_pod = "redis-app-2",
                                                   .owner = half.owner,
                                                   .slots = *core::SlotSet::parse("0")},
                                  site,
                                  {.deadline = steady_clock::now() + 30s});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message == "slots 0 are not redis-app-2's");
    CHECK(half.keys_at(1) == 70);
  }
}

TEST_SUITE("apply/databases") {
  TEST_CASE("the first is always there, and what is no database is passed over") {
    CHECK(databases_in("") == std::vector<int>{0});
    CHECK(databases_in(
              "# Keyspace\r\ndb0:keys=7,expires=0\r\ndb3:keys=1,expires=0\r\ndbx:keys=1\r\n") ==
          std::vector<int>{0, 3});
  }
}

}  // namespace kredis::plugin
