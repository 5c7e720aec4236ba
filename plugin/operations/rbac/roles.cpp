// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/rbac/roles.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kredis::plugin {
namespace {

constexpr const char* k_api = "rbac.authorization.k8s.io";

/// A ClusterRole with everything must not take the place of one with the few rights outside; nor
/// the right to install the webhook that of the webhook's own.
std::string role_name(const RoleRequest& request) {
  return "kubectl-redis" + (request.verb.empty() ? "" : "-verb-" + request.verb) +
         (request.cluster.empty() ? "" : "-" + request.cluster) +
         (request.scope == Scope::all_namespaces ? "-all-namespaces" : "");
}

Json rule_of(const JoinedRight& joined, const RoleRequest& request) {
  Json rule{{"apiGroups", {joined.right.group}},
            {"resources", {joined.right.resource}},
            {"verbs", joined.allowed}};
  if (!joined.right.named.empty()) {
    rule["resourceNames"] = {joined.right.named};
  } else if (joined.right.when == Case::secrets) {
    rule["resourceNames"] = request.secrets;
  }
  return rule;
}

RolePlan role(const RoleRequest& request, const char* kind, std::vector<JoinedRight> reasons) {
  Json object{{"apiVersion", std::string(k_api) + "/v1"},
              {"kind", kind},
              {"metadata", {{"name", role_name(request)}}},
              {"rules", Json::array()}};
  if (object["kind"] == "Role") {
    object["metadata"]["namespace"] = request.namespace_;
  }
  std::vector<std::string> optional;
  for (const JoinedRight& each : reasons) {
    object["rules"].push_back(rule_of(each, request));
    if (each.right.weight == Weight::goes_without) {
      optional.push_back(fmt::format("{}: {}", each.right.resource, fmt::join(each.allowed, ", ")));
    }
  }
  if (!optional.empty()) {
    object["metadata"]["annotations"] = {
        {k_goes_without_annotation, fmt::format("{}", fmt::join(optional, "; "))}};
  }
  return {std::move(object), std::move(reasons)};
}

Json subject_object(const Subject& subject) {
  if (subject.kind == "ServiceAccount") {
    return {{"kind", subject.kind}, {"name", subject.name}, {"namespace", subject.namespace_}};
  }
  return {{"apiGroup", k_api}, {"kind", subject.kind}, {"name", subject.name}};
}

}  // namespace

std::vector<RolePlan> plan_roles(const RoleRequest& request) {
  const bool everywhere = request.scope == Scope::all_namespaces;
  std::vector<JoinedRight> inside;
  std::vector<JoinedRight> outside;
  for (JoinedRight& each : joined(rights_of(request.verb, request.cases))) {
    const bool wide = everywhere || each.right.reach == Reach::everywhere;
    (wide ? outside : inside).push_back(std::move(each));
  }
  std::vector<RolePlan> roles;
  if (!inside.empty()) {
    roles.push_back(role(request, "Role", std::move(inside)));
  }
  if (!outside.empty()) {
    roles.push_back(role(request, "ClusterRole", std::move(outside)));
  }
  return roles;
}

std::vector<Json> bindings_of(const std::vector<RolePlan>& roles, const RoleRequest& request) {
  std::vector<Json> bindings;
  if (request.subjects.empty()) {
    return bindings;
  }
  Json subjects = Json::array();
  // Two bindings of one Role must not overwrite each other, and names have no slash.
  std::string who = request.subjects.front().name;
  std::ranges::replace(who, '/', '-');
  for (const Subject& subject : request.subjects) {
    subjects.push_back(subject_object(subject));
  }
  for (const RolePlan& each : roles) {
    const std::string kind = each.object.at("kind").get<std::string>();
    Json binding{{"apiVersion", std::string(k_api) + "/v1"},
                 {"kind", kind + "Binding"},
                 {"metadata", {{"name", role_name(request) + "-" + who}}},
                 {"roleRef", {{"apiGroup", k_api}, {"kind", kind}, {"name", role_name(request)}}},
                 {"subjects", subjects}};
    if (kind == "Role") {
      binding["metadata"]["namespace"] = request.namespace_;
    }
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

}  // namespace kredis::plugin
