// SPDX-License-Identifier: Apache-2.0
//
// Kinds of findings as `kubectl redis explain` and docs/findings.md show them.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/core/findings/finding_kinds.hpp"

namespace kredis::plugin {

std::string explain_text(const core::FindingKind& kind, const TextStyle& style);

/// All of them, a line each.
std::string findings_text();

/// docs/findings.md.
std::string findings_markdown();

}  // namespace kredis::plugin
