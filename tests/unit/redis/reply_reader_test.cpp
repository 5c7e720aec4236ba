// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "shared/redis/reply_error.hpp"
#include "shared/redis/reply_reader.hpp"

namespace kredis::redis {
namespace {

using core::Reply;

TEST_SUITE("redis/reply_reader") {
  TEST_CASE("replies cut anywhere are put together") {
    const std::string wire = "*3\r\n$2\r\nab\r\n:-7\r\n*1\r\n+x\r\n-ERR no\r\n$-1\r\n";
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      CAPTURE(cut);
      ReplyReader reader;
      std::vector<Reply> replies;
      for (const std::string& part : {wire.substr(0, cut), wire.substr(cut)}) {
        REQUIRE(reader.feed(part).has_value());
        for (auto reply = reader.next(); *reply; reply = reader.next()) {
          replies.push_back(**reply);
        }
      }
      REQUIRE(replies.size() == 3);
      CHECK(replies[0].items.at(0).text == "ab");
      CHECK(replies[0].items.at(1).integer == -7);
      CHECK(replies[0].items.at(2).items.at(0).text == "x");
      CHECK(replies[1].is_error());
      CHECK(replies[2].kind == Reply::Kind::nil);
    }
  }

  TEST_CASE("RESP3 types become the few kinds that we have, and pushes are dropped") {
    ReplyReader reader;
    REQUIRE(reader
                .feed(">2\r\n+invalidate\r\n+k\r\n%1\r\n+a\r\n:1\r\n,1.5\r\n#t\r\n_\r\n=8\r\ntxt:"
                      "text\r\n~1\r\n+m\r\n")
                .has_value());
    const Reply map = reader.next()->value();
    CHECK(map.kind == Reply::Kind::array);
    REQUIRE(map.items.size() == 2);
    CHECK(map.items[0].text == "a");
    CHECK(reader.next()->value().text == "1.5");
    const Reply yes = reader.next()->value();
    CHECK(yes.kind == Reply::Kind::boolean);
    CHECK(yes.integer == 1);
    CHECK(reader.next()->value().kind == Reply::Kind::nil);
    CHECK(reader.next()->value().text == "text");
    CHECK(reader.next()->value().items.size() == 1);
    CHECK_FALSE(reader.next()->has_value());
  }

  TEST_CASE("what all readers hold together is bounded, each being within its own bounds") {
    const std::string reply = "$1000\r\n" + std::string(1000, 'x') + "\r\n";
    const std::size_t one = reply.size() + sizeof(Reply);
    REQUIRE(all_replies_bytes() == 0);
    limit_all_replies(2 * one);
    {
      ReplyReader first;
      ReplyReader second;
      ReplyReader third;
      for (ReplyReader* reader : {&first, &second}) {
        REQUIRE(reader->feed(reply).has_value());
        CHECK(reader->next()->value().text.size() == 1000);
      }
      CHECK(all_replies_bytes() == 2 * one);
      const Status refused = third.feed("+");
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == ErrorCode::protocol);
      CHECK(refused.error().message == "the answers of all nodes together are larger than 0 MiB");
      // The next pipeline of one makes room for others.
      first.restart();
      ReplyReader fourth;
      REQUIRE(fourth.feed(":1\r\n").has_value());
      CHECK(fourth.next()->value().integer == 1);
    }
    CHECK(all_replies_bytes() == 0);
    // Elements that are short on the wire are not in memory.
    limit_all_replies(10 * sizeof(Reply));
    ReplyReader many;
    std::string array = "*20\r\n";
    for (int i = 0; i < 20; ++i) {
      array += ":1\r\n";
    }
    REQUIRE(many.feed(array).has_value());
    CHECK_FALSE(many.next().has_value());
    limit_all_replies(k_all_replies_bytes);
  }

  TEST_CASE("depth is taken up to the bound and refused one deeper") {
    for (const int depth : {32, 33}) {
      CAPTURE(depth);
      ReplyReader reader({.depth = 32});
      std::string wire;
      for (int i = 0; i < depth; ++i) {
        wire += "*1\r\n";
      }
      REQUIRE(reader.feed(wire + ":1\r\n").has_value());
      CHECK(reader.next().has_value() == (depth == 32));
    }
  }

  TEST_CASE("a million levels and a billion elements cost nothing") {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i) {
      deep += "*1\r\n";
    }
    for (const std::string& wire :
         {deep, std::string("*1000000000\r\n"), std::string("%999999999999\r\n")}) {
      ReplyReader reader;
      REQUIRE(reader.feed(wire).has_value());
      CHECK(reader.next().error().code == ErrorCode::protocol);
    }
  }

  TEST_CASE("elements and bytes are taken up to the bound and refused one past it") {
    for (const std::size_t elements : {4U, 5U}) {
      ReplyReader reader({.elements = elements});
      REQUIRE(reader.feed("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n").has_value());
      CHECK(reader.next().has_value() == (elements == 5));
    }
    ReplyReader reader({.bytes = 8});
    CHECK(reader.feed("+1234\r\n").has_value());
    CHECK(reader.feed("+").has_value());
    CHECK(reader.feed("1").error().code == ErrorCode::protocol);
    reader.restart();
    CHECK(reader.feed("1234567").has_value());
  }

  TEST_CASE("rubbish is a protocol error") {
    for (const char* wire : {"HTTP/1.1 200 OK\r\n", "$abc\r\n", ":12x\r\n", "*-5\r\n"}) {
      CAPTURE(wire);
      ReplyReader reader;
      REQUIRE(reader.feed(wire).has_value());
      CHECK(reader.next().error().code == ErrorCode::protocol);
    }
  }

  TEST_CASE("error replies become errors with a way out") {
    const auto error = [](const char* text) {
      return error_of({.kind = Reply::Kind::error, .text = text}, "redis-app-0", "ops");
    };
    CHECK(error("LOADING Redis is loading the dataset in memory").code == ErrorCode::unreachable);
    CHECK(error("NOPERM User ops has no permissions").message ==
          "redis-app-0 does not let user ops do this");
    CHECK(error("ERR odd").message == "redis-app-0 answered: ERR odd");
    CHECK(error("ERR odd").code == ErrorCode::protocol);
    CHECK(error("OOM command not allowed when used memory > 'maxmemory'.").code ==
          ErrorCode::unsafe);
  }

  TEST_CASE("what the target of a MIGRATE refused is told as its own answer") {
    const auto error = [](const std::string& text) {
      return migrate_error_of(
          {.kind = Reply::Kind::error, .text = text}, "redis-app-0", "redis-app-1");
    };
    const std::string refused = "ERR Target instance replied with error: ";
    CHECK(error(refused + "NOREPLICAS Not enough good replicas to write.")
              .message.starts_with("redis-app-1 takes no writes"));
    CHECK(error(refused + "ERR odd").message == "redis-app-1 answered: ERR odd");
    CHECK(error(refused).message == "redis-app-1 answered: ");
    CHECK(error("NOREPLICAS Not enough").message.starts_with("redis-app-0 takes no writes"));
    const Error lost = error("IOERR error or timeout reading to target instance");
    CHECK(lost.code == ErrorCode::unreachable);
    CHECK(lost.message.starts_with("redis-app-0 lost redis-app-1 while keys went there"));
  }
}

}  // namespace
}  // namespace kredis::redis
