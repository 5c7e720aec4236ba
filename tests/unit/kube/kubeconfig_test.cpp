// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/kubeconfig.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::kube {
namespace {

const std::string k_full = R"(apiVersion: v1
kind: Config
current-context: shop
clusters:
- name: prod
  cluster:
    server: https://kube.example:6443
    certificate-authority: pki/ca.crt
    tls-server-name: kube.internal
    proxy-url: http://proxy:3128
    extensions:
    - name: client.authentication.k8s.io/exec
      extension: {audience: "06e3", level: 3, on: true, "text": "3"}
users:
- name: jane
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./bin/login
      args: [--region, eu]
      env: [{name: PROFILE, value: shop}]
      installHint: get it from example.com
      provideClusterInfo: true
      interactiveMode: IfAvailable
- name: bob
  user: {tokenFile: /run/token, as: admin, as-uid: 7, as-groups: [a, b], as-user-extra: {team: [one, two]}}
contexts:
- name: shop
  context: {cluster: prod, user: jane, namespace: shop}
)";

Error error_of(const std::string& text) {
  const auto config = parse_kubeconfig(text, "/etc/kube/config");
  REQUIRE_FALSE(config.has_value());
  return config.error();
}

}  // namespace

TEST_SUITE("kube/kubeconfig") {
  TEST_CASE("parse_kubeconfig reads everything and makes file names relative to the file") {
    const auto config = parse_kubeconfig(k_full, "/etc/kube/config");
    REQUIRE(config.has_value());
    CHECK(config->current_context == "shop");
    const ClusterEntry& cluster = config->clusters.at("prod");
    CHECK(cluster.server == "https://kube.example:6443");
    CHECK(cluster.certificate_authority == "/etc/kube/pki/ca.crt");
    CHECK(cluster.tls_server_name == "kube.internal");
    CHECK(cluster.proxy_url == "http://proxy:3128");
    CHECK(cluster.exec_config == R"({"audience":"06e3","level":3,"on":true,"text":"3"})");
    const ExecCommand& exec = config->users.at("jane").exec.value();
    CHECK(exec.command == "/etc/kube/bin/login");
    CHECK(exec.arguments == std::vector<std::string>{"--region", "eu"});
    CHECK(exec.environment.at(0).second == "shop");
    CHECK(exec.provide_cluster_info);
    CHECK(exec.interactive == InteractiveMode::if_available);
    CHECK(config->users.at("bob").token_file == "/run/token");
    CHECK(config->users.at("bob").impersonate_uid == "7");
    CHECK(config->users.at("bob").impersonate_groups.size() == 2);
    CHECK(config->users.at("bob").impersonate_extra.at(1).second == "two");
    CHECK(config->contexts.at("shop").namespace_ == "shop");
  }

  TEST_CASE("parse_kubeconfig reads the same from JSON, also with tabs") {
    const auto config = parse_kubeconfig(
        "{\n\t\"clusters\": [{\"name\": \"a\", \"cluster\": {\"server\": \"https://h\"}}]\n}", "f");
    REQUIRE(config.has_value());
    CHECK(config->clusters.at("a").server == "https://h");
  }

  TEST_CASE("parse_kubeconfig takes an empty file and null sections as nothing") {
    CHECK(parse_kubeconfig("", "f").has_value());
    CHECK(parse_kubeconfig("clusters: null\nusers:\ncontexts: []\n", "f").has_value());
  }

  TEST_CASE("parse_kubeconfig names file, line and trouble") {
    struct Row {
      std::string label;
      std::string text;
      std::string expected;
    };
    const Row rows[] = {
        {"syntax", "clusters: [\n", "/etc/kube/config line 2: not valid YAML"},
        {"tab", "clusters:\n\t- name: a\n", "line 2: not valid YAML"},
        {"binary",
         std::string("\x7f"
                     "ELF\0\0",
                     6),
         "a binary file"},
        {"not a map", "- a\n- b\n", "a kubeconfig is a map"},
        {"plain text", "hello", "a kubeconfig is a map"},
        {"other kind", "kind: Pod\n", "this is a 'Pod', not a kubeconfig"},
        {"list is a map", "a: b\nclusters: {a: b}\n", "line 2: 'clusters' must be a list"},
        {"entry is a text", "users:\n- jane\n", "line 2: 'name' was looked for"},
        {"server is a list",
         "clusters:\n- name: a\n  cluster: {server: [1]}\n",
         "line 3: 'server' must be a text"},
        {"flag",
         "clusters:\n- name: a\n  cluster: {insecure-skip-tls-verify: maybe}\n",
         "must be true or false"},
        {"twice", "users:\n- name: a\n- name: a\n", "line 3: 'users' has two entries named 'a'"},
        {"no command",
         "users:\n- name: a\n  user: {exec: {args: []}}\n",
         "'exec' has no 'command'"},
        {"mode",
         "users:\n- name: a\n  user: {exec: {command: x, interactiveMode: Yes}}\n",
         "'interactiveMode' must be"},
        {"too large", std::string(k_kubeconfig_limit_bytes + 1, ' '), "larger than 4 MiB"},
        {"deep", std::string(100'000, '['), "not valid YAML"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.label);
      const Error error = error_of(row.text);
      CHECK(error.code == ErrorCode::invalid_argument);
      CAPTURE(error.message);
      CHECK(error.message.find(row.expected) != std::string::npos);
      CHECK_FALSE(error.hint.empty());
    }
  }

  TEST_CASE("an extension whose aliases multiply is refused, not expanded") {
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char name = 'b'; name <= 'j'; ++name) {
      const std::string before = "*" + std::string(1, static_cast<char>(name - 1));
      bomb += std::string(1, name) + ": &" + name + " [" + before;
      for (int i = 0; i < 8; ++i) {
        bomb += "," + before;
      }
      bomb += "]\n";
    }
    bomb +=
        "clusters:\n- name: a\n  cluster:\n    extensions:\n"
        "    - {name: client.authentication.k8s.io/exec, extension: *j}\n";
    CHECK(error_of(bomb).message.find("the extension is too large") != std::string::npos);
  }

  TEST_CASE("merge_kubeconfigs lets the first file win for each name") {
    Kubeconfig first;
    first.contexts["a"] = {.cluster = "one", .user = "x"};
    Kubeconfig later;
    later.contexts["a"] = {.cluster = "two", .user = "y"};
    later.contexts["b"] = {.cluster = "three", .user = "z"};
    later.current_context = "b";
    const Kubeconfig merged = merge_kubeconfigs(first, later);
    CHECK(merged.contexts.at("a").cluster == "one");
    CHECK(merged.contexts.at("b").cluster == "three");
    CHECK(merged.current_context == "b");
  }
}

}  // namespace kredis::kube
