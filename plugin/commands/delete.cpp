// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis delete`: removes a cluster that `create` made. Data stays unless it is asked for.
#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"
#include "plugin/operations/delete/removal.hpp"
#include "shared/wire/duration.hpp"

namespace kredis::plugin {
namespace {

struct DeleteOptions {
  std::string name = "redis";
  bool purge_data = false;
  bool yes = false;
  std::string dry_run = "none";
  std::string timeout = "2m";
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
Status agree(const DeleteOptions& options, const Removal& removal, Session& session) {
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

Result<ExitStatus> run_delete(const DeleteOptions& options, Session& session) {
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  const KeepData keep = options.purge_data ? KeepData::no : KeepData::yes;
  KREDIS_TRY(const Removal removal, plan_removal(*kube, namespace_, options.name, keep));
  if (removal.goes.empty()) {
    return Error::not_found("there is no cluster " + options.name + " in namespace " + namespace_)
        .with_hint("kubectl redis status -A lists the clusters that there are");
  }
  say_what_goes(removal, session.err());
  if (options.dry_run == "client") {
    return ExitStatus::done;
  }
  KREDIS_CHECK(require_removal_rights(*kube, namespace_, removal));
  const ports::DryRun dry_run =
      options.dry_run == "server" ? ports::DryRun::server : ports::DryRun::no;
  if (dry_run == ports::DryRun::no) {
    KREDIS_CHECK(agree(options, removal, session));
  }
  const auto deadline = ports::Clock::now() + timeout;
  KREDIS_CHECK(remove_objects(*kube, removal, dry_run, deadline, session.progress()));
  for (const ObjectName& object : removal.goes) {
    session.out() << object.to_text() << " deleted"
                  << (dry_run == ports::DryRun::server ? " (server dry run)" : "") << "\n";
  }
  return ExitStatus::done;
}

}  // namespace

void add_delete(CLI::App& root, Operation& chosen) {
  auto options = std::make_shared<DeleteOptions>();
  CLI::App* verb =
      root.add_subcommand("delete", "Remove a cluster; its data stays unless asked for");
  verb->add_option("NAME", options->name, "Name of the cluster")->capture_default_str();
  verb->add_flag("--purge-data",
                 options->purge_data,
                 "Remove claims (and volumes that create made) too; asks for the name");
  verb->add_flag("-y,--yes", options->yes, "Do not ask");
  verb->add_option(
          "--dry-run", options->dry_run, "client (only say) or server (let the server try)")
      ->check(CLI::IsMember({"none", "client", "server"}));
  verb->add_option("--timeout", options->timeout, "How long to wait for pods to end")
      ->capture_default_str();
  verb->footer(
      "Examples:\n  kubectl redis delete\n  kubectl redis delete shop -n web --dry-run=client\n"
      "  kubectl redis delete shop --purge-data");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_delete(*options, session); };
  });
}

}  // namespace kredis::plugin
