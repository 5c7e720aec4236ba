// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/rbac.hpp"

#include <algorithm>

namespace kredis::sandbox::api {
namespace {

const std::string k_rbac_group = "rbac.authorization.k8s.io";

bool contains(const Json& object, const char* field, const std::string& value) {
  const auto list = object.find(field);
  return list != object.end() && std::find(list->begin(), list->end(), value) != list->end();
}

bool lists(const Json& rule, const char* field, const std::string& value) {
  return contains(rule, field, "*") || contains(rule, field, value);
}

bool covers_path(const Json& rule, const std::string& path) {
  const Json patterns = rule.value("nonResourceURLs", Json::array());
  return std::any_of(patterns.begin(), patterns.end(), [&](const Json& entry) {
    const auto pattern = entry.get<std::string>();
    return pattern.ends_with('*') ? path.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : path == pattern;
  });
}

bool covers(const Json& rule, const Attributes& what) {
  if (!lists(rule, "verbs", what.verb)) {
    return false;
  }
  if (what.resource.empty()) {
    return covers_path(rule, what.path);
  }
  if (!lists(rule, "apiGroups", what.group)) {
    return false;
  }
  const bool resource_listed =
      what.subresource.empty()
          ? lists(rule, "resources", what.resource)
          : contains(rule, "resources", "*") ||
                contains(rule, "resources", what.resource + "/" + what.subresource) ||
                contains(rule, "resources", "*/" + what.subresource);
  const Json names = rule.value("resourceNames", Json::array());
  return resource_listed && (names.empty() || contains(rule, "resourceNames", what.name));
}

bool is_subject(const Json& subject, const Identity& who, const std::string& binding_namespace) {
  const std::string kind = subject.value("kind", "");
  const std::string name = subject.value("name", "");
  if (kind == "User") {
    return who.user == name;
  }
  if (kind == "Group") {
    return who.in_group(name);
  }
  return kind == "ServiceAccount" &&
         who.user ==
             "system:serviceaccount:" + subject.value("namespace", binding_namespace) + ":" + name;
}

std::string describe(const Identity& who, const Attributes& what) {
  std::string text = "User \"" + who.user + "\" cannot " + what.verb;
  if (what.resource.empty()) {
    return text + " path \"" + what.path + "\"";
  }
  text += " resource \"" + what.resource +
          (what.subresource.empty() ? "" : "/" + what.subresource) + "\" in API group \"" +
          what.group + "\"";
  return text + (what.namespace_.empty() ? " at the cluster scope"
                                         : " in the namespace \"" + what.namespace_ + "\"");
}

Json rule(std::vector<std::string> groups,
          std::vector<std::string> resources,
          std::vector<std::string> verbs) {
  return {{"apiGroups", groups}, {"resources", resources}, {"verbs", verbs}};
}

const std::vector<std::string> k_read = {"get", "list", "watch"};
const std::vector<std::string> k_change = {
    "create", "delete", "deletecollection", "patch", "update"};

Json view_rules() {
  return {rule({""},
               {"configmaps",
                "endpoints",
                "events",
                "limitranges",
                "namespaces",
                "persistentvolumeclaims",
                "pods",
                "pods/log",
                "pods/status",
                "replicationcontrollers",
                "resourcequotas",
                "serviceaccounts",
                "services"},
               k_read),
          rule({"apps"}, {"*"}, k_read),
          rule({"batch"}, {"*"}, k_read),
          rule({"policy"}, {"poddisruptionbudgets"}, k_read),
          rule({"discovery.k8s.io"}, {"endpointslices"}, k_read),
          rule({"networking.k8s.io"}, {"*"}, k_read)};
}

Json edit_rules() {
  Json rules = view_rules();
  rules.push_back(rule({""}, {"secrets", "pods/attach", "pods/exec", "pods/portforward"}, k_read));
  rules.push_back(rule({""},
                       {"configmaps",
                        "endpoints",
                        "events",
                        "persistentvolumeclaims",
                        "pods",
                        "pods/attach",
                        "pods/eviction",
                        "pods/exec",
                        "pods/portforward",
                        "replicationcontrollers",
                        "secrets",
                        "serviceaccounts",
                        "serviceaccounts/token",
                        "services"},
                       k_change));
  for (const char* group : {"apps", "batch", "networking.k8s.io"}) {
    rules.push_back(rule({group}, {"*"}, k_change));
  }
  rules.push_back(rule({"policy"}, {"poddisruptionbudgets"}, k_change));
  return rules;
}

Json admin_rules() {
  Json rules = edit_rules();
  std::vector<std::string> all = k_read;
  all.insert(all.end(), k_change.begin(), k_change.end());
  rules.push_back(rule({k_rbac_group}, {"rolebindings", "roles"}, all));
  return rules;
}

void create_role(Store& store, const std::string& name, Json rules) {
  (void)store.create({k_rbac_group, "clusterroles", "", name},
                     {{"apiVersion", k_rbac_group + "/v1"},
                      {"kind", "ClusterRole"},
                      {"metadata", {{"name", name}}},
                      {"rules", std::move(rules)}});
}

void bind_to_group(Store& store, const std::string& role, const std::string& group) {
  (void)store.create(
      {k_rbac_group, "clusterrolebindings", "", role},
      {{"apiVersion", k_rbac_group + "/v1"},
       {"kind", "ClusterRoleBinding"},
       {"metadata", {{"name", role}}},
       {"roleRef", {{"apiGroup", k_rbac_group}, {"kind", "ClusterRole"}, {"name", role}}},
       {"subjects", {{{"apiGroup", k_rbac_group}, {"kind", "Group"}, {"name", group}}}}});
}

}  // namespace

void Rbac::create_default_roles() {
  Json everything = Json::array({rule({"*"}, {"*"}, {"*"})});
  everything.push_back({{"nonResourceURLs", {"*"}}, {"verbs", {"*"}}});
  create_role(store_, "cluster-admin", everything);
  create_role(store_, "admin", admin_rules());
  create_role(store_, "edit", edit_rules());
  create_role(store_, "view", view_rules());
  Json discovery = Json::array();
  discovery.push_back({{"nonResourceURLs",
                        {"/api",
                         "/api/*",
                         "/apis",
                         "/apis/*",
                         "/healthz",
                         "/livez",
                         "/openapi",
                         "/openapi/*",
                         "/readyz",
                         "/version",
                         "/version/"}},
                       {"verbs", {"get"}}});
  create_role(store_, "system:discovery", discovery);
  create_role(store_,
              "system:basic-user",
              {rule({"authorization.k8s.io"},
                    {"selfsubjectaccessreviews", "selfsubjectrulesreviews"},
                    {"create"}),
               rule({"authentication.k8s.io"}, {"selfsubjectreviews"}, {"create"})});
  bind_to_group(store_, "cluster-admin", std::string(k_masters_group));
  bind_to_group(store_, "system:discovery", "system:authenticated");
  bind_to_group(store_, "system:basic-user", "system:authenticated");
}

// Calls `visit` for each rule that reaches `who`, until it returns true.
bool Rbac::visit_rules(const Identity& who,
                       const std::string& namespace_,
                       const RuleVisitor& visit) const {
  for (const Object& binding : store_.list(k_rbac_group, "clusterrolebindings")) {
    if (visit_binding(who, *binding, visit)) {
      return true;
    }
  }
  if (namespace_.empty()) {
    return false;
  }
  for (const Object& binding : store_.list(k_rbac_group, "rolebindings", namespace_)) {
    if (visit_binding(who, *binding, visit)) {
      return true;
    }
  }
  return false;
}

bool Rbac::visit_binding(const Identity& who, const Json& binding, const RuleVisitor& visit) const {
  const std::string namespace_ = binding["metadata"].value("namespace", "");
  const Json subjects = binding.value("subjects", Json::array());
  if (std::none_of(subjects.begin(), subjects.end(), [&](const Json& subject) {
        return is_subject(subject, who, namespace_);
      })) {
    return false;
  }
  const Json reference = binding.value("roleRef", Json::object());
  const bool cluster = reference.value("kind", "") == "ClusterRole";
  const Object role = store_.get({k_rbac_group,
                                  cluster ? "clusterroles" : "roles",
                                  cluster ? "" : namespace_,
                                  reference.value("name", "")});
  if (role == nullptr) {
    return false;
  }
  const Json rules = role->value("rules", Json::array());
  return std::any_of(rules.begin(), rules.end(), visit);
}

bool Rbac::allows(const Identity& who, const Attributes& what) const {
  return who.in_group(k_masters_group) ||
         visit_rules(who, what.namespace_, [&](const Json& entry) { return covers(entry, what); });
}

ApiStatus Rbac::check(const Identity& who, const Attributes& what) const {
  if (allows(who, what)) {
    return {};
  }
  const ResourceInfo* info = find_resource(what.group, what.resource);
  if (info == nullptr) {
    return ApiError{403, "Forbidden", "forbidden: " + describe(who, what), Json::object()};
  }
  return forbidden(*info, what.name, describe(who, what));
}

Json Rbac::rules_for(const Identity& who, const std::string& namespace_) const {
  Json resource_rules = Json::array();
  Json path_rules = Json::array();
  visit_rules(who, namespace_, [&](const Json& entry) {
    (entry.contains("nonResourceURLs") ? path_rules : resource_rules).push_back(entry);
    return false;
  });
  return {
      {"resourceRules", resource_rules}, {"nonResourceRules", path_rules}, {"incomplete", false}};
}

}  // namespace kredis::sandbox::api
