// SPDX-License-Identifier: Apache-2.0
//
// `cli` and `toolbox`: which pod and which words kubectl is given. kubectl itself is a script that
// writes down what it was called with.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/redis_servers.hpp"
#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

/// Puts a kubectl of its own on the PATH, for as long as it lives.
class ScriptedKubectl {
 public:
  explicit ScriptedKubectl(int exit) {
    const std::string program = folder_.path() + "/kubectl";
    std::ofstream(program) << "#!/bin/sh\nfor word in \"$@\"; do printf '%s ' \"$word\"; done >>"
                           << calls_file() << "\necho taken\nexit " << exit << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    ::setenv("PATH", (folder_.path() + ":" + before_).c_str(), 1);
  }
  ~ScriptedKubectl() { ::setenv("PATH", before_.c_str(), 1); }
  ScriptedKubectl(const ScriptedKubectl&) = delete;
  ScriptedKubectl& operator=(const ScriptedKubectl&) = delete;

  std::string calls() const {
    std::ifstream file(calls_file());
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string calls_file() const { return folder_.path() + "/calls"; }

  TemporaryDirectory folder_;
  std::string before_ = std::getenv("PATH");
};

Json secret(const std::string& name, const Json& data) {
  return {{"metadata", {{"name", name}, {"namespace", "shop"}}}, {"data", data}};
}

}  // namespace

TEST_SUITE("verbs/cli and toolbox") {
  TEST_CASE("cli opens redis-cli on the pod that is meant, and ends as it ended") {
    struct Row {
      std::string label;
      Words words;
      std::vector<std::string> calls;
    };
    const std::vector<Row> rows{
        {"any master",
         {"cli"},
         {"exec --quiet --stdin --namespace=shop --container=redis redis-app-"}},
        {"a pod", {"cli", "redis-app-3"}, {"redis-app-3 -- "}},
        {"a pod of a cluster", {"cli", "redis", "redis-app-5"}, {"redis-app-5 -- "}},
        {"by its flag", {"cli", "--pod", "redis-app-4"}, {"redis-app-4 -- "}},
        {"the master of a key", {"cli", "--key", "foo"}, {"redis-app-2 -- "}},
        {"a command", {"cli", "redis-app-0", "--", "CLUSTER", "INFO"}, {"CLUSTER INFO"}},
        {"as whom", {"cli", "--as", "jane"}, {"--as=jane exec"}}};
    for (const Row& row : rows) {
      CAPTURE(row.label);
      const auto bed = VerbBed::whole();
      const ScriptedKubectl kubectl(7);
      const Ran ran = bed->run(row.words);
      CHECK(ran.exit == static_cast<ExitStatus>(7));
      CHECK(ran.err == "");
      check_says(kubectl.calls(), row.calls);
      CHECK(bed->kube.changes.empty());
    }
  }

  TEST_CASE("a password that the pod does not know is on no command line") {
    const auto bed = VerbBed::whole();
    bed->kube.put("secrets", secret("redis-auth", {{"password", "Z2VoZWlt"}}));
    const ScriptedKubectl kubectl(0);
    check_run(*bed, {"cli", "redis-app-0", "--auth-secret", "redis-auth"}, ExitStatus::done);
    CHECK_FALSE(contains(kubectl.calls(), "geheim"));
    CHECK_FALSE(contains(kubectl.calls(), "Z2VoZWlt"));
    CHECK(kubectl.calls().find("exec") != kubectl.calls().rfind("exec"));
  }

  TEST_CASE("cli says why it cannot open a session") {
    const std::vector<Refusal> rows{
        {.label = "neither cluster nor pod",
         .words = {"cli", "web"},
         .says = {"there is neither a cluster nor a pod web in namespace shop"},
         .exit = ExitStatus::failed},
        {.label = "a key and a pod",
         .words = {"cli", "--key", "foo", "--pod", "redis-app-0"},
         .says = {"--key chooses a pod, and one was named"},
         .exit = ExitStatus::usage},
        {.label = "no such pod",
         .words = {"cli", "redis", "redis-app-9"},
         .says = {"pods \"redis-app-9\" not found"},
         .exit = ExitStatus::failed},
        {.label = "no right to exec",
         .words = {"cli"},
         .given = [](VerbBed& bed) { bed.kube.forbidden = {"create pods/exec"}; },
         .says = {"this user may not create pods/exec in namespace shop"},
         .exit = ExitStatus::failed},
        {.label = "a pod that does not run",
         .words = {"cli", "redis-app-0"},
         .given =
             [](VerbBed& bed) {
               bed.edit("pods", "redis-app-0", [](Json& pod) {
                 pod["status"] = {{"phase", "Pending"}};
               });
             },
         .says = {"redis-app-0 does not run"}},
        {.label = "certificates that the pod has not",
         .words = {"cli", "redis-app-0", "--tls-secret", "redis-tls"},
         .says = {"redis-tls"}},
        {.label = "a cluster that nobody answers for",
         .words = {"cli"},
         .given =
             [](VerbBed& bed) {
               for (int i = 0; i < 6; ++i) {
                 bed.silence("redis-app-" + std::to_string(i));
               }
             },
         .says = {"does not answer"},
         .exit = ExitStatus::failed}};
    for (const Refusal& row : rows) {
      const auto bed = VerbBed::whole();
      const ScriptedKubectl kubectl(0);
      check_refusal(row, *bed);
      CHECK(kubectl.calls() == "");
    }
  }

  TEST_CASE("toolbox makes a pod, opens a shell in it and takes it away") {
    const auto bed = VerbBed::whole();
    const ScriptedKubectl kubectl(4);
    const Ran ran = bed->run({"toolbox", "--", "redis-cli", "CLUSTER", "NODES"});
    CHECK(ran.exit == static_cast<ExitStatus>(4));
    check_says(kubectl.calls(), {"--container=toolbox redis-toolbox-", "redis-cli CLUSTER NODES"});
    REQUIRE(bed->kube.changes.size() == 2);
    CHECK(contains(bed->kube.changes.front(), "create pods/redis-toolbox-"));
    CHECK(contains(bed->kube.changes.back(), "delete pods/redis-toolbox-"));
  }

  TEST_CASE("toolbox --dry-run prints the pod and makes none") {
    const auto bed = VerbBed::whole();
    for (const char* how : {"--dry-run=client", "--dry-run=server"}) {
      CAPTURE(std::string(how));
      check_run(*bed,
                {"toolbox", how, "--image", "redis:7.2"},
                ExitStatus::done,
                {"kind: Pod", "image: redis:7.2", "redis-service"});
    }
    CHECK(bed->kube.changes.size() == 1);  // The server's.
    CHECK(bed->restarts().empty());
  }

  TEST_CASE("toolbox says what is missing, and a pod that never starts is taken away") {
    const auto bed = VerbBed::whole();
    check_refusal({.label = "no cluster",
                   .words = {"toolbox", "nope"},
                   .says = {"there is no cluster nope in namespace shop"},
                   .exit = ExitStatus::failed},
                  *bed);
    bed->pods_get_ready = false;
    const Ran ran = check_run(*bed, {"toolbox", "--timeout", "10s"}, ExitStatus::failed);
    check_says(ran.err, {"0 of 1 pods became ready in time", "redis-toolbox-"});
    CHECK(bed->restarts().size() == 1);
    bed->kube.forbidden = {"create pods"};
    check_refusal({.label = "no right",
                   .words = {"toolbox"},
                   .says = {"this user may not create pods in namespace shop"},
                   .exit = ExitStatus::failed},
                  *bed);
  }
}

}  // namespace kredis::tests
