// SPDX-License-Identifier: Apache-2.0
//
// The article's StatefulSet, completed, beside what `create` would have made: equal wherever the
// article was silent, but for what is listed here with its reason.
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "shared/policy/json_access.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

const std::string k_pod = "/spec/template/spec";
const std::string k_container = k_pod + "/containers/0";

Json article_set() { return documents_in("tests/e2e/manifests/article/redis.yaml").front(); }

Objects article_with(const Json& set) {
  Objects objects;
  for (const char* file : {"headless-service", "redis-access-service", "redis-conf"}) {
    const Objects read = documents_in("tests/e2e/manifests/article/" + std::string(file) + ".yaml");
    objects.insert(objects.end(), read.begin(), read.end());
  }
  objects.push_back(set);
  return objects;
}

Json completed(const Json& set) {
  const Objects objects = article_with(set);
  return mutate(objects.back(), beside(objects)).mutated;
}

/// All that the article says, taken out, but for the image.
Json bare() {
  Json set = article_set();
  set["spec"].erase("volumeClaimTemplates");
  set["spec"]["template"]["spec"] = {{"containers", {{{"name", "redis"}, {"image", "redis:8.0"}}}}};
  return set;
}

Json created() {
  manifest::ClusterSpec spec;
  spec.zone_spread = manifest::ZoneSpread::on;
  for (const Json& object : manifest::objects(spec)) {
    if (object["kind"] == "StatefulSet") {
      return object;
    }
  }
  return {};
}

/// Where the two differ: the pointer, and of which one it is.
void compare(const Json& create,
             const Json& made,
             const std::string& path,
             std::vector<std::string>& found) {
  if (create.type() != made.type() || !create.is_structured() ||
      (create.is_array() && create.size() != made.size())) {
    if (create != made) {
      found.push_back("other " + path);
    }
    return;
  }
  for (const auto& [key, value] : create.items()) {
    const std::string below = joined(path, key);
    const bool there = create.is_array() || made.contains(key);
    if (!there) {
      found.push_back("only create " + below);
    } else {
      compare(value, create.is_array() ? made[std::stoul(key)] : made[key], below, found);
    }
  }
  if (create.is_object()) {
    for (const auto& [key, value] : made.items()) {
      if (!create.contains(key)) {
        found.push_back("only completed " + joined(path, key));
      }
    }
  }
}

std::vector<std::string> differences(const Json& made) {
  std::vector<std::string> found;
  compare(created(), made, "", found);
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  return lines;
}

/// What is never filled in. Labels and the order of starting cannot change later, so they are the
/// author's; the scripts lie in the ConfigMap of `create` only, and with them the words that run
/// them, their variables and the room that they write to. What start.sh does beside the server is a
/// hook elsewhere.
std::vector<std::string> never_filled_in() {
  return {"only create /metadata/annotations",
          "only create /metadata/labels/app",
          "only create /metadata/labels/app.kubernetes.io~1component",
          "only create /metadata/labels/app.kubernetes.io~1instance",
          "only create /metadata/labels/app.kubernetes.io~1managed-by",
          "only create /metadata/labels/app.kubernetes.io~1name",
          "only create /metadata/labels/app.kubernetes.io~1part-of",
          "only create /metadata/labels/app.kubernetes.io~1version",
          "only create /metadata/labels/appCluster",
          "only create /metadata/namespace",
          "only create /spec/podManagementPolicy",
          "only create /spec/template/metadata/annotations",
          "only create /spec/template/metadata/labels/app.kubernetes.io~1component",
          "only create /spec/template/metadata/labels/app.kubernetes.io~1instance",
          "only create /spec/template/metadata/labels/app.kubernetes.io~1managed-by",
          "only create /spec/template/metadata/labels/app.kubernetes.io~1name",
          "only create /spec/template/metadata/labels/app.kubernetes.io~1part-of",
          "only create /spec/template/metadata/labels/app.kubernetes.io~1version",
          "only completed /metadata/labels/kubectl-redis.dev~1cluster",
          "only create " + k_pod + "/automountServiceAccountToken",
          "only create " + k_pod + "/enableServiceLinks",
          "only create " + k_container + "/securityContext/readOnlyRootFilesystem",
          "only completed " + k_container + "/args",
          "other " + k_container + "/command",
          "other " + k_container + "/env",
          "only completed " + k_container + "/lifecycle/postStart",
          "other " + k_container + "/lifecycle/preStop/exec/command",
          "other " + k_container + "/livenessProbe/exec/command",
          "other " + k_container + "/readinessProbe/exec/command",
          "other " + k_container + "/startupProbe/exec/command/1",
          "other " + k_container + "/startupProbe/exec/command/2",
          "other " + k_container + "/volumeMounts",
          "other " + k_pod + "/volumes",
          "only create /spec/volumeClaimTemplates/0/metadata/labels"};
}

}  // namespace

TEST_SUITE("policy/article") {
  TEST_CASE("the bare article becomes what create makes, field by field") {
    const Json made = completed(bare());
    CHECK(differences(made) == sorted(never_filled_in()));
    CHECK(made[Json::json_pointer(k_container + "/command")] == Json::array({"redis-server"}));
    CHECK(made[Json::json_pointer(k_container + "/args")] ==
          Json({"/etc/redis/redis.conf", "--cluster-announce-ip", "$(POD_IP)"}));
    // The first two of each are those of create; what follows there is scratch room for its
    // scripts.
    for (const char* list : {"/volumeMounts/0", "/volumeMounts/1"}) {
      const Json::json_pointer place(k_container + list);
      CHECK(made[place] == created()[place]);
    }
    const Json::json_pointer volume(k_pod + "/volumes/0");
    CHECK(made[volume] == created()[volume]);
  }

  TEST_CASE("the whole article differs from create only in what it says itself") {
    std::vector<std::string> expected = never_filled_in();
    const std::string term =
        k_pod +
        "/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0"
        "/podAffinityTerm/labelSelector/match";
    expected.insert(expected.end(),
                    {"only completed " + term + "Expressions",
                     "only create " + term + "Labels",
                     "other " + k_container + "/image",
                     "other " + k_pod + "/terminationGracePeriodSeconds",
                     "other /spec/volumeClaimTemplates/0/spec/accessModes/0"});
    CHECK(differences(completed(article_set())) == sorted(expected));
  }

  TEST_CASE("each piece taken out comes back as create makes it") {
    const std::map<std::string, std::string> pieces{
        {k_container + "/ports", k_container + "/ports"},
        {k_pod + "/affinity", k_pod + "/affinity"},
        {"/spec/volumeClaimTemplates", "/spec/volumeClaimTemplates/0/spec"},
        {k_container + "/volumeMounts", k_container + "/volumeMounts/0"},
        {k_pod + "/volumes", k_pod + "/volumes/0"},
        {k_container + "/resources", k_container + "/resources"},
        {k_pod + "/terminationGracePeriodSeconds", k_pod + "/terminationGracePeriodSeconds"}};
    for (const auto& row : pieces) {
      const auto& piece = row.first;
      const auto& place = row.second;
      CAPTURE(piece);
      const Json set = article_set().patch(Json::array({{{"op", "remove"}, {"path", piece}}}));
      const Json::json_pointer where(place);
      CHECK(completed(set)[where] == created()[where]);
    }
  }

  TEST_CASE("what is refused after completing was wrong in what somebody wrote") {
    std::mt19937 random(75);  // NOLINT(cert-msc51-cpp): the same objects each time.
    for (int round = 0; round < 300; ++round) {
      Json set = article_set();
      for (unsigned cut = 0; cut < 1 + random() % 4; ++cut) {
        const Json flat = set.flatten();
        const std::size_t depth = 2 + random() % 6;
        std::string path =
            std::next(flat.begin(), static_cast<std::ptrdiff_t>(random() % flat.size())).key();
        while (static_cast<std::size_t>(std::ranges::count(path, '/')) > depth) {
          path = path.substr(0, path.rfind('/'));
        }
        set = set.patch(Json::array({{{"op", "remove"}, {"path", path}}}));
      }
      CAPTURE(set.dump());
      const Objects before = article_with(set);
      const Objects after = article_with(completed(set));
      std::set<std::string> wrong;
      for (const Objection& each : validate(before.back(), beside(before)).objections) {
        wrong.insert(each.severity == RuleSeverity::error ? each.rule : "");
      }
      for (const Objection& each : validate(after.back(), beside(after)).objections) {
        CHECK_MESSAGE((each.severity != RuleSeverity::error || wrong.contains(each.rule)),
                      line_of(each));
      }
    }
  }

  TEST_CASE("whatever is missing, every mount has its volume afterwards") {
    for (const char* piece : {"/spec/template/spec/volumes",
                              "/spec/volumeClaimTemplates",
                              "/spec/template/spec/containers/0/volumeMounts/0",
                              "/spec/template/spec/containers/0/volumeMounts/1"}) {
      CAPTURE(piece);
      const Json made =
          completed(article_set().patch(Json::array({{{"op", "remove"}, {"path", piece}}})));
      std::vector<std::string> names;
      for (const Json& volume : made[Json::json_pointer(k_pod + "/volumes")]) {
        names.push_back(text(volume["name"]));
      }
      for (const Json& claim : made["spec"]["volumeClaimTemplates"]) {
        names.push_back(text(member(claim, {"metadata", "name"})));
      }
      for (const Json& mount : made[Json::json_pointer(k_container + "/volumeMounts")]) {
        CHECK_MESSAGE(std::ranges::count(names, text(mount["name"])) == 1, mount.dump());
      }
    }
  }
}

}  // namespace kredis::policy
