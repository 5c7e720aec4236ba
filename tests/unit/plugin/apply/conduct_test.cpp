// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/conduct.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

/// Says one text after the other, the last one for ever.
Missing saying(std::vector<std::string> texts) {
  return [texts = std::move(texts), at = std::size_t{0}]() mutable -> Result<std::string> {
    return texts[std::min(at++, texts.size() - 1)];
  };
}

TEST_SUITE("apply/conduct") {
  TEST_CASE("wait_until ends when nothing is missing, and does not sleep before the first look") {
    Watcher watcher;
    CHECK(wait_until(watcher.conduct(), 1s, saying({""})).has_value());
    CHECK(watcher.clock.slept() == 0ms);
    CHECK(wait_until(watcher.conduct(), 1s, saying({"a", "b", ""})).has_value());
    CHECK(watcher.clock.slept() == 2s);
  }

  TEST_CASE("wait_until says each new text once") {
    Watcher watcher;
    CHECK(wait_until(watcher.conduct(), 1s, saying({"a", "a", "b", "b", "a", ""})).has_value());
    CHECK(watcher.said() == "    a\n    b\n    a\n");
  }

  TEST_CASE("wait_until ends with the last text and how to go on") {
    Watcher watcher;
    const Status waited = wait_until(watcher.conduct(10s), 3s, saying({"a", "b"}));
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::timeout);
    CHECK(waited.error().message == "it took too long: b");
    CHECK(contains(waited.error().hint, "run the same command again"));
    CHECK(watcher.clock.slept() == 9s);  // Another look would come after the end.
  }

  TEST_CASE("a look at the last moment still counts") {
    Watcher watcher;
    CHECK(wait_until(watcher.conduct(2s), 1s, saying({"a", "a", ""})).has_value());
    CHECK_FALSE(wait_until(watcher.conduct(1999ms), 1s, saying({"a", "a", ""})).has_value());
  }

  TEST_CASE("wait_until ends when it is told to, but not when nothing is missing") {
    Watcher watcher;
    Conduct conduct = watcher.conduct();
    int looks = 0;
    conduct.cancelled = [&looks] { return looks >= 2; };
    const Status waited = wait_until(conduct, 1s, [&looks]() -> Result<std::string> {
      return "look " + std::to_string(++looks);
    });
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::cancelled);
    CHECK(waited.error().message == "interrupted while waiting: look 2");
    CHECK(contains(waited.error().hint, "goes on from here"));
    CHECK(wait_until(conduct, 1s, saying({""})).has_value());
  }

  TEST_CASE("an error of the look ends the waiting as it is") {
    Watcher watcher;
    const Error error = Error::unauthorized("no").with_hint("log in");
    const Status waited =
        wait_until(watcher.conduct(), 1s, [&]() -> Result<std::string> { return error; });
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error() == error);
    CHECK(watcher.clock.slept() == 0ms);
  }

  TEST_CASE("patience ends the waiting sooner than the deadline, never later") {
    Watcher watcher;
    const Conduct conduct = watcher.conduct(60s);
    CHECK_FALSE(wait_until(conduct.with_patience(5s), 1s, saying({"a"})).has_value());
    CHECK(watcher.clock.slept() == 5s);
    CHECK(conduct.with_patience(5s).with_patience(20s).end() == watcher.clock.now() + 5s);
    CHECK(conduct.with_patience(1h).end() == conduct.deadline);
    CHECK(conduct.end() == conduct.deadline);
  }

  TEST_CASE("one exchange has ten seconds, less near the end, and always one") {
    struct Case {
      std::string label;
      std::chrono::milliseconds left;
      std::chrono::milliseconds expected;
    };
    for (const Case& each : {Case{"plenty", 60s, 10s},
                             Case{"just enough", 10s, 10s},
                             Case{"less", 9s, 9s},
                             Case{"one", 1s, 1s},
                             Case{"hardly any", 10ms, 1s},
                             Case{"none", -5s, 1s}}) {
      CAPTURE(each.label);
      Watcher watcher;
      CHECK(watcher.conduct(each.left).call_deadline() == watcher.clock.now() + each.expected);
    }
  }

  TEST_CASE("patience does not shorten an exchange: its node would look dead") {
    Watcher watcher;
    CHECK(watcher.conduct().with_patience(2s).call_deadline() == watcher.clock.now() + 10s);
  }

  TEST_CASE("who has no progress and no way to be cancelled works all the same") {
    Watcher watcher;
    const Conduct conduct{.deadline = watcher.clock.now() + 1s, .clock = &watcher.clock};
    conduct.say("to nobody");
    CHECK_FALSE(conduct.is_cancelled());
    CHECK(wait_until(conduct, 100ms, saying({"a", ""})).has_value());
  }
}

}  // namespace
}  // namespace kredis::plugin
