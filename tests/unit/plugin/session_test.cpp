// SPDX-License-Identifier: Apache-2.0
//
// What `cli` and `toolbox` run, as words and objects.
#include <doctest/doctest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "plugin/operations/exec/pod_command.hpp"
#include "plugin/operations/exec/redis_session.hpp"
#include "plugin/operations/exec/toolbox_pod.hpp"

namespace kredis::plugin {
namespace {

Json running_pod() {
  return Json::parse(R"({
    "metadata": {"name": "redis-app-0"},
    "spec": {
      "volumes": [{"name": "certs", "secret": {"secretName": "redis-tls"}}],
      "containers": [
        {"name": "exporter", "ports": [{"containerPort": 9121}]},
        {"name": "server", "ports": [{"containerPort": 6379}],
         "env": [{"name": "REDISCLI_AUTH", "valueFrom": {"secretKeyRef": {"name": "a", "key": "password"}}}],
         "volumeMounts": [{"name": "certs", "mountPath": "/certs"}]}]},
    "status": {"phase": "Running", "podIP": "10.0.0.1",
      "containerStatuses": [{"name": "exporter", "state": {"running": {}}}, {"name": "server", "state": {"running": {}}}]}})");
}

observe::RedisProcess process_of(const Json& pod) {
  return observe::read_process(observe::as_workload(pod), {});
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_SUITE("plugin/session") {
  TEST_CASE("kubectl is told which cluster and as whom, and the command comes last") {
    GlobalOptions options;
    options.context = "blue";
    options.as = "jane";
    const auto words =
        kubectl_words(options,
                      {.namespace_ = "web", .pod = "p", .container = "c", .command = {"ls", "-l"}},
                      Tty::yes);
    CHECK(words == std::vector<std::string>{"kubectl",
                                            "--context=blue",
                                            "--as=jane",
                                            "exec",
                                            "--quiet",
                                            "--stdin",
                                            "--tty",
                                            "--namespace=web",
                                            "--container=c",
                                            "p",
                                            "--",
                                            "ls",
                                            "-l"});
    CHECK_FALSE(has(kubectl_words(options, {.pod = "p"}, Tty::no), "--tty"));
  }

  TEST_CASE("the container with the Redis port is taken, with what it has") {
    const auto found =
        redis_container(running_pod(), process_of(running_pod()), {.tls_secret = "redis-tls"});
    REQUIRE(found);
    CHECK(found->name == "server");
    CHECK(found->address == "10.0.0.1");
    CHECK(found->knows_password);
    CHECK(found->tls.ca == "/certs/ca.crt");
    CHECK(found->tls.key == "/certs/tls.key");
  }

  TEST_CASE("a pod without the certificates is refused, and one that does not run") {
    const auto refused =
        redis_container(running_pod(), process_of(running_pod()), {.tls_secret = "other-tls"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("other-tls") != std::string::npos);
    Json pending = running_pod();
    pending["status"] = {{"phase", "Pending"}};
    const auto stopped = redis_container(pending, process_of(pending), {});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().message.find("redis-app-0 does not run") != std::string::npos);
  }

  TEST_CASE("redis-cli is given the address and what the user said, and no secret") {
    const RedisContainer container{
        .pod = "p", .name = "c", .address = "10.0.0.1", .tls = {.ca = "/certs/ca.crt"}};
    const auto words = cli_command(container, {.secret_file = secret_file_name()}, {"GET", "k"});
    CHECK(words.back() == "k");
    CHECK(has(words, "10.0.0.1"));
    CHECK(has(words, "/certs/ca.crt"));
    CHECK(secret_file_name() != secret_file_name());
  }

  TEST_CASE("the file of the password goes whatever becomes of the session") {
    const auto words = keep_secret_command(secret_file_name());
    const std::string& name = words.back();
    const std::string keep = "sh -c \"$KEEP\" kubectl-redis " + name;
    const std::string at = "for f in /dev/shm/" + name + " /tmp/" + name + "; do ";
    REQUIRE(::setenv("KEEP", words.at(2).c_str(), 1) == 0);
    struct Case {
      const char* label;
      std::string end;  ///< What becomes of the keeper, $k, once the file is there.
    };
    const Case cases[] = {
        {"the session takes it", at + "rm -f $f; done; wait $k || exit 4"},
        {"the keeper is told to end", "kill -TERM $k; wait $k; [ $? -eq 1 ] || exit 5"},
        {"its terminal goes", "kill -HUP $k; wait $k; [ $? -eq 1 ] || exit 6"}};
    for (const Case& each : cases) {
      CAPTURE(each.label);
      const std::string script =
          "d=$(mktemp -d); mkfifo $d/said; printf secret | " + keep + " >$d/said & k=$!; " +
          "read word <$d/said; [ $word = kept ] || exit 2; n=0; " + at +
          "[ -e $f ] && [ $(cat $f) = secret ] && n=1; done; [ $n = 1 ] || exit 3; " + each.end +
          "; rm -r $d; " + at + "[ ! -e $f ] && [ ! -e $f.new ] || exit 7; done";
      const int status = std::system(script.c_str());  // NOLINT(cert-env33-c): a script is tried
      CHECK(WEXITSTATUS(status) == 0);
    }
  }

  TEST_CASE("a toolbox has the cluster's image and Secrets but none of its labels") {
    observe::Located located{.name = "redis", .namespace_ = "web", .label_selector = "app=redis"};
    located.workload = Json::parse(
        R"({"kind": "StatefulSet", "spec": {"serviceName": "redis-service", "template": {
        "metadata": {"labels": {"app": "redis"}}, "spec": {"containers": [{"name": "redis", "image": "redis:8.0"}]}}}})");
    const Json pod = toolbox_pod(located,
                                 {.pod = "redis-toolbox-1",
                                  .access = {.auth_secret = "a", .tls_secret = "t"},
                                  .host = redis_host(located)});
    const Json& container = pod.at("/spec/containers/0"_json_pointer);
    CHECK(container.at("image") == "redis:8.0");
    CHECK(pod.dump().find("\"a\"") != std::string::npos);
    CHECK(pod.at("/spec/volumes/1/secret/secretName"_json_pointer) == "t");
    CHECK_FALSE(pod.at("/metadata/labels"_json_pointer).contains("app"));
    CHECK(pod.at("/spec/activeDeadlineSeconds"_json_pointer) == 12 * 3600);
    CHECK(container.at("/env/0/value"_json_pointer) == "redis-service");
  }
}

}  // namespace kredis::plugin
