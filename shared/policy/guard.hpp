// SPDX-License-Identifier: Apache-2.0
//
// What must not happen to a cluster that runs: guards decide from how the cluster was seen last, by
// the topology core. Pure; who looks at clusters, and how often, is the webhook's matter.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "shared/core/cluster_view.hpp"
#include "shared/policy/review.hpp"

namespace kredis::policy {

/// A row of the guards' table, which `rules`, `explain` and docs/rules.md show.
struct Guard {
  std::string_view id;     ///< RG001
  std::string_view title;  ///< What holds when the guard does.
  std::string_view on;     ///< Operations and resources that are asked about.
  std::string_view why;
  std::string_view when_blind;  ///< What happens when the cluster cannot be seen.
};

std::span<const Guard> guards() noexcept;

/// The guard with that id, in any case of letters; null where there is none.
const Guard* find_guard(std::string_view id) noexcept;

/// What somebody asks for. The objects are null where there is none; all must outlive the Act.
struct Act {
  std::string_view operation;  ///< CREATE, UPDATE or DELETE.
  std::string_view resource;   ///< "pods", "statefulsets", ...
  std::string_view subresource;
  std::string_view namespace_name;
  std::string_view name;
  std::string_view user;
  const Json& object;
  const Json& before;
};

/// A cluster as it was seen last.
struct Sight {
  std::shared_ptr<const core::ClusterView> view = {};  ///< Null when nobody could look.
  std::int64_t age_seconds = 0;
  std::set<std::string> leaving = {};  ///< Pods that are on their way out, or were let go just now.
};

/// A view that is older says nothing any more. Units: seconds.
inline constexpr std::int64_t k_oldest_view = 60;

/// How the cluster of that workload was seen.
using Look = std::function<Sight(const Json& workload)>;

struct GuardAnswer {
  /// An error refuses; a warning is told. Its rule is a guard's id.
  std::optional<Objection> objection = {};
  bool concerned = false;    ///< It is about a Redis Cluster.
  bool ignored = false;      ///< It would be, but for an annotation that takes it out.
  bool overridden = false;   ///< An annotation allowed what would have been refused.
  bool again_later = false;  ///< The same may well be allowed in a while, as with a budget.
  std::optional<std::int64_t> age_seconds = {};  ///< Of the view that decided; nothing when blind.
};

/// What the guards say to `act`. Workloads are found in `around`.
GuardAnswer guard(const Act& act, const Surroundings& around, const Look& look);

/// The name of a workload's cluster.
std::string cluster_of(const Json& workload);

}  // namespace kredis::policy
