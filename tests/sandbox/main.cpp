// SPDX-License-Identifier: Apache-2.0
//
// `sandbox`: a Kubernetes cluster to try things on, without root and in a second. Options are read
// here; what they start is in program/.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sandbox/program/commands.hpp"

namespace kredis::sandbox {
namespace {

using Operation = std::function<Status()>;

constexpr const char* k_examples = R"text(
Examples:
  eval "$(sandbox up --detach)"       start three nodes and point kubectl at them
  sandbox up --nodes 60               start a large one and keep it until Ctrl-C
  sandbox up --node a=north --node b=south
  sandbox node kill node-b            pull the plug of a node
  sandbox node partition node-a       cut a node off from the others
  sandbox drop redis-app-0 16379      as a firewall that forgot the bus port would
  sandbox kubeconfig --user eve >eve.conf
  sandbox down                        end it; nothing is left behind
)text";

void add_dir(CLI::App& verb, std::string& dir) {
  verb.add_option("--dir", dir, "The sandbox's folder")->capture_default_str();
}

void add_up(CLI::App& app, Operation& chosen) {
  auto options = std::make_shared<UpOptions>();
  CLI::App* verb =
      app.add_subcommand("up", "Start a sandbox; prints `export KUBECONFIG=...` once it is ready");
  add_dir(*verb, options->dir);
  auto* count = verb->add_option("--nodes", options->nodes, "How many nodes, over three zones")
                    ->check(CLI::Range(1, 1000))
                    ->capture_default_str();
  verb->add_option("--node", options->named_nodes, "A node by name, as NAME=ZONE; repeatable")
      ->excludes(count);
  verb->add_option("--port", options->port, "Port of the API server; 0 takes a free one")
      ->check(CLI::Range(0, 65'535));
  verb->add_option("--image",
                   options->images,
                   "What an image runs, as NAME=ROOTDIR; without it, this machine's programs");
  verb->add_flag(
      "--no-default-class",
      options->no_default_class,
      "Give claims without a storage class none, so that volumes made by hand serve them");
  verb->add_option("--eviction-after",
                   options->eviction_seconds,
                   "Delete the pods of a node that is silent for so many seconds")
      ->capture_default_str();
  auto* detach = verb->add_flag("--detach", options->detach, "Return once it runs");
  verb->add_option("--parent", options->parent, "End when this process ends (default: the caller)")
      ->excludes(detach);
  verb->callback([options, &chosen] { chosen = [options] { return run_up(*options); }; });
}

void add_node(CLI::App& app, Operation& chosen) {
  struct NodeOptions {
    std::string dir = default_dir();
    std::string action;
    std::vector<std::string> names;
  };
  auto options = std::make_shared<NodeOptions>();
  CLI::App* verb = app.add_subcommand("node", "Let nodes fail and come back");
  add_dir(*verb, options->dir);
  verb->add_option("ACTION",
                   options->action,
                   "kill, start, partition (these from the rest), heal, cordon, uncordon")
      ->required()
      ->check(CLI::IsMember({"kill", "start", "partition", "heal", "cordon", "uncordon"}));
  verb->add_option("NAME", options->names, "The nodes; `heal` needs none");
  verb->callback([options, &chosen] {
    chosen = [options] { return run_node(options->dir, options->action, options->names); };
  });
}

void add_drop(CLI::App& app, Operation& chosen) {
  auto options = std::make_shared<DropOptions>();
  CLI::App* verb = app.add_subcommand("drop", "Let nothing through to one port of a pod");
  add_dir(*verb, options->dir);
  verb->add_option("-n,--namespace", options->namespace_, "The pod's namespace")
      ->capture_default_str();
  verb->add_option("POD", options->pod, "The pod")->required();
  verb->add_option("PORT", options->port, "The port; 0 lets everything through again")->required();
  verb->callback([options, &chosen] { chosen = [options] { return run_drop(*options); }; });
}

void add_kubeconfig(CLI::App& app, Operation& chosen) {
  auto options = std::make_shared<KubeconfigOptions>();
  CLI::App* verb =
      app.add_subcommand("kubeconfig", "Print a kubeconfig, for an administrator or for --user");
  add_dir(*verb, options->dir);
  verb->add_option("--user", options->user, "A user, who may do nothing until a role is bound");
  verb->add_option("--group", options->groups, "A group of that user; repeatable");
  verb->callback([options, &chosen] { chosen = [options] { return run_kubeconfig(*options); }; });
}

void add_plain(CLI::App& app, Operation& chosen) {
  auto dir = std::make_shared<std::string>(default_dir());
  CLI::App* status = app.add_subcommand("status", "Show the nodes and what runs on them");
  add_dir(*status, *dir);
  status->callback([dir, &chosen] { chosen = [dir] { return run_status(*dir); }; });
  CLI::App* down = app.add_subcommand("down", "End the sandbox and wait until it is gone");
  add_dir(*down, *dir);
  down->callback([dir, &chosen] { chosen = [dir] { return run_down(*dir); }; });
}

int report(const Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  if (!error.hint.empty()) {
    std::fprintf(stderr, "  fix: %s\n", error.hint.c_str());
  }
  return static_cast<int>(core::traits(error.code).exit);
}

}  // namespace
}  // namespace kredis::sandbox

int main(int argc, char** argv) {
  using namespace kredis;  // NOLINT(google-build-using-namespace): one function, the outermost.
  CLI::App app{
      "A small Kubernetes of its own: a real API server, and pods that are real processes"};
  app.name("sandbox");
  app.footer(sandbox::k_examples);
  app.require_subcommand(1);
  sandbox::Operation chosen;
  sandbox::add_up(app, chosen);
  sandbox::add_node(app, chosen);
  sandbox::add_drop(app, chosen);
  sandbox::add_kubeconfig(app, chosen);
  sandbox::add_plain(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitStatus::usage);
  }
  const Status done = chosen();
  return done ? static_cast<int>(ExitStatus::done) : sandbox::report(done.error());
}
