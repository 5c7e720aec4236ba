// SPDX-License-Identifier: Apache-2.0
//
// Every rule by its own examples, which lie at its boundary; and what all rules together say of
// sound objects. KREDIS_UPDATE_GOLDEN=1 writes the golden messages anew.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

std::vector<std::string> lines_of(const std::vector<Objection>& objections, std::string_view rule) {
  std::vector<std::string> lines;
  for (const Objection& each : objections) {
    if (rule.empty() || each.rule == rule) {
      lines.push_back(line_of(each));
    }
  }
  return lines;
}

constexpr std::size_t k_fewest_rules = 40;

}  // namespace

TEST_SUITE("policy/rules") {
  TEST_CASE("there are forty rules and more, their ids run on, and each is documented") {
    CHECK(rules().size() >= k_fewest_rules);
    for (std::size_t i = 0; i < rules().size(); ++i) {
      const Rule& rule = rules()[i];
      const std::string number = std::to_string(i + 1);
      CHECK(rule.id == "RC" + std::string(3 - number.size(), '0') + number);
      CHECK_FALSE(rule.title.empty());
      CHECK_FALSE(rule.documentation.why.empty());
      CHECK(rule.kinds != 0);
      CHECK((rule.check != nullptr));
    }
  }

  TEST_CASE("each rule refuses its bad example and lets its good one pass") {
    for (const Rule& rule : rules()) {
      CAPTURE(std::string(rule.id));
      const auto bad = objections_to(with_example(rule, rule.documentation.bad));
      const auto good = objections_to(with_example(rule, rule.documentation.good));
      CHECK_FALSE(lines_of(bad, rule.id).empty());
      const auto rest = lines_of(good, rule.id);
      CHECK_MESSAGE(rest.empty(), (rest.empty() ? "" : rest.front()));
    }
  }

  TEST_CASE("the bad examples' messages are the golden ones") {
    std::string text;
    for (const Rule& rule : rules()) {
      for (const std::string& line :
           lines_of(objections_to(with_example(rule, rule.documentation.bad)), rule.id)) {
        text += line + "\n";
      }
    }
    const std::string path = "tests/golden/policy/messages.txt";
    if (std::getenv("KREDIS_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(std::string(KREDIS_SOURCE_DIR) + "/" + path) << text;
    }
    CHECK(text == read_file(path));
  }

  TEST_CASE("a message fits a webhook's warning, and names what to write") {
    constexpr std::size_t k_longest = 120;
    for (const Rule& rule : rules()) {
      for (const Objection& each : objections_to(with_example(rule, rule.documentation.bad))) {
        CHECK_MESSAGE(each.rule.size() + 2 + each.message.size() <= k_longest, each.message);
        CHECK_FALSE(each.wanted.empty());
        CHECK_FALSE(each.found.empty());
        CHECK(each.path.starts_with('/'));
      }
    }
  }

  TEST_CASE("a rule that patches has nothing against what it patched") {
    for (const Rule& rule : rules()) {
      if (rule.patch == nullptr) {
        continue;
      }
      CAPTURE(std::string(rule.id));
      Objects objects = with_example(rule, rule.documentation.bad);
      for (Json& object : objects) {
        object = mutate(object, beside(objects)).mutated;
      }
      const auto rest = lines_of(objections_to(objects), rule.id);
      // What somebody wrote is not changed: protected-mode yes, publishNotReadyAddresses false. And
      // the scripts of `create` may set a password and count on their user: no hook that does not
      // know the one, no other user.
      const std::set<std::string_view> kept{"RC019", "RC060", "RC065", "RC071"};
      if (!kept.contains(rule.id)) {
        CHECK_MESSAGE(rest.empty(), (rest.empty() ? "" : rest.front()));
      }
    }
  }

  TEST_CASE("a rule is found by its id in any case") {
    REQUIRE(find_rule("rc007") != nullptr);
    CHECK(find_rule("rc007")->id == "RC007");
    CHECK(find_rule("RC999") == nullptr);
  }
}

}  // namespace kredis::policy
