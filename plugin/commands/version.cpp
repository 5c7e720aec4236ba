// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis version`: the plugin's version, the API server's and, where it runs, the
// webhook's.
#include <memory>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"

namespace kredis::plugin {
namespace {

struct VersionOptions {
  bool client_only = false;
  std::string output = {};
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

Result<ExitStatus> run_version(const VersionOptions& options, Session& session) {
  KREDIS_TRY(const Output output,
             parse_output(options.output, {Output::text, Output::json, Output::yaml}));
  Json report = {{"clientVersion", {{"version", KREDIS_VERSION}}}};
  if (!options.client_only) {
    KREDIS_TRY(ports::KubePort * kube, session.kube());
    KREDIS_TRY(const Json server, kube->server_version());
    report["serverVersion"] = {{"version", server.value("gitVersion", "unknown")}};
    if (const std::string webhook = webhook_version(*kube); !webhook.empty()) {
      report["webhookVersion"] = {{"version", webhook}};
    }
  }
  if (output != Output::text) {
    session.print_object(report, output);
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

void add_version(CLI::App& root, Operation& chosen) {
  auto options = std::make_shared<VersionOptions>();
  CLI::App* verb =
      root.add_subcommand("version", "Show the versions of plugin, server and webhook");
  verb->add_flag("--client", options->client_only, "Only the plugin's own; contacts nobody");
  verb->add_option("-o,--output", options->output, "json or yaml");
  verb->footer("Examples:\n  kubectl redis version\n  kubectl redis version --client -o json");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_version(*options, session); };
  });
}

}  // namespace kredis::plugin
