// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/lint/fix_manifests.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/operations/lint/yaml_edit.hpp"
#include "shared/manifest/yaml_writer.hpp"
#include "shared/policy/review.hpp"

namespace kredis::plugin {
namespace {

/// A document, and what its objects lack.
struct Completion {
  Json value;
  Json patch = Json::array();
};

std::vector<Completion> completions_of(const Manifests& manifests, const ManifestFile& file) {
  const policy::Surroundings around = ManifestIndex(manifests).beside(file.name);
  std::vector<Completion> all;
  for (const kube::YamlDocument& document : file.documents) {
    all.push_back({.value = document.value});
  }
  for (const FileObject& each : manifests.objects) {
    if (each.file != file.name) {
      continue;
    }
    policy::Verdict verdict = policy::mutate(each.object, around);
    Completion& completion = all[each.document];
    for (Json& operation : verdict.patch) {
      operation["path"] = each.pointer + operation["path"].get<std::string>();
      completion.patch.push_back(std::move(operation));
    }
    completion.value[Json::json_pointer(each.pointer)] = std::move(verdict.mutated);
  }
  return all;
}

bool begins_document(std::string_view line) {
  return line.starts_with("---") &&
         (line.size() == 3 || std::string_view(" \t\r\n").find(line[3]) != line.npos);
}

/// The parts between marks, each mark leading the part after it.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts{""};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string line = text.substr(at, end - at);
    if (begins_document(line)) {
      parts.emplace_back();
    }
    parts.back() += line;
    at = end;
  }
  return parts;
}

bool is_json(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && (text[first] == '{' || text[first] == '[') &&
         Json::accept(text);
}

CompletedFile written_anew(const std::vector<Completion>& completions) {
  std::vector<Json> values;
  for (const Completion& each : completions) {
    values.push_back(each.value);
  }
  return {.text = manifest::to_yaml(values), .kept_form = false};
}

CompletedFile completed_yaml(const ManifestFile& file, const std::vector<Completion>& completions) {
  CompletedFile result;
  std::size_t next = 0;
  for (const std::string& part : parts_of(file.text)) {
    const auto documents = kube::parse_yaml_documents(part);
    if (!documents || documents->size() > 1 ||
        (!documents->empty() && next == completions.size())) {
      return written_anew(completions);
    }
    if (documents->empty()) {
      result.text += part;
      continue;
    }
    const Completion& completion = completions[next++];
    auto text =
        completion.patch.empty() ? part : patched_yaml(part, completion.patch, completion.value);
    if (!text) {
      result.kept_form = false;
      text = (begins_document(part) ? "---\n" : "") + manifest::to_yaml(completion.value);
    }
    result.text += *text;
  }
  return next == completions.size() ? result : written_anew(completions);
}

}  // namespace

std::optional<CompletedFile> completed(const Manifests& manifests, const ManifestFile& file) {
  const auto completions = completions_of(manifests, file);
  if (std::ranges::all_of(completions, [](const Completion& each) { return each.patch.empty(); })) {
    return std::nullopt;
  }
  if (completions.size() == 1 && is_json(file.text)) {
    const Completion& only = completions.front();
    if (auto text = patched_json(file.text, only.patch, only.value)) {
      return CompletedFile{.text = std::move(*text)};
    }
  }
  return completed_yaml(file, completions);
}

Status replace_file(const std::string& path, const std::string& text) {
  std::error_code problem;
  const auto target = std::filesystem::canonical(path, problem);
  const auto mode = std::filesystem::status(target, problem).permissions();
  const std::string beside = target.string() + ".kubectl-redis";
  std::ofstream out(beside, std::ios::binary);
  out << text;
  out.close();
  const bool written = out.good() && !problem;
  if (written) {
    std::filesystem::permissions(beside, mode, problem);
    std::filesystem::rename(beside, target, problem);
  }
  if (!written || problem) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    return Error::unsafe("cannot write " + path).with_hint("check the permissions of its folder");
  }
  return {};
}

}  // namespace kredis::plugin
