// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/writing.hpp"

#include <string>
#include <utility>

#include "shared/policy/patch.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// Nulls are left out of what the API server reads, and lists and maps are mistakes of another
/// kind, which it names.
bool is_other(const Json& value) { return value.is_boolean() || value.is_number(); }

void report_other(const Json& value, std::string path, Report& report) {
  report.objection(std::move(path),
                   value.dump(),
                   "\"" + value.dump() + "\", or the word that is meant in quotes",
                   "YAML reads this as " +
                       std::string(value.is_boolean() ? "a boolean" : "a number") +
                       ", and the API server refuses it where a text belongs");
}

/// Reports the members of a list or map that are booleans or numbers.
void report_others(const Json& values, const std::string& path, Report& report) {
  if (!values.is_structured()) {
    return;
  }
  for (const auto& [key, value] : values.items()) {
    if (is_other(value)) {
      report_other(value, joined(path, key), report);
    }
  }
}

void report_container(const Json& container, const std::string& path, Report& report) {
  for (const char* list : {"command", "args"}) {
    report_others(member(container, {list}), joined(path, list), report);
  }
  const Json& variables = items(member(container, {"env"}));
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Json& value = member(variables[i], {"value"});
    if (is_other(value)) {
      report_other(value, joined(joined(path, "env"), i) + "/value", report);
    }
  }
}

void report_metadata(const Json& metadata, const std::string& path, Report& report) {
  for (const char* map : {"labels", "annotations"}) {
    report_others(member(metadata, {map}), joined(path, map), report);
  }
}

}  // namespace

void check_texts(const Subject& subject, Report& report) {
  report_metadata(member(subject.object(), {"metadata"}), "/metadata", report);
  report_others(member(subject.object(), {"data"}), "/data", report);
  report_metadata(member(subject.object(), {"spec", "template", "metadata"}),
                  "/spec/template/metadata",
                  report);
  report_others(member(subject.object(), {"spec", "selector", "matchLabels"}),
                "/spec/selector/matchLabels",
                report);
  for (const char* list : {"initContainers", "containers"}) {
    const Json& containers = items(member(subject.pod(), {list}));
    for (std::size_t i = 0; i < containers.size(); ++i) {
      report_container(containers[i], joined(joined(Subject::pod_path(), list), i), report);
    }
  }
}

}  // namespace kredis::policy
