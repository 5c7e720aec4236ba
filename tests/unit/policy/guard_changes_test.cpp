// SPDX-License-Identifier: Apache-2.0
//
// Changes by which pods, claims or data go though nobody deletes them.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/policy/guard_bed.hpp"

namespace kredis::policy {
namespace {

using testing::edit_nodes;

Json owner(const char* kind, const char* name, bool controls = false) {
  return {
      {"kind", kind}, {"name", name}, {"uid", std::string("u-") + name}, {"controller", controls}};
}

struct ChangeBed : GuardBed {
  using GuardBed::GuardBed;

  GuardAnswer change_set(const Json& after, const char* user = k_user) {
    return ask("UPDATE", "statefulsets", "", "redis-app", after, set(), user);
  }
  Json pod() {
    return {{"kind", "Pod"},
            {"metadata",
             {{"name", "redis-app-0"},
              {"labels", set()["spec"]["template"]["metadata"]["labels"]},
              {"ownerReferences", Json::array({owner("StatefulSet", "redis-app", true)})}}},
            {"spec", {{"containers", Json::array({{{"name", "redis"}, {"image", "redis:8.0"}}})}}}};
  }
  GuardAnswer change_pod(const Json& after, const char* user = k_user) {
    return ask("UPDATE", "pods", "", "redis-app-0", after, pod(), user);
  }
};

core::ClusterView bare() { return ViewBuilder::whole(3, 0).build(); }

TEST_SUITE("policy/guard_changes") {
  TEST_CASE("a workload with data may not gain an owner, for it would go with it") {
    ChangeBed bed;
    Json owned = bed.set();
    owned["metadata"]["ownerReferences"] = Json::array({owner("ConfigMap", "gone")});
    const GuardAnswer answer = bed.change_set(owned);
    CHECK(refused(answer, "RG004"));
    CHECK(answer.objection->found == "ConfigMap gone");
    CHECK(answer.objection->path == "/metadata/ownerReferences");
    allow(owned);
    CHECK(bed.change_set(owned).overridden);
    // One that it had is none that it gains, and a cluster without data has nothing to lose.
    bed.set()["metadata"]["ownerReferences"] = owned["metadata"]["ownerReferences"];
    CHECK_FALSE(bed.change_set(bed.set()).concerned);
    ChangeBed empty{ViewBuilder(6).build()};
    CHECK_FALSE(empty.change_set(owned).objection.has_value());
  }

  TEST_CASE("the garbage collector is asked about workloads and claims, and about no pods") {
    const char* collector = "system:serviceaccount:kube-system:generic-garbage-collector";
    ChangeBed bed{bare()};
    CHECK(refused(bed.ask("DELETE", "statefulsets", "", "redis-app", k_none, bed.set(), collector),
                  "RG004"));
    CHECK(refused(bed.ask("DELETE",
                          "persistentvolumeclaims",
                          "",
                          "redis-data-redis-app-0",
                          k_none,
                          k_none,
                          collector),
                  "RG005"));
    CHECK_FALSE(bed.remove(0, collector).concerned);
  }

  TEST_CASE("the volume that the data lies on is not exchanged under a cluster with data") {
    ChangeBed bed;
    Json& mounts = bed.set()["spec"]["template"]["spec"]["containers"][0]["volumeMounts"];
    std::size_t at = 0;
    while (mounts[at]["name"] != "redis-data") {
      ++at;
    }
    struct Case {
      const char* label;
      const char* mount;  ///< Of the data folder, as a merge patch.
      const char* volume;
      const char* found;
    };
    const Case cases[] = {
        {"an emptyDir", R"({"name":"new"})", R"({"name":"new","emptyDir":{}})", "emptyDir"},
        {"another claim",
         R"({"name":"new"})",
         R"({"name":"new","persistentVolumeClaim":{"claimName":"other"}})",
         "claim other"},
        {"another folder of the claim", R"({"subPath":"v2"})", "", "claim redis-data at v2"},
        {"a mount elsewhere", R"({"mountPath":"/elsewhere"})", "", "nothing"}};
    for (const Case& each : cases) {
      CAPTURE(each.label);
      Json after = bed.set();
      after["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][at].merge_patch(
          Json::parse(each.mount));
      if (*each.volume != '\0') {
        after["spec"]["template"]["spec"]["volumes"].push_back(Json::parse(each.volume));
      }
      const GuardAnswer answer = bed.change_set(after);
      REQUIRE(refused(answer, "RG006"));
      CHECK(answer.objection->found == each.found);
      CHECK(answer.objection->message.starts_with("the data is on claim redis-data"));
      // The storage annotation alone says what is meant from now on, not that data may go.
      after["metadata"]["annotations"]["kubectl-redis.dev/storage"] = "ephemeral";
      CHECK(refused(bed.change_set(after), "RG006"));
      allow(after);
      CHECK(bed.change_set(after).overridden);
    }
    Json other = bed.set();
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "redis:8.2";
    CHECK_FALSE(bed.change_set(other).concerned);
  }

  TEST_CASE("a retention policy may not become Delete while there is data") {
    for (const char* when : {"whenDeleted", "whenScaled"}) {
      CAPTURE(when);
      ChangeBed bed;
      Json after = bed.set();
      after["spec"]["persistentVolumeClaimRetentionPolicy"][when] = "Delete";
      const GuardAnswer answer = bed.change_set(after);
      CHECK(refused(answer, "RG006"));
      CHECK(answer.objection->path ==
            std::string("/spec/persistentVolumeClaimRetentionPolicy/") + when);
      // Back, or as it was, is no matter.
      bed.set() = after;
      after["spec"]["persistentVolumeClaimRetentionPolicy"][when] = "Retain";
      CHECK_FALSE(bed.change_set(after).concerned);
      CHECK_FALSE(bed.change_set(bed.set()).concerned);
    }
  }

  TEST_CASE("another first ordinal takes pods away as fewer replicas do") {
    ChangeBed bed;
    Json after = bed.set();
    after["spec"]["ordinals"]["start"] = 1;
    const GuardAnswer answer = bed.change_set(after);
    CHECK(refused(answer, "RG001"));
    CHECK(answer.objection->found == "ordinals from 1");
    CHECK(answer.objection->message ==
          "5461 slots are on pods that would go; move them away first");
  }

  TEST_CASE("a workload that is no longer known as a cluster is not lost to the guards") {
    ChangeBed bed;
    Json after = bed.set();
    // Marks of the selector cannot change; these can.
    for (Json* object : {&bed.set(), &after}) {
      (*object)["metadata"].erase("annotations");
      (*object)["metadata"]["labels"] = Json::object();
      (*object)["spec"]["selector"]["matchLabels"] = {{"app", "redis"}};
      (*object)["spec"]["template"]["metadata"]["labels"] = {{"app", "redis"}};
    }
    REQUIRE(is_redis_cluster(bed.set(), beside(bed.objects)));
    after["spec"]["template"]["spec"]["containers"][0]["command"] = {"sleep", "inf"};
    after["spec"]["template"]["spec"]["containers"][0].erase("args");
    CHECK(refused(bed.change_set(after), "RG004"));
  }

  TEST_CASE("a pod whose slots nobody else has is not taken from its workload, nor ended") {
    ChangeBed bed{bare()};
    struct Case {
      const char* label;
      Json patch;
      const char* found;
    };
    const Case cases[] = {
        {"a label",
         {{"metadata", {{"labels", {{"app", nullptr}, {"appCluster", nullptr}}}}}},
         "it loses a label that its workload selects by"},
        {"an owner",
         {{"metadata",
           {{"ownerReferences",
             Json::array({owner("StatefulSet", "redis-app", true), owner("Pod", "gone")})}}}},
         "it gains the owner Pod gone"},
        {"no owner", {{"metadata", {{"ownerReferences", nullptr}}}}, "it loses its owner"},
        {"a deadline",
         {{"spec", {{"activeDeadlineSeconds", 1}}}},
         "it gets an earlier activeDeadlineSeconds"},
        {"an image",
         {{"spec", {{"containers", Json::array({{{"name", "redis"}, {"image", "gone:1"}}})}}}},
         "it gets another image"}};
    for (const Case& each : cases) {
      CAPTURE(each.label);
      Json after = bed.pod();
      after.merge_patch(each.patch);
      const GuardAnswer answer = bed.change_pod(after);
      REQUIRE(refused(answer, "RG003"));
      CHECK(answer.objection->found == each.found);
      CHECK(answer.objection->message == "redis-app-0 holds the last copy of 5461 slots");
      CHECK_FALSE(bed.change_pod(after, "system:serviceaccount:kube-system:statefulset-controller")
                      .concerned);
      // With a replica in step nothing is lost.
      ChangeBed whole;
      CHECK_FALSE(whole.change_pod(after).objection.has_value());
    }
    Json noted = bed.pod();
    noted["metadata"]["labels"]["note"] = "x";
    CHECK_FALSE(bed.change_pod(noted).concerned);
  }

  TEST_CASE("a shard whose slots are moving stays as it is, and no template is rolled out") {
    const auto opened = [](core::Member& each) {
      edit_nodes(each)[0].open_slots = {
          {7, core::OpenSlot::Direction::migrating, testing::node_id(1)}};
    };
    ChangeBed bed{ViewBuilder::whole(3, 1).edit(0, opened).build()};
    const GuardAnswer answer = bed.evict(0);
    CHECK(refused(answer, "RG009"));
    CHECK(answer.again_later);
    CHECK(answer.objection->message.find("1 slot of its shard") == 0);
    CHECK(refused(bed.remove(3), "RG009"));
    CHECK(passed(bed.evict(1)));
    Json after = bed.set();
    after["spec"]["template"]["metadata"]["annotations"]["restarted"] = "now";
    CHECK(refused(bed.change_set(after), "RG009"));
    allow(after);
    CHECK(bed.change_set(after).overridden);
    CHECK_FALSE(bed.change_set(bed.set()).concerned);
    ChangeBed still;
    Json other = still.set();
    other["spec"]["template"]["metadata"]["annotations"]["restarted"] = "now";
    CHECK_FALSE(still.change_set(other).concerned);
  }

  TEST_CASE("the servers' own moves are moves: neither end of one is touched") {
    const auto begun = [](core::Member& each) {
      each.server->server = "valkey";
      each.server->version = "9.1.2";
      each.jobs = {{.id = "one",
                    .slots = *core::SlotSet::parse("0-99"),
                    .source = testing::node_id(0),
                    .target = testing::node_id(1)}};
    };
    ChangeBed bed{ViewBuilder::whole(3, 1).edit(0, begun).build()};
    const GuardAnswer answer = bed.evict(0);
    CHECK(refused(answer, "RG009"));
    CHECK(answer.again_later);
    CHECK(answer.objection->message.find("100 slots of its shard are moving") == 0);
    CHECK(answer.objection->message.find("CANCELSLOTMIGRATIONS") != std::string::npos);
    CHECK(refused(bed.remove(4), "RG009"));
    CHECK(passed(bed.evict(2)));
    Json after = bed.set();
    after["spec"]["template"]["metadata"]["annotations"]["restarted"] = "now";
    CHECK(refused(bed.change_set(after), "RG009"));
  }

  TEST_CASE("a claim of a wanted node may not gain an owner") {
    ChangeBed bed;
    const Json before = {{"kind", "PersistentVolumeClaim"}, {"metadata", {{"name", "x"}}}};
    Json after = before;
    after["metadata"]["ownerReferences"] = Json::array({owner("ConfigMap", "gone")});
    const auto change = [&](const char* name, const char* user = k_user) {
      return bed.ask("UPDATE", "persistentvolumeclaims", "", name, after, before, user);
    };
    CHECK(refused(change("redis-data-redis-app-0"), "RG005"));
    CHECK_FALSE(change("redis-data-redis-app-17").objection.has_value());
    CHECK_FALSE(change("else").concerned);
    CHECK_FALSE(
        change("redis-data-redis-app-0", "system:serviceaccount:kube-system:statefulset-controller")
            .concerned);
    allow(after);
    CHECK(change("redis-data-redis-app-0").overridden);
  }
}

}  // namespace
}  // namespace kredis::policy
