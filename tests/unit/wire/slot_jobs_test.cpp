// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/slot_jobs.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace kredis::wire {
namespace {

using core::Reply;
using core::SlotJob;

const std::string k_from(40, 'a');
const std::string k_to(40, 'b');

Reply list_of_replies(std::vector<Reply> items) {
  return {.kind = Reply::Kind::array, .items = std::move(items)};
}

/// A map of texts, flattened as RESP2 has it.
Reply map_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<Reply> items;
  for (const auto& [name, value] : fields) {
    items.push_back({.kind = Reply::Kind::text, .text = name});
    items.push_back({.kind = Reply::Kind::text, .text = value});
  }
  return list_of_replies(std::move(items));
}

/// As Valkey 9.1.2 lists it.
Reply valkey_job(const std::string& operation,
                 const std::string& state,
                 const std::string& message = "") {
  return map_of({{"name", "d5500d80"},
                 {"operation", operation},
                 {"slot_ranges", "0-99 200-299"},
                 {"target_node", k_to},
                 {"source_node", k_from},
                 {"state", state},
                 {"message", message}});
}

/// As Redis 8.6.3 lists it.
Reply redis_job(const std::string& operation,
                const std::string& state,
                const std::string& last_error = "") {
  return map_of({{"id", "0b46cb23"},
                 {"slots", "7000-7010"},
                 {"source", k_from},
                 {"dest", k_to},
                 {"operation", operation},
                 {"state", state},
                 {"last_error", last_error}});
}

TEST_SUITE("wire/slot_jobs") {
  TEST_CASE("parse_slot_jobs reads what either server lists") {
    const auto valkey = parse_slot_jobs(list_of_replies({valkey_job("EXPORT", "snapshotting")}));
    REQUIRE(valkey.has_value());
    REQUIRE(valkey->size() == 1);
    CHECK(valkey->front().id == "d5500d80");
    CHECK(valkey->front().slots.to_text() == "0-99,200-299");
    CHECK(valkey->front().source.to_text() == k_from);
    CHECK(valkey->front().target.to_text() == k_to);
    CHECK(valkey->front().state == SlotJob::State::running);
    CHECK(valkey->front().words == "snapshotting");

    const auto redis = parse_slot_jobs(list_of_replies({redis_job("import", "accumulate-buffer")}));
    REQUIRE(redis.has_value());
    REQUIRE(redis->size() == 1);
    CHECK(redis->front().id == "0b46cb23");
    CHECK(redis->front().slots.to_text() == "7000-7010");
    CHECK(redis->front().source.to_text() == k_from);
    CHECK(redis->front().target.to_text() == k_to);
    CHECK(redis->front().state == SlotJob::State::running);
  }

  TEST_CASE("only the end that answers for a job tells of it") {
    CHECK(parse_slot_jobs(list_of_replies({valkey_job("IMPORT", "success")}))->empty());
    CHECK(parse_slot_jobs(list_of_replies({redis_job("migrate", "failed")}))->empty());
    CHECK(parse_slot_jobs(list_of_replies({}))->empty());
  }

  TEST_CASE("each server's words for an end, and what any other means") {
    using State = SlotJob::State;
    const auto state_of = [](const Reply& job) {
      return parse_slot_jobs(list_of_replies({job}))->front().state;
    };
    CHECK(state_of(valkey_job("EXPORT", "success")) == State::done);
    CHECK(state_of(valkey_job("EXPORT", "failed")) == State::failed);
    CHECK(state_of(valkey_job("EXPORT", "cancelled")) == State::cancelled);
    CHECK(state_of(valkey_job("EXPORT", "failover-granted")) == State::running);
    CHECK(state_of(valkey_job("EXPORT", "a word of tomorrow")) == State::running);
    CHECK(state_of(redis_job("import", "completed")) == State::done);
    CHECK(state_of(redis_job("import", "canceled")) == State::cancelled);
  }

  TEST_CASE("Redis' target tries again what failed: the job runs on, and says why") {
    const auto jobs = parse_slot_jobs(
        list_of_replies({redis_job("import", "failed", "-ERR Another ASM task is in progress")}));
    REQUIRE(jobs.has_value());
    CHECK(jobs->front().state == SlotJob::State::running);
    CHECK(jobs->front().fails);
    CHECK(jobs->front().words == "failed: -ERR Another ASM task is in progress");
  }

  TEST_CASE("what cannot be read is one clear error") {
    const auto message_of = [](const Reply& reply) {
      const auto jobs = parse_slot_jobs(reply);
      REQUIRE_FALSE(jobs.has_value());
      CHECK(jobs.error().code == ErrorCode::protocol);
      return jobs.error().message;
    };
    CHECK(message_of({.kind = Reply::Kind::error, .text = "ERR unknown subcommand"}) ==
          "the list of slot migrations: ERR unknown subcommand");
    CHECK(message_of({.kind = Reply::Kind::integer, .integer = 1}) ==
          "the list of slot migrations: the answer is no list");
    CHECK(message_of(list_of_replies({map_of({{"id", "x"}})})) ==
          "the list of slot migrations: a job without a text \"operation\"");
    CHECK(message_of(list_of_replies({map_of({{"operation", "import"}, {"id", "x"}})})) ==
          "the list of slot migrations: a job without a text \"slots\"");
    Reply wrong = redis_job("import", "none");
    wrong.items[3].text = "7000-99999";
    CHECK(message_of(list_of_replies({wrong})).find("99999") != std::string::npos);
    wrong = redis_job("import", "none");
    wrong.items[5].text = "nobody";
    CHECK(message_of(list_of_replies({wrong})).find("source: ") != std::string::npos);
  }
}

}  // namespace
}  // namespace kredis::wire
