// SPDX-License-Identifier: Apache-2.0
//
// Strategic merge, server-side apply and field ownership on the types that the product uses.
#include <doctest/doctest.h>

#include "tests/sandbox/api/field_set.hpp"
#include "tests/sandbox/api/managed_fields.hpp"
#include "tests/sandbox/api/strategic_merge.hpp"

using kredis::Json;
using namespace kredis::sandbox::api;

namespace {

const ResourceInfo& stateful_sets() { return *find_resource("apps", "statefulsets"); }
const ObjectType& stateful_set_type() { return *find_type("apps.v1.StatefulSet"); }

Json with_containers(const Json& containers) {
  return {{"spec", {{"template", {{"spec", {{"containers", containers}}}}}}}};
}
const Json& containers_of(const Json& object) {
  return object["spec"]["template"]["spec"]["containers"];
}
Manager manager(const std::string& name) { return {name, "", "2026-01-01T00:00:00Z"}; }

}  // namespace

TEST_SUITE("sandbox/merges") {
  TEST_CASE("a strategic merge joins containers by name and deletes on request") {
    const Json live = with_containers({{{"name", "a"}, {"image", "x:1"}}, {{"name", "b"}}});
    const Json patch = with_containers({{{"name", "a"}, {"image", "x:2"}},
                                        {{"name", "b"}, {"$patch", "delete"}},
                                        {{"name", "c"}}});
    const auto merged = strategic_merge(stateful_set_type(), live, patch);
    REQUIRE(merged.has_value());
    CHECK(containers_of(*merged) == Json{{{"name", "a"}, {"image", "x:2"}}, {{"name", "c"}}});
  }

  TEST_CASE("a strategic merge replaces atomic lists, drops nulls and honours retainKeys") {
    const Json live = {{"spec", {{"strategy", {{"type", "RollingUpdate"}, {"rollingUpdate", 1}}}}},
                       {"metadata", {{"labels", {{"a", "1"}, {"b", "2"}}}}}};
    const Json patch = {{"spec", {{"strategy", {{"$retainKeys", {"type"}}, {"type", "Recreate"}}}}},
                        {"metadata", {{"labels", {{"a", nullptr}}}}}};
    const auto merged = strategic_merge(*find_type("apps.v1.Deployment"), live, patch);
    REQUIRE(merged.has_value());
    CHECK((*merged)["spec"]["strategy"] == Json{{"type", "Recreate"}});
    CHECK((*merged)["metadata"]["labels"] == Json{{"b", "2"}});
  }

  TEST_CASE("a strategic merge sets the order of a list") {
    const Json live = with_containers({{{"name", "a"}}, {{"name", "b"}}});
    Json patch = with_containers(Json::array());
    patch["spec"]["template"]["spec"]["$setElementOrder/containers"] = {{{"name", "b"}},
                                                                        {{"name", "a"}}};
    const auto merged = strategic_merge(stateful_set_type(), live, patch);
    REQUIRE(merged.has_value());
    CHECK(containers_of(*merged)[0]["name"] == "b");
  }

  TEST_CASE("a strategic merge refuses a list entry without its key") {
    const auto merged =
        strategic_merge(stateful_set_type(), Json::object(), with_containers({{{"image", "x"}}}));
    REQUIRE_FALSE(merged.has_value());
    CHECK(merged.error().code == 400);
    CHECK(merged.error().message.find("merge key: name") != std::string::npos);
  }

  TEST_CASE("fields are named as managedFields names them") {
    const Json object = with_containers({{{"name", "a"}, {"image", "x"}}});
    const FieldSet set = fields_of(stateful_set_type(), object);
    const auto paths = paths_of(set);
    REQUIRE(paths.size() == 2);
    CHECK(paths[0] == ".spec.template.spec.containers[name=\"a\"].image");
  }

  TEST_CASE("an apply that changes another manager's field is refused unless forced") {
    const Json first = {{"spec", {{"replicas", 3}, {"serviceName", "s"}}}};
    auto live =
        server_side_apply(stateful_sets(), nullptr, first, manager("one"), OnConflict::refuse);
    REQUIRE(live.has_value());

    const Json second = {{"spec", {{"replicas", 5}}}};
    const auto refused =
        server_side_apply(stateful_sets(), *live, second, manager("two"), OnConflict::refuse);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == 409);
    CHECK(refused.error().message ==
          "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");

    const auto forced =
        server_side_apply(stateful_sets(), *live, second, manager("two"), OnConflict::take_over);
    REQUIRE(forced.has_value());
    CHECK((*forced)["spec"]["replicas"] == 5);
    CHECK((*forced)["spec"]["serviceName"] == "s");
  }

  TEST_CASE("an apply removes what its manager no longer applies and nobody else set") {
    const Json first = {{"metadata", {{"labels", {{"a", "1"}, {"b", "2"}}}}}};
    const auto live =
        server_side_apply(stateful_sets(), nullptr, first, manager("one"), OnConflict::refuse);
    const auto shared = server_side_apply(stateful_sets(),
                                          *live,
                                          {{"metadata", {{"labels", {{"b", "2"}}}}}},
                                          manager("two"),
                                          OnConflict::refuse);
    REQUIRE(shared.has_value());
    const auto next = server_side_apply(stateful_sets(),
                                        *shared,
                                        {{"metadata", {{"labels", {{"c", "3"}}}}}},
                                        manager("one"),
                                        OnConflict::refuse);
    REQUIRE(next.has_value());
    CHECK((*next)["metadata"]["labels"] == Json{{"b", "2"}, {"c", "3"}});
  }

  TEST_CASE("the same apply again changes nothing") {
    const Json applied = with_containers({{{"name", "a"}, {"image", "x"}}});
    const auto once =
        server_side_apply(stateful_sets(), nullptr, applied, manager("one"), OnConflict::refuse);
    const auto twice =
        server_side_apply(stateful_sets(), *once, applied, manager("one"), OnConflict::refuse);
    CHECK(*once == *twice);
  }

  TEST_CASE("an update takes fields over, so that an apply of the old value conflicts") {
    const Json applied = {{"spec", {{"replicas", 3}}}};
    const auto live =
        server_side_apply(stateful_sets(), nullptr, applied, manager("one"), OnConflict::refuse);
    Json scaled = *live;
    scaled["spec"]["replicas"] = 4;
    track_update(stateful_sets(), *live, scaled, manager("kubectl"));
    const auto again =
        server_side_apply(stateful_sets(), scaled, applied, manager("one"), OnConflict::refuse);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().details["causes"][0]["field"] == ".spec.replicas");
  }
}
