// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/roles_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

std::string rule_line(const Json& rule, const std::string& reason) {
  const auto words = [&](const char* field) {
    return fmt::format("{}", fmt::join(rule.at(field).get<std::vector<std::string>>(), ", "));
  };
  const std::string group = words("apiGroups");
  const std::string names = rule.contains("resourceNames")
                                ? fmt::format(", resourceNames: [{}]", words("resourceNames"))
                                : "";
  return fmt::format("# {}\n- {{apiGroups: [{}], resources: [{}]{}, verbs: [{}]}}\n",
                     reason,
                     group.empty() ? "\"\"" : group,
                     words("resources"),
                     names,
                     words("verbs"));
}

}  // namespace

std::string render_roles(const std::vector<ExplainedRole>& roles,
                         const std::vector<Json>& bindings) {
  std::string text;
  for (const ExplainedRole& role : roles) {
    Json head = role.object;
    head.erase("rules");
    head["metadata"].erase("annotations");  // The comments say it better.
    text += (text.empty() ? "" : "---\n") + manifest::to_yaml(head) + "rules:\n";
    for (std::size_t i = 0; i < role.reasons.size(); ++i) {
      text += rule_line(role.object.at("rules").at(i), role.reasons[i]);
    }
  }
  for (const Json& binding : bindings) {
    text += "---\n" + manifest::to_yaml(binding);
  }
  return text;
}

}  // namespace kredis::plugin
