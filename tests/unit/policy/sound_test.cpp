// SPDX-License-Identifier: Apache-2.0
//
// What `create` makes needs nothing; what the article has becomes sound, whole or in pieces; and
// completing twice is completing once, for objects of every shape.
#include <doctest/doctest.h>

#include <random>

#include "shared/policy/json_access.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

/// The specs of the manifests' golden files.
std::vector<manifest::ClusterSpec> golden_specs() {
  manifest::ClusterSpec everything{.name = "cache",
                                   .namespace_ = "shop",
                                   .masters = 5,
                                   .replicas = 2,
                                   .image = "valkey/valkey:8.1",
                                   .size = "10Gi",
                                   .access_mode = "ReadWriteOncePod",
                                   .config = "# Ours\nmaxmemory-policy allkeys-lru\n",
                                   .settings = {{"maxclients", "5000"}, {"save", "\"\""}}};
  everything.limits = {{"memory", "1Gi"}};
  everything.anti_affinity = manifest::AntiAffinity::required;
  everything.zone_spread = manifest::ZoneSpread::on;
  everything.access = manifest::Access::node_port;
  return {{},
          {.nfs_server = "192.168.0.222", .nfs_path = "/usr/local/k8s/redis"},
          {.name = "cache", .namespace_ = "shop", .layout = manifest::Layout::deployment},
          {.auth_secret = "redis-auth", .tls_secret = "redis-tls"},
          {.tls_secret = "redis-tls"},
          {.replicas = 0},
          {.storage = manifest::Storage::ephemeral},
          {.storage = manifest::Storage::ephemeral, .layout = manifest::Layout::deployment},
          everything};
}

Objects article() {
  Objects objects;
  for (const char* file : {"headless-service", "redis-access-service", "redis-conf", "redis"}) {
    const Objects read = documents_in("tests/e2e/manifests/article/" + std::string(file) + ".yaml");
    objects.insert(objects.end(), read.begin(), read.end());
  }
  return objects;
}

Objects completed(Objects objects) {
  for (Json& object : objects) {
    object = mutate(object, beside(objects)).mutated;
  }
  return objects;
}

void check_sound(const Objects& objects) {
  for (const Objection& each : objections_to(objects)) {
    CHECK_MESSAGE(each.severity != RuleSeverity::error, line_of(each));
  }
}

/// Every pointer to a member below `value`, itself left out.
void collect_paths(const Json& value, const std::string& path, std::vector<std::string>& paths) {
  if (!value.is_structured()) {
    return;
  }
  for (const auto& [key, each] : value.items()) {
    const std::string below = joined(path, key);
    paths.push_back(below);
    collect_paths(each, below, paths);
  }
}

Json without(const Json& object, const std::string& path) {
  return object.patch(Json::array({{{"op", "remove"}, {"path", path}}}));
}

void check_idempotent(const Json& object, const Surroundings& around) {
  const Verdict once = mutate(object, around);
  const Verdict twice = mutate(once.mutated, around);
  CHECK_MESSAGE(twice.patch.empty(), twice.patch.dump());
  CHECK(object.patch(once.patch) == once.mutated);
}

}  // namespace

TEST_SUITE("policy/sound") {
  TEST_CASE("what create makes needs no mutation and draws no error or warning") {
    for (const manifest::ClusterSpec& spec : golden_specs()) {
      const Objects objects = manifest::objects(spec);
      for (const Surroundings& around : {beside(objects), Surroundings{}}) {
        for (const Json& object : objects) {
          CAPTURE(object["metadata"]["name"].dump());
          CAPTURE(around.blind());
          CHECK_MESSAGE(mutate(object, around).patch.empty(), mutate(object, around).patch.dump());
          for (const Objection& each : validate(object, around).objections) {
            CHECK_MESSAGE(each.severity == RuleSeverity::advice, line_of(each));
          }
        }
      }
    }
  }

  TEST_CASE("the article's objects are let in as they are, and completed") {
    const Objects objects = article();
    for (const Objection& each : objections_to(objects)) {
      CHECK_MESSAGE(each.severity != RuleSeverity::error, line_of(each));
    }
    const Json& set = objects.back();
    const Verdict verdict = mutate(set, beside(objects));
    CHECK(verdict.recognised);
    const Json& container = verdict.mutated["spec"]["template"]["spec"]["containers"][0];
    CHECK(container["args"] == Json({"/etc/redis/redis.conf",
                                     "--protected-mode",
                                     "no",
                                     "--cluster-announce-ip",
                                     "$(POD_IP)"}));
    CHECK(container["lifecycle"]["preStop"].is_object());
    CHECK(container["startupProbe"].is_object());
    // What the article says stays.
    CHECK(verdict.mutated["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 20);
    CHECK(verdict.mutated["spec"]["volumeClaimTemplates"] == set["spec"]["volumeClaimTemplates"]);
  }

  TEST_CASE("the article with pieces missing becomes sound") {
    const std::string container = "/spec/template/spec/containers/0";
    const std::vector<std::string> pieces{container + "/ports",
                                          "/spec/template/spec/affinity",
                                          "/spec/volumeClaimTemplates",
                                          container + "/volumeMounts/0",
                                          container + "/volumeMounts/1",
                                          "/spec/template/spec/volumes",
                                          container + "/command",
                                          container + "/args",
                                          container + "/resources",
                                          "/spec/template/spec/terminationGracePeriodSeconds"};
    const Objects whole = article();
    for (const std::string& piece : pieces) {
      CAPTURE(piece);
      Objects objects = whole;
      objects.back() = without(objects.back(), piece);
      check_sound(completed(objects));
      check_idempotent(objects.back(), beside(objects));
    }
    Objects objects = whole;
    Json& set = objects.back();
    set["spec"].erase("volumeClaimTemplates");
    Json& pod = set["spec"]["template"]["spec"];
    pod = {{"containers", {{{"name", "redis"}, {"image", "redis:8.0"}}}}};
    check_sound(completed(objects));
    const Json made = completed(objects).back();
    const Json& server = made["spec"]["template"]["spec"]["containers"][0];
    CHECK(server["command"] == Json::array({"redis-server"}));
    CHECK(server["args"][0] == "/etc/redis/redis.conf");
    CHECK(server["volumeMounts"].size() == 2);
    CHECK(server["ports"].size() == 2);
    CHECK(made["spec"]["volumeClaimTemplates"].size() == 1);
  }

  TEST_CASE("a StatefulSet that exists gets no claim template and no new user") {
    Objects objects = article();
    Json& set = objects.back();
    set["spec"].erase("volumeClaimTemplates");
    set["spec"]["template"]["spec"]["containers"][0].erase("volumeMounts");
    Surroundings around = beside(objects);
    around.before = &set;
    const Json after = mutate(set, around).mutated;
    CHECK_FALSE(after["spec"].contains("volumeClaimTemplates"));
    CHECK_FALSE(after["spec"]["template"]["spec"].contains("securityContext"));
  }

  TEST_CASE("completing twice is completing once, whatever piece is missing") {
    for (const Objects& objects : {article(), sound_objects()}) {
      const Json& set = objects.back();
      std::vector<std::string> paths;
      collect_paths(set, "", paths);
      for (const std::string& path : paths) {
        CAPTURE(path);
        check_idempotent(without(set, path), beside(objects));
        check_idempotent(without(set, path), {});
      }
    }
  }

  TEST_CASE("completing twice is completing once, with many pieces missing or of another type") {
    const Objects objects = article();
    std::mt19937 random(20261125);  // NOLINT(cert-msc51-cpp): the same objects each time.
    for (int round = 0; round < 400; ++round) {
      Json set = objects.back();
      for (int cut = 0; cut < 6; ++cut) {
        std::vector<std::string> paths;
        collect_paths(set, "", paths);
        if (paths.empty()) {
          break;
        }
        const std::string path = paths[random() % paths.size()];
        const Json::json_pointer pointer(path);
        switch (random() % 4) {
          case 0:
            set[pointer] = Json::array();
            break;
          case 1:
            set[pointer] = nullptr;
            break;
          case 2:
            set[pointer] = 7;
            break;
          default:
            set = without(set, path);
        }
      }
      CAPTURE(set.dump());
      check_idempotent(set, beside(objects));
      CHECK_NOTHROW(validate(set, beside(objects)));
    }
  }
}

}  // namespace kredis::policy
