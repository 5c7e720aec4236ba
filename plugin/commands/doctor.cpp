// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis doctor`: every finding, what it means, and the plan that mends it.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/fix/count_keys.hpp"
#include "plugin/operations/fix/stray_keys.hpp"
#include "plugin/render/doctor_text.hpp"
#include "shared/wire/doctor_report.hpp"

namespace kredis::plugin {
namespace {

using core::Severity;
using wire::Diagnosis;

struct DoctorFlags {
  ClusterWish cluster = {};
  std::optional<Severity> fail_on = Severity::warning;  ///< Nothing: never.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  Output output = Output::text;
};

/// Each finding, with what fix would do about all of its kind: told once.
std::vector<Diagnosis> diagnose(const StatusPicture& picture, const core::KeyCounts& keys) {
  std::vector<Diagnosis> diagnoses;
  std::map<std::string, int> told;
  for (const core::Finding& finding : picture.findings) {
    Diagnosis diagnosis{.finding = finding};
    if (told[finding.id]++ == 0) {
      diagnosis.plan = core::plan_fix(picture.view, keys, {.only = {finding.id}});
    }
    diagnoses.push_back(std::move(diagnosis));
  }
  return diagnoses;
}

void show(const StatusPicture& picture,
          const std::vector<Diagnosis>& diagnoses,
          Session& session,
          Output output) {
  if (output == Output::prometheus) {
    session.out() << wire::doctor_metrics(picture.view, picture.health, diagnoses);
  } else if (output == Output::text) {
    session.out() << render_doctor(picture, diagnoses, session.style());
  } else {
    session.print_object(wire::doctor_report(picture.view, picture.health, diagnoses), output);
  }
}

Result<ExitStatus> run_doctor(const DoctorFlags& options, Session& session) {
  KREDIS_TRY(const auto reached, reach(session, options.cluster));
  const auto deadline = session.clock().now() + options.timeout;
  KREDIS_CHECK(reached->cluster.find_pods());
  reached->cluster.ask(observe::Ask::everything, deadline);
  KREDIS_CHECK(reached->cluster.check_one());
  const core::ClusterView view = view_with_stray_keys(reached->cluster, deadline);
  KREDIS_TRY(const core::KeyCounts keys, count_keys(reached->cluster, view, deadline));
  const StatusPicture picture = picture_of(view);
  const std::vector<Diagnosis> diagnoses = diagnose(picture, keys);
  show(picture, diagnoses, session, options.output);
  const bool fails = options.fail_on && std::ranges::any_of(diagnoses, [&](const Diagnosis& each) {
                       return each.finding.severity >= *options.fail_on;
                     });
  return fails ? ExitStatus::refused : ExitStatus::done;
}

}  // namespace

void add_doctor(Verb& root) {
  const auto flags = std::make_shared<DoctorFlags>();
  Verb verb =
      root.subcommand("doctor", "Tell every finding, what it means, and the plan that mends it");
  add_cluster(verb, flags->cluster);
  const Choices<std::optional<Severity>> severities = {{"error", Severity::error},
                                                       {"warning", Severity::warning},
                                                       {"info", Severity::info},
                                                       {"never", std::nullopt}};
  verb.choice("--fail-on", flags->fail_on, severities, "Exit status 3 from this severity on");
  add_timeout(verb, flags->timeout, "Longest time to ask the nodes");
  add_output(verb, flags->output, {Output::text, Output::json, Output::yaml, Output::prometheus});
  verb.footer(
      "Worst first. Changes nothing: kubectl redis fix carries the plans out. Keys of slots that are\n"
      "half moved or without an owner are counted on every pod, and those that are not their pod's\n"
      "are looked for. The JSON and the metrics are described in docs/doctor-json.md.\n\n"
      "Examples:\n"
      "  kubectl redis doctor\n"
      "  kubectl redis doctor shop -n web --fail-on error\n"
      "  kubectl redis doctor -o json\n"
      "  kubectl redis doctor -o prometheus > /var/lib/node_exporter/redis.prom");
  verb.run(flags, run_doctor);
}

}  // namespace kredis::plugin
