// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/selectors.hpp"

#include <doctest/doctest.h>

using kredis::Json;
using kredis::sandbox::api::FieldSelector;
using kredis::sandbox::api::LabelSelector;

TEST_SUITE("sandbox/selectors") {
  TEST_CASE("a label selector matches as its operators say") {
    struct Row {
      const char* selector;
      bool matches;
    };
    const Json labels = {{"app", "redis"}, {"tier", "cache"}};
    for (const Row& row : {Row{"", true},
                           Row{"app=redis", true},
                           Row{"app==redis", true},
                           Row{"app!=redis", false},
                           Row{"other!=x", true},
                           Row{"app", true},
                           Row{"!app", false},
                           Row{"!other", true},
                           Row{"app in (a, redis)", true},
                           Row{"app notin (a,b),tier=cache", true},
                           Row{"app notin (redis)", false},
                           Row{"other in (a)", false},
                           Row{"app=redis,tier=db", false}}) {
      CAPTURE(row.selector);
      const auto selector = LabelSelector::parse(row.selector);
      REQUIRE(selector.has_value());
      CHECK(selector->matches(labels) == row.matches);
    }
  }

  TEST_CASE("a label selector that cannot be read is refused") {
    for (const char* text : {"=a", "a b", "a in", "a in (b", ",", "a=b,"}) {
      CAPTURE(text);
      CHECK_FALSE(LabelSelector::parse(text).has_value());
    }
  }

  TEST_CASE("a selector object matches labels and expressions; null matches nothing") {
    const auto selector = LabelSelector::from_object(
        {{"matchLabels", {{"app", "redis"}}},
         {"matchExpressions", {{{"key", "tier"}, {"operator", "Exists"}}}}});
    CHECK(selector.matches({{"app", "redis"}, {"tier", "x"}}));
    CHECK_FALSE(selector.matches({{"app", "redis"}}));
    CHECK_FALSE(LabelSelector::from_object(nullptr).matches({{"app", "redis"}}));
    CHECK(LabelSelector::from_object(Json::object()).matches(Json::object()));
  }

  TEST_CASE("a field selector follows paths; a missing field is an empty text") {
    const Json pod = {{"metadata", {{"name", "a"}}}, {"status", {{"phase", "Running"}}}};
    CHECK(FieldSelector::parse("metadata.name=a,status.phase!=Failed")->matches(pod));
    CHECK(FieldSelector::parse("spec.nodeName=")->matches(pod));
    CHECK_FALSE(FieldSelector::parse("spec.nodeName=node-a")->matches(pod));
    CHECK_FALSE(FieldSelector::parse("nonsense").has_value());
  }
}
