// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis version`: the plugin's version, the API server's and, where it runs, the
// webhook's.
#include <memory>
#include <ostream>
#include <string>

#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"

namespace kredis::plugin {
namespace {

struct VersionFlags {
  bool client_only = false;
  Output output = Output::text;
};

/// The image tag of the webhook's Deployment, wherever it was installed; empty when it is not.
std::string webhook_version(ports::KubePort& kube) {
  const auto found = kube.list({{"apps/v1", "deployments"}, ""},
                               {.label_selector = "app.kubernetes.io/name=kubectl-redis-webhook"});
  if (!found || (*found)["items"].empty()) {
    return {};
  }
  const Json& labels = (*found)["items"][0]["metadata"]["labels"];
  return labels.value("app.kubernetes.io/version", "unknown");
}

Result<ExitStatus> run_version(const VersionFlags& options, Session& session) {
  Json report = {{"clientVersion", {{"version", KREDIS_VERSION}}}};
  if (!options.client_only) {
    KREDIS_TRY(ports::KubePort * kube, session.kube());
    KREDIS_TRY(const Json server, kube->server_version());
    report["serverVersion"] = {{"version", server.value("gitVersion", "unknown")}};
    if (const std::string webhook = webhook_version(*kube); !webhook.empty()) {
      report["webhookVersion"] = {{"version", webhook}};
    }
  }
  if (options.output != Output::text) {
    session.print_object(report, options.output);
    return ExitStatus::done;
  }
  session.out() << "kubectl redis " << KREDIS_VERSION << "\n";
  if (report.contains("serverVersion")) {
    session.out() << "Kubernetes " << report["serverVersion"].value("version", "") << "\n";
    session.out() << "webhook "
                  << (report.contains("webhookVersion")
                          ? report["webhookVersion"].value("version", "")
                          : "not installed")
                  << "\n";
  }
  return ExitStatus::done;
}

}  // namespace

void add_version(Verb& root) {
  const auto flags = std::make_shared<VersionFlags>();
  Verb verb = root.subcommand("version", "Show the versions of plugin, server and webhook");
  verb.flag("--client", flags->client_only, "Only the plugin's own; contacts nobody");
  add_output(verb, flags->output, {Output::text, Output::json, Output::yaml});
  verb.footer("Examples:\n  kubectl redis version\n  kubectl redis version --client -o json");
  verb.run(flags, run_version);
}

}  // namespace kredis::plugin
