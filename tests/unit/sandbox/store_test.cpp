// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/store.hpp"

#include <doctest/doctest.h>

#include <thread>

using kredis::ErrorCode;
using kredis::Json;
using kredis::Status;
using kredis::sandbox::Event;
using kredis::sandbox::Key;
using kredis::sandbox::Store;
using std::chrono::milliseconds;

namespace {
const Key k_pod{"", "pods", "default", "a"};
}

TEST_SUITE("sandbox/store") {
  TEST_CASE("create fills metadata and refuses a second object of the name") {
    Store store;
    const auto made = store.create(k_pod, Json{{"spec", Json::object()}});

    REQUIRE(made.has_value());
    const Json& metadata = (**made)["metadata"];
    CHECK(metadata["name"] == "a");
    CHECK(metadata["namespace"] == "default");
    CHECK(metadata["generation"] == 1);
    CHECK(metadata["uid"].get<std::string>().size() == 36);
    CHECK(metadata["resourceVersion"] == std::to_string(store.revision()));

    const auto again = store.create(k_pod, Json::object());
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == ErrorCode::conflict);
    CHECK(again.error().message == "pods \"a\" already exists");
  }

  TEST_CASE("update bumps the generation only when the spec changed") {
    Store store;
    REQUIRE(store.create(k_pod, Json{{"spec", {{"x", 1}}}}).has_value());
    const auto relabelled = store.update(k_pod, [](Json& pod) {
      pod["metadata"]["labels"] = {{"app", "redis"}};
      return Status{};
    });
    CHECK((**relabelled)["metadata"]["generation"] == 1);
    const auto respecified = store.update(k_pod, [](Json& pod) {
      pod["spec"]["x"] = 2;
      return Status{};
    });
    CHECK((**respecified)["metadata"]["generation"] == 2);
  }

  TEST_CASE("update that changes nothing makes no event") {
    Store store;
    REQUIRE(store.create(k_pod, Json::object()).has_value());
    const auto before = store.revision();
    REQUIRE(store.update(k_pod, [](Json&) { return Status{}; }).has_value());
    CHECK(store.revision() == before);
  }

  TEST_CASE("update removes a pod that is being deleted once its grace is zero") {
    Store store;
    REQUIRE(store.create(k_pod, Json::object()).has_value());
    const auto with_grace = [&](int seconds) {
      return store.update(k_pod, [&](Json& pod) {
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
        pod["metadata"]["deletionGracePeriodSeconds"] = seconds;
        return Status{};
      });
    };
    REQUIRE(with_grace(30).has_value());
    CHECK(store.get(k_pod) != nullptr);
    REQUIRE(with_grace(0).has_value());
    CHECK(store.get(k_pod) == nullptr);
    CHECK(store.events_after(0).error().code == ErrorCode::conflict);
    CHECK(store.events_after(1)->back().kind == Event::Kind::deleted);
  }

  TEST_CASE("list finds a namespace's objects or everybody's") {
    Store store;
    for (const char* place : {"one", "two"}) {
      REQUIRE(store.create(Key{"", "pods", place, "a"}, Json::object()).has_value());
    }
    REQUIRE(store.create(Key{"", "services", "one", "a"}, Json::object()).has_value());
    CHECK(store.list("", "pods").size() == 2);
    CHECK(store.list("", "pods", "one").size() == 1);
    CHECK(store.list("", "pods", "on").empty());
  }

  TEST_CASE("events_after refuses a revision that history has forgotten") {
    Store store{2};
    for (const char* name : {"a", "b", "c"}) {
      REQUIRE(store.create(Key{"", "pods", "default", name}, Json::object()).has_value());
    }
    CHECK_FALSE(store.events_after(1).has_value());
    REQUIRE(store.events_after(2).has_value());
    CHECK(store.events_after(2)->size() == 2);
  }

  TEST_CASE("wait_past returns on a change and on wake_all") {
    Store store;
    std::thread writer([&] { (void)store.create(k_pod, Json::object()); });
    CHECK(store.wait_past(1, milliseconds{60'000}) == 2);
    writer.join();
    std::thread waiter([&] { store.wait_past(2, milliseconds{1'000}); });
    store.wake_all();
    waiter.join();
  }
}
