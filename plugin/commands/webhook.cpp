// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis webhook install|uninstall|status|rotate-certs|manifests`.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "plugin/operations/webhook/install.hpp"
#include "plugin/operations/webhook/view.hpp"
#include "plugin/render/plan_text.hpp"
#include "plugin/render/webhook_text.hpp"
#include "shared/manifest/static_policies.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

using manifest::WebhookSpec;

struct WebhookFlags {
  WebhookSpec spec = {.version = KREDIS_VERSION};
  bool cert_manager = false;
  bool as_vap = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
  Output output = Output::text;
};

/// The webhook has a namespace of its own; that of the context is the user's.
WebhookSpec spec_of(const WebhookFlags& options, const Session& session) {
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

Result<ExitStatus> run_manifests(const WebhookFlags& options, Session& session) {
  const WebhookSpec spec = spec_of(options, session);
  print_objects(options.as_vap ? manifest::static_policies(spec) : manifest::webhook_objects(spec),
                options.output,
                session);
  return ExitStatus::done;
}

bool waits(const core::Stage& stage) {
  return std::ranges::any_of(stage.steps, [](const core::Step& step) {
    return std::holds_alternative<core::WaitFor>(step.what);
  });
}

/// What the server can judge: neither stages about what a dry run does not bring about, nor objects
/// inside a namespace that is not there.
core::Plan tryable(const InstallPlan& install, const WebhookSite& there) {
  core::Plan plan = install.lead;
  plan.stages.insert(plan.stages.end(), install.rely.stages.begin(), install.rely.stages.end());
  std::erase_if(plan.stages, waits);
  if (there.before.front().is_null()) {
    for (core::Stage& stage : plan.stages) {
      std::erase_if(stage.steps, [](const core::Step& step) {
        const auto* apply = std::get_if<core::ApplyObject>(&step.what);
        return apply == nullptr || !apply->object.namespace_.empty();
      });
    }
  }
  return plan;
}

ExitStatus show_applied(Session& session, const Site& site) {
  for (const Applied& each : site.applied) {
    session.out() << each.name.to_text() << " " << to_text(each.change)
                  << (site.dry_run == ports::DryRun::server ? " (server dry run)" : "") << "\n";
  }
  return ExitStatus::done;
}

Result<ExitStatus> run_install(const WebhookFlags& options, Session& session) {
  const WebhookSpec spec = spec_of(options, session);
  if (options.dry_run == DryRun::client) {
    return run_manifests(options, session);
  }
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_CHECK(require_permissions(*kube, needs_of(rights_of("webhook", {}), spec.namespace_, {})));
  const Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  KREDIS_TRY(const WebhookSite there, look_for_webhook(*kube, spec));
  const InstallPlan plan = plan_install(spec, there);
  Site site{.kube = kube};
  if (options.dry_run == DryRun::server) {
    site.dry_run = ports::DryRun::server;
    KREDIS_CHECK(apply_plan(site, tryable(plan, there), conduct));
    return show_applied(session, site);
  }
  KREDIS_CHECK(apply_plan(site, plan.lead, conduct));
  KREDIS_TRY(const Proof proof, prove(*kube, spec, conduct));
  KREDIS_CHECK(apply_plan(site, plan.rely, conduct));
  session.out() << "webhook " << spec.version << " runs in namespace " << spec.namespace_ << "\n"
                << (proof.refused ? "proven by a broken object that it refused:\n  "
                                  : "not proven: ")
                << proof.text << "\n";
  return ExitStatus::done;
}

/// What follows each line of a dry run.
const char* dry_run_note(DryRun dry_run) {
  switch (dry_run) {
    case DryRun::none:
      return "";
    case DryRun::client:
      return " (client dry run)";
    case DryRun::server:
      return " (server dry run)";
  }
  return "";
}

Result<ExitStatus> run_uninstall(const WebhookFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  const WebhookSpec spec = spec_of(options, session);
  KREDIS_TRY(const core::Plan plan, plan_uninstall(*kube, spec));
  if (plan.empty()) {
    return Error::not_found("the webhook is not installed in namespace " + spec.namespace_)
        .with_hint("kubectl get deployments -A -l " + std::string(manifest::k_webhook_selector) +
                   " finds it elsewhere; then name that with -n");
  }
  if (options.dry_run == DryRun::client) {
    session.out() << render_plan(plan);
    return ExitStatus::done;
  }
  Site site{.kube = kube};
  site.dry_run = options.dry_run == DryRun::server ? ports::DryRun::server : ports::DryRun::no;
  KREDIS_CHECK(
      apply_plan(site, plan, conduct_of(session, session.clock().now() + options.timeout)));
  return show_applied(session, site);
}

Result<ExitStatus> run_status(const WebhookFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(
      const wire::WebhookView view,
      view_webhook(
          *kube, spec_of(options, session).namespace_, session.clock().now() + options.timeout));
  if (options.output == Output::text) {
    session.out() << render_webhook(view, session.style(), std::time(nullptr));
  } else {
    session.print_object(wire::webhook_report(view), options.output);
  }
  return view.installed && view.findings().empty() ? ExitStatus::done : ExitStatus::refused;
}

Result<ExitStatus> run_rotate(const WebhookFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  const std::string namespace_ = spec_of(options, session).namespace_;
  if (options.dry_run != DryRun::none) {
    KREDIS_CHECK(
        kube->get({{"v1", "secrets"}, namespace_, std::string(manifest::k_webhook_secret)}));
    session.out() << "the webhook in namespace " << namespace_
                  << " would be asked for a new authority and certificate"
                  << dry_run_note(options.dry_run) << "\n";
    return ExitStatus::done;
  }
  KREDIS_CHECK(rotate_certificates(
      *kube, namespace_, conduct_of(session, session.clock().now() + options.timeout)));
  session.out() << "the new authority is trusted; it signs a new certificate once every API server "
                   "knows it, and the old one is forgotten after that\n";
  return ExitStatus::done;
}

void add_spec(Verb& verb, WebhookFlags& flags) {
  WebhookSpec& spec = flags.spec;
  verb.option(
      "--image", spec.image, "Image of the webhook (kubectl-redis-webhook:" KREDIS_VERSION ")");
  verb.option("--replicas", spec.replicas, "How many answer").between(1, 20);
  const std::vector<std::string> failures = {"Ignore", "Fail"};
  verb.choice("--failure-policy",
              spec.validate_failure,
              failures,
              "What happens to changes while no replica answers: Ignore (they pass) or Fail");
  const std::vector<std::string> levels = {"enforce", "warn", "audit", "off"};
  verb.choice("--default-level",
              spec.default_level,
              levels,
              "Level of namespaces without the label kubectl-redis.dev/policy");
  flags.output = Output::yaml;
  add_output(verb, flags.output, {Output::yaml, Output::json});
}

void add_install(Verb& webhook) {
  const auto flags = std::make_shared<WebhookFlags>();
  Verb verb = webhook.subcommand("install", "Install it, wait, and see it refuse a broken object");
  add_spec(verb, *flags);
  add_dry_run(verb, flags->dry_run, "Print the objects and stop; with server, let it check them");
  add_timeout(verb, flags->timeout, "How long to wait until it works");
  verb.footer(
      "Run it again to change flags or the version. -n names its own namespace (kubectl-redis-system).\n\n"
      "Examples:\n"
      "  kubectl redis webhook install --image REGISTRY/kubectl-redis-webhook:" KREDIS_VERSION
      "\n"
      "  kubectl redis webhook install --default-level warn\n"
      "  kubectl redis webhook install --failure-policy Fail");
  verb.run(flags, run_install);
}

void add_uninstall(Verb& webhook) {
  const auto flags = std::make_shared<WebhookFlags>();
  Verb verb = webhook.subcommand("uninstall", "Remove it, the configurations first");
  add_dry_run(verb, flags->dry_run, "Only say what would go; with server, let the server try");
  add_timeout(verb, flags->timeout, "How long to wait until its namespace is gone");
  verb.footer(
      "Examples:\n  kubectl redis webhook uninstall\n  kubectl redis webhook uninstall --dry-run=client");
  verb.run(flags, run_uninstall);
}

void add_webhook_status(Verb& webhook) {
  const auto flags = std::make_shared<WebhookFlags>();
  flags->timeout = std::chrono::seconds(15);
  Verb verb = webhook.subcommand("status", "Replicas, certificates, decisions by rule, latency");
  add_timeout(verb, flags->timeout, "Longest wait for a replica");
  add_output(verb, flags->output, {Output::text, Output::json, Output::yaml});
  verb.footer("Exit status 3 when something is wrong.\n\nExample:\n  kubectl redis webhook status");
  verb.run(flags, run_status);
}

void add_rotate(Verb& webhook) {
  const auto flags = std::make_shared<WebhookFlags>();
  Verb verb = webhook.subcommand("rotate-certs", "Make a new authority and certificate now");
  add_dry_run(verb, flags->dry_run, "Look whether it can be asked, and stop");
  add_timeout(verb, flags->timeout, "How long to wait until the API server trusts it");
  verb.footer(
      "No request fails meanwhile. They are renewed by themselves long before they end.\n\n"
      "Example:\n  kubectl redis webhook rotate-certs");
  verb.run(flags, run_rotate);
}

void add_manifests(Verb& webhook) {
  const auto flags = std::make_shared<WebhookFlags>();
  Verb verb = webhook.subcommand("manifests", "Print what install would apply; contacts nobody");
  add_spec(verb, *flags);
  verb.flag("--cert-manager", flags->cert_manager, "Certificates of cert-manager, not its own");
  verb.flag("--as-vap",
            flags->as_vap,
            "Instead of the webhook: the rules that need no look elsewhere, as "
            "ValidatingAdmissionPolicies");
  verb.footer(
      "Examples:\n  kubectl redis webhook manifests > webhook.yaml\n"
      "  kubectl redis webhook manifests --failure-policy Fail --cert-manager\n"
      "  kubectl redis webhook manifests --as-vap | kubectl apply -f -");
  verb.run(flags, run_manifests);
}

}  // namespace

void add_webhook(Verb& root) {
  Verb group = root.group("webhook", "Keep what anybody applies to Redis Clusters sound");
  group.footer(
      "Examples:\n"
      "  kubectl redis webhook install\n"
      "  kubectl redis webhook status\n"
      "  kubectl redis webhook manifests > webhook.yaml");
  add_install(group);
  add_uninstall(group);
  add_webhook_status(group);
  add_rotate(group);
  add_manifests(group);
}

}  // namespace kredis::plugin
