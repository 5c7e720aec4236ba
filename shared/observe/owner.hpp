// SPDX-License-Identifier: Apache-2.0
//
// Who makes a pod: the workload that a person knows it by.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
#pragma once

#include <compare>
#include <string>

#include "shared/json/json.hpp"

namespace kredis::observe {

/// A workload by kind and name; a pod that nobody makes is its own.
struct Owner {
  std::string kind;
  std::string name;

  /// "statefulset/redis-app", as kubectl takes it.
  std::string to_text() const;
  friend auto operator<=>(const Owner&, const Owner&) = default;
};

/// The controller of `pod`: a Deployment for its ReplicaSet's pods, whatever kind it is for others,
/// the pod itself for one that has none.
Owner owner_of(const Json& pod);

/// Whether no controller looks after `pod`.
bool is_bare(const Json& pod);

/// The owner that the workload is to its pods.
Owner owner_named_by(const Json& workload);

}  // namespace kredis::observe
