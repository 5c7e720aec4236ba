// SPDX-License-Identifier: Apache-2.0
#include "plugin/command_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <sstream>

#include <CLI/CLI.hpp>

#include "plugin/commands/complete.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/render/error_text.hpp"
#include "plugin/terminal/interrupt.hpp"

namespace kredis::plugin {
namespace {

constexpr const char* k_about =
    "Installs, initialises and looks after Redis Clusters on Kubernetes.\n\n"
    "  kubectl redis create              nothing becomes a healthy cluster of six nodes\n"
    "  kubectl redis status              who is master of what, where, and what is wrong\n"
    "  kubectl redis init --selector L   initialise pods that something else created\n"
    "  kubectl redis failover --node N   hand masters over to replicas, on purpose\n"
    "  kubectl redis cli                 redis-cli on the right pod\n"
    "  kubectl redis toolbox             a shell beside the cluster\n"
    "  kubectl redis webhook install     keep what others apply sound\n"
    "  kubectl redis delete              remove it; its data stays unless you say otherwise\n\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 findings or a refusal.";

void add_global_flags(CLI::App& root, GlobalOptions& options) {
  const std::string group = "Flags of every verb";
  root.add_option("-n,--namespace", options.namespace_, "Namespace of the cluster")->group(group);
  root.add_option("--kubeconfig", options.kubeconfig, "Path of the kubeconfig file")->group(group);
  root.add_option("--context", options.context, "Context of the kubeconfig to use")->group(group);
  root.add_option("--cluster", options.cluster, "Cluster entry of the kubeconfig to use")
      ->group(group);
  root.add_option("--user", options.user, "User entry of the kubeconfig to use")->group(group);
  root.add_option("-s,--server", options.server, "Address of the API server")->group(group);
  root.add_option("--as", options.as, "User to impersonate")->group(group);
  root.add_option("--as-group", options.as_groups, "Group to impersonate; may be repeated")
      ->group(group);
  root.add_option("--request-timeout",
                  options.request_timeout,
                  "Longest time for one request, such as 30s; 0 for the default")
      ->group(group);
  root.add_option("--via", options.via, "How Redis is reached: auto, direct or tunnel")
      ->check(CLI::IsMember({"auto", "direct", "tunnel"}))
      ->group(group);
  root.add_option("--color", options.color, "Colour: auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(group);
}

/// The first word that is not a flag and not a verb, where a verb was expected; empty otherwise.
std::string unknown_verb(const CLI::App& root, const std::vector<std::string>& arguments) {
  const auto word = std::find_if(arguments.begin(), arguments.end(), [](const std::string& each) {
    return each.empty() || each.front() != '-';
  });
  return root.get_subcommands().empty() && word != arguments.end() ? *word : "";
}

/// CLI11 words a mistake well but does not say what to do next.
std::string parse_mistake(const CLI::App& root,
                          const std::vector<std::string>& arguments,
                          const CLI::ParseError& error) {
  if (const std::string word = unknown_verb(root, arguments); !word.empty()) {
    return "there is no verb \"" + word + "\"\n  fix: see kubectl redis --help\n";
  }
  std::string verb;
  for (const CLI::App* app = &root; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    verb += " " + app->get_name();
  }
  return std::string(error.what()) + "\n  fix: see kubectl redis" + verb + " --help\n";
}

/// Takes what follows "--" away from the words of a verb that runs it elsewhere; to the parser it
/// would be more names.
std::vector<std::string> split_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const auto runs_commands = [](const std::string& word) {
    return word == "cli" || word == "toolbox";
  };
  if (dashes == arguments.end() || !std::any_of(arguments.begin(), dashes, runs_commands)) {
    return {};
  }
  std::vector<std::string> command(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return command;
}

/// Global flags may stand after a verb, and an error has to know the verb's own -o.
void finish_verb(CLI::App& verb, Invocation& invocation) {
  verb.fallthrough();
  if (CLI::Option* output = verb.get_option_no_throw("--output")) {
    output->each(
        [&invocation](const std::string& text) { invocation.options.error_output = text; });
  }
  for (CLI::App* sub : verb.get_subcommands([](CLI::App*) { return true; })) {
    finish_verb(*sub, invocation);
  }
}

std::vector<std::string> names_in(ports::KubePort& kube,
                                  const ports::ResourcePath& path,
                                  const std::string& selector,
                                  const Json::json_pointer& name) {
  std::vector<std::string> names;
  if (const auto list = kube.list(path, {.label_selector = selector})) {
    for (const Json& item : list->at("items")) {
      names.push_back(item.value(name, std::string()));
    }
  }
  return names;
}

/// What the server knows, for completion; nothing where it cannot be asked.
CompletionSources sources_of(Session& session) {
  return {.clusters = [&session]() -> std::vector<std::string> {
            const auto kube = session.kube();
            const auto namespace_ = session.namespace_name();
            if (!kube || !namespace_) {
              return {};
            }
            return names_in(**kube,
                            {{"apps/v1", "statefulsets"}, *namespace_},
                            "app.kubernetes.io/managed-by=kubectl-redis",
                            Json::json_pointer("/metadata/labels/app.kubernetes.io~1instance"));
          },
          .namespaces = [&session]() -> std::vector<std::string> {
            const auto kube = session.kube();
            return kube ? names_in(**kube,
                                   {{"v1", "namespaces"}, ""},
                                   "",
                                   Json::json_pointer("/metadata/name"))
                        : std::vector<std::string>{};
          }};
}

/// `__complete WORDS...`: what kubectl_complete-redis runs.
Operation completion_of(const std::vector<std::string>& words) {
  return [words](Session& session) -> Result<ExitStatus> {
    CLI::App root;
    Invocation unused;
    build_command_line(root, unused);
    session.out() << complete(root, words, sources_of(session));
    return ExitStatus::done;
  };
}

bool wants_json(const GlobalOptions& options) { return options.error_output == "json"; }

}  // namespace

void build_command_line(CLI::App& root, Invocation& invocation) {
  root.name("kubectl redis");
  root.set_help_flag("-h,--help", "Show this help");
  root.require_subcommand(1);
  root.get_formatter()->column_width(34);
  add_global_flags(root, invocation.options);
  add_create(root, invocation.operation);
  add_init(root, invocation.operation);
  add_status(root, invocation.operation);
  add_delete(root, invocation.operation);
  add_rbac(root, invocation.operation);
  add_failover(root, invocation.operation);
  add_config(root, invocation.operation);
  add_cli(root, invocation.operation);
  add_toolbox(root, invocation.operation);
  add_nfs(root, invocation.operation);
  add_lint(root, invocation.operation);
  add_explain(root, invocation.operation);
  add_rules(root, invocation.operation);
  add_webhook(root, invocation.operation);
  add_policy(root, invocation.operation);
  add_version(root, invocation.operation);
  add_completion(root, invocation.operation);
  for (CLI::App* verb : root.get_subcommands([](CLI::App*) { return true; })) {
    finish_verb(*verb, invocation);
  }
}

Invocation parse_command_line(const std::vector<std::string>& arguments,
                              std::ostream& out,
                              std::ostream& err) {
  Invocation invocation;
  CLI::App root{k_about};
  build_command_line(root, invocation);
  if (arguments.empty()) {
    out << root.help();
    return invocation;
  }
  if (arguments.front() == "__complete") {
    invocation.operation = completion_of({arguments.begin() + 1, arguments.end()});
    invocation.options.request_timeout = "3s";
    return invocation;
  }
  std::vector<std::string> words = arguments;
  invocation.options.command = split_command(words);
  try {
    // CLI11 takes its arguments in reverse.
    root.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    out << root.help();  // Of the verb that was chosen.
    invocation.operation = {};
  } catch (const CLI::ParseError& error) {
    err << "error: " << parse_mistake(root, arguments, error);
    invocation.operation = {};
    invocation.exit = ExitStatus::usage;
  }
  return invocation;
}

ExitStatus run(const Invocation& invocation, std::ostream& out, std::ostream& err) {
  if (!invocation.operation) {
    return invocation.exit;
  }
  Session session(invocation.options, out, err);
  const Result<ExitStatus> result = invocation.operation(session);
  session.progress().clear();
  out.flush();
  if (interrupted()) {
    return ExitStatus::refused;
  }
  if (result) {
    return *result;
  }
  const TextStyle style = session.error_style();
  err << (wants_json(invocation.options) ? render_error_json(result.error())
                                         : render_error(result.error(), style));
  return core::traits(result.error().code).exit;
}

}  // namespace kredis::plugin
