// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "shared/redis/connection.hpp"
#include "shared/redis/redis.hpp"
#include "tests/support/redis_servers.hpp"
#include "tests/unit/redis/listener.hpp"

namespace kredis::redis {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

ports::Deadline in(std::chrono::milliseconds time) { return steady_clock::now() + time; }

Error connect_error(const ports::RedisTarget& target,
                    const RedisOptions& options,
                    std::chrono::milliseconds time = 5s) {
  const auto port = make_redis(Via::direct, nullptr, options);
  REQUIRE(port.has_value());
  const auto connection = (*port)->connect(target, in(time));
  REQUIRE_FALSE(connection.has_value());
  return connection.error();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A tunnel whose far end has broken, as the kubelet tells it.
class BrokenTunnel final : public ports::Tunnel {
 public:
  explicit BrokenTunnel(std::string failure) : failure_(std::move(failure)) {}
  int take_fd() override { return -1; }
  std::string failure() const override { return failure_; }

 private:
  std::string failure_;
};

Error error_through_tunnel(const std::string& failure) {
  std::array<int, 2> ends{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  close(ends[1]);
  Line line{.fd = UniqueFd(ends[0]),
            .tunnel = std::make_unique<BrokenTunnel>(failure),
            .who = "redis-app-0",
            .name = "redis-app-0"};
  const auto connection = open_connection(std::move(line), {}, nullptr, in(5s));
  REQUIRE_FALSE(connection.has_value());
  return connection.error();
}

TEST_SUITE("redis/refusal") {
  TEST_CASE("a plain command to a TLS port is told from a tunnel that breaks") {
    const Error reset = error_through_tunnel(
        "read tcp4 127.0.0.1:44452->127.0.0.1:6379: read: connection reset by peer");
    CHECK(contains(reset.message, "redis-app-0 closed the connection without an answer"));
    CHECK(contains(reset.hint, "perhaps this port speaks TLS: --tls-secret NAME"));
    const Error broken = error_through_tunnel("broken WebSocket frame");
    CHECK(contains(broken.message, "the tunnel broke: broken WebSocket frame"));
    CHECK(contains(broken.hint, "kubectl logs redis-app-0"));
  }

  TEST_CASE("wrong and missing passwords are told apart, and no message holds one") {
    tests::RedisServers servers({.count = 1,
                                 .arguments = {"--requirepass",
                                               "right-secret",
                                               "--user",
                                               "ops",
                                               "on",
                                               ">ops-secret",
                                               "~*",
                                               "+@all"}});
    const ports::RedisTarget target{.pod = "redis-app-0", .host = servers[0].address};
    struct Case {
      const char* label;
      RedisOptions options;
      std::string message;
    };
    const std::vector<Case> cases{
        {"none given", {}, "redis-app-0 asks for a password"},
        {"wrong", {.password = "wrong-secret"}, "redis-app-0 refused the password of user default"},
        {"wrong, named user",
         {.user = "ops", .password = "wrong-secret"},
         "redis-app-0 refused the password of user ops"}};
    for (const Case& example : cases) {
      CAPTURE(example.label);
      const Error error = connect_error(target, example.options);
      CHECK(error.code == ErrorCode::unauthorized);
      CHECK(error.message == example.message);
      CHECK(contains(error.hint, "--auth-secret"));
      CHECK_FALSE(contains(error.message + error.hint, "wrong-secret"));
    }

    const auto port = make_redis(Via::direct, nullptr, {.user = "ops", .password = "ops-secret"});
    auto connection = (*port)->connect(target, in(5s));
    REQUIRE(connection.has_value());
    CHECK((*connection)->pipeline({{"ACL", "WHOAMI"}}, in(5s))->front().text == "ops");
  }

  TEST_CASE("a password for a server without one is refused with the way out") {
    tests::RedisServers servers({.count = 1});
    const Error error =
        connect_error({.pod = "redis-app-0", .host = servers[0].address}, {.password = "secret"});
    CHECK(error.code == ErrorCode::unauthorized);
    CHECK(error.message == "redis-app-0 has no password, but one was given");
  }

  TEST_CASE("a user who may not PING can still connect") {
    tests::RedisServers servers(
        {.count = 1, .arguments = {"--user", "thin", "on", ">secret", "~*", "+info"}});
    const auto port = make_redis(Via::direct, nullptr, {.user = "thin", .password = "secret"});
    auto connection = (*port)->connect({.host = servers[0].address}, in(5s));
    REQUIRE(connection.has_value());
    CHECK((*connection)->pipeline({{"INFO"}}, in(5s))->front().text.size() > 100);
  }

  TEST_CASE("a refused connection says where") {
    tests::RedisServers servers({.count = 1});
    const Error error =
        connect_error({.pod = "redis-app-0", .host = servers[0].address, .port = 6380}, {});
    CHECK(error.code == ErrorCode::unreachable);
    CHECK(error.message == "redis-app-0 refused the connection to " + servers[0].address + ":6380");
  }

  TEST_CASE("a pod without an address is not dialled") {
    CHECK(connect_error({.pod = "redis-app-0"}, {}).message == "redis-app-0 has no address yet");
  }

  TEST_CASE("a silent server costs no more than the deadline") {
    const tests::Listener silent([](int fd) {
      char byte = 0;
      while (::recv(fd, &byte, 1, 0) > 0) {
      }
    });
    for (const Transport transport : {Transport::plain, Transport::tls}) {
      CAPTURE(static_cast<int>(transport));
      const auto before = steady_clock::now();
      const Error error =
          connect_error({.pod = "redis-app-0", .host = "127.0.0.1", .port = silent.port()},
                        {.transport = transport},
                        400ms);
      CHECK(error.code == ErrorCode::timeout);
      CHECK(contains(error.message, "redis-app-0"));
      CHECK(steady_clock::now() - before >= 400ms);
      CHECK(steady_clock::now() - before < 10s);
    }
  }

  TEST_CASE("a server that sends a byte now and then cannot stretch the deadline") {
    const tests::Listener* self = nullptr;
    const tests::Listener dripping([&self](int fd) {
      while (::send(fd, "+", 1, MSG_NOSIGNAL) == 1 && !self->stopping()) {
        std::this_thread::sleep_for(20ms);
      }
    });
    self = &dripping;
    const Error error = connect_error({.host = "127.0.0.1", .port = dripping.port()}, {}, 300ms);
    CHECK(error.code == ErrorCode::timeout);
  }

  TEST_CASE("a frozen server times out and the connection is dead afterwards") {
    tests::RedisServers servers({.count = 1});
    const auto port = make_redis(Via::direct, nullptr, {});
    auto connection = (*port)->connect({.pod = "redis-app-0", .host = servers[0].address}, in(5s));
    REQUIRE(connection.has_value());
    servers.freeze(0);
    CHECK((*connection)->pipeline({{"INCR", "n"}}, in(200ms)).error().code == ErrorCode::timeout);
    servers.thaw(0);
    // A late reply must never be taken for the next command's.
    CHECK((*connection)->pipeline({{"GET", "n"}}, in(5s)).error().code == ErrorCode::unreachable);
  }

  TEST_CASE("something that is not Redis is named as such") {
    const tests::Listener web([](int fd) {
      constexpr std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
      ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    });
    const Error error =
        connect_error({.pod = "redis-app-0", .host = "127.0.0.1", .port = web.port()}, {});
    CHECK(error.code == ErrorCode::protocol);
    CHECK(contains(error.message, "redis-app-0 does not speak Redis's protocol"));
  }

  TEST_CASE("an unknown host name is unreachable") {
    const Error error = connect_error({.host = "no-such-name.invalid"}, {}, 20s);
    CHECK(contains(error.message, "no-such-name.invalid"));
    CHECK(contains(error.hint, "--via tunnel"));
  }
}

}  // namespace
}  // namespace kredis::redis
