// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis delete`: removes a cluster that `create` made. Data stays unless it is asked for.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/delete/removal.hpp"

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
  for (const ObjectName& object : removal.goes) {
    stream << "  " << object.to_text() << "\n";
  }
  if (!removal.stays.empty()) {
    stream << "stays (kubectl redis create with the same name finds its data again):\n";
    for (const ObjectName& object : removal.stays) {
      stream << "  " << object.to_text() << "\n";
    }
  }
}

/// Whether the user agreed. Only a removal that loses data asks.
Status agree(const DeleteFlags& options, const Removal& removal, Session& session) {
  if (!removal.loses_data || options.yes) {
    return {};
  }
  session.err() << removal.loss << "\n";
  if (session.confirm_by_typing("this cannot be undone", options.name)) {
    return {};
  }
  return Error::unsafe("nothing was deleted: losing data was not confirmed")
      .with_hint("type the name when asked, or add --yes");
}

Result<ExitStatus> run_delete(const DeleteFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  const KeepData keep = options.purge_data ? KeepData::no : KeepData::yes;
  KREDIS_TRY(const Removal removal, plan_removal(*kube, namespace_, options.name, keep));
  if (removal.goes.empty()) {
    return Error::not_found("there is no cluster " + options.name + " in namespace " + namespace_)
        .with_hint("kubectl redis status -A lists the clusters that there are");
  }
  say_what_goes(removal, session.err());
  if (options.dry_run == DryRun::client) {
    return ExitStatus::done;
  }
  KREDIS_CHECK(require_removal_rights(*kube, namespace_, removal));
  const ports::DryRun dry_run =
      options.dry_run == DryRun::server ? ports::DryRun::server : ports::DryRun::no;
  if (dry_run == ports::DryRun::no) {
    KREDIS_CHECK(agree(options, removal, session));
  }
  const auto deadline = ports::Clock::now() + options.timeout;
  KREDIS_CHECK(remove_objects(*kube, removal, dry_run, deadline, session.progress()));
  for (const ObjectName& object : removal.goes) {
    session.out() << object.to_text() << " deleted"
                  << (dry_run == ports::DryRun::server ? " (server dry run)" : "") << "\n";
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
