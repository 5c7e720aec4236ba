// SPDX-License-Identifier: Apache-2.0
//
// The table of rights, the Roles made of it, and docs/rbac.md, which shows them. With
// KREDIS_UPDATE_GOLDEN set the Roles in that file are written anew.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "plugin/command_line.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "plugin/operations/rbac/roles.hpp"
#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {
namespace {

const std::string k_docs = std::string(KREDIS_SOURCE_DIR) + "/docs/rbac.md";
const std::string k_start = "## Roles\n";

std::string read_docs() {
  std::ostringstream text;
  text << std::ifstream(k_docs).rdbuf();
  return text.str();
}

RoleRequest everything(const std::string& verb) {
  return {.verb = verb,
          .cases = {Case::statefulset,
                    Case::deployment,
                    Case::deployment_claims,
                    Case::foreign,
                    Case::nfs,
                    Case::purge_data,
                    Case::drill,
                    Case::secrets},
          .secrets = {"redis-auth", "redis-tls"}};
}

/// What `rbac` prints for a verb with all that it may be asked to do.
std::string roles_of(const std::string& verb) {
  return run_line({"rbac",
                   verb,
                   "--nfs",
                   "--purge-data",
                   "--drill",
                   "--auth-secret=redis-auth",
                   "--tls-secret=redis-tls",
                   "--kubeconfig=/nonexistent"})
      .out;
}

std::string roles_section() {
  std::string text = k_start;
  for (const std::string& verb : verbs_with_rights()) {
    text += "\n### " + verb + "\n\n```yaml\n" + roles_of(verb) + "```\n";
  }
  return text;
}

Json only_role(const RoleRequest& request, const std::string& kind) {
  for (const RolePlan& role : plan_roles(request)) {
    if (role.object.at("kind") == kind) {
      return role.object;
    }
  }
  return {};
}

bool has_rule(const Json& role, const std::string& resource, const std::string& verb) {
  const Json rules = role.value("rules", Json::array());
  return std::any_of(rules.begin(), rules.end(), [&](const Json& rule) {
    const Json& verbs = rule.at("verbs");
    return rule.at("resources").at(0) == resource &&
           std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
  });
}

}  // namespace

TEST_SUITE("plugin/rights") {
  TEST_CASE("docs/rbac.md ends with the Roles that the table gives") {
    std::string docs = read_docs();
    const std::size_t start = docs.find(k_start);
    REQUIRE(start != std::string::npos);
    if (std::getenv("KREDIS_UPDATE_GOLDEN") != nullptr) {
      docs = docs.substr(0, start) + roles_section();
      std::ofstream(k_docs) << docs;
    }
    INFO("KREDIS_UPDATE_GOLDEN=1 writes the Roles in ", k_docs, " anew");
    CHECK(docs.substr(start) == roles_section());
  }

  TEST_CASE("every verb of the command line has rows, or asks nobody") {
    const auto known = verbs_with_rights();
    const std::set<std::string> offline{"completion", "explain", "lint", "nfs", "rbac", "rules"};
    for (const VerbInfo& verb : describe_command_line().verbs) {
      const std::string& name = verb.name;
      INFO(name, " needs rows in plugin/operations/rbac/rights.cpp");
      CHECK((std::ranges::find(known, name) != known.end()) != offline.contains(name));
    }
  }

  TEST_CASE("plan_roles keeps what lies outside a namespace apart") {
    const RoleRequest request{.verb = "create", .namespace_ = "web", .cases = {Case::statefulset}};
    const Json inside = only_role(request, "Role");
    CHECK(inside.at("metadata").at("namespace") == "web");
    CHECK(has_rule(inside, "statefulsets", "patch"));
    CHECK_FALSE(has_rule(inside, "deployments", "patch"));
    CHECK_FALSE(has_rule(inside, "nodes", "list"));
    CHECK_FALSE(has_rule(inside, "secrets", "get"));
    const Json outside = only_role(request, "ClusterRole");
    CHECK(has_rule(outside, "nodes", "list"));
    CHECK_FALSE(has_rule(outside, "persistentvolumes", "create"));
    CHECK(outside.at("metadata").at("annotations").at(k_goes_without_annotation) ==
          "priorityclasses: get; namespaces: get; nodes: list; storageclasses: list; "
          "persistentvolumes: list");
  }

  TEST_CASE("plan_roles for every namespace makes a ClusterRole under a name of its own") {
    const RoleRequest request{
        .verb = "status", .scope = Scope::all_namespaces, .cases = {Case::statefulset}};
    CHECK(only_role(request, "Role").is_null());
    const Json role = only_role(request, "ClusterRole");
    CHECK(has_rule(role, "pods", "list"));
    CHECK(role.at("metadata").at("name") == "kubectl-redis-verb-status-all-namespaces");
  }

  TEST_CASE("plan_roles names the Secrets and lets no other be read") {
    const Json role = only_role(everything("status"), "Role");
    const Json& rules = role.at("rules");
    const auto secrets = std::ranges::find_if(
        rules, [](const Json& rule) { return rule.at("resources").at(0) == "secrets"; });
    REQUIRE(secrets != rules.end());
    CHECK(secrets->at("resourceNames") == Json{"redis-auth", "redis-tls"});
  }

  TEST_CASE("plan_roles without a verb joins the rights of all") {
    const Json role = only_role(everything(""), "Role");
    CHECK(role.at("metadata").at("name") == "kubectl-redis");
    CHECK(has_rule(role, "configmaps", "delete"));
    CHECK(has_rule(role, "configmaps", "patch"));
  }

  TEST_CASE("bindings_of binds every Role to its subjects and none without") {
    RoleRequest request{.verb = "status", .namespace_ = "web"};
    CHECK(bindings_of(plan_roles(request), request).empty());
    request.subjects = {{"ServiceAccount", "deployer", "ci"}, {"User", "jane"}};
    const auto bindings = bindings_of(plan_roles(request), request);
    REQUIRE(bindings.size() == 2);
    CHECK(bindings[0].at("kind") == "RoleBinding");
    CHECK(bindings[0].at("metadata").at("namespace") == "web");
    CHECK(bindings[0].at("roleRef").at("name") == "kubectl-redis-verb-status");
    CHECK(bindings[0].at("subjects").at(0).at("namespace") == "ci");
    CHECK(bindings[0].at("subjects").at(1).at("apiGroup") == "rbac.authorization.k8s.io");
    CHECK(bindings[1].at("kind") == "ClusterRoleBinding");
    CHECK_FALSE(bindings[1].at("metadata").contains("namespace"));
  }

  TEST_CASE("needs_of asks for what is needed only, and for each Secret by name") {
    const auto needs = needs_of(rights_of("status", {Case::secrets}), "web", {"redis-auth"});
    const auto about = [&](const std::string& resource) {
      return std::ranges::find(needs, resource, &Need::resource);
    };
    REQUIRE(about("secrets") != needs.end());
    CHECK(about("secrets")->name == "redis-auth");
    CHECK(about("secrets")->namespace_ == "web");
    CHECK(about("pods")->verb == "list");
    CHECK(about("nodes") == needs.end());
  }
}

}  // namespace kredis::plugin
