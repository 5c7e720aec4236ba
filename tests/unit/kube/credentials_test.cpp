// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/credentials.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "shared/json/json.hpp"
#include "shared/kube/subprocess.hpp"
#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

const std::string k_v1 = "client.authentication.k8s.io/v1";

Deadline soon() { return Clock::now() + std::chrono::seconds(20); }

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A plugin that counts its runs in the file `count` beside it and then does `rest`.
Access with_plugin(const TestFolder& folder, const std::string& rest) {
  Access access;
  access.user = "jane";
  access.server = "https://h:1";
  access.ca_pem = "PEM";
  access.exec = ExecCommand{
      .api_version = k_v1,
      .command = folder.write_program(
          "login", "#!/bin/sh\necho run >>'" + folder.path("count") + "'\n" + rest + "\n"),
      .interactive = InteractiveMode::never};
  return access;
}

std::string credential(const std::string& status) {
  return R"(printf %s '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)" +
         status + "}'";
}

int runs(const TestFolder& folder) {
  std::ifstream stream(folder.path("count"));
  int count = 0;
  for (std::string line; std::getline(stream, line);) {
    ++count;
  }
  return count;
}

Error error_of(const Access& access, Deadline deadline = soon()) {
  const Interrupt interrupt;
  Credentials credentials(access, interrupt);
  const auto identity = credentials.current(deadline);
  REQUIRE_FALSE(identity.has_value());
  CHECK_FALSE(has(identity.error().message + identity.error().hint, "s3cret"));
  return identity.error();
}

}  // namespace

TEST_SUITE("kube/credentials") {
  TEST_CASE("a plugin's token is used until it expires, and renewed after a 401") {
    const TestFolder folder;
    const Interrupt interrupt;
    SUBCASE("without an end it is kept") {
      Credentials credentials(with_plugin(folder, credential(R"({"token":"s3cret"})")), interrupt);
      for (int i = 0; i < 3; ++i) {
        CHECK(credentials.current(soon()).value().authorization == "Bearer s3cret");
      }
      CHECK(runs(folder) == 1);
      CHECK(credentials.renew(credentials.current(soon()).value()));
      CHECK(credentials.current(soon()).has_value());
      CHECK(runs(folder) == 2);
    }
    SUBCASE("past its end it is fetched anew") {
      const std::string old = R"({"token":"s3cret","expirationTimestamp":"2020-01-01T00:00:00Z"})";
      Credentials credentials(with_plugin(folder, credential(old)), interrupt);
      CHECK(credentials.current(soon()).has_value());
      CHECK(credentials.current(soon()).has_value());
      CHECK(runs(folder) == 2);
    }
    SUBCASE("a 401 to what another thread has replaced already fetches nothing") {
      Credentials credentials(with_plugin(folder, credential(R"({"token":"s3cret"})")), interrupt);
      CHECK(credentials.current(soon()).has_value());
      CHECK(credentials.renew({.authorization = "Bearer older"}));
      CHECK(credentials.current(soon()).has_value());
      CHECK(runs(folder) == 1);
    }
  }

  TEST_CASE("a plugin gets its arguments, its environment and the cluster") {
    const TestFolder folder;
    const std::string seen = folder.path("seen");
    Access access = with_plugin(folder,
                                "printf '%s|%s|%s' \"$1\" \"$PROFILE\" "
                                "\"$KUBERNETES_EXEC_INFO\" >'" +
                                    seen + "'\n" + credential(R"({"token":"t"})"));
    access.exec->arguments = {"a b; exit 1"};
    access.exec->environment = {{"PROFILE", "shop"}};
    access.exec->provide_cluster_info = true;
    access.exec_config = R"({"audience":"x"})";
    const Interrupt interrupt;
    REQUIRE(Credentials(access, interrupt).current(soon()).has_value());
    std::ifstream stream(seen);
    std::stringstream text;
    text << stream.rdbuf();
    CHECK(text.str().rfind("a b; exit 1|shop|{", 0) == 0);
    const Json info = Json::parse(text.str().substr(text.str().find('{')));
    CHECK(info["apiVersion"] == k_v1);
    CHECK(info["spec"]["interactive"] == false);
    CHECK(info["spec"]["cluster"]["server"] == "https://h:1");
    CHECK(info["spec"]["cluster"]["certificate-authority-data"] == "UEVN");
    CHECK(info["spec"]["cluster"]["config"]["audience"] == "x");
  }

  TEST_CASE("a plugin may give a client certificate instead of a token") {
    const TestFolder folder;
    const Interrupt interrupt;
    const auto identity = Credentials(with_plugin(folder,
                                                  credential(R"({"clientCertificateData":"C",)"
                                                             R"("clientKeyData":"K"})")),
                                      interrupt)
                              .current(soon());
    REQUIRE(identity.has_value());
    CHECK(identity->certificate_pem == "C");
    CHECK(identity->key_pem == "K");
    CHECK(identity->authorization.empty());
  }

  TEST_CASE("every way in which a plugin can fail has its own words and shows no secret") {
    const TestFolder folder;
    struct Row {
      std::string script;
      std::string expected;
    };
    const Row rows[] = {
        {"echo s3cret; exit 3", "failed with exit status 3"},
        {"kill -9 $$", "failed with exit status 137"},
        {"echo 's3cret rubbish'", "not an ExecCredential in JSON"},
        {"echo '{\"token\":\"s3cret\"}'", "JSON that is not an ExecCredential"},
        {"true", "not an ExecCredential in JSON"},
        {"head -c 2000000 /dev/zero", "printed more than"},
        {R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1",)"
         R"("status":{"token":"s3cret"}}')",
         "answers in apiVersion"},
        {R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}')",
         "without a status"},
        {credential("{}"), "neither a token nor"},
        {credential(R"({"clientKeyData":"s3cret"})"), "without its key, or the reverse"},
        {credential(R"({"token":"s3cret","expirationTimestamp":"soon"})"), "is not a time"},
        {credential(R"({"token":"s3cret\nX-Evil: 1"})"), "control characters"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.script);
      const Error error = error_of(with_plugin(folder, row.script));
      CAPTURE(error.message);
      CHECK(has(error.message, row.expected));
      CHECK_FALSE(error.hint.empty());
    }
  }

  TEST_CASE("a plugin that is missing, misconfigured or slow is told apart") {
    const TestFolder folder;
    Access access = with_plugin(folder, "true");
    access.exec->command = "no-such-login-program";
    access.exec->install_hint = "get it from example.com";
    const Error missing = error_of(access);
    CHECK(missing.code == ErrorCode::unauthorized);
    CHECK(has(missing.message, "is not installed"));
    CHECK(missing.hint == "get it from example.com");

    access = with_plugin(folder, "true");
    access.exec->api_version = "client.authentication.k8s.io/v1alpha1";
    CHECK(has(error_of(access).message, "v1alpha1', which is not supported"));
    access.exec->api_version = k_v1;
    access.exec->interactive = InteractiveMode::unset;
    CHECK(has(error_of(access).hint, "interactiveMode: IfAvailable"));

    access = with_plugin(folder, "sleep 600");
    const Error slow = error_of(access, Clock::now() + std::chrono::milliseconds(200));
    CHECK(slow.code == ErrorCode::timeout);
    CHECK(has(slow.message, "did not end in time"));
  }

  TEST_CASE("token files are trimmed and checked, and read again after a 401") {
    const TestFolder folder;
    Access access;
    access.token_file = folder.write("token", "one\n");
    const Interrupt interrupt;
    Credentials credentials(access, interrupt);
    CHECK(credentials.current(soon()).value().authorization == "Bearer one");
    folder.write("token", "two\n");
    CHECK(credentials.current(soon()).value().authorization == "Bearer one");
    CHECK(credentials.renew({}));
    CHECK(credentials.current(soon()).value().authorization == "Bearer two");
    folder.write("token", "\n");
    CHECK(has(error_of(access).message, "is empty"));
    folder.write("token", "s3cret one");
    CHECK(has(error_of(access).message, "blanks or control characters"));
    access.token_file = folder.path("absent");
    CHECK(has(error_of(access).message, "no file "));
  }

  TEST_CASE("name and password become Basic, and nothing at all stays nothing") {
    const Interrupt interrupt;
    Access access;
    CHECK(Credentials(access, interrupt).current(soon()).value().authorization.empty());
    access.username = "jane";
    access.password = "pw";
    Credentials credentials(access, interrupt);
    CHECK(credentials.current(soon()).value().authorization == "Basic amFuZTpwdw==");
    CHECK_FALSE(credentials.renew({}));
  }

  TEST_CASE("a 401 makes the client ask its plugin once more, and only once") {
    const TestFolder folder;
    int calls = 0;
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) {
      peer.answer(++calls == 1 || calls > 2 ? 401 : 200, "{}");
    });
    Access access = with_plugin(folder, credential(R"({"token":"t"})"));
    access.server = server.address();
    access.ca_pem = test_authority().pem;
    const auto client = client_of(access);
    CHECK(client->server_version().has_value());
    CHECK(runs(folder) == 2);
    CHECK(client->server_version().error().code == ErrorCode::unauthorized);
    CHECK(runs(folder) == 3);
  }
}

}  // namespace kredis::kube
