// SPDX-License-Identifier: Apache-2.0
//
// What is wrong or risky with a cluster, each with the command that mends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

enum class Severity { info, warning, error };

struct Finding {
  std::string id;  ///< Stable, for machines: "slots-uncovered", "views-disagree", ...
  Severity severity = Severity::info;
  std::string message;  ///< One sentence with the pods, slots and figures it is about.
  std::string fix;      ///< The exact command (with NAME and -n), or what to do.
  friend bool operator==(const Finding&, const Finding&) = default;
};

enum class Health { ok, degraded, down };

/// "ok", "degraded", "down"; "info", "warning", "error".
std::string_view to_text(Health health) noexcept;
std::string_view to_text(Severity severity) noexcept;

/// All findings, gravest first, deterministic. Pure.
std::vector<Finding> find_trouble(const ClusterView& view);

/// down: some slot is not served or the majority is gone; degraded: it serves, but something of
/// severity warning or error was found; else ok.
Health health_of(const ClusterView& view, const std::vector<Finding>& findings);

}  // namespace kredis::core
