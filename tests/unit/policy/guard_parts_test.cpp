// SPDX-License-Identifier: Apache-2.0
//
// What goes beside a workload, between it and its pods, or around it.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/policy/guard_bed.hpp"

namespace kredis::policy {
namespace {

struct PartsBed : GuardBed {
  using GuardBed::GuardBed;

  Json& part(const char* kind) { return first(objects, kind); }
  static const char* plural_of(const std::string& kind) {
    return kind == "ConfigMap" ? "configmaps"
           : kind == "Service" ? "services"
                               : "poddisruptionbudgets";
  }
  GuardAnswer drop(const Json& object, const char* user = k_user) {
    const std::string kind = object["kind"];
    const std::string name = object["metadata"]["name"];
    return ask("DELETE", plural_of(kind), "", name, k_none, object, user);
  }
  GuardAnswer change(const Json& before, const Json& after) {
    const std::string kind = before["kind"];
    return ask("UPDATE", plural_of(kind), "", before["metadata"]["name"], after, before);
  }
  Json& service(const std::string& name) {
    for (Json& each : objects) {
      if (each["kind"] == "Service" && each["metadata"]["name"] == name) {
        return each;
      }
    }
    return first(objects, "Service");
  }
  Json& governing() { return service(set()["spec"]["serviceName"]); }
};

Json deployment(const std::string& name) {
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", name}, {"namespace", "default"}, {"labels", {{"appCluster", "d"}}}}},
      {"spec", {{"replicas", 3}}}};
}

TEST_SUITE("policy/guard_parts") {
  TEST_CASE("what running pods mount, are found by or held by stays") {
    for (const char* kind : {"ConfigMap", "Service", "PodDisruptionBudget"}) {
      CAPTURE(kind);
      PartsBed bed;
      Json object = kind == std::string("Service") ? bed.governing() : bed.part(kind);
      CHECK(refused(bed.drop(object), "RG007"));
      CHECK_FALSE(
          bed.drop(object, "system:serviceaccount:kube-system:namespace-controller").concerned);
      allow(object);
      CHECK(bed.drop(object).overridden);
      object["metadata"]["annotations"] = {{"kubectl-redis.dev/ignore", "true"}};
      CHECK(bed.drop(object).ignored);
      object["metadata"]["annotations"] = Json::object();
      object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
      CHECK_FALSE(bed.drop(object).objection.has_value());
    }
  }

  TEST_CASE("without pods that need it, it may go") {
    PartsBed bed;
    const Json map = bed.part("ConfigMap");
    bed.set()["spec"]["replicas"] = 0;
    CHECK_FALSE(bed.drop(map).concerned);
    bed.set()["spec"]["replicas"] = 6;
    bed.set()["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    CHECK_FALSE(bed.drop(map).concerned);
    Json other = map;
    other["metadata"]["name"] = "someone-elses";
    CHECK_FALSE(bed.drop(other).concerned);
  }

  TEST_CASE("a Service that only clients use may go with a warning") {
    PartsBed bed;
    Json clients = bed.governing();
    clients["metadata"]["name"] = "for-clients";
    CHECK(warned(bed.drop(clients), "RG007"));
  }

  TEST_CASE("a budget may go where another one holds the same pods") {
    PartsBed bed;
    const Json budget = bed.part("PodDisruptionBudget");
    Json second = budget;
    second["metadata"]["name"] = "second";
    bed.objects.push_back(second);
    CHECK(passed(bed.drop(budget)));
    bed.objects.back()["spec"]["selector"]["matchLabels"] = {{"app", "other"}};
    CHECK(refused(bed.drop(budget), "RG007"));
  }

  TEST_CASE("nor does it gain an owner, lose the key that is mounted, or choose other pods") {
    PartsBed bed;
    Json map = bed.part("ConfigMap");
    map["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "Pod"}, {"name", "gone"}, {"uid", "u"}}});
    const GuardAnswer owned = bed.change(bed.part("ConfigMap"), map);
    CHECK(refused(owned, "RG007"));
    CHECK(owned.objection->found == "the owner Pod gone");
    Json bare = bed.part("ConfigMap");
    bare["data"].erase("redis.conf");
    CHECK(refused(bed.change(bed.part("ConfigMap"), bare), "RG007"));
    Json budget = bed.part("PodDisruptionBudget");
    budget["spec"]["selector"] = {{"matchLabels", {{"app", "other"}}}};
    CHECK(refused(bed.change(bed.part("PodDisruptionBudget"), budget), "RG007"));
    Json edited = bed.part("ConfigMap");
    edited["data"]["redis.conf"] = "port 6379\n";
    CHECK_FALSE(bed.change(bed.part("ConfigMap"), edited).concerned);
  }

  TEST_CASE("a ReplicaSet goes, or is scaled in, only when its pods may go") {
    PartsBed bed{ViewBuilder::whole(3, 0)
                     .edit(0, [](core::Member& each) { each.pod.name = "cache-6d5f-aaaaa"; })
                     .build()};
    bed.objects.push_back(deployment("cache"));
    const Json three = {{"spec", {{"replicas", 3}}}};
    const Json two = {{"spec", {{"replicas", 2}}}};
    const Json none = {{"spec", {{"replicas", 0}}}};
    const auto ask = [&bed](const char* operation,
                            const char* subresource,
                            const Json& after,
                            const Json& before,
                            const char* user = k_user) {
      return bed.ask(operation, "replicasets", subresource, "cache-6d5f", after, before, user);
    };
    CHECK(refused(ask("DELETE", "", k_none, three), "RG003"));
    CHECK(refused(ask("UPDATE", "scale", two, three), "RG001"));
    CHECK(refused(ask("UPDATE", "", two, three), "RG001"));
    CHECK_FALSE(ask("DELETE", "", k_none, none).concerned);
    CHECK_FALSE(ask("UPDATE", "", three, two).concerned);
    CHECK_FALSE(
        ask("UPDATE", "", two, three, "system:serviceaccount:kube-system:deployment-controller")
            .concerned);
    bed.sight.view = nullptr;
    CHECK(warned(ask("DELETE", "", k_none, three), "RG003"));
  }

  TEST_CASE("a namespace with a cluster's data goes on purpose only, seen or not") {
    PartsBed bed;
    const auto drop = [&bed](const Json& space, const char* user = k_user) {
      return bed.ask("DELETE", "namespaces", "", "default", k_none, space, user);
    };
    Json space = {{"kind", "Namespace"}, {"metadata", {{"name", "default"}}}};
    const GuardAnswer answer = drop(space);
    CHECK(refused(answer, "RG008"));
    CHECK(answer.objection->message ==
          "redis-app in default holds a cluster's data; delete it first");
    bed.sight.view = nullptr;
    CHECK(refused(drop(space), "RG008"));
    bed.sight.view = std::make_shared<const core::ClusterView>(ViewBuilder(6).build());
    CHECK(passed(drop(space)));
    bed.sight.view = nullptr;
    Json allowed = space;
    allow(allowed);
    CHECK(drop(allowed).overridden);
    allow(bed.set());
    CHECK(drop(space).overridden);
    bed.set()["metadata"]["annotations"] = {{"kubectl-redis.dev/ignore", "true"}};
    CHECK_FALSE(drop(space).concerned);
    CHECK(drop(space).ignored);
    bed.objects.clear();
    CHECK_FALSE(drop(space).concerned);
    CHECK_FALSE(drop(space).ignored);
  }
}

}  // namespace
}  // namespace kredis::policy
