// SPDX-License-Identifier: Apache-2.0
//
// The table of rights as Kubernetes objects: a Role, a ClusterRole for what lies outside a
// namespace, and their bindings. Pure.
#pragma once

#include <string>
#include <vector>

#include "plugin/operations/rbac/rights.hpp"
#include "shared/json/json.hpp"

namespace kredis::plugin {

/// Who gets the rights.
struct Subject {
  std::string kind;  ///< "User", "Group" or "ServiceAccount".
  std::string name;
  std::string namespace_ = {};  ///< Of a ServiceAccount only.
};

enum class Scope { one_namespace, all_namespaces };

struct RoleRequest {
  std::string verb = {};     ///< Empty for all verbs.
  std::string cluster = {};  ///< Ends up in the Roles' names; may be empty.
  std::string namespace_ = "default";
  Scope scope = Scope::one_namespace;
  std::set<Case> cases = {};
  std::vector<std::string> secrets = {};  ///< The only Secrets that may be read.
  std::vector<Subject> subjects = {};
};

/// One Role or ClusterRole with what its rules are for.
struct RolePlan {
  Json object;                            ///< With its rules, and the annotation below.
  std::vector<JoinedRight> reasons = {};  ///< One a rule, in their order.
};

/// On a Role: the rules that the verb can go without, such as "events: list; pods/log: get".
inline constexpr const char* k_goes_without_annotation = "kubectl-redis.dev/goes-without";

/// The Role, and the ClusterRole where one is needed. Neither without a rule.
std::vector<RolePlan> plan_roles(const RoleRequest& request);

/// A RoleBinding or ClusterRoleBinding for each of `roles`; none without subjects.
std::vector<Json> bindings_of(const std::vector<RolePlan>& roles, const RoleRequest& request);

}  // namespace kredis::plugin
