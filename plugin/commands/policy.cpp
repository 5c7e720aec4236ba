// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis policy report`: what runs now, against the rules; an audit that needs no webhook.
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugin/commands/lint_work.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/lint/manifest_files.hpp"
#include "shared/policy/review.hpp"

namespace kredis::plugin {
namespace {

struct PolicyReportFlags {
  bool all_namespaces = false;
  ReportOutput output = ReportOutput::text;
};

struct Judged {
  const char* kind;
  ports::ResourceType type;
};

/// What rules judge, and the claims that they look up.
const std::vector<Judged>& judged_kinds() {
  static const std::vector<Judged> k_kinds{
      {"StatefulSet", {"apps/v1", "statefulsets"}},
      {"Deployment", {"apps/v1", "deployments"}},
      {"ConfigMap", {"v1", "configmaps"}},
      {"Service", {"v1", "services"}},
      {"PodDisruptionBudget", {"policy/v1", "poddisruptionbudgets"}},
      {"PersistentVolumeClaim", {"v1", "persistentvolumeclaims"}}};
  return k_kinds;
}

/// All objects of those kinds, each as if it were a file of its own.
Result<Manifests> read_cluster(ports::KubePort& kube, const std::string& namespace_) {
  Manifests all;
  for (const Judged& judged : judged_kinds()) {
    KREDIS_TRY(Json list, kube.list({judged.type, namespace_}, {}));
    for (Json& item : list.at("items")) {
      item["kind"] = judged.kind;  // Items of a list do not always carry theirs.
      item["apiVersion"] = judged.type.api_version;
      const Json metadata = item.value("metadata", Json::object());
      const std::string place =
          metadata.value("namespace", "") + "/" + judged.kind + "/" + metadata.value("name", "");
      all.objects.push_back({.file = place, .object = std::move(item)});
    }
  }
  return all;
}

policy::LintResult judge(const Manifests& cluster) {
  policy::LintResult result{.kind = "PolicyReport",
                            .objects = static_cast<int>(cluster.objects.size())};
  const ManifestIndex index(cluster);
  for (const FileObject& each : cluster.objects) {
    const policy::Surroundings around = index.beside(each.file);
    const policy::Verdict verdict = policy::validate(each.object, around);
    add_silence(result, each.object, around, [&](const std::string&) {
      return policy::LintSilence{.file = each.file, .line = 0, .column = 0};
    });
    result.recognised += verdict.recognised ? 1 : 0;
    result.ignored += verdict.ignored ? 1 : 0;
    for (const policy::Objection& objection : verdict.objections) {
      result.findings.push_back({.file = each.file,
                                 .line = 0,
                                 .column = 0,
                                 .object = title_of(each.object),
                                 .objection = objection});
    }
  }
  return result;
}

Result<ExitStatus> run_report(const PolicyReportFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  KREDIS_TRY(const Manifests cluster,
             read_cluster(*kube, options.all_namespaces ? "" : namespace_));
  const policy::LintResult result = judge(cluster);
  print_findings(result, options.output, session.out(), session.style());
  return exit_of(result);
}

}  // namespace

void add_policy(Verb& root) {
  Verb group = root.group("policy", "What runs now, against the webhook's rules");
  group.footer("Examples:\n  kubectl redis policy report -A");
  const auto flags = std::make_shared<PolicyReportFlags>();
  Verb verb = group.subcommand("report", "Judge what runs now by the rules; changes nothing");
  verb.flag("-A,--all-namespaces", flags->all_namespaces, "In all namespaces");
  add_report_output(verb, flags->output);
  verb.footer(
      "Exit status: 0 no error (warnings do not count), 3 errors.\n"
      "Examples:\n"
      "  kubectl redis policy report\n"
      "  kubectl redis policy report -A -o json\n"
      "  kubectl redis policy report -n shop -o junit");
  verb.run(flags, run_report);
}

}  // namespace kredis::plugin
