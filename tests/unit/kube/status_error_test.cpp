// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/status_error.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::kube {
namespace {

const Request k_list_pods{"list", {{"v1", "pods"}, "shop"}};
const Request k_patch_set{"patch", {{"apps/v1", "statefulsets"}, "shop", "redis-app"}};

Json status(int code,
            const std::string& reason,
            const std::string& message,
            const Json& details = Json::object()) {
  return {{"kind", "Status"},
          {"code", code},
          {"reason", reason},
          {"message", message},
          {"details", details}};
}

Error decode(const Request& request, int code, const Json& body) {
  return error_from_answer(request, code, body.is_string() ? body.get<std::string>() : body.dump());
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("kube/status_error") {
  TEST_CASE("a missing permission names verb, resource, namespace, user and the rule to add") {
    const Error error = decode(k_list_pods,
                               403,
                               status(403,
                                      "Forbidden",
                                      "pods is forbidden: User \"jane\" cannot list resource "
                                      "\"pods\" in API group \"\" in the namespace \"shop\""));
    CHECK(error.code == ErrorCode::unauthorized);
    CHECK(error.message == "no permission to list pods in namespace shop (as User \"jane\")");
    CHECK(error.hint ==
          "add to a Role of yours in namespace shop: "
          "{apiGroups: [\"\"], resources: [\"pods\"], verbs: [\"list\"]}");
    const Request nodes{"list", {{"v1", "nodes"}, ""}};
    CHECK(has(decode(nodes, 403, status(403, "Forbidden", "")).hint, "ClusterRole"));
    const Request forward{"get", {{"v1", "pods"}, "shop", "redis-app-0", "portforward"}};
    CHECK(has(rbac_hint(forward), "resources: [\"pods/portforward\"]"));
  }

  TEST_CASE("what a policy refuses is shown whole and is not called a missing permission") {
    for (const char* message :
         {"admission webhook \"p.example\" denied the request: no images by latest, please",
          "exceeded quota: q, requested: pods=6, used: pods=5, limited: pods=10",
          "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot"}) {
      CAPTURE(message);
      const Error error = decode(k_patch_set, 403, status(403, "Forbidden", message));
      CHECK(error.code == ErrorCode::invalid_argument);
      CHECK(has(error.message, message));
    }
  }

  TEST_CASE("the kinds of 404 are told apart") {
    const Error object = decode(k_patch_set,
                                404,
                                status(404,
                                       "NotFound",
                                       "statefulsets.apps \"redis-app\" not found",
                                       {{"name", "redis-app"}, {"kind", "statefulsets"}}));
    CHECK(object.message == "statefulsets 'redis-app' does not exist in namespace shop");
    const Error space = decode(k_patch_set,
                               404,
                               status(404,
                                      "NotFound",
                                      "namespaces \"shop\" not found",
                                      {{"name", "shop"}, {"kind", "namespaces"}}));
    CHECK(space.message == "namespace 'shop' does not exist");
    CHECK(space.hint == "create it: kubectl create namespace shop");
    const Request log{"get", {{"v1", "pods"}, "shop", "redis-app-0", "log"}};
    CHECK(decode(log, 400, status(400, "BadRequest", "previous terminated container not found"))
              .code == ErrorCode::not_found);
    const Error type = decode(k_patch_set, 404, Json("404 page not found\n"));
    CHECK(type.message == "this server does not know statefulsets of apps/v1");
    CHECK(type.code == ErrorCode::not_found);
  }

  TEST_CASE("conflicts say who holds which field, or that something is there already") {
    const Json causes = Json::array({{{"reason", "FieldManagerConflict"},
                                      {"message", "conflict with \"kubectl-scale\" using apps/v1"},
                                      {"field", ".spec.replicas"}}});
    const Error fields =
        decode(k_patch_set,
               409,
               status(409, "Conflict", "Apply failed with 1 conflict", {{"causes", causes}}));
    CHECK(fields.code == ErrorCode::conflict);
    CHECK(has(fields.message, ".spec.replicas (conflict with \"kubectl-scale\" using apps/v1)"));
    CHECK(has(decode(k_patch_set, 409, status(409, "AlreadyExists", "x already exists")).message,
              "it already exists"));
    CHECK(has(decode(k_patch_set, 409, status(409, "Conflict", "modified")).hint, "look again"));
  }

  TEST_CASE("an invalid object keeps every cause") {
    const Json causes = Json::array({{{"message", "Required value"}, {"field", "spec.a"}},
                                     {{"message", "too long"}, {"field", "spec.b"}}});
    const Error error =
        decode(k_patch_set,
               422,
               status(422, "Invalid", "is invalid: spec.a: Required value", {{"causes", causes}}));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(has(error.message, "spec.a: Required value"));
    CHECK(has(error.message, "spec.b: too long"));
    const Error typed = decode(k_patch_set,
                               500,
                               status(500,
                                      "",
                                      "failed to create typed patch object: .x: field not "
                                      "declared in schema"));
    CHECK(typed.code == ErrorCode::invalid_argument);
  }

  TEST_CASE("answers that are no Status are quoted, short and on one line") {
    const Error error =
        decode(k_list_pods, 502, Json("<html>\n<b>Bad\x1b Gateway</b>" + std::string(1000, 'x')));
    CHECK(error.code == ErrorCode::unreachable);
    CHECK(has(error.message, "HTTP 502"));
    CHECK(has(error.message, "<html> <b>Bad  Gateway</b>"));
    CHECK(error.message.size() < 500);
    CHECK(decode(k_list_pods, 401, Json("")).code == ErrorCode::unauthorized);
    CHECK(decode(k_list_pods, 504, status(504, "Timeout", "slow")).code == ErrorCode::timeout);
    CHECK(decode(k_list_pods, 418, Json(R"({"kind":"Status","message":7})")).code ==
          ErrorCode::protocol);
    CHECK(decode(k_list_pods, 404, Json(R"({"kind":"Status","details":[1]})")).code ==
          ErrorCode::not_found);
  }
}

}  // namespace kredis::kube
