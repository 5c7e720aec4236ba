// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis delete`: removes a cluster that `create` made. Data stays unless it is asked for.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/delete/removal.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/observe/locate.hpp"

namespace kredis::plugin {
namespace {

struct DeleteFlags {
  std::string name = "redis";
  bool purge_data = false;
  bool yes = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
};

void say_what_goes(const Removal& removal, std::ostream& stream) {
  stream << "goes:\n";
  for (const core::ObjectName& object : removal.goes) {
    stream << "  " << object.to_text() << "\n";
  }
  if (!removal.stays.empty()) {
    stream << "stays (kubectl redis create with the same name finds its data again):\n";
    for (const core::ObjectName& object : removal.stays) {
      stream << "  " << object.to_text() << "\n";
    }
  }
}

/// Errors: unsafe (there is such a cluster, and `create` did not make it: says who did).
Status refuse_what_others_made(ports::KubePort& kube,
                               const std::string& namespace_,
                               const std::string& name) {
  const auto located = observe::locate(kube, namespace_, name);
  if (!located || observe::is_made_by_create(located->workload)) {
    return {};
  }
  const std::string maker = observe::maker_of(located->workload);
  return Error::unsafe("cluster " + name + " was made by " + maker +
                       ", and delete touches only what kubectl redis create made")
      .with_hint("remove it as it was made; its pods come from " +
                 located->owners.front().to_text() + " in namespace " + namespace_);
}

Result<ExitStatus> run_delete(const DeleteFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  const KeepData keep = options.purge_data ? KeepData::no : KeepData::yes;
  KREDIS_TRY(const Removal removal, find_removal(*kube, namespace_, options.name, keep));
  if (removal.goes.empty()) {
    KREDIS_CHECK(refuse_what_others_made(*kube, namespace_, options.name));
    return Error::not_found("there is no cluster " + options.name + " in namespace " + namespace_)
        .with_hint("kubectl redis status -A lists the clusters that there are");
  }
  say_what_goes(removal, session.err());
  const core::Plan plan = plan_removal(removal);
  if (options.dry_run == DryRun::client) {
    session.out() << render_plan(plan);
    return ExitStatus::done;
  }
  KREDIS_CHECK(require_removal_rights(*kube, namespace_, removal));
  const bool is_dry = options.dry_run == DryRun::server;
  if (!is_dry) {
    KREDIS_CHECK(agree(session, plan, options.name, options.yes ? Ask::no : Ask::yes));
  }
  Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  std::unique_ptr<ChangeLease> lease;
  if (!is_dry) {
    KREDIS_TRY(lease, begin_change(session, namespace_, options.name, "delete", conduct));
  }
  Site site{.kube = kube, .dry_run = is_dry ? ports::DryRun::server : ports::DryRun::no};
  KREDIS_CHECK(apply_plan(site, plan, conduct));
  for (const Applied& each : site.applied) {
    session.out() << each.name.to_text() << " deleted" << (is_dry ? " (server dry run)" : "")
                  << "\n";
  }
  return ExitStatus::done;
}

}  // namespace

void add_delete(Verb& root) {
  const auto flags = std::make_shared<DeleteFlags>();
  Verb verb = root.subcommand("delete", "Remove a cluster; its data stays unless asked for");
  verb.positional("NAME", flags->name, "Name of the cluster");
  verb.flag("--purge-data",
            flags->purge_data,
            "Remove claims (and volumes that create made) too; asks for the name");
  add_yes(verb, flags->yes);
  add_dry_run(verb, flags->dry_run, "Only say what would go; with server, let the server try");
  add_timeout(verb, flags->timeout, "How long to wait for pods to end");
  verb.footer(
      "Examples:\n  kubectl redis delete\n  kubectl redis delete shop -n web --dry-run=client\n"
      "  kubectl redis delete shop --purge-data");
  verb.run(flags, run_delete);
}

}  // namespace kredis::plugin
