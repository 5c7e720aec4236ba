// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/finding_text.hpp"

#include <vector>

#include <fmt/format.h>

#include "plugin/render/table.hpp"
#include "shared/core/findings/finding.hpp"

namespace kredis::plugin {

std::string explain_text(const core::FindingKind& kind, const TextStyle& style) {
  return fmt::format("{}  {}\n\nseverity  {}\n\nWhy: {}\n\nData: {}\n\nWhat to do: {}\n",
                     style.bold(kind.id),
                     kind.title,
                     core::to_text(kind.severity),
                     kind.why,
                     kind.data,
                     kind.mend);
}

std::string findings_text() {
  std::vector<std::vector<std::string>> rows;
  for (const core::FindingKind& kind : core::finding_kinds()) {
    rows.push_back(
        {std::string(kind.id), std::string(core::to_text(kind.severity)), std::string(kind.title)});
  }
  return render_table({"FINDING", "SEVERITY", "WHAT-IS-WRONG"}, rows);
}

std::string findings_markdown() {
  std::string text =
      "# Findings\n\n"
      "What `kubectl redis status` finds wrong with a cluster; made by\n"
      "`kubectl redis rules --findings -o markdown`. The severity is the usual one. Each finding comes\n"
      "with its remedy: a command for a shell, quoted, with the namespace, the context and the\n"
      "Secrets of the call that found it.\n";
  for (const core::FindingKind& kind : core::finding_kinds()) {
    text += fmt::format("\n## {}: {}\n\n{}.\n\n{}\n\nData: {}\n\nWhat to do: {}\n",
                        kind.id,
                        kind.title,
                        core::to_text(kind.severity),
                        kind.why,
                        kind.data,
                        kind.mend);
  }
  return text;
}

}  // namespace kredis::plugin
