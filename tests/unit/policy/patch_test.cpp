// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "shared/policy/json_access.hpp"
#include "shared/policy/patch.hpp"

namespace kredis::policy {

TEST_SUITE("policy/patch") {
  TEST_CASE("adding below missing parents is one operation at the first that is missing") {
    Patch patch(Json{{"spec", Json::object()}});
    patch.add("/spec/template/labels/a~1b", "x");
    CHECK(patch.settle());
    CHECK(patch.operations() ==
          Json::parse(R"([{"op":"add","path":"/spec/template","value":{"labels":{"a/b":"x"}}}])"));
    CHECK(patch.object() == Json::parse(R"({"spec":{"template":{"labels":{"a/b":"x"}}}})"));
  }

  TEST_CASE("the end of a list that is missing makes the list") {
    Patch patch(Json::object());
    patch.add("/list/-", 1);
    patch.add("/list/-", 2);
    CHECK(patch.settle());
    CHECK(patch.object() == Json::parse(R"({"list":[1,2]})"));
    CHECK(patch.operations().size() == 2);
  }

  TEST_CASE("before a round is settled the object stays as it was") {
    Patch patch(Json::object());
    patch.add("/a", 1);
    CHECK(patch.object().empty());
    CHECK(patch.settle());
    CHECK_FALSE(patch.settle());
    CHECK(patch.object() == Json{{"a", 1}});
  }

  TEST_CASE("what is there stays, and a parent of another type is left alone") {
    const Json object = {{"a", {{"b", 1}}}, {"text", "x"}, {"list", {1}}};
    Patch patch(object);
    patch.add("/a/b", 2);
    patch.add("/text/b", 2);
    patch.add("/list/7", 2);
    patch.add("/list/0", 2);
    CHECK_FALSE(patch.settle());
    CHECK(patch.object() == object);
    CHECK(patch.operations().empty());
  }

  TEST_CASE("an independent reader of RFC 6902 makes the same object") {
    const Json object = {{"metadata", {{"labels", nullptr}}}, {"list", {{{"a", 1}}}}};
    Patch patch(object);
    patch.add("/metadata/labels/a~0b~1c", "x");
    patch.add("/list/0/env/-", {{"name", "x"}});
    patch.add("/list/-", "y");
    CHECK(patch.settle());
    CHECK(object.patch(patch.operations()) == patch.object());
  }
}

TEST_SUITE("policy/json_access") {
  TEST_CASE("looking into what is missing or of another type gives nothing") {
    const Json object = {{"a", {{"b", {1, 2}}}}, {"n", "12"}};
    CHECK(member(object, {"a", "b", "c"}).is_null());
    CHECK(at_path(object, "/a/b/1") == 2);
    CHECK(at_path(object, "/a/b/2").is_null());
    CHECK(items(member(object, {"a"})).empty());
    CHECK(number(member(object, {"n"})) == 12);
    CHECK(text(member(object, {"a"})).empty());
  }

  TEST_CASE("a selector matches by labels and expressions, and an empty one nothing") {
    const std::map<std::string, std::string> labels{{"app", "redis"}};
    CHECK(selects({{"matchLabels", {{"app", "redis"}}}}, labels));
    CHECK_FALSE(selects({{"matchLabels", {{"app", "other"}}}}, labels));
    CHECK_FALSE(selects(Json::object(), labels));
    const auto expression = [](const char* how, const Json& values) {
      return Json{{"matchExpressions", {{{"key", "app"}, {"operator", how}, {"values", values}}}}};
    };
    CHECK(selects(expression("In", {"redis", "x"}), labels));
    CHECK_FALSE(selects(expression("In", {"x"}), labels));
    CHECK(selects(expression("NotIn", {"x"}), labels));
    CHECK(selects(expression("Exists", Json::array()), labels));
    CHECK_FALSE(selects(expression("DoesNotExist", Json::array()), labels));
  }
}

}  // namespace kredis::policy
