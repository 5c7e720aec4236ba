// SPDX-License-Identifier: Apache-2.0
//
// What each verb needs to be allowed in Kubernetes: one table. `rbac` prints it as Roles, create
// and delete ask about it beforehand, docs/rbac.md shows it. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kredis::plugin {

/// Whether a verb fails without a right, or leaves something out and says less.
enum class Weight { needed, goes_without };

/// Where an object lies: in the cluster's namespace, or in none (or in every one).
enum class Reach { own_namespace, everywhere };

/// When a right matters.
enum class Case {
  always,
  statefulset,        ///< The StatefulSet layout.
  deployment,         ///< The Service & Deployment layout.
  deployment_claims,  ///< That layout with claims.
  foreign,            ///< Pods that something else made.
  nfs,                ///< Volumes made with --nfs-server.
  purge_data,
  drill,   ///< failover drill.
  secrets  ///< --auth-secret or --tls-secret.
};

/// One row: what a verb of the plugin may do to one resource.
struct Right {
  std::string_view verb;      ///< Of the plugin.
  std::string_view group;     ///< "" is the core group.
  std::string_view resource;  ///< Plural, with "/subresource" where one is meant.
  std::string_view allowed;   ///< Kubernetes' verbs, a space between two.
  std::string_view why;
  Weight weight = Weight::needed;
  Case when = Case::always;
  Reach reach = Reach::own_namespace;
  std::string_view named = {};  ///< The only object that is meant; empty for any.

  /// `allowed`, apart.
  std::vector<std::string> words() const;
};

/// The plugin's verbs that have rows, in the table's order.
std::vector<std::string> verbs_with_rights();

/// The rows of `verb` (of every verb when empty) that matter always or in one of `cases`.
std::vector<Right> rights_of(std::string_view verb, const std::set<Case>& cases);

/// Rows about one resource that matter alike, as one: a rule of a Role.
struct JoinedRight {
  Right right;
  std::vector<std::string> allowed;
  std::vector<std::string_view> why;
};

/// Keeps the order in which resources first occur.
std::vector<JoinedRight> joined(const std::vector<Right>& rights);

}  // namespace kredis::plugin
