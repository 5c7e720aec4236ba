// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis lint`: what the webhook would say of manifests, before any cluster sees them.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "plugin/commands/lint_work.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/lint/fix_manifests.hpp"
#include "plugin/operations/lint/manifest_files.hpp"
#include "plugin/render/lint_report.hpp"
#include "shared/policy/review.hpp"

namespace kredis::plugin {
namespace {

constexpr const char* k_standard_input = "-";

struct LintFlags {
  std::vector<std::string> files = {};
  bool recursive = false;
  bool strict = false;
  bool fix = false;
  bool dry_run = false;
  ReportOutput output = ReportOutput::text;
};

policy::LintResult judge(const Manifests& manifests) {
  policy::LintResult result{.objects = static_cast<int>(manifests.objects.size())};
  const ManifestIndex index(manifests);
  for (const FileObject& each : manifests.objects) {
    const policy::Surroundings around = index.beside(each.file);
    const policy::Verdict verdict = policy::validate(each.object, around);
    add_silence(result, each.object, around, [&](const std::string& path) {
      const kube::TextPlace place = manifests.place_of(each, path);
      return policy::LintSilence{.file = each.file, .line = place.line, .column = place.column};
    });
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
  for (const UnreadFile& each : manifests.unread) {
    result.not_judged.push_back(
        {.file = each.name, .object = each.name, .because = each.message, .broken = true});
  }
  return result;
}

/// Writes the completed files, or with - their text to stdout.
Status fix(const Manifests& manifests, const LintFlags& options, Session& session) {
  for (const ManifestFile& file : manifests.files) {
    const auto result = completed(manifests, file);
    if (file.name == k_standard_input) {
      session.out() << (result ? result->text : file.text);
      continue;
    }
    if (!result) {
      continue;
    }
    const std::string note = result->kept_form ? "" : " (its form could not be kept)";
    if (!options.dry_run) {
      KREDIS_CHECK(replace_file(file.name, result->text));
    }
    session.err() << (options.dry_run ? "would complete " : "completed ") << file.name << note
                  << "\n";
  }
  return {};
}

/// Completed objects at the places where they stood before.
Manifests completed_objects(const Manifests& manifests) {
  Manifests after = manifests;
  const ManifestIndex index(manifests);
  for (FileObject& each : after.objects) {
    each.object = policy::mutate(each.object, index.beside(each.file)).mutated;
  }
  return after;
}

Result<ExitStatus> run_lint(const LintFlags& options, Session& session) {
  const Folders folders = options.recursive ? Folders::all : Folders::one_level;
  KREDIS_TRY(Manifests manifests, read_manifests(options.files, folders, std::cin));
  const bool to_stream = options.fix && std::ranges::count(options.files, k_standard_input) != 0;
  if (options.fix) {
    KREDIS_CHECK(fix(manifests, options, session));
    const bool written = !options.dry_run && !to_stream;
    manifests = completed_objects(manifests);
    if (written) {
      KREDIS_TRY(manifests, read_manifests(options.files, folders, std::cin));
    }
  }
  const policy::LintResult result = judge(manifests);
  print_findings(
      result, options.output, to_stream ? session.err() : session.out(), session.style());
  return exit_of(result, options.strict ? Strictness::strict : Strictness::lenient);
}

}  // namespace

void add_lint(Verb& root) {
  const auto flags = std::make_shared<LintFlags>();
  Verb verb = root.subcommand("lint", "Judge manifests by the webhook's rules, offline");
  verb.option("-f,--filename", flags->files, "File, folder, or - for standard input")
      .kind("FILE")
      .required();
  verb.flag("-R,--recursive", flags->recursive, "Look into the folders of a folder too");
  verb.flag("--strict", flags->strict, "Exit 3 also where something is not judged");
  verb.flag("--fix", flags->fix, "Write what is missing into the files; - goes to stdout");
  verb.flag("--dry-run", flags->dry_run, "With --fix: say what would be written");
  add_report_output(verb, flags->output);
  verb.footer(
      "Exit status: 0 no error (warnings do not count), 3 errors, or what is no object.\n"
      "Examples:\n"
      "  kubectl redis lint -f redis.yaml\n"
      "  kubectl redis lint -f manifests -R -o sarif\n"
      "  kubectl kustomize overlay | kubectl redis lint --strict -f -\n"
      "  helm template my-release chart | kubectl redis lint -f -\n"
      "  kubectl redis lint -f redis.yaml --fix");
  verb.run(flags, run_lint);
}

}  // namespace kredis::plugin
