// SPDX-License-Identifier: Apache-2.0
//
// Role-based access control, evaluated as Kubernetes does: Roles and ClusterRoles in the store,
// bound to users, groups and ServiceAccounts. Everything is denied that no rule grants.
#pragma once

#include <string>

#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// What somebody wants to do.
struct Attributes {
  std::string verb;
  std::string group = {};
  std::string resource = {};  ///< Empty for a path outside the resources.
  std::string subresource = {};
  std::string namespace_ = {};  ///< Empty at the cluster scope.
  std::string name = {};
  std::string path = {};
};

class Rbac {
 public:
  explicit Rbac(Store& store) : store_(store) {}

  /// Creates the roles every cluster has: cluster-admin, admin, edit, view, system:discovery.
  void create_default_roles();
  bool allows(const Identity& who, const Attributes& what) const;
  /// 403 in Kubernetes' own words.
  ApiStatus check(const Identity& who, const Attributes& what) const;
  /// All rules that apply to `who` in a namespace, as SelfSubjectRulesReview tells them.
  Json rules_for(const Identity& who, const std::string& namespace_) const;

 private:
  using RuleVisitor = std::function<bool(const Json& rule)>;
  bool visit_rules(const Identity& who,
                   const std::string& namespace_,
                   const RuleVisitor& visit) const;
  bool visit_binding(const Identity& who, const Json& binding, const RuleVisitor& visit) const;

  Store& store_;
};

}  // namespace kredis::sandbox::api
