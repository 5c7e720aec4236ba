// SPDX-License-Identifier: Apache-2.0
#include "webhook/config_maps.hpp"

#include <doctest/doctest.h>

#include <mutex>
#include <string>

#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

struct ConfigMapsBed {
  explicit ConfigMapsBed(std::size_t limit = 1U << 20U) : maps(kube, log, limit) { maps.start(); }

  /// As of now in the API server; the watch has not told yet.
  void put(const std::string& name, const std::string& value, const std::string& version) {
    kube.put("configmaps",
             {{"kind", "ConfigMap"},
              {"metadata", {{"name", name}, {"namespace", "shop"}, {"resourceVersion", version}}},
              {"data", {{"key", value}}}});
  }
  std::string value(const std::string& name) {
    const auto found = maps.find("shop", name, ports::Clock::now() + std::chrono::seconds(10));
    return found ? text_at(*found, "/data/key") : "none";
  }
  int gets() {
    const std::lock_guard lock(mutex);
    return count;
  }

  tests::FakeKube kube;
  Log log{LogLevel::info};
  std::mutex mutex;
  int count = 0;
  Status answer = {};
  ConfigMaps maps;

  /// Counts what is asked from here on.
  void watch_calls() {
    kube.before = [this](const std::string& verb, const ports::ResourcePath&) -> Status {
      const std::lock_guard lock(mutex);
      count += verb == "get" ? 1 : 0;
      return answer;
    };
  }
};

TEST_SUITE("webhook/config_maps") {
  TEST_CASE("what is asked for is fetched once, and what nobody asks for never") {
    ConfigMapsBed bed;
    bed.watch_calls();
    bed.put("a", "x", "1");
    bed.maps.changed({"shop", "a"}, "1");
    bed.maps.changed({"shop", "other"}, "2");
    CHECK(bed.maps.size() == 0);
    CHECK(bed.gets() == 0);
    CHECK(bed.value("a") == "x");
    CHECK(bed.value("a") == "x");
    CHECK(bed.gets() == 1);
    CHECK(bed.maps.size() == 1);
    CHECK(bed.maps.bytes() > 0);
  }

  TEST_CASE("another version is fetched again, the same one is not") {
    ConfigMapsBed bed;
    bed.watch_calls();
    bed.put("a", "old", "1");
    CHECK(bed.value("a") == "old");
    bed.put("a", "new", "2");
    bed.maps.changed({"shop", "a"}, "2");
    CHECK(bed.value("a") == "new");
    const int gets = bed.gets();
    bed.maps.changed({"shop", "a"}, "2");
    CHECK(bed.value("a") == "new");
    CHECK(bed.gets() == gets);
  }

  TEST_CASE("one that is absent is asked for once, and again when it comes") {
    ConfigMapsBed bed;
    bed.watch_calls();
    CHECK(bed.value("a") == "none");
    CHECK(bed.value("a") == "none");
    CHECK(bed.gets() == 1);
    bed.put("a", "x", "7");
    bed.maps.changed({"shop", "a"}, "7");
    CHECK(bed.value("a") == "x");
    bed.maps.changed({"shop", "a"}, "");
    CHECK(bed.value("a") == "none");
    CHECK(bed.maps.size() == 0);
  }

  TEST_CASE("a list that does not name it has it looked at again") {
    ConfigMapsBed bed;
    bed.put("a", "x", "1");
    CHECK(bed.value("a") == "x");
    bed.kube.drop("configmaps", "a");
    bed.maps.begin_list();
    bed.maps.end_list();
    CHECK(bed.value("a") == "none");
  }

  TEST_CASE("a list that names it at the same version has nothing fetched") {
    ConfigMapsBed bed;
    bed.watch_calls();
    bed.put("a", "x", "1");
    CHECK(bed.value("a") == "x");
    bed.maps.begin_list();
    bed.maps.changed({"shop", "a"}, "1");
    bed.maps.end_list();
    CHECK(bed.value("a") == "x");
    CHECK(bed.gets() == 1);
  }

  TEST_CASE("while the API server fails the version of before has to do") {
    ConfigMapsBed bed;
    bed.watch_calls();
    bed.put("a", "old", "1");
    CHECK(bed.value("a") == "old");
    {
      const std::lock_guard lock(bed.mutex);
      bed.answer = Error::unreachable("no way");
    }
    bed.maps.changed({"shop", "a"}, "2");
    CHECK(bed.value("a") == "old");
    CHECK(bed.value("never-seen") == "none");
  }

  TEST_CASE("past the limit the largest is left out, told, and not asked for at every look") {
    ConfigMapsBed bed(10'000);
    const StderrCapture log;
    bed.watch_calls();
    bed.put("small", "x", "1");
    bed.put("large", std::string(9'900, 'x'), "2");
    CHECK(bed.value("small") == "x");
    CHECK(bed.value("large") == "none");
    CHECK(bed.value("large") == "none");
    CHECK(bed.value("small") == "x");
    CHECK(bed.gets() == 2);
    CHECK(bed.maps.left_out() == 1);
    CHECK(bed.maps.bytes() <= 10'000);
    REQUIRE(log.lines("a ConfigMap is left out").size() == 1);
    CHECK(log.lines("a ConfigMap is left out").front()["name"] == "large");
    // Smaller, it has room.
    bed.put("large", "y", "3");
    bed.maps.changed({"shop", "large"}, "3");
    CHECK(bed.value("large") == "y");
  }

  TEST_CASE("names have the same limit: who names too many pays for it, is told of and counted") {
    ConfigMapsBed bed(50'000);
    const StderrCapture log;
    bed.put("mine", "x", "1");
    CHECK(bed.value("mine") == "x");
    bed.maps.join();  // The rest is not waited for.
    const auto now = ports::Clock::now();
    for (int i = 0; i < 10'000; ++i) {
      CHECK(bed.maps.find("loud", "none-" + std::to_string(i), now) == nullptr);
    }
    CHECK(bed.maps.bytes() <= 50'000);
    CHECK(bed.maps.left_out() > 9'900);
    REQUIRE(log.lines("a ConfigMap is left out").size() == 1);
    CHECK(log.lines("a ConfigMap is left out").front()["namespace"] == "loud");
    CHECK(bed.maps.find("shop", "mine", now) != nullptr);
  }

  TEST_CASE("nobody waits past his deadline") {
    ConfigMapsBed bed;
    bed.maps.join();
    const auto begin = ports::Clock::now();
    CHECK(bed.maps.find("shop", "a", begin) == nullptr);
    CHECK(ports::Clock::now() - begin < std::chrono::seconds(5));
  }
}

}  // namespace
}  // namespace kredis::webhook
