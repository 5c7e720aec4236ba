// SPDX-License-Identifier: Apache-2.0
#include "webhook/peers.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>

namespace kredis::webhook {
namespace {

/// Says that it was cut and stays, as a connection does until its thread comes to it.
struct Visitor final : Peer {
  explicit Visitor(Peers& of) : peers(of) {}
  ~Visitor() override { peers.leave(*this); }
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  void end_soon() override { ++ends; }

  Peers& peers;
  int ends = 0;
};

std::shared_ptr<Visitor> visitor(Peers& peers, Peer::Phase phase) {
  auto made = std::make_shared<Visitor>(peers);
  made->enter(phase);
  peers.admit(made);
  return made;
}

TEST_SUITE("webhook/peers") {
  TEST_CASE("one too many costs the one that was of no use longest") {
    Peers peers(Limits{.connections = 2});
    const auto working = visitor(peers, Peer::Phase::answering);
    const auto idle = visitor(peers, Peer::Phase::idle);
    CHECK(idle->ends == 0);
    const auto third = visitor(peers, Peer::Phase::handshaking);
    CHECK(working->ends == 0);
    CHECK(idle->ends == 1);
    CHECK(idle->is_cut());
    CHECK(third->ends == 0);

    SUBCASE("who is cut already makes no room") {
      third->mark_served(Peer::Clock::now() - std::chrono::hours(1));
      const auto fourth = visitor(peers, Peer::Phase::receiving);
      CHECK(idle->ends == 1);
      CHECK(third->ends == 1);
      CHECK(fourth->ends == 0);
    }
    CHECK(peers.counts().displaced >= 1);
  }

  TEST_CASE("bodies past the limit cost the one that holds most") {
    Peers peers(Limits{.held_bytes = 100});
    const auto small = visitor(peers, Peer::Phase::receiving);
    const auto large = visitor(peers, Peer::Phase::receiving);
    const auto whole = visitor(peers, Peer::Phase::answering);
    peers.hold(*whole, 60);
    peers.hold(*large, 40);
    CHECK(large->ends == 0);
    peers.hold(*small, 1);
    CHECK(small->ends == 0);
    CHECK(large->ends == 1);
    CHECK(whole->ends == 0);
    CHECK(peers.counts().held_bytes == 101);

    SUBCASE("giving back cuts nobody") {
      peers.hold(*whole, 59);
      CHECK(small->ends == 0);
      CHECK(peers.counts().held_bytes == 100);
    }
  }

  TEST_CASE("who leaves is counted out with what it held") {
    Peers peers(Limits{});
    {
      const auto one = visitor(peers, Peer::Phase::receiving);
      peers.hold(*one, 7);
      CHECK(peers.alive().size() == 1);
      CHECK(peers.counts().open == 1);
    }
    CHECK(peers.alive().empty());
    CHECK(peers.counts().open == 0);
    CHECK(peers.counts().held_bytes == 0);
    CHECK(peers.counts().accepted == 1);
  }
}

}  // namespace
}  // namespace kredis::webhook
