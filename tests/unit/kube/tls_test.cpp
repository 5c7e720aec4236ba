// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "shared/kube/client.hpp"
#include "shared/kube/connection.hpp"
#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

void answer_version(const TestRequest& /*request*/, TestPeer& peer) {
  peer.answer(200, R"({"gitVersion":"v1.34.4"})");
}

Error error_of(const Access& access) {
  const auto client = connect(access, {.request_timeout = std::chrono::seconds(10)});
  if (!client) {
    return client.error();
  }
  const auto version = (*client)->server_version();
  REQUIRE_FALSE(version.has_value());
  return version.error();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TestServerOptions server_with(const TestSubject& subject) {
  return {.certificate = make_certificate(test_authority(), subject)};
}

}  // namespace

TEST_SUITE("kube/tls") {
  TEST_CASE("a server with the right certificate is talked to over one kept connection") {
    TestServer server(good_tls(), answer_version);
    const auto client = client_of(access_to(server));
    REQUIRE(client);
    for (int i = 0; i < 5; ++i) {
      const auto version = client->server_version();
      REQUIRE(version.has_value());
      CHECK((*version)["gitVersion"] == "v1.34.4");
    }
    CHECK(server.connections() == 1);
  }

  TEST_CASE("a certificate by a stranger is refused with the way to trust it") {
    TestServer server(good_tls(), answer_version);
    Access access = access_to(server);
    access.ca_pem = make_authority("another").pem;
    const Error error = error_of(access);
    CHECK(error.code == ErrorCode::unreachable);
    CHECK(has(error.message, "signed by an authority that is not trusted"));
    CHECK(has(error.message, server.address()));
    CHECK(has(error.hint, "certificate-authority"));
  }

  TEST_CASE("a stranger's certificate passes when the user said so") {
    TestServer server(good_tls(), answer_version);
    Access access = access_to(server);
    access.ca_pem.clear();
    access.insecure = true;
    CHECK(client_of(access)->server_version().has_value());
  }

  TEST_CASE("an expired certificate is named as such, with its end") {
    TestServer server(server_with({.alt_names = "IP:127.0.0.1", .ends_in_seconds = -60}),
                      answer_version);
    const Error error = error_of(access_to(server));
    CHECK(has(error.message, "expired on 20"));
    CHECK(has(error.hint, "clock"));
  }

  TEST_CASE("a certificate from the future points at the clock") {
    TestServer server(server_with({.alt_names = "IP:127.0.0.1", .begins_in_seconds = 600}),
                      answer_version);
    const Error error = error_of(access_to(server));
    CHECK(has(error.message, "only valid from"));
    CHECK(has(error.hint, "clock"));
  }

  TEST_CASE("a certificate for other names is refused and its names are listed") {
    TestServer server(server_with({.common_name = "127.0.0.1",
                                   .alt_names = "DNS:kube.test,DNS:*.kube.test,IP:10.0.0.1"}),
                      answer_version);
    const Error error = error_of(access_to(server));
    CHECK(has(error.message, "is not for '127.0.0.1', but for kube.test, *.kube.test, 10.0.0.1"));
    CHECK(has(error.hint, "tls-server-name"));
    Access renamed = access_to(server);
    renamed.tls_server_name = "kube.test";
    CHECK(client_of(renamed)->server_version().has_value());
    renamed.tls_server_name = "10.0.0.1";
    CHECK(client_of(renamed)->server_version().has_value());
    renamed.tls_server_name = "evil.test";
    CHECK(has(error_of(renamed).message, "is not for 'evil.test'"));
  }

  TEST_CASE("TLS to a plain port and the reverse are told apart") {
    TestServer plain({.has_tls = false}, answer_version);
    Access access = access_to(plain);
    access.server = "https://127.0.0.1:" + std::to_string(plain.port());
    CHECK(has(error_of(access).message, "does not speak TLS"));

    const std::string go_answer = "Client sent an HTTP request to an HTTPS server.\n";
    TestServer like_go({.has_tls = false},
                       [&](const TestRequest&, TestPeer& peer) { peer.answer(400, go_answer); });
    const Error error = error_of(access_to(like_go));
    CHECK(has(error.message, "speaks TLS on this port"));
    CHECK(has(error.hint, "https://"));
  }

  TEST_CASE("a refused connection and an unknown name say what to check") {
    Access access;
    {
      TestServer gone(good_tls(), answer_version);
      access = access_to(gone);
    }
    const Error refused = error_of(access);
    CHECK(refused.code == ErrorCode::unreachable);
    CHECK(has(refused.message, "of cluster 'test': Connection refused"));
    CHECK(has(refused.hint, "nothing listens there"));
    access.server = "https://no-such-host.invalid:6443";
    CHECK(has(error_of(access).message, "no address for the name 'no-such-host.invalid'"));
  }

  TEST_CASE("a server that never finishes its handshake runs into the deadline") {
    const Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener.fd(), raw, size) == 0);
    REQUIRE(::listen(listener.fd(), 8) == 0);  // Takes connections; nobody ever answers.
    ::getsockname(listener.fd(), raw, &size);
    Access access;
    access.server = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    const auto client = client_of(access, {.request_timeout = std::chrono::milliseconds(200)});
    const auto version = client->server_version();
    REQUIRE_FALSE(version.has_value());
    CHECK(version.error().code == ErrorCode::timeout);
    CHECK(has(version.error().message, "did not finish the TLS handshake"));
  }

  TEST_CASE("the client certificate is shown, and a broken one is refused before dialling") {
    TestServerOptions options = good_tls();
    options.client_authority_pem = test_authority().pem;
    TestServer server(options, [](const TestRequest& request, TestPeer& peer) {
      peer.answer(200, R"({"who":")" + request.client_name + R"("})");
    });
    const TestCertificate jane = make_certificate(test_authority(), {.common_name = "jane"});
    Access access = access_to(server);
    access.client_certificate_pem = jane.pem;
    access.client_key_pem = jane.key_pem;
    CHECK(client_of(access)->server_version().value()["who"] == "jane");

    access.client_key_pem = make_authority("x").key_pem;
    CHECK(has(error_of(access).message, "does not belong to the client certificate"));
    access.client_key_pem = "-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----\n";
    const Error error = error_of(access);
    CHECK(has(error.message, "client key cannot be read"));
    CHECK_FALSE(has(error.message, "rubbish"));
    access.ca_pem = "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n";
    CHECK(has(error_of(access).message, "authority of the cluster holds no certificate"));
  }

  TEST_CASE("a server that fails to take up its own sessions gets full handshakes") {
    TestServerOptions options = good_tls();
    options.client_authority_pem = test_authority().pem;
    options.can_resume = false;
    TestServer server(options, [](const TestRequest&, TestPeer& peer) {
      peer.answer(200, "{}");
      peer.close();
    });
    const auto client = client_of(access_to(server));
    for (int i = 0; i < 4; ++i) {
      CHECK(client->server_version().has_value());
    }
    CHECK(server.connections() == 5);  // One try to resume was enough.
    CHECK(server.resumptions() == 0);
  }

  TEST_CASE("an expired client certificate explains a 401") {
    TestServerOptions options = good_tls();
    options.client_authority_pem = test_authority().pem;
    TestServer server(options,
                      [](const TestRequest&, TestPeer& peer) { peer.answer(401, "Unauthorized"); });
    const TestCertificate old = make_certificate(test_authority(), {.ends_in_seconds = -5});
    Access access = access_to(server);
    access.client_certificate_pem = old.pem;
    access.client_key_pem = old.key_pem;
    const Error error = error_of(access);
    CHECK(error.code == ErrorCode::unauthorized);
    CHECK(has(error.message, "client certificate of user 'jane' has expired"));
  }
}

}  // namespace kredis::kube
