// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis webhook install|uninstall|status|rotate-certs|manifests`.
#include <ctime>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "plugin/operations/webhook/install.hpp"
#include "plugin/operations/webhook/view.hpp"
#include "plugin/render/webhook_text.hpp"
#include "shared/manifest/static_policies.hpp"
#include "shared/manifest/yaml_writer.hpp"
#include "shared/wire/duration.hpp"

namespace kredis::plugin {
namespace {

using manifest::WebhookSpec;

struct WebhookOptions {
  WebhookSpec spec = {.version = KREDIS_VERSION};
  bool cert_manager = false;
  bool as_vap = false;
  std::string dry_run = "none";
  std::string timeout = "2m";
  std::string output = {};
};

/// The webhook has a namespace of its own; that of the context is the user's.
WebhookSpec spec_of(const WebhookOptions& options, const Session& session) {
  WebhookSpec spec = options.spec;
  spec.namespace_ = session.options().namespace_.empty()
                        ? std::string(manifest::k_webhook_namespace)
                        : session.options().namespace_;
  spec.certificates =
      options.cert_manager ? manifest::Certificates::cert_manager : manifest::Certificates::own;
  return spec;
}

void print_objects(const std::vector<Json>& objects, Output output, Session& session) {
  if (output == Output::json) {
    session.out() << Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}}.dump(2)
                  << "\n";
  } else {
    session.out() << manifest::to_yaml(objects);
  }
}

Result<ExitStatus> run_manifests(const WebhookOptions& options, Session& session) {
  KREDIS_TRY(const Output output,
             parse_output(options.output, {Output::text, Output::json, Output::yaml}));
  const WebhookSpec spec = spec_of(options, session);
  print_objects(options.as_vap ? manifest::static_policies(spec) : manifest::webhook_objects(spec),
                output,
                session);
  return ExitStatus::done;
}

Result<ExitStatus> run_install(const WebhookOptions& options, Session& session) {
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  const WebhookSpec spec = spec_of(options, session);
  if (options.dry_run == "client") {
    return run_manifests(options, session);
  }
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_CHECK(require_permissions(*kube, needs_of(rights_of("webhook", {}), spec.namespace_, {})));
  if (options.dry_run == "server") {
    KREDIS_TRY(const auto applied, try_install(*kube, spec, session.progress()));
    for (const Applied& each : applied) {
      session.out() << each.name.to_text() << " " << to_text(each.change) << " (server dry run)\n";
    }
    return ExitStatus::done;
  }
  KREDIS_TRY(const Proof proof,
             install_webhook(*kube, spec, ports::Clock::now() + timeout, session.progress()));
  session.out() << "webhook " << spec.version << " runs in namespace " << spec.namespace_ << "\n"
                << (proof.refused ? "proven by a broken object that it refused:\n  "
                                  : "not proven: ")
                << proof.text << "\n";
  return ExitStatus::done;
}

Result<ExitStatus> run_uninstall(const WebhookOptions& options, Session& session) {
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  const WebhookSpec spec = spec_of(options, session);
  KREDIS_TRY(const auto goes, plan_uninstall(*kube, spec));
  if (goes.empty()) {
    return Error::not_found("the webhook is not installed in namespace " + spec.namespace_)
        .with_hint("kubectl get deployments -A -l " + std::string(manifest::k_webhook_selector) +
                   " finds it elsewhere; then name that with -n");
  }
  const bool only_says = options.dry_run == "client";
  if (!only_says) {
    KREDIS_CHECK(
        uninstall_webhook(*kube,
                          goes,
                          options.dry_run == "server" ? ports::DryRun::server : ports::DryRun::no,
                          ports::Clock::now() + timeout,
                          session.progress()));
  }
  for (const ObjectName& object : goes) {
    session.out() << object.to_text() << " deleted"
                  << (options.dry_run == "none" ? "" : " (" + options.dry_run + " dry run)")
                  << "\n";
  }
  return ExitStatus::done;
}

Result<ExitStatus> run_status(const WebhookOptions& options, Session& session) {
  KREDIS_TRY(const Output output,
             parse_output(options.output, {Output::text, Output::json, Output::yaml}));
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(
      const wire::WebhookView view,
      view_webhook(*kube, spec_of(options, session).namespace_, ports::Clock::now() + timeout));
  if (output == Output::text) {
    session.out() << render_webhook(view, session.style(), std::time(nullptr));
  } else {
    session.print_object(wire::webhook_report(view), output);
  }
  return view.installed && view.findings().empty() ? ExitStatus::done : ExitStatus::refused;
}

Result<ExitStatus> run_rotate(const WebhookOptions& options, Session& session) {
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_CHECK(rotate_certificates(*kube,
                                   spec_of(options, session).namespace_,
                                   ports::Clock::now() + timeout,
                                   session.progress()));
  session.out() << "the new authority is trusted; it signs a new certificate once every API server "
                   "knows it, and the old one is forgotten after that\n";
  return ExitStatus::done;
}

using Run = Result<ExitStatus> (*)(const WebhookOptions&, Session&);

CLI::App* add_verb(CLI::App& parent,
                   const char* name,
                   const char* about,
                   const std::shared_ptr<WebhookOptions>& options,
                   Run run,
                   Operation& chosen) {
  CLI::App* verb = parent.add_subcommand(name, about);
  verb->callback([options, run, &chosen] {
    chosen = [options, run](Session& session) { return run(*options, session); };
  });
  return verb;
}

void add_timeout(CLI::App& verb, WebhookOptions& options, const char* about) {
  verb.add_option("--timeout", options.timeout, about)->capture_default_str();
}

void add_dry_run(CLI::App& verb, WebhookOptions& options) {
  verb.add_option("--dry-run", options.dry_run, "client (only say) or server (let the server try)")
      ->check(CLI::IsMember({"none", "client", "server"}));
}

void add_spec(CLI::App& verb, WebhookOptions& options) {
  WebhookSpec& spec = options.spec;
  verb.add_option(
      "--image", spec.image, "Image of the webhook (kubectl-redis-webhook:" KREDIS_VERSION ")");
  verb.add_option("--replicas", spec.replicas, "How many answer")
      ->check(CLI::Range(1, 20))
      ->capture_default_str();
  verb.add_option("--failure-policy",
                  spec.validate_failure,
                  "What happens to changes while no replica answers: Ignore (they pass) or Fail")
      ->check(CLI::IsMember({"Ignore", "Fail"}))
      ->capture_default_str();
  verb.add_option("--default-level",
                  spec.default_level,
                  "Level of namespaces without the label kubectl-redis.dev/policy")
      ->check(CLI::IsMember({"enforce", "warn", "audit", "off"}))
      ->capture_default_str();
  verb.add_option("-o,--output", options.output, "json or yaml");
}

void add_install(CLI::App& webhook, Operation& chosen) {
  auto options = std::make_shared<WebhookOptions>();
  CLI::App* verb = add_verb(webhook,
                            "install",
                            "Install it, wait, and see it refuse a broken object",
                            options,
                            &run_install,
                            chosen);
  add_spec(*verb, *options);
  add_dry_run(*verb, *options);
  add_timeout(*verb, *options, "How long to wait until it works");
  verb->footer(
      "Run it again to change flags or the version. -n names its own namespace (kubectl-redis-system).\n\n"
      "Examples:\n"
      "  kubectl redis webhook install --image REGISTRY/kubectl-redis-webhook:" KREDIS_VERSION
      "\n"
      "  kubectl redis webhook install --default-level warn\n"
      "  kubectl redis webhook install --failure-policy Fail");
}

void add_uninstall(CLI::App& webhook, Operation& chosen) {
  auto options = std::make_shared<WebhookOptions>();
  CLI::App* verb = add_verb(
      webhook, "uninstall", "Remove it, the configurations first", options, &run_uninstall, chosen);
  add_dry_run(*verb, *options);
  add_timeout(*verb, *options, "How long to wait until its namespace is gone");
  verb->footer(
      "Examples:\n  kubectl redis webhook uninstall\n  kubectl redis webhook uninstall --dry-run=client");
}

void add_webhook_status(CLI::App& webhook, Operation& chosen) {
  auto options = std::make_shared<WebhookOptions>();
  options->timeout = "15s";
  CLI::App* verb = add_verb(webhook,
                            "status",
                            "Replicas, certificates, decisions by rule, latency",
                            options,
                            &run_status,
                            chosen);
  add_timeout(*verb, *options, "Longest wait for a replica");
  verb->add_option("-o,--output", options->output, "json or yaml");
  verb->footer(
      "Exit status 3 when something is wrong.\n\nExample:\n  kubectl redis webhook status");
}

void add_rotate(CLI::App& webhook, Operation& chosen) {
  auto options = std::make_shared<WebhookOptions>();
  CLI::App* verb = add_verb(webhook,
                            "rotate-certs",
                            "Make a new authority and certificate now",
                            options,
                            &run_rotate,
                            chosen);
  add_timeout(*verb, *options, "How long to wait until the API server trusts it");
  verb->footer(
      "No request fails meanwhile. They are renewed by themselves long before they end.\n\n"
      "Example:\n  kubectl redis webhook rotate-certs");
}

void add_manifests(CLI::App& webhook, Operation& chosen) {
  auto options = std::make_shared<WebhookOptions>();
  CLI::App* verb = add_verb(webhook,
                            "manifests",
                            "Print what install would apply; contacts nobody",
                            options,
                            &run_manifests,
                            chosen);
  add_spec(*verb, *options);
  verb->add_flag(
      "--cert-manager", options->cert_manager, "Certificates of cert-manager, not its own");
  verb->add_flag("--as-vap",
                 options->as_vap,
                 "Instead of the webhook: the rules that need no look elsewhere, as "
                 "ValidatingAdmissionPolicies");
  verb->footer(
      "Examples:\n  kubectl redis webhook manifests > webhook.yaml\n"
      "  kubectl redis webhook manifests --failure-policy Fail --cert-manager\n"
      "  kubectl redis webhook manifests --as-vap | kubectl apply -f -");
}

}  // namespace

void add_webhook(CLI::App& root, Operation& chosen) {
  CLI::App* verb =
      root.add_subcommand("webhook", "Keep what anybody applies to Redis Clusters sound");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n"
      "  kubectl redis webhook install\n"
      "  kubectl redis webhook status\n"
      "  kubectl redis webhook manifests > webhook.yaml");
  add_install(*verb, chosen);
  add_uninstall(*verb, chosen);
  add_webhook_status(*verb, chosen);
  add_rotate(*verb, chosen);
  add_manifests(*verb, chosen);
}

}  // namespace kredis::plugin
