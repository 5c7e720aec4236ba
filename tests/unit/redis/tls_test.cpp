// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>

#include "shared/redis/redis.hpp"
#include "shared/redis/tls.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/support/redis_servers.hpp"
#include "tests/unit/redis/certificates.hpp"

namespace kredis::redis {
namespace {

using namespace std::chrono_literals;

constexpr const char* k_pattern = "{pod}.redis-service.{namespace}.svc";

ports::Deadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// One TLS server called redis-app-0, reached directly and through a tunnel.
struct Bed {
  explicit Bed(const std::string& auth_clients) {
    certificates.sign("server", "DNS:redis-app-0.redis-service.shop.svc");
    certificates.sign("client", "DNS:client");
    servers = std::make_unique<tests::RedisServers>(
        tests::RedisServersOptions{.count = 1,
                                   .arguments = {"--port",
                                                 "0",
                                                 "--tls-port",
                                                 "6379",
                                                 "--tls-cert-file",
                                                 certificates.path("server.crt"),
                                                 "--tls-key-file",
                                                 certificates.path("server.key"),
                                                 "--tls-ca-cert-file",
                                                 certificates.path("ca.crt"),
                                                 "--tls-auth-clients",
                                                 auth_clients}});
    target = {.namespace_ = "shop", .pod = "redis-app-0", .host = (*servers)[0].address};
    kube.route("redis-app-0", {target.host});
    good = {.transport = Transport::tls,
            .tls = {.ca_pem = certificates.text("ca.crt"), .host_name = k_pattern}};
  }

  Result<std::string> ping(const RedisOptions& options,
                           Via via = Via::direct,
                           std::chrono::milliseconds time = 5s) {
    KREDIS_TRY(auto port, make_redis(via, &kube, options));
    KREDIS_TRY(auto connection, port->connect(target, in(time)));
    KREDIS_TRY(auto replies, connection->pipeline({{"PING"}}, in(time)));
    return replies.front().text;
  }

  tests::Certificates certificates;
  std::unique_ptr<tests::RedisServers> servers;
  tests::FakeKube kube;
  ports::RedisTarget target;
  RedisOptions good;
};

TEST_SUITE("redis/tls") {
  TEST_CASE("TLS works directly and inside a tunnel, and the certificate is checked in full") {
    Bed bed("no");
    CHECK(bed.ping(bed.good).value_or("") == "PONG");
    CHECK(bed.ping(bed.good, Via::tunnel).value_or("") == "PONG");

    SUBCASE("another CA is not trusted") {
      RedisOptions options = bed.good;
      options.tls.ca_pem = bed.certificates.text("other-ca.crt");
      const auto answer = bed.ping(options);
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().code == ErrorCode::protocol);
      CHECK(contains(answer.error().message, "the certificate of redis-app-0 is not trusted"));
      CHECK(contains(answer.error().hint, "CA"));
    }
    SUBCASE("another name under the right CA is refused") {
      bed.target.pod = "redis-app-1";
      const auto answer = bed.ping(bed.good);
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().message ==
            "the certificate of redis-app-1 is not for the name "
            "redis-app-1.redis-service.shop.svc");
    }
    SUBCASE("without a pattern the address itself must be in the certificate") {
      RedisOptions options = bed.good;
      options.tls.host_name = "";
      const auto answer = bed.ping(options);
      REQUIRE_FALSE(answer.has_value());
      CHECK(contains(answer.error().message, "is not for the name " + bed.target.host));
    }
    SUBCASE("no check is made only when told so") {
      RedisOptions options = bed.good;
      options.tls = {.verify = Verify::nothing};
      CHECK(bed.ping(options).value_or("") == "PONG");
    }
    SUBCASE("speaking plainly to a TLS port is said so") {
      const auto answer = bed.ping({});
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().code == ErrorCode::protocol);
      CHECK(contains(answer.error().message + answer.error().hint, "TLS"));
      CHECK(contains(answer.error().hint, "--tls-secret"));
    }
  }

  TEST_CASE("a server that wants a client certificate gets it, or the error says so") {
    Bed bed("yes");
    const auto without = bed.ping(bed.good);
    REQUIRE_FALSE(without.has_value());
    CHECK(without.error().code == ErrorCode::protocol);
    CHECK(contains(without.error().hint, "client certificate"));

    RedisOptions options = bed.good;
    options.tls.cert_pem = bed.certificates.text("client.crt");
    options.tls.key_pem = bed.certificates.text("client.key");
    CHECK(bed.ping(options).value_or("") == "PONG");
  }

  TEST_CASE("TLS to a plain port is said so before the deadline") {
    tests::RedisServers servers({.count = 1});
    const auto port = make_redis(
        Via::direct, nullptr, {.transport = Transport::tls, .tls = {.verify = Verify::nothing}});
    const auto connection =
        (*port)->connect({.pod = "redis-app-0", .host = servers[0].address}, in(2s));
    REQUIRE_FALSE(connection.has_value());
    CHECK(connection.error().code == ErrorCode::protocol);
    CHECK(connection.error().message == "redis-app-0 does not speak TLS on this port");
  }

  TEST_CASE("certificates that cannot be used are refused before anything is dialled") {
    tests::Certificates certificates;
    certificates.sign("one", "DNS:one");
    certificates.sign("two", "DNS:two");
    const auto message = [](const TlsOptions& tls) {
      const auto port = make_redis(Via::direct, nullptr, {.transport = Transport::tls, .tls = tls});
      REQUIRE_FALSE(port.has_value());
      CHECK(port.error().code == ErrorCode::invalid_argument);
      return port.error().message;
    };
    CHECK(contains(message({.ca_pem = "rubbish"}), "CA"));
    CHECK(contains(message({.cert_pem = "rubbish", .key_pem = certificates.text("one.key")}),
                   "client certificate"));
    CHECK(contains(message({.cert_pem = certificates.text("one.crt"), .key_pem = "rubbish"}),
                   "client key"));
    CHECK(contains(message({.cert_pem = certificates.text("one.crt"),
                            .key_pem = certificates.text("two.key")}),
                   "does not belong"));
    certificates.make_ca("other");
    const auto checked = [&](const std::string& ca, const std::string& name) {
      const auto good = check_certificate({.ca_pem = certificates.text(ca),
                                           .cert_pem = certificates.text("one.crt"),
                                           .key_pem = certificates.text("one.key")},
                                          name);
      return good ? "" : good.error().message;
    };
    CHECK(checked("ca.crt", "one") == "");
    CHECK(checked("ca.crt", "") == "");
    CHECK(contains(checked("ca.crt", "two"), "is not for the name two"));
    CHECK(contains(checked("other.crt", "one"), "is not trusted: unable to get local issuer"));
    CHECK(read_pem_file(certificates.path("ca.crt")).has_value());
    CHECK(read_pem_file(certificates.path("one.ext")).error().code == ErrorCode::invalid_argument);
    CHECK(read_pem_file(certificates.path("none")).error().code == ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace kredis::redis
