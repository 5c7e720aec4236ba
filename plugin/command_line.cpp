// SPDX-License-Identifier: Apache-2.0
#include "plugin/command_line.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <utility>

#include "plugin/commands/complete.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/render/error_text.hpp"
#include "plugin/terminal/terminal.hpp"
#include "plugin/terminal/text_style.hpp"
#include "shared/core/labels.hpp"

namespace kredis::plugin {
namespace {

constexpr const char* k_about =
    "Installs, initialises and looks after Redis Clusters on Kubernetes.\n\n"
    "  kubectl redis create              nothing becomes a healthy cluster of six nodes\n"
    "  kubectl redis status              who is master of what, where, and what is wrong\n"
    "  kubectl redis doctor              every finding, worst first, and the plan that mends it\n"
    "  kubectl redis fix                 carries that plan out\n"
    "  kubectl redis init --selector L   initialise pods that something else created\n"
    "  kubectl redis scale --masters 5   more masters, or fewer, while clients write\n"
    "  kubectl redis failover --node N   hand masters over to replicas, on purpose\n"
    "  kubectl redis cli                 redis-cli on the right pod\n"
    "  kubectl redis toolbox             a shell beside the cluster\n"
    "  kubectl redis webhook install     keep what others apply sound\n"
    "  kubectl redis delete              remove it; its data stays unless you say otherwise\n\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 findings or a refusal, "
    "130 after Ctrl-C.";

void add_global_flags(Verb& root, GlobalOptions& options) {
  root.section("Flags of every verb");
  root.option("-n,--namespace", options.namespace_, "Namespace of the cluster").kind("NAMESPACE");
  root.option("--kubeconfig", options.kubeconfig, "Path of the kubeconfig file").kind("FILE");
  root.option("--context", options.context, "Context of the kubeconfig to use");
  root.option("--cluster", options.cluster, "Cluster entry of the kubeconfig to use");
  root.option("--user", options.user, "User entry of the kubeconfig to use");
  root.option("-s,--server", options.server, "Address of the API server");
  root.option("--as", options.as, "User to impersonate");
  root.option("--as-group", options.as_groups, "Group to impersonate; may be repeated");
  root.option("--request-timeout",
              options.request_timeout,
              "Longest time for one request, such as 30s; 0 for the default");
  const Choices<redis::Via> ways = {
      {"auto", redis::Via::auto_}, {"direct", redis::Via::direct}, {"tunnel", redis::Via::tunnel}};
  root.choice("--via", options.via, ways, "How Redis is reached");
  const Choices<ColourWish> wishes = {
      {"auto", ColourWish::auto_}, {"always", ColourWish::always}, {"never", ColourWish::never}};
  root.choice("--color", options.color, wishes, "Colour");
  root.section("Options");
}

void add_verbs(Verb& root) {
  for (const auto add :
       {add_create, add_init,     add_status,  add_doctor,  add_fix,       add_delete,
        add_rbac,   add_failover, add_scale,   add_node,    add_rebalance, add_reshard,
        add_config, add_cli,      add_toolbox, add_nfs,     add_lint,      add_explain,
        add_rules,  add_webhook,  add_policy,  add_version, add_completion}) {
    add(root);
  }
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
            return names_in(
                **kube,
                {{"apps/v1", "statefulsets"}, *namespace_},
                core::managed_selector(),
                Json::json_pointer("/metadata/labels") / std::string(core::k_instance_label));
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
    session.out() << complete(describe_command_line(), words, sources_of(session));
    return ExitStatus::done;
  };
}

/// Declares everything; what is read goes to `invocation`, which has to stay where it is.
Parser parser_for(Invocation& invocation) {
  Parser parser("kubectl redis", k_about, invocation.operation);
  Verb root = parser.root();
  add_global_flags(root, invocation.options);
  add_verbs(root);
  return parser;
}

void read_line(const std::vector<std::string>& arguments,
               Invocation& invocation,
               std::ostream& out,
               std::ostream& err) {
  const std::unique_ptr<Terminal> terminal = system_terminal(out, err);
  const std::size_t columns = terminal->width(Stream::out);
  Parser parser = parser_for(invocation);
  if (arguments.empty()) {
    out << wrapped(parser.help(), columns) << std::flush;
    return;
  }
  std::vector<std::string> words = arguments;
  invocation.options.command = split_command(words);
  const Parsed parsed = parser.parse(words);
  invocation.options.error_output = parsed.output == "json" ? Output::json : Output::text;
  if (parsed.outcome == Parsed::Outcome::run) {
    return;
  }
  invocation.operation = {};
  if (parsed.outcome == Parsed::Outcome::help) {
    out << wrapped(parsed.text, columns) << std::flush;
  } else {
    terminal->err() << "error: " << parsed.text << std::flush;
    invocation.exit = ExitStatus::usage;
  }
}

/// Whether standard output is a pipe that nobody reads any more.
bool is_reader_gone() {
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/// `otherwise`, unless what was printed did not arrive: a full disk is no success. A reader that
/// has seen enough, as head has, is told nothing.
ExitStatus written_or(Session& session, ExitStatus otherwise) {
  errno = 0;
  if (session.out().flush()) {
    return otherwise;
  }
  const int reason = errno;
  if (reason != EPIPE && !is_reader_gone()) {
    session.err() << "error: cannot write to standard output"
                  << (reason == 0 ? "" : std::string(": ") + std::strerror(reason)) << "\n";
  }
  return otherwise == ExitStatus::done ? ExitStatus::failed : otherwise;
}

ExitStatus run_in(Session& session, const Invocation& invocation) {
  if (!invocation.operation) {
    return written_or(session, invocation.exit);
  }
  const Result<ExitStatus> result = invocation.operation(session);
  session.progress().clear();
  const ExitStatus shown = written_or(session, result ? *result : ExitStatus::failed);
  if (session.terminal().interrupted()) {
    return ExitStatus::cancelled;
  }
  if (result) {
    return shown;
  }
  session.err() << (invocation.options.error_output == Output::json
                        ? render_error_json(result.error())
                        : render_error(result.error(), session.error_style()));
  return core::traits(result.error().code).exit;
}

}  // namespace

VerbInfo describe_command_line() {
  Invocation unused;
  return parser_for(unused).root().info();
}

Invocation parse_command_line(const std::vector<std::string>& arguments,
                              std::ostream& out,
                              std::ostream& err) {
  Invocation invocation;
  if (!arguments.empty() && arguments.front() == "__complete") {
    invocation.operation = completion_of({arguments.begin() + 1, arguments.end()});
    invocation.options.request_timeout = std::chrono::seconds(3);
    return invocation;
  }
  read_line(arguments, invocation, out, err);
  return invocation;
}

ExitStatus run(const Invocation& invocation, std::ostream& out, std::ostream& err) {
  Session session(invocation.options, out, err);
  if (!out.flush()) {
    session.out().setstate(std::ios::badbit);  // Help is printed before there is a session.
  }
  return run_in(session, invocation);
}

ExitStatus run(const Invocation& invocation, Means means) {
  Session session(invocation.options, std::move(means));
  return run_in(session, invocation);
}

}  // namespace kredis::plugin
