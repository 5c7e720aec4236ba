// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "plugin/command_line.hpp"
#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {

TEST_SUITE("plugin/command_line") {
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

  TEST_CASE("what cannot be read is wrong usage and says what to do") {
    struct Case {
      const char* label;
      std::vector<std::string> line;
      std::string said;
    };
    const std::vector<Case> cases{
        {"an unknown verb",
         {"frobnicate"},
         "error: there is no verb \"frobnicate\"\n  fix: see kubectl redis --help\n"},
        {"a verb that is nearly one",
         {"stauts"},
         "there is no verb \"stauts\"; did you mean status?"},
        {"a verb after a flag's value", {"-n", "web", "creat"}, "did you mean create?"},
        {"a verb below a verb",
         {"webhook", "instal"},
         "there is no verb \"instal\"; did you mean install?\n  fix: see kubectl redis webhook "
         "--help\n"},
        {"no verb below a verb", {"config"}, "kubectl redis config needs a verb: diff, apply"},
        {"no verb at all", {"-n", "web"}, "kubectl redis needs a verb: create, init, status"},
        {"an unknown flag",
         {"status", "--bogus-thing"},
         "error: there is no flag --bogus-thing\n  fix: see kubectl redis status --help\n"},
        {"a flag that is nearly one",
         {"delete", "--purge-dat"},
         "there is no flag --purge-dat; did you mean --purge-data?"},
        {"a flag of every verb", {"status", "--namespac=web"}, "did you mean --namespace?"},
        {"a misspelled flag that is required",
         {"nfs", "check", "--nfs-pat", "/x"},
         "there is no flag --nfs-pat; did you mean --nfs-path?"},
        {"one name too many",
         {"status", "shop", "other"},
         "kubectl redis status has no use for \"other\""},
        {"an output that the verb cannot print",
         {"version", "--client", "-o", "xml"},
         "--output: \"xml\" is none of text, json, yaml"},
        {"an output of other verbs",
         {"version", "--client", "-o", "wide"},
         "--output: \"wide\" is none of text, json, yaml"},
        {"a way that there is not",
         {"--via", "tunel", "status"},
         "--via: \"tunel\" is none of auto, direct, tunnel"},
        {"the number of a choice", {"--via", "1", "status"}, "--via: \"1\" is none of"},
        {"a dry run that there is not",
         {"delete", "--dry-run=maybe"},
         "--dry-run: \"maybe\" is none of none, client, server"},
        {"no duration",
         {"status", "--timeout", "soon"},
         "--timeout: \"soon\" is not a duration; write it like 30s, 5m or 1h30m"},
        {"finer than it can be",
         {"status", "--timeout", "1500us"},
         "--timeout: \"1500us\" is finer than a millisecond"},
        {"past the longest duration", {"status", "--timeout", "1001h"}, "is not a duration"},
        {"rights of a verb that needs none",
         {"rbac", "completion"},
         "is none of version, status, init"},
        {"a number out of its range",
         {"webhook", "manifests", "--replicas", "21"},
         "--replicas: Value 21 not in range"},
        {"a flag before the word drill",
         {"failover", "--dry-run", "drill", "--yes"},
         "failover drill takes no --dry-run, and its own flags follow the word drill"}};
    for (const Case& it : cases) {
      CAPTURE(it.label);
      const Ran ran = run_line(it.line);
      CHECK(ran.exit == ExitStatus::usage);
      CHECK(ran.out.empty());
      CAPTURE(ran.err);
      CHECK(contains(ran.err, it.said));
      CHECK(contains(ran.err, "--help"));
    }
  }

  TEST_CASE("flags of every verb are read before and after it") {
    std::ostringstream unused;
    for (const std::vector<std::string>& line :
         {std::vector<std::string>{"--via=tunnel", "--request-timeout", "1m30s", "status"},
          {"status", "--via", "tunnel", "--request-timeout=90"}}) {
      const Invocation read = parse_command_line(line, unused, unused);
      REQUIRE(read.operation);
      CHECK(read.options.via == redis::Via::tunnel);
      CHECK(read.options.request_timeout == std::chrono::seconds(90));
      CHECK(read.options.color == ColourWish::auto_);
    }
  }

  TEST_CASE("the longest duration is taken") {
    std::ostringstream unused;
    CHECK(parse_command_line({"status", "--timeout", "1000h"}, unused, unused).operation);
  }

  TEST_CASE("what a client may wait for is also less than a millisecond") {
    std::ostringstream unused;
    CHECK(parse_command_line({"rebalance", "--max-latency", "200us"}, unused, unused).operation);
  }

  TEST_CASE("defaults are told in the help as they are written") {
    struct Case {
      const char* label;
      std::vector<std::string> line;
      std::string said;
    };
    const std::vector<Case> cases{
        {"seconds", {"status", "--help"}, "--timeout DURATION=15s"},
        {"minutes", {"create", "--help"}, "--timeout DURATION=5m"},
        {"a choice", {"create", "--help"}, "--layout {statefulset,deployment}=statefulset"},
        {"a choice without default", {"create", "--help"}, "--external {NodePort,LoadBalancer}\n"},
        {"what a verb prints", {"lint", "--help"}, "-o,--output {text,json,sarif,junit}=text"},
        {"a flag with or without value",
         {"config", "apply", "--help"},
         "--dry-run [=none|client|server]"},
        {"a number that is no default", {"nfs", "check", "--help"}, "--mount-port INT:"}};
    for (const Case& it : cases) {
      CAPTURE(it.label);
      const Ran ran = run_line(it.line);
      CAPTURE(ran.out);
      CHECK(contains(ran.out, it.said));
    }
  }

  TEST_CASE("--dry-run alone is the client's, and takes no name away") {
    for (const char* word : {"--dry-run", "--dry-run=client"}) {
      CAPTURE(word);
      const Ran ran =
          run_line({"create", word, "shop", "-o", "name", "--kubeconfig", "/nonexistent"});
      CHECK(ran.exit == ExitStatus::done);
      CHECK(contains(ran.out, "statefulset.apps/shop"));
    }
    CHECK(run_line({"create", "--dry-run=none", "--kubeconfig", "/nonexistent"}).exit !=
          ExitStatus::done);
  }

  TEST_CASE("every verb that changes something takes --dry-run") {
    for (const std::vector<std::string>& verb : {std::vector<std::string>{"create"},
                                                 {"init"},
                                                 {"delete"},
                                                 {"failover"},
                                                 {"failover", "drill"},
                                                 {"config", "apply"},
                                                 {"toolbox"},
                                                 {"webhook", "install"},
                                                 {"webhook", "uninstall"},
                                                 {"webhook", "rotate-certs"}}) {
      for (const char* word : {"--dry-run", "--dry-run=client", "--dry-run=server"}) {
        std::vector<std::string> line = verb;
        line.emplace_back(word);
        std::ostringstream out;
        std::ostringstream err;
        CHECK(parse_command_line(line, out, err).operation);
        CHECK(err.str().empty());
      }
    }
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

  TEST_CASE("errors are JSON when JSON was asked for") {
    const Ran ran = run_line({"status", "-o", "json", "--kubeconfig", "/nonexistent"});
    CHECK(ran.exit != ExitStatus::done);
    CHECK(contains(ran.err, "\"code\""));
    CHECK(ran.out.empty());
  }
}

}  // namespace kredis::plugin
