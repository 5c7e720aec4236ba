// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/switchboard.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <mutex>

#include "tests/support/fake_redis.hpp"

namespace kredis::observe {
namespace {

const ports::Deadline k_later = ports::Clock::now() + std::chrono::minutes(1);

/// Counts how often each node was dialled, and breaks the next call of those it is told to.
class CountingRedis : public ports::RedisPort {
 public:
  Result<std::unique_ptr<ports::RedisConnection>> connect(const ports::RedisTarget& target,
                                                          ports::Deadline) override {
    const std::scoped_lock lock(mutex_);
    ++dialled[target.host];
    if (refused == target.host) {
      return Error::unreachable(target.pod + " is not there");
    }
    return std::unique_ptr<ports::RedisConnection>(std::make_unique<Line>(*this, target.host));
  }
  core::Command login() const override { return {"AUTH", "secret"}; }

  std::map<std::string, int> dialled;
  std::map<std::string, int> asked;
  std::string refused = {};
  std::string breaks = {};

 private:
  class Line : public ports::RedisConnection {
   public:
    Line(CountingRedis& of, std::string host) : of_(of), host_(std::move(host)) {}
    Result<std::vector<core::Reply>> pipeline(const std::vector<core::Command>& commands,
                                              ports::Deadline) override {
      const std::scoped_lock lock(of_.mutex_);
      ++of_.asked[host_];
      if (of_.breaks == host_) {
        of_.breaks.clear();
        return Error::timeout(host_ + " took too long");
      }
      std::vector<core::Reply> replies;
      for (const core::Command& command : commands) {
        replies.push_back(tests::text_reply(host_ + " heard " + command.front()));
      }
      return replies;
    }

   private:
    CountingRedis& of_;
    std::string host_;
  };
  std::mutex mutex_;
};

std::vector<ports::RedisTarget> targets(int count) {
  std::vector<ports::RedisTarget> all;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    all.push_back({.namespace_ = "shop", .pod = "pod-" + number, .host = "host-" + number});
  }
  return all;
}

TEST_SUITE("observe/switchboard") {
  TEST_CASE("answers come in the order of the targets, however many there are") {
    CountingRedis redis;
    Switchboard board(redis, targets(100));
    const auto answers = board.ask_all({{"PING"}, {"INFO"}}, k_later);
    REQUIRE(answers.size() == 100);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      CAPTURE(i);
      REQUIRE(answers[i].has_value());
      REQUIRE(answers[i]->size() == 2);
      CHECK(answers[i]->at(0).text == board.target(i).host + " heard PING");
      CHECK(answers[i]->at(1).text == board.target(i).host + " heard INFO");
    }
  }

  TEST_CASE("a line is opened when it is first used, and kept") {
    CountingRedis redis;
    Switchboard board(redis, targets(2));
    CHECK(board.size() == 2);
    CHECK(redis.dialled.empty());
    board.ask_all({{"PING"}}, k_later);
    board.ask_all({{"PING"}}, k_later);
    CHECK(redis.dialled == std::map<std::string, int>{{"host-0", 1}, {"host-1", 1}});
    CHECK(redis.asked == std::map<std::string, int>{{"host-0", 2}, {"host-1", 2}});
  }

  TEST_CASE("a line that broke is opened anew for the next call, never for the same commands") {
    CountingRedis redis;
    Switchboard board(redis, targets(2));
    redis.breaks = "host-1";
    const auto first = board.ask_all({{"CLUSTER"}}, k_later);
    CHECK(first[0].has_value());
    REQUIRE_FALSE(first[1].has_value());
    CHECK(first[1].error().code == ErrorCode::timeout);
    CHECK(redis.asked["host-1"] == 1);
    CHECK(redis.dialled["host-1"] == 1);

    const auto second = board.ask_all({{"CLUSTER"}}, k_later);
    REQUIRE(second[1].has_value());
    CHECK(redis.dialled == std::map<std::string, int>{{"host-0", 1}, {"host-1", 2}});
  }

  TEST_CASE("who cannot be dialled is tried again with each call, the others answer") {
    CountingRedis redis;
    redis.refused = "host-0";
    Switchboard board(redis, targets(2));
    const auto first = board.ask_all({{"PING"}}, k_later);
    REQUIRE_FALSE(first[0].has_value());
    CHECK(first[0].error().message == "pod-0 is not there");
    CHECK(first[1].has_value());
    redis.refused.clear();
    CHECK(board.ask_all({{"PING"}}, k_later)[0].has_value());
    CHECK(redis.dialled["host-0"] == 2);
  }

  TEST_CASE("ask_each tells each its own, and disturbs nobody who is told nothing") {
    CountingRedis redis;
    Switchboard board(redis, targets(3));
    const auto answers = board.ask_each({{{"ONE"}}, {}, {{"THREE"}, {"FOUR"}}}, k_later);
    REQUIRE(answers.size() == 3);
    CHECK(answers[0]->at(0).text == "host-0 heard ONE");
    REQUIRE(answers[1].has_value());
    CHECK(answers[1]->empty());
    CHECK(answers[2]->at(1).text == "host-2 heard FOUR");
    CHECK_FALSE(redis.dialled.contains("host-1"));
  }

  TEST_CASE("without targets there is nobody to ask, and how nodes log in is the port's matter") {
    CountingRedis redis;
    Switchboard board(redis, {});
    CHECK(board.ask_all({{"PING"}}, k_later).empty());
    CHECK(board.login() == core::Command{"AUTH", "secret"});
  }

  TEST_CASE("targets_of leads to the pods, not to what they announce") {
    core::ClusterView view{.namespace_ = "shop"};
    view.members.push_back(
        {.pod = {.name = "redis-0", .ip = "10.1.0.1", .announced_ip = "10.96.0.1", .port = 7000}});
    const auto found = targets_of(view);
    REQUIRE(found.size() == 1);
    CHECK(found[0].namespace_ == "shop");
    CHECK(found[0].pod == "redis-0");
    CHECK(found[0].host == "10.1.0.1");
    CHECK(found[0].port == 7000);
  }
}

}  // namespace
}  // namespace kredis::observe
