// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/access.hpp"

#include <doctest/doctest.h>

#include <string>

#include "shared/kube/encoding.hpp"
#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

const std::string k_pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

/// A kubeconfig with one context; `cluster` and `user` are the entries' inner text.
std::string config_text(const std::string& cluster, const std::string& user) {
  return "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
         "clusters: [{name: k, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
}

Result<Access> resolve(const std::string& cluster,
                       const std::string& user,
                       const KubeOptions& options = {}) {
  KREDIS_TRY(const Kubeconfig config, parse_kubeconfig(config_text(cluster, user), "/f/config"));
  return resolve_access(config, options);
}

void check_error(const Result<Access>& access,
                 const std::string& message,
                 const std::string& hint) {
  REQUIRE_FALSE(access.has_value());
  CAPTURE(access.error().message);
  CAPTURE(access.error().hint);
  CHECK(access.error().message.find(message) != std::string::npos);
  CHECK(access.error().hint.find(hint) != std::string::npos);
}

}  // namespace

TEST_SUITE("kube/access") {
  TEST_CASE("resolve_access follows the context and prefers inline data to files") {
    const std::string data = base64_encode(k_pem);
    const auto access = resolve(
        "server: 'https://h:1/', certificate-authority: /absent, "
        "certificate-authority-data: " +
            data,
        "client-certificate-data: " + data + ", client-key-data: " + data + ", token: t");
    REQUIRE(access.has_value());
    CHECK(access->server == "https://h:1");
    CHECK(access->ca_pem == k_pem);
    CHECK(access->client_key_pem == k_pem);
    CHECK(access->token == "t");
    CHECK(access->namespace_ == "default");
  }

  TEST_CASE("flags beat the kubeconfig") {
    KubeOptions options;
    options.server = "https://other:2";
    options.token = "flag";
    options.namespace_ = "shop";
    options.as = "root";
    options.insecure = true;
    const auto access = resolve("server: 'https://h:1', certificate-authority: /absent",
                                "tokenFile: /absent, exec: {command: x}",
                                options);
    REQUIRE(access.has_value());
    CHECK(access->server == "https://other:2");
    CHECK(access->token == "flag");
    CHECK(access->token_file.empty());
    CHECK_FALSE(access->exec.has_value());
    CHECK(access->namespace_ == "shop");
    CHECK(access->as == "root");
    CHECK(access->insecure);
  }

  TEST_CASE("every broken reference has its own error") {
    const std::string data = base64_encode(k_pem);
    check_error(resolve("server: 'https://h', certificate-authority: pki/ca.crt", ""),
                "no file /f/pki/ca.crt",
                "");
    check_error(resolve("server: 'https://h', certificate-authority: /tmp", ""), "is a folder", "");
    check_error(resolve("server: 'https://h', certificate-authority-data: '!!'", ""),
                "certificate-authority-data is not valid base64",
                "base64 -w0");
    check_error(resolve("server: 'https://h', certificate-authority-data: AAAA", ""),
                "holds no PEM text",
                "-----BEGIN");
    check_error(resolve("server: 'https://h'", "client-certificate-data: " + data),
                "certificate but no key",
                "both");
    check_error(resolve("server: ''", ""), "cluster 'k' has no server address", "set-cluster k");
    check_error(resolve("server: 'https://h', insecure-skip-tls-verify: true, "
                        "certificate-authority-data: " +
                            data,
                        ""),
                "both a certificate authority and insecure",
                "one of the two");
    check_error(resolve("server: 'https://h'", "auth-provider: {name: gcp}"),
                "auth-provider 'gcp'",
                "--exec-command");
  }

  TEST_CASE("unknown names are answered with the known ones") {
    const auto config = parse_kubeconfig(config_text("server: 'https://h'", ""), "f");
    REQUIRE(config.has_value());
    KubeOptions options;
    options.context = "typo";
    check_error(
        resolve_access(*config, options), "context 'typo' does not exist", "known contexts: c");
    options.context = "";
    options.cluster = "typo";
    check_error(resolve_access(*config, options),
                "cluster 'typo', which does not exist",
                "known clusters: k");
    options.cluster = "";
    options.user = "typo";
    check_error(
        resolve_access(*config, options), "user 'typo', which does not exist", "known users: u");
    Kubeconfig without = *config;
    without.current_context.clear();
    check_error(resolve_access(without, {}), "no current context", "--context");
  }

  TEST_CASE("load_kubeconfig merges the files of KUBECONFIG and skips absent ones") {
    const TestFolder folder;
    const std::string one = folder.write("one", "contexts: [{name: a, context: {cluster: x}}]\n");
    const std::string two =
        folder.write("two",
                     "current-context: b\ncontexts: [{name: a, context: {cluster: y}},"
                     "{name: b, context: {cluster: z}}]\n");
    const Environment environment{.kubeconfig = one + "::" + folder.path("absent") + ":" + two};
    const auto config = load_kubeconfig({}, environment);
    REQUIRE(config.has_value());
    CHECK(config->contexts.at("a").cluster == "x");
    CHECK(config->current_context == "b");
  }

  TEST_CASE("a kubeconfig that was named must exist, a default one may be absent") {
    const TestFolder folder;
    KubeOptions named;
    named.kubeconfig = folder.path("absent");
    check_error(find_access(named, {.service_host = "10.0.0.1", .service_port = "443"}),
                "no file " + folder.path("absent"),
                "");
    check_error(find_access({}, {.home = folder.path("")}),
                "no kubeconfig found (looked for ",
                "--kubeconfig");
  }

  TEST_CASE("a pod without a kubeconfig uses its service account") {
    const TestFolder folder;
    folder.write("sa/token", "secret\n");
    folder.write("sa/ca.crt", k_pem);
    folder.write("sa/namespace", "shop\n");
    const Environment environment{.home = folder.path("home"),
                                  .service_host = "fd00::1",
                                  .service_port = "443",
                                  .service_account = folder.path("sa")};
    const auto access = find_access({}, environment);
    REQUIRE(access.has_value());
    CHECK(access->server == "https://[fd00::1]:443");
    CHECK(access->token_file == folder.path("sa/token"));
    CHECK(access->ca_pem == k_pem);
    CHECK(access->namespace_ == "shop");
  }
}

}  // namespace kredis::kube
