// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis lint`: what the webhook would say of manifests, before any cluster sees them.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"
#include "plugin/operations/manifest_files.hpp"
#include "plugin/render/lint_report.hpp"
#include "shared/manifest/yaml_writer.hpp"
#include "shared/policy/review.hpp"

namespace kredis::plugin {
namespace {

struct LintOptions {
  std::vector<std::string> files = {};
  bool recursive = false;
  bool fix = false;
  bool dry_run = false;
  std::string output = "text";
};

std::string title_of(const Json& object) {
  const auto text = [&object](const char* path) {
    const Json::json_pointer pointer(path);
    const bool there = object.contains(pointer) && object[pointer].is_string();
    return there ? object[pointer].get<std::string>() : std::string{};
  };
  const std::string namespace_ = text("/metadata/namespace");
  return text("/kind") + " " + (namespace_.empty() ? "" : namespace_ + "/") + text("/metadata/name");
}

LintResult judge(const Manifests& manifests) {
  LintResult result{.objects = static_cast<int>(manifests.objects.size())};
  const policy::Surroundings around = surroundings_of(manifests);
  for (const FileObject& each : manifests.objects) {
    const policy::Verdict verdict = policy::validate(each.object, around);
    result.recognised += verdict.recognised ? 1 : 0;
    result.ignored += verdict.ignored ? 1 : 0;
    for (const policy::Objection& objection : verdict.objections) {
      const kube::TextPlace place = manifests.place_of(each, objection.path);
      result.findings.push_back({.file = each.file,
                                 .line = place.line,
                                 .column = place.column,
                                 .object = title_of(each.object),
                                 .objection = objection});
    }
  }
  return result;
}

/// The lines between two `---`; the marks themselves lead the part after them.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts{""};
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string line = text.substr(at, end - at);
    if (line.starts_with("---") && line.find_first_not_of("-\r\n ") == std::string::npos) {
      parts.emplace_back();
    }
    parts.back() += line;
    at = end;
  }
  std::erase_if(parts, [](const std::string& part) {
    const auto documents = kube::parse_yaml_documents(part);
    return documents && documents->empty() && part.find('#') == std::string::npos;
  });
  return parts;
}

/// A file's text with its completed documents; those that lack nothing stay as they are, letter for
/// letter. Documents that cannot be told apart in the text are all written anew.
std::string completed_text(const ManifestFile& file, const std::vector<Json>& values) {
  if (file.text.find_first_not_of(" \t\r\n") != std::string::npos &&
      file.text[file.text.find_first_not_of(" \t\r\n")] == '{') {
    constexpr int k_indent = 2;
    return values.size() == 1 ? values.front().dump(k_indent) + "\n" : manifest::to_yaml(values);
  }
  const auto parts = parts_of(file.text);
  if (parts.size() != values.size()) {
    return manifest::to_yaml(values);
  }
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool same = values[i] == file.documents[i].value;
    const std::string mark = parts[i].starts_with("---") ? "---\n" : "";
    text += same ? parts[i] : mark + manifest::to_yaml(values[i]);
  }
  return text;
}

/// Completes what lacks something in `file`; says whether anything did.
bool complete(const Manifests& manifests, const ManifestFile& file, std::vector<Json>& values) {
  const policy::Surroundings around = surroundings_of(manifests);
  bool changed = false;
  for (const kube::YamlDocument& document : file.documents) {
    values.push_back(document.value);
  }
  for (const FileObject& each : manifests.objects) {
    if (each.file == file.name) {
      policy::Verdict verdict = policy::mutate(each.object, around);
      changed = changed || !verdict.patch.empty();
      values[each.document][Json::json_pointer(each.pointer)] = std::move(verdict.mutated);
    }
  }
  return changed;
}

Status write_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".kubectl-redis";
  std::ofstream out(beside, std::ios::binary);
  out << text;
  out.close();
  if (!out || std::rename(beside.c_str(), path.c_str()) != 0) {
    std::remove(beside.c_str());
    return Error::unsafe("cannot write " + path).with_hint("check the permissions of its folder");
  }
  return {};
}

/// Writes the completed files, or with - their text to stdout.
Status fix(const Manifests& manifests, const LintOptions& options, Session& session) {
  for (const ManifestFile& file : manifests.files) {
    std::vector<Json> values;
    const bool changed = complete(manifests, file, values);
    if (file.name == "-") {
      session.out() << (changed ? completed_text(file, values) : file.text);
    } else if (changed && options.dry_run) {
      session.err() << "would complete " << file.name << "\n";
    } else if (changed) {
      KREDIS_CHECK(write_file(file.name, completed_text(file, values)));
      session.err() << "completed " << file.name << "\n";
    }
  }
  return {};
}

void print(const LintResult& result, const LintOptions& options, Session& session) {
  constexpr int k_indent = 2;
  if (options.output == "json") {
    session.out() << lint_json(result).dump(k_indent) << "\n";
  } else if (options.output == "sarif") {
    session.out() << lint_sarif(result, KREDIS_VERSION).dump(k_indent) << "\n";
  } else if (options.output == "junit") {
    session.out() << lint_junit(result);
  } else {
    session.out() << lint_text(result, session.style());
  }
}

Result<ExitStatus> run_lint(const LintOptions& options, Session& session) {
  const Folders folders = options.recursive ? Folders::all : Folders::one_level;
  KREDIS_TRY(const Manifests manifests, read_manifests(options.files, folders, std::cin));
  const bool from_stream = std::ranges::count(options.files, "-") != 0;
  if (options.fix) {
    KREDIS_CHECK(fix(manifests, options, session));
  }
  Manifests after = manifests;
  if (options.fix) {
    for (FileObject& each : after.objects) {
      each.object = policy::mutate(each.object, surroundings_of(manifests)).mutated;
    }
    if (!options.dry_run && !from_stream) {
      KREDIS_TRY(after, read_manifests(options.files, folders, std::cin));
    }
  }
  const LintResult result = judge(after);
  if (!options.fix || !from_stream) {
    print(result, options, session);
  }
  const bool errors = std::ranges::any_of(result.findings, [](const LintFinding& each) {
    return each.objection.severity == policy::Severity::error;
  });
  return errors ? ExitStatus::refused : ExitStatus::done;
}

}  // namespace

void add_lint(CLI::App& root, Operation& chosen) {
  auto options = std::make_shared<LintOptions>();
  CLI::App* verb = root.add_subcommand("lint", "Judge manifests by the webhook's rules, offline");
  verb->add_option("-f,--filename", options->files, "File, folder, or - for standard input")
      ->required();
  verb->add_flag("-R,--recursive", options->recursive, "Look into the folders of a folder too");
  verb->add_flag("--fix", options->fix, "Write what is missing into the files; - goes to stdout");
  verb->add_flag("--dry-run", options->dry_run, "With --fix: say what would be written");
  verb->add_option("-o,--output", options->output, "text, json, sarif or junit")
      ->check(CLI::IsMember({"text", "json", "sarif", "junit"}));
  verb->footer(
      "Exit status: 0 no error (warnings do not count), 3 errors.\n"
      "Examples:\n"
      "  kubectl redis lint -f redis.yaml\n"
      "  kubectl redis lint -f manifests -R -o sarif\n"
      "  helm template my-release chart | kubectl redis lint -f -\n"
      "  kubectl redis lint -f redis.yaml --fix");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_lint(*options, session); };
  });
}

}  // namespace kredis::plugin
