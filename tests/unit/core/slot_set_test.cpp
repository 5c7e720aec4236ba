// SPDX-License-Identifier: Apache-2.0
#include "shared/core/slot_set.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bitset>
#include <random>
#include <string>

namespace kredis::core {
namespace {

using Bits = std::bitset<k_slot_count>;

Bits bits_of(const SlotSet& set) {
  Bits bits;
  for (const SlotRange& range : set.ranges()) {
    for (std::uint32_t slot = range.first(); slot <= range.last(); ++slot) {
      bits.set(slot);
    }
  }
  return bits;
}

SlotSet slots(const std::string& text) { return SlotSet::parse(text).value(); }

TEST_SUITE("core/slot_set") {
  TEST_CASE("SlotRange accepts the last slot and refuses the one after it") {
    CHECK(SlotRange::make(0, 16'383).has_value());
    const auto past = SlotRange::make(0, 16'384);
    REQUIRE_FALSE(past.has_value());
    CHECK(past.error().code == ErrorCode::invalid_argument);
    CHECK(past.error().message.find("16384") != std::string::npos);
  }

  TEST_CASE("SlotRange refuses swapped ends and quotes what it cannot read") {
    CHECK_FALSE(SlotRange::make(2, 1).has_value());
    for (const char* text :
         {"", "-", "5-", "-5", "a", "1-2-3", "3-2", "16384", "1 ", "0x1", "+1"}) {
      CAPTURE(text);
      const auto range = SlotRange::parse(text);
      REQUIRE_FALSE(range.has_value());
      CHECK(range.error().message.find("\"" + std::string{text} + "\"") != std::string::npos);
    }
  }

  TEST_CASE("SlotRange writes what it reads") {
    CHECK(SlotRange::parse("42")->to_text() == "42");
    CHECK(SlotRange::parse("7-7")->to_text() == "7");
    CHECK(SlotRange::parse("0-16383")->to_text() == "0-16383");
  }

  TEST_CASE("SlotSet joins runs that overlap or touch") {
    CHECK(slots("0-5,6-10").to_text() == "0-10");
    CHECK(slots("0-5,7-10").to_text() == "0-5,7-10");
    CHECK(slots("8-9 0-2 1-8").to_text() == "0-9");
    CHECK(slots("").to_text() == "none");
    CHECK(slots("none").empty());
    CHECK(SlotSet::all().size() == k_slot_count);
  }

  TEST_CASE("SlotSet behaves as a set of bits under random insertions and removals") {
    std::mt19937 random{7};  // NOLINT: the same sequence in every run.
    std::uniform_int_distribution<std::uint32_t> slot{0, k_slot_count - 1};
    std::uniform_int_distribution<std::uint32_t> length{0, 900};
    SlotSet set;
    Bits expected;
    for (int round = 0; round < 400; ++round) {
      SlotSet other;
      for (int run = 0; run < 3; ++run) {
        const std::uint32_t first = slot(random);
        other.insert(*SlotRange::make(first, std::min(first + length(random), k_slot_count - 1)));
      }
      const Bits other_bits = bits_of(other);
      CHECK((bits_of(set.shared_with(other)) == (expected & other_bits)));
      if (round % 2 == 0) {
        set.insert(other);
        expected |= other_bits;
      } else {
        set.erase(other);
        expected &= ~other_bits;
      }
      REQUIRE((bits_of(set) == expected));
      REQUIRE(set.size() == expected.count());
      for (std::size_t i = 1; i < set.ranges().size(); ++i) {
        REQUIRE(set.ranges()[i - 1].last() + 1 < set.ranges()[i].first());
      }
      const std::uint32_t probe = slot(random);
      CHECK(set.contains(probe) == expected.test(probe));
    }
    CHECK((slots(set.to_text()) == set));
  }

  TEST_CASE("even_slots deals as redis-cli does") {
    const auto three = even_slots(3);
    REQUIRE(three.size() == 3);
    CHECK(three[0].to_text() == "0-5460");
    CHECK(three[1].to_text() == "5461-10922");
    CHECK(three[2].to_text() == "10923-16383");
  }

  TEST_CASE(
      "even_slots covers every slot once, equal but for one, whatever the number of masters") {
    for (std::uint32_t count : {1U, 2U, 3U, 5U, 7U, 30U, 500U, 1'000U, 16'383U, 16'384U}) {
      CAPTURE(count);
      const auto runs = even_slots(count);
      REQUIRE(runs.size() == count);
      SlotSet all;
      for (const SlotRange& run : runs) {
        CHECK(run.size() >= k_slot_count / count);
        CHECK(run.size() <= k_slot_count / count + 1);
        all.insert(run);
      }
      CHECK(all == SlotSet::all());
    }
    CHECK(even_slots(0).empty());
  }
}

}  // namespace
}  // namespace kredis::core
