// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "shared/redis/redis.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/support/redis_servers.hpp"

namespace kredis::redis {
namespace {

using namespace std::chrono_literals;
using core::Reply;

ports::Deadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

TEST_SUITE("redis/connection") {
  TEST_CASE("pipeline answers every command in order, and error replies are values") {
    tests::RedisServers servers({.count = 1});
    const auto port = make_redis(Via::direct, nullptr, {});
    REQUIRE(port.has_value());
    auto connection = (*port)->connect({.host = servers[0].address}, in(5s));
    REQUIRE(connection.has_value());

    const auto replies = (*connection)
                             ->pipeline({{"SET", "k", std::string("a\0b", 3)},
                                         {"GET", "k"},
                                         {"INCR", "k"},
                                         {"GET", "none"},
                                         {"LPUSH", "list", "x", "y"},
                                         {"LRANGE", "list", "0", "-1"}},
                                        in(5s));

    REQUIRE(replies.has_value());
    REQUIRE(replies->size() == 6);
    CHECK((*replies)[0].is_ok());
    CHECK((*replies)[1].text == std::string("a\0b", 3));
    CHECK((*replies)[2].is_error());
    CHECK((*replies)[2].text.starts_with("ERR value is not an integer"));
    CHECK((*replies)[3].kind == Reply::Kind::nil);
    CHECK((*replies)[4].integer == 2);
    REQUIRE((*replies)[5].items.size() == 2);
    CHECK((*replies)[5].items[1].text == "x");
  }

  TEST_CASE("pipeline carries more than the socket buffers hold, both ways at once") {
    tests::RedisServers servers({.count = 1});
    const auto port = make_redis(Via::direct, nullptr, {});
    auto connection = (*port)->connect({.host = servers[0].address}, in(5s));
    REQUIRE(connection.has_value());
    const std::string large(1'000'000, 'x');
    std::vector<core::Command> commands(20, {"ECHO", large});

    const auto replies = (*connection)->pipeline(commands, in(30s));

    REQUIRE(replies.has_value());
    CHECK(replies->size() == 20);
    CHECK(replies->back().text == large);
  }

  TEST_CASE("RESP3 maps arrive flattened") {
    tests::RedisServers servers({.count = 1});
    const auto port = make_redis(Via::direct, nullptr, {.protocol = Protocol::resp3});
    auto connection = (*port)->connect({.host = servers[0].address}, in(5s));
    REQUIRE(connection.has_value());

    const auto replies =
        (*connection)
            ->pipeline({{"HELLO"}, {"CONFIG", "GET", "cluster-node-timeout"}, {"EXISTS", "none"}},
                       in(5s));

    REQUIRE(replies.has_value());
    CHECK((*replies)[0].items.at(0).text == "server");
    CHECK((*replies)[0].items.at(1).text == "redis");
    REQUIRE((*replies)[1].items.size() == 2);
    CHECK((*replies)[1].items[1].text == "15000");
    CHECK((*replies)[2].integer == 0);
  }

  TEST_CASE("a tunnel carries a connection, and its refusal names the pod") {
    tests::RedisServers servers({.count = 2});
    tests::FakeKube kube;
    kube.route("redis-app-0", {servers[0].address});
    kube.route("redis-app-1", {servers[1].address});
    servers.kill(1);
    const auto port = make_redis(Via::tunnel, &kube, {});
    REQUIRE(port.has_value());

    auto connection = (*port)->connect({.namespace_ = "shop", .pod = "redis-app-0"}, in(5s));
    REQUIRE(connection.has_value());
    CHECK((*connection)->pipeline({{"PING"}}, in(5s))->front().text == "PONG");

    const auto refused = (*port)->connect({.namespace_ = "shop", .pod = "redis-app-1"}, in(5s));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::unreachable);
    CHECK(refused.error().message == "redis-app-1 refused the connection: Connection refused");
  }

  TEST_CASE("a tunnel without an API server is refused") {
    const auto port = make_redis(Via::tunnel, nullptr, {});
    REQUIRE_FALSE(port.has_value());
    CHECK(port.error().code == ErrorCode::invalid_argument);
  }

  TEST_CASE("a connection whose server dies is lost, once and for all") {
    tests::RedisServers servers({.count = 1});
    const auto port = make_redis(Via::direct, nullptr, {});
    auto connection = (*port)->connect({.pod = "redis-app-0", .host = servers[0].address}, in(5s));
    REQUIRE(connection.has_value());
    servers.kill(0);

    const auto first = (*connection)->pipeline({{"PING"}}, in(5s));
    const auto second = (*connection)->pipeline({{"PING"}}, in(5s));

    REQUIRE_FALSE(first.has_value());
    CHECK(first.error().code == ErrorCode::unreachable);
    CHECK(first.error().message.find("lost the connection to redis-app-0") == 0);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().message == "the connection to redis-app-0 is already lost");
  }
}

}  // namespace
}  // namespace kredis::redis
