// SPDX-License-Identifier: Apache-2.0
//
// What is wrong or risky with a cluster, each with the command that mends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/findings/finding_kinds.hpp"

namespace kredis::core {

/// What there is to do about a finding.
struct Remedy {
  enum class Kind {
    mends,    ///< The command, run as it is once the advice's condition holds, ends the finding.
    shows,    ///< The command changes nothing; what it shows is what to decide by.
    by_hand,  ///< No command of ours or of kubectl's does it.
  };
  Kind kind = Kind::by_hand;
  std::string command = {};  ///< For a shell; empty for by_hand.
  std::string advice = {};   ///< When to run it, or what to do by hand.

  /// "when pod redis-app-1 runs: kubectl redis init redis -n default".
  std::string to_text() const;
  friend bool operator==(const Remedy&, const Remedy&) = default;
};

struct Finding {
  std::string id;  ///< Of its FindingKind.
  Severity severity = Severity::info;
  std::string message;  ///< One sentence with the pods, slots and figures it is about.
  Remedy remedy = {};
  friend bool operator==(const Finding&, const Finding&) = default;
};

enum class Health {
  ok,
  degraded,  ///< It serves, but something of severity warning or error was found.
  broken,    ///< It serves, and data is or was overwritten: two clusters in one, or two twins.
  down,      ///< Some slot is not served, or the majority is gone.
  unknown,   ///< No pod answered this look, though some run: nothing is known of what they serve.
};

/// "ok", "degraded", "broken", "down", "unknown"; "info", "warning", "error"; "mends", "shows",
/// "by-hand".
std::string_view to_text(Health health) noexcept;
std::string_view to_text(Severity severity) noexcept;
std::string_view to_text(Remedy::Kind kind) noexcept;

/// All findings, gravest first, deterministic. Pure.
std::vector<Finding> find_trouble(const ClusterView& view);

/// The worst that holds, in the order of Health.
Health health_of(const ClusterView& view, const std::vector<Finding>& findings);

}  // namespace kredis::core
