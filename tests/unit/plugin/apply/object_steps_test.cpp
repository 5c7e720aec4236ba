// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/object_steps.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using Lines = std::vector<std::string>;

struct Bed {
  template <typename Step>
  Status run(const Step& step) {
    return carry_out(step, site, watcher.conduct());
  }
  /// Makes one call fail.
  void refuse(const std::string& verb, const Error& error) {
    kube.before = [verb, error](const std::string& asked, const ports::ResourcePath&) {
      return asked == verb ? Status{error} : Status{};
    };
  }

  tests::FakeKube kube;
  Watcher watcher;
  Site site{.kube = &kube};
};

Json config(const std::string& value) {
  Json object = object_of("ConfigMap", "redis-config");
  object["data"] = {{"redis.conf", value}};
  return object;
}

core::ObjectName stateful_set() { return name_of("StatefulSet", "default", "redis-app"); }

/// What the webhook says where nobody told it that a deletion is meant.
Error guard(const std::string& rule) {
  return Error::invalid_argument("admission webhook \"validate.kubectl-redis.dev\" denied it: [" +
                                 rule + "] the workload runs a cluster");
}

TEST_SUITE("apply/object_steps") {
  TEST_CASE("an object is created, configured, and then unchanged") {
    Bed bed;
    for (const auto& row : {std::pair{"save 60 1", Change::created},
                            std::pair{"save 900 1", Change::configured},
                            std::pair{"save 900 1", Change::unchanged}}) {
      const auto& value = row.first;
      const auto& change = row.second;
      CAPTURE(to_text(change));
      const auto before = look_for(bed.kube, {config(value)});
      REQUIRE(before.has_value());
      const auto steps = steps_to_apply({config(value)}, *before);
      REQUIRE(steps.size() == 1);
      CHECK(steps[0].reason == (change == Change::created ? "it is not there yet" : ""));
      REQUIRE(bed.run(std::get<core::ApplyObject>(steps[0].what)).has_value());
      CHECK(bed.site.applied.back().change == change);
      CHECK(bed.site.applied.back().object.at("data").at("redis.conf") == value);
    }
    CHECK(bed.watcher.said() ==
          "  configmap/redis-config  created\n  configmap/redis-config  configured\n"
          "  configmap/redis-config  unchanged\n");
  }

  TEST_CASE("what the server writes into an object for itself is no change") {
    const Json before = config("a");
    for (const char* path :
         {"/status/replicas", "/metadata/managedFields", "/metadata/resourceVersion"}) {
      CAPTURE(path);
      Json after = before;
      after[Json::json_pointer(path)] = "7";
      CHECK(change_between(before, after) == Change::unchanged);
    }
    Json after = before;
    after["metadata"]["generation"] = 2;
    CHECK(change_between(before, after) == Change::configured);
    CHECK(change_between(Json(), after) == Change::created);
  }

  TEST_CASE("a refusal says what to do, in the server's words where it has some") {
    struct Case {
      std::string label;
      Error error;
      std::string hint;
    };
    for (const Case& each :
         {Case{"others' fields", Error::conflict("others manage it"), "set it back"},
          Case{"others' fields, by force", Error::conflict("c").with_hint("force"), "set it back"},
          Case{"a policy", Error::invalid_argument("denied by a rule"), "whoever keeps that rule"},
          Case{"with advice",
               Error::unauthorized("no").with_hint("ask for rights"),
               "ask for rights"}}) {
      CAPTURE(each.label);
      Bed bed;
      bed.refuse("apply", each.error);
      const Status done =
          bed.run(core::ApplyObject{.object = name_of(config("")), .json = config("").dump()});
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code == each.error.code);
      CHECK(contains(done.error().hint, each.hint));
      CHECK(done.error().context == Lines{"applying configmap/redis-config"});
      CHECK(bed.site.applied.empty());
    }
  }

  TEST_CASE("a workload is scaled through its /scale, and nothing else of it is touched") {
    Bed bed;
    bed.kube.put("statefulsets", object_of("StatefulSet", "redis-app"));
    REQUIRE(bed.run(core::ScaleWorkload{.workload = stateful_set(), .replicas = 9}).has_value());
    CHECK(bed.kube.changes == Lines{"patch statefulsets/redis-app/scale"});
    CHECK(bed.kube.object("statefulsets", "redis-app").at("spec") == Json{{"replicas", 9}});
    CHECK(contains(bed.watcher.said(), "statefulset.apps/redis-app  scaled to 9"));
    bed.kube.drop("statefulsets", "redis-app");
    const Status done = bed.run(core::ScaleWorkload{.workload = stateful_set(), .replicas = 9});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().context == Lines{"scaling statefulset.apps/redis-app"});
  }

  TEST_CASE("what is gone already is deleted, a namesake is not") {
    Bed bed;
    CHECK(bed.run(core::DeleteObject{.object = name_of(config(""))}).has_value());
    CHECK(bed.site.applied.back().change == Change::deleted);
    Json other = config("");
    other["metadata"]["uid"] = "young";
    bed.kube.put("configmaps", other);
    core::ObjectName old = name_of(other);
    old.uid = "old";
    const Status done = bed.run(core::DeleteObject{.object = old});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::conflict);
    CHECK(done.error().context == Lines{"deleting configmap/redis-config"});
    CHECK_FALSE(bed.kube.object("configmaps", "redis-config").is_null());
    CHECK(bed.run(core::DeleteObject{.object = name_of(other)}).has_value());
    CHECK(bed.kube.object("configmaps", "redis-config").is_null());
  }

  TEST_CASE("the webhook is told that a workload's deletion is meant, and only of workloads") {
    struct Case {
      std::string label;
      std::string kind;
      std::string plural;
      core::Guarded guard;
      Lines changes;
    };
    for (const Case& each :
         {Case{"told",
               "StatefulSet",
               "statefulsets",
               core::Guarded::told,
               {"patch statefulsets/x", "delete statefulsets/x"}},
          Case{"as any",
               "StatefulSet",
               "statefulsets",
               core::Guarded::as_any,
               {"delete statefulsets/x"}},
          Case{"no workload", "Secret", "secrets", core::Guarded::told, {"delete secrets/x"}}}) {
      CAPTURE(each.label);
      Bed bed;
      bed.kube.put(each.plural, object_of(each.kind, "x"));
      std::string marks;
      bed.kube.on_change = [&](const std::string&, const std::string&, const Json& object) {
        marks = object.at("metadata").value("annotations", Json::object()).dump();
      };
      REQUIRE(bed.run(core::DeleteObject{.object = name_of(each.kind, "default", "x"),
                                         .guard = each.guard})
                  .has_value());
      CHECK(bed.kube.changes == each.changes);
      CHECK(contains(marks, "allow-delete") == (each.changes.size() == 2));
    }
  }

  TEST_CASE("who may not annotate deletes all the same") {
    Bed bed;
    bed.kube.put("statefulsets", object_of("StatefulSet", "redis-app"));
    bed.refuse("patch", Error::unauthorized("no permission to patch"));
    CHECK(bed.run(core::DeleteObject{.object = stateful_set(), .guard = core::Guarded::told})
              .has_value());
    CHECK(bed.kube.object("statefulsets", "redis-app").is_null());
  }

  TEST_CASE("in a dry run the webhook's own guard is no failure, everything else is one") {
    struct Case {
      std::string label;
      ports::DryRun dry_run;
      core::Guarded guarded;
      Error error;
      bool fine;
    };
    using ports::DryRun;
    for (const Case& each :
         {Case{"its guard", DryRun::server, core::Guarded::told, guard("RG004"), true},
          Case{"its guard of claims", DryRun::server, core::Guarded::told, guard("RG005"), true},
          Case{"another rule", DryRun::server, core::Guarded::told, guard("RG001"), false},
          Case{"it is not told", DryRun::server, core::Guarded::as_any, guard("RG004"), false},
          Case{"no dry run", DryRun::no, core::Guarded::told, guard("RG004"), false},
          Case{"another's",
               DryRun::server,
               core::Guarded::told,
               Error::invalid_argument("[RG004]"),
               false}}) {
      CAPTURE(each.label);
      Bed bed;
      bed.kube.put("statefulsets", object_of("StatefulSet", "redis-app"));
      bed.site.dry_run = each.dry_run;
      bed.refuse("delete", each.error);
      const Status done =
          bed.run(core::DeleteObject{.object = stateful_set(), .guard = each.guarded});
      CHECK(done.has_value() == each.fine);
      CHECK(contains(bed.watcher.said(), "guarded by the webhook") == each.fine);
    }
  }

  TEST_CASE("objects are looked for at once, and one that may not be seen is named") {
    tests::FakeKube kube;
    kube.put("configmaps", config("a"));
    const std::vector<Json> wanted{
        config("b"), object_of("Secret", "s"), object_of("Service", "v")};
    const auto found = look_for(kube, wanted);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 3);
    CHECK(found->at(0).at("data").at("redis.conf") == "a");
    CHECK(found->at(1).is_null());
    kube.refuse("secrets", Error::unauthorized("no"));
    const auto refused = look_for(kube, wanted);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().context == Lines{"looking for secret/s"});
  }

  TEST_CASE("an object's name is what kubectl prints, and cluster scope has no namespace") {
    CHECK(name_of("StatefulSet", "shop", "r").to_text() == "statefulset.apps/r");
    CHECK(name_of("StatefulSet", "shop", "r").namespace_ == "shop");
    CHECK(name_of("PersistentVolume", "shop", "r").namespace_.empty());
    Json object = object_of("Service", "redis-service");
    object["metadata"]["uid"] = "u";
    const core::ObjectName name = name_of(object);
    CHECK(name.uid == "u");
    CHECK(path_of(name).type == ports::ResourceType{"v1", "services"});
    CHECK(path_of(name).name == "redis-service");
  }
}

}  // namespace
}  // namespace kredis::plugin
