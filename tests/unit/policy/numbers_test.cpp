// SPDX-License-Identifier: Apache-2.0
//
// Numbers as large as JSON, redis.conf and percentages can write them: judged without an overflow,
// which the sanitizers of the asan preset would end.
#include <doctest/doctest.h>

#include <limits>

#include "shared/policy/json_access.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

const std::vector<Json>& extremes() {
  static const std::vector<Json> k_extremes{std::numeric_limits<std::int64_t>::min(),
                                            std::numeric_limits<std::int64_t>::max(),
                                            std::numeric_limits<std::uint64_t>::max(),
                                            k_largest_number,
                                            "9223372036854775807%"};
  return k_extremes;
}

/// Pointers to everything below `value` that is a number, or a text which begins as one.
void collect_numbers(const Json& value, const std::string& path, std::vector<std::string>& paths) {
  const std::string& said = text(value);
  if (value.is_number() || (!said.empty() && said.front() >= '0' && said.front() <= '9')) {
    paths.push_back(path);
  }
  if (value.is_structured()) {
    for (const auto& [key, each] : value.items()) {
      collect_numbers(each, joined(path, key), paths);
    }
  }
}

/// Completes one of `objects` and judges all of them; the number of objections.
std::size_t judge(const Objects& objects, const Json& one) {
  const Verdict once = mutate(one, beside(objects));
  CHECK(mutate(once.mutated, beside(objects)).patch.empty());
  return objections_to(objects).size();
}

std::size_t judged_with(std::string_view setting) {
  Objects objects = sound_objects();
  Json& config = first(objects, "ConfigMap")["data"]["redis.conf"];
  config = config.get<std::string>() + std::string(setting) + "\n";
  return judge(objects, first(objects, "StatefulSet"));
}

}  // namespace

TEST_SUITE("policy/numbers") {
  TEST_CASE("a number is at most 10^15 either way, in JSON and in a text") {
    CHECK(number(k_largest_number) == k_largest_number);
    CHECK(number(-k_largest_number) == -k_largest_number);
    CHECK(number_in("1000000000000000") == k_largest_number);
    CHECK(number("-7") == -7);
    for (const Json& each : extremes()) {
      CAPTURE(each.dump());
      CHECK(number(each).has_value() == (each == k_largest_number));
    }
    CHECK_FALSE(number_in("1000000000000001").has_value());
    CHECK_FALSE(number_in("").has_value());
    CHECK_FALSE(number(1.5).has_value());
  }

  TEST_CASE("each number of a sound cluster is judged at its extremes") {
    std::size_t tried = 0;
    const Objects sound = sound_objects();
    for (std::size_t i = 0; i < sound.size(); ++i) {
      std::vector<std::string> paths;
      collect_numbers(sound[i], "", paths);
      for (const std::string& path : paths) {
        for (const Json& extreme : extremes()) {
          CAPTURE(path);
          CAPTURE(extreme.dump());
          Objects objects = sound;
          objects[i][Json::json_pointer(path)] = extreme;
          CHECK_NOTHROW(judge(objects, objects[i]));
          ++tried;
        }
      }
    }
    MESSAGE("numbers tried: ", tried);
    CHECK(tried > 100);
  }

  TEST_CASE("settings of redis.conf are judged at their extremes") {
    const std::size_t sound = judged_with("");
    for (const char* setting : {"maxmemory", "cluster-node-timeout", "port", "cluster-port"}) {
      for (const char* value : {"9223372036854775807", "-9223372036854775808", "8589934591gb"}) {
        CAPTURE(setting);
        CAPTURE(value);
        CHECK_NOTHROW(judged_with(std::string(setting) + " " + value));
      }
    }
    CHECK(judged_with("cluster-node-timeout 999999999999999") > sound);
  }
}

}  // namespace kredis::policy
