// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "shared/core/choose_pod.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {

using testing::ViewBuilder;

TEST_SUITE("core/choose_pod") {
  TEST_CASE("a key leads to the master of its slot, and a hash tag counts") {
    const ClusterView view = ViewBuilder::whole(3, 1).build();
    // Slots of "foo" 12182, of "bar" 5061, of "hello" 866.
    CHECK((*choose_pod(view, "foo"))->pod.name == "redis-app-2");
    CHECK((*choose_pod(view, "bar"))->pod.name == "redis-app-0");
    CHECK((*choose_pod(view, "{foo}hello"))->pod.name == "redis-app-2");
  }

  TEST_CASE("without a key it is a master, whoever else is there") {
    const ClusterView view =
        ViewBuilder(3).replica(0, 1).slots(1, "0-8000").slots(2, "8001-16383").all_met().build();
    CHECK((*choose_pod(view, std::nullopt))->pod.name == "redis-app-1");
  }

  TEST_CASE("a key that nobody serves is refused with its slot") {
    const ClusterView view = ViewBuilder(1).slots(0, "0-100").build();
    const auto chosen = choose_pod(view, "foo");
    REQUIRE_FALSE(chosen);
    CHECK(chosen.error().code == ErrorCode::not_found);
    CHECK(chosen.error().message.find("12182") != std::string::npos);
    CHECK(chosen.error().hint.find("kubectl redis status") != std::string::npos);
  }

  TEST_CASE("nodes that are no cluster yet can be talked to") {
    const ClusterView view = ViewBuilder(2).silent(0).build();
    CHECK((*choose_pod(view, std::nullopt))->pod.name == "redis-app-1");
  }

  TEST_CASE("where nobody answers the error says how to name a pod, and what befell the first") {
    ClusterView view = ViewBuilder(1).silent(0).build();
    view.members[0].trouble = Error::unauthorized("no permission").with_hint("add to a Role");
    for (const auto& key : {std::optional<std::string>(), std::optional<std::string>("a")}) {
      const auto chosen = choose_pod(view, key);
      REQUIRE_FALSE(chosen);
      CHECK(chosen.error().code == ErrorCode::unauthorized);
      CHECK(chosen.error().message == "no node of cluster redis answers: no permission");
      CHECK(chosen.error().hint == "name a pod with --pod, or add to a Role");
    }
  }
}

}  // namespace kredis::core
