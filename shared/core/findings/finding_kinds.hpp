// SPDX-License-Identifier: Apache-2.0
//
// The table of findings: what each is called, why it matters, and what it means for data. Read by
// find_trouble, `kubectl redis explain` and docs/findings.md.
#pragma once

#include <span>
#include <string_view>

namespace kredis::core {

enum class Severity { info, warning, error };

/// A kind of finding. All texts are sentences, but for id and title.
struct FindingKind {
  std::string_view id;  ///< Stable, for machines: "slots-uncovered".
  /// The usual one; a finding of the kind may be milder or graver where its message says so.
  Severity severity = Severity::warning;
  std::string_view title;  ///< "Nobody serves some slots".
  std::string_view why;    ///< How it comes about, and what clients feel.
  std::string_view data;   ///< What it means for what is stored.
  std::string_view mend;   ///< What its remedy does, and what else there is to do.
};

/// All of them, in the order in which they are told.
std::span<const FindingKind> finding_kinds() noexcept;

/// Null when there is none.
const FindingKind* find_finding_kind(std::string_view id) noexcept;

}  // namespace kredis::core
