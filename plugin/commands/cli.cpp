// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis cli`: redis-cli inside the pod that one means, with TLS and AUTH set up.
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/exec/pod_command.hpp"
#include "plugin/operations/exec/redis_session.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "plugin/render/reply_text.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/core/choose_pod.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {
namespace {

struct CliFlags {
  std::string name = {};
  std::string selector = {};
  std::string pod_word = {};  ///< The pod without --pod in front.
  std::string pod = {};
  std::optional<std::string> key = {};
  bool all = false;
  observe::RedisAccess access = {};
  std::chrono::milliseconds timeout = std::chrono::seconds(15);
};

/// The cluster, and the pod where one was named.
struct Aim {
  observe::Located located;
  std::string pod = {};
};

/// One word alone may be a cluster or a pod; a cluster wins.
Result<Aim> aim_of(const CliFlags& options, ports::KubePort& kube, const std::string& namespace_) {
  const std::string pod = options.pod.empty() ? options.pod_word : options.pod;
  if (!options.selector.empty()) {
    KREDIS_TRY(observe::Located located,
               observe::locate_by_selector(kube, namespace_, options.selector));
    return Aim{.located = std::move(located), .pod = pod};
  }
  if (options.name.empty() && !pod.empty()) {
    KREDIS_TRY(observe::Located located, observe::locate_by_pod(kube, namespace_, pod));
    return Aim{.located = std::move(located), .pod = pod};
  }
  const std::string name = options.name.empty() ? "redis" : options.name;
  auto located = observe::locate(kube, namespace_, name);
  if (located) {
    return Aim{.located = std::move(*located), .pod = pod};
  }
  if (located.error().code != ErrorCode::not_found || options.name.empty() || !pod.empty() ||
      options.key) {
    return located.error();
  }
  auto owner = observe::locate_by_pod(kube, namespace_, name);
  if (!owner) {
    return owner.error().code == ErrorCode::not_found
               ? Error::not_found("there is neither a cluster nor a pod " + name +
                                  " in namespace " + namespace_)
                     .with_hint("kubectl redis status -A lists the clusters that there are")
               : owner.error();
  }
  return Aim{.located = std::move(*owner), .pod = name};
}

Result<std::string> pod_of(const CliFlags& options,
                           const Aim& aim,
                           Session& session,
                           ports::Deadline deadline) {
  if (!aim.pod.empty()) {
    return aim.pod;
  }
  KREDIS_TRY(const core::ClusterView view, look_at(session, aim.located, options.access, deadline));
  KREDIS_TRY(const core::Member* member, core::choose_pod(view, options.key));
  return member->pod.name;
}

/// How the session logs in, and who keeps the password for it meanwhile.
struct HandedOver {
  Login login = {};
  std::unique_ptr<PodHelper> keeper = {};
};

/// Where the container does not know the password, it is handed over on a way that nobody sees.
Result<HandedOver> log_in(ports::KubePort& kube,
                          const Session& session,
                          const observe::Located& located,
                          const RedisContainer& container,
                          const observe::RedisAccess& access) {
  if (container.knows_password || access.auth_secret.empty()) {
    return HandedOver{.login = {.user = access.user}};
  }
  KREDIS_TRY(const observe::Credentials credentials,
             observe::read_credentials(kube, located.namespace_, access));
  Login login{.user = credentials.user, .secret_file = secret_file_name()};
  auto keeper = start_in_pod(session.options(),
                             {.namespace_ = located.namespace_,
                              .pod = container.pod,
                              .container = container.name,
                              .command = keep_secret_command(login.secret_file),
                              .input = credentials.password});
  if (!keeper && keeper.error().code != ErrorCode::conflict) {
    return keeper.error();
  }
  if (!keeper) {
    return Error::conflict("the password could not be handed to pod " + container.pod)
        .with_hint("use a pod that has it: kubectl redis toolbox " + located.name);
  }
  return HandedOver{.login = std::move(login), .keeper = std::move(*keeper)};
}

/// One command on every pod, over connections of our own. Fails where one refuses or is silent.
Result<ExitStatus> run_on_all(const CliFlags& options, const Aim& aim, Session& session) {
  if (!aim.pod.empty() || options.key) {
    return Error::invalid_argument("--all is every pod, and one was named")
        .with_hint("leave out one of the two");
  }
  if (session.options().command.empty()) {
    return Error::invalid_argument("--all needs a command")
        .with_hint("put it behind --, as in: kubectl redis cli --all -- CONFIG GET save");
  }
  KREDIS_TRY(const auto reached, reach(session, aim.located, options.access));
  observe::Cluster& cluster = reached->cluster;
  const ports::Deadline deadline = session.clock().now() + options.timeout;
  KREDIS_CHECK(cluster.look(observe::Ask::topology, deadline));
  const auto answers = cluster.switchboard().ask_all({session.options().command}, deadline);
  ExitStatus exit = ExitStatus::done;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool refused = !answers[i] || answers[i]->front().is_error();
    exit = refused ? ExitStatus::failed : exit;
    session.out() << session.style().bold(cluster.view().members[i].pod.name) << "\n"
                  << (answers[i] ? reply_text(answers[i]->front()) : answers[i].error().message)
                  << "\n";
  }
  return exit;
}

Result<ExitStatus> run_cli(const CliFlags& options, Session& session) {
  if (options.key && !(options.pod.empty() && options.pod_word.empty())) {
    return Error::invalid_argument("--key chooses a pod, and one was named")
        .with_hint("leave out one of the two");
  }
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  KREDIS_TRY(const Aim aim, aim_of(options, *kube, namespace_));
  if (options.all) {
    return run_on_all(options, aim, session);
  }
  KREDIS_TRY(const std::string pod,
             pod_of(options, aim, session, session.clock().now() + options.timeout));
  KREDIS_TRY(const Json object, kube->get({{"v1", "pods"}, namespace_, pod}));
  const observe::RedisAccess access =
      observe::find_access(*kube, namespace_, aim.located.workload, options.access);
  KREDIS_TRY(const RedisContainer container,
             redis_container(object, observe::Processes(*kube, namespace_).of(object), access));
  KREDIS_CHECK(require_permissions(*kube, {{"create", "", "pods/exec", namespace_}}));
  on_interrupt(stop_pod_command);
  KREDIS_TRY(const HandedOver handed, log_in(*kube, session, aim.located, container, access));
  KREDIS_TRY(
      const int exit,
      run_in_pod(session.options(),
                 {.namespace_ = namespace_,
                  .pod = pod,
                  .container = container.name,
                  .command = cli_command(container, handed.login, session.options().command)}));
  return static_cast<ExitStatus>(exit);
}

}  // namespace

void add_cli(Verb& root) {
  const auto flags = std::make_shared<CliFlags>();
  Verb verb = root.subcommand("cli", "Open redis-cli on the right pod, or run a command there");
  const Flag name =
      verb.positional("NAME", flags->name, "Name of the cluster (default: redis), or of a pod");
  add_selector(verb, flags->selector, name);
  verb.positional("POD", flags->pod_word, "The pod, like --pod");
  verb.option("--pod", flags->pod, "The pod to talk to (default: any master)");
  verb.option("--key", flags->key, "Talk to the master that serves this key");
  verb.flag("--all", flags->all, "Run the command behind -- on every pod, without redis-cli");
  add_access(verb, flags->access);
  add_timeout(verb, flags->timeout, "Longest time to find the pod");
  verb.footer(
      "What follows -- goes to redis-cli. The session follows the cluster's redirects. TLS and the\n"
      "password come from what the pod has; no secret is on a command line. Needs kubectl on the\n"
      "PATH. Exit status: that of redis-cli.\n\n"
      "Examples:\n"
      "  kubectl redis cli                            # a session on any master\n"
      "  kubectl redis cli redis-app-3                # on this pod\n"
      "  kubectl redis cli --key user:42              # on the master that serves the key\n"
      "  kubectl redis cli shop -n web -- CLUSTER INFO\n"
      "  kubectl redis cli --all -- CONFIG GET maxmemory");
  verb.run(flags, run_cli);
}

}  // namespace kredis::plugin
