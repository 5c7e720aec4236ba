// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "plugin/command_line.hpp"
#include "plugin/commands/complete.hpp"
#include "plugin/commands/create_options.hpp"

namespace kredis::plugin {
namespace {

struct Ran {
  ExitStatus exit;
  std::string out;
  std::string err;
};

Ran run_line(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const Invocation invocation = parse_command_line(arguments, out, err);
  const ExitStatus exit = run(invocation, out, err);
  return {exit, out.str(), err.str()};
}

std::string complete_line(const std::vector<std::string>& words) {
  CLI::App root;
  Invocation unused;
  build_command_line(root, unused);
  return complete(root,
                  words,
                  {.clusters =
                       [] {
                         return std::vector<std::string>{"redis", "shop"};
                       },
                   .namespaces =
                       [] {
                         return std::vector<std::string>{"default", "web"};
                       }});
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("plugin/cli") {
  TEST_CASE("help is printed on stdout and starts its usage with kubectl redis") {
    const Ran ran = run_line({"--help"});
    CHECK(ran.exit == ExitStatus::done);
    CHECK(contains(ran.out, "Usage: kubectl redis"));
    CHECK(ran.err.empty());
  }

  TEST_CASE("a verb below a verb has help and mistakes of its own") {
    const Ran help = run_line({"config", "diff", "--help"});
    CHECK(contains(help.out, "Usage: kubectl redis config diff [OPTIONS]"));
    const Ran mistake = run_line({"nfs", "check", "--nfs-path", "/x"});
    CHECK(mistake.exit == ExitStatus::usage);
    CHECK(contains(mistake.err, "kubectl redis nfs check --help"));
    CHECK(run_line({"config"}).exit == ExitStatus::usage);
  }

  TEST_CASE("what follows -- is kept from the parser for verbs that run it") {
    std::ostringstream unused;
    const Invocation cli =
        parse_command_line({"cli", "-n", "web", "--", "GET", "-n", "--"}, unused, unused);
    CHECK(cli.options.command == std::vector<std::string>{"GET", "-n", "--"});
    CHECK(cli.options.namespace_ == "web");
    const Invocation status = parse_command_line({"status", "--", "shop"}, unused, unused);
    CHECK(status.options.command.empty());
    CHECK(unused.str().empty());
  }

  TEST_CASE("every verb has help with examples") {
    for (const std::string verb : {"create",
                                   "init",
                                   "status",
                                   "delete",
                                   "failover",
                                   "config",
                                   "cli",
                                   "toolbox",
                                   "nfs",
                                   "rbac",
                                   "version",
                                   "completion"}) {
      CAPTURE(verb);
      const Ran ran = run_line({verb, "--help"});
      CHECK(ran.exit == ExitStatus::done);
      CHECK(contains(ran.out, "kubectl redis " + verb));
      CHECK(contains(ran.out, "Example"));
    }
  }

  TEST_CASE("an unknown verb or flag is wrong usage and says where help is") {
    const Ran verb = run_line({"explode"});
    CHECK(verb.exit == ExitStatus::usage);
    CHECK(contains(verb.err, "explode"));
    CHECK(contains(verb.err, "--help"));
    const Ran flag = run_line({"status", "--no-such-flag"});
    CHECK(flag.exit == ExitStatus::usage);
    CHECK(contains(flag.err, "kubectl redis status --help"));
  }

  TEST_CASE("failover wants exactly one of pod, master, node and zone") {
    for (const std::vector<std::string>& line :
         {std::vector<std::string>{"failover"}, {"failover", "--pod", "a", "--node", "b"}}) {
      const Ran ran = run_line(line);
      CHECK(ran.exit == ExitStatus::usage);
      CHECK(contains(ran.err, "give one of --pod, --master, --node and --zone"));
    }
    CHECK(run_line({"failover", "--pod", "a", "--force", "--takeover"}).exit == ExitStatus::usage);
  }

  TEST_CASE("version --client contacts nobody") {
    const Ran ran = run_line({"version", "--client", "--kubeconfig", "/nonexistent"});
    CHECK(ran.exit == ExitStatus::done);
    CHECK(ran.out == std::string("kubectl redis ") + KREDIS_VERSION + "\n");
  }

  TEST_CASE("an output that a verb cannot print is refused with what it can") {
    const Ran ran = run_line({"version", "--client", "-o", "xml"});
    CHECK(ran.exit == ExitStatus::usage);
    CHECK(contains(ran.err, "json, yaml"));
  }

  TEST_CASE("errors are JSON when JSON was asked for") {
    const Ran ran = run_line({"status", "-o", "json", "--kubeconfig", "/nonexistent"});
    CHECK(ran.exit != ExitStatus::done);
    CHECK(contains(ran.err, "\"code\""));
    CHECK(ran.out.empty());
  }
}

TEST_SUITE("plugin/create_options") {
  TEST_CASE("pairs without an equals sign are refused by the flag's name") {
    CreateOptions options;
    options.settings = {"maxmemory"};
    const auto spec = spec_of(options, "default");
    REQUIRE_FALSE(spec.has_value());
    CHECK(contains(spec.error().message, "--set got \"maxmemory\""));
  }

  TEST_CASE("tolerations are read as kubectl taint writes them") {
    CreateOptions options;
    options.tolerations = {"dedicated=redis:NoSchedule", "spot"};
    const auto spec = spec_of(options, "default");
    REQUIRE(spec.has_value());
    REQUIRE(spec->tolerations.size() == 2);
    CHECK(spec->tolerations[0] ==
          manifest::Toleration{.key = "dedicated", .value = "redis", .effect = "NoSchedule"});
    CHECK(spec->tolerations[1] == manifest::Toleration{.key = "spot"});
  }

  TEST_CASE("a config file that is missing is refused by its path") {
    CreateOptions options;
    options.config_file = "/nonexistent/redis.conf";
    const auto spec = spec_of(options, "default");
    REQUIRE_FALSE(spec.has_value());
    CHECK(spec.error().code == ErrorCode::invalid_argument);
    CHECK(contains(spec.error().message, "/nonexistent/redis.conf"));
  }
}

TEST_SUITE("plugin/completion") {
  TEST_CASE("verbs are offered first, with descriptions") {
    const std::string text = complete_line({"st"});
    CHECK(contains(text, "status\t"));
    CHECK_FALSE(contains(text, "create"));
    CHECK(contains(text, ":4\n"));
  }

  TEST_CASE("names of clusters are offered where a verb takes one, and only once") {
    CHECK(complete_line({"status", "sh"}) == "shop\n:4\n");
    CHECK(complete_line({"status", "shop", ""}) == ":4\n");
    CHECK(complete_line({"rbac", "status", "sh"}) == "shop\n:4\n");
  }

  TEST_CASE("rbac is offered the verbs that need rights") {
    CHECK(complete_line({"rbac", "st"}) == "status\n:4\n");
    CHECK(complete_line({"rbac", "compl"}) == ":4\n");
  }

  TEST_CASE("values of flags are offered, namespaces by asking") {
    CHECK(complete_line({"create", "--layout", ""}) == "deployment\nstatefulset\n:4\n");
    CHECK(complete_line({"status", "-n", "w"}) == "web\n:4\n");
    CHECK(complete_line({"create", "--config", ""}) == ":0\n");
  }

  TEST_CASE("flags of the verb and of every verb are offered after a dash") {
    const std::string text = complete_line({"delete", "--"});
    CHECK(contains(text, "--purge-data\t"));
    CHECK(contains(text, "--namespace\t"));
    CHECK_FALSE(contains(text, "--masters"));
  }
}

}  // namespace kredis::plugin
