// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/cluster_shards.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::wire {
namespace {

using core::Reply;

Reply text(const std::string& value) { return {.kind = Reply::Kind::text, .text = value}; }
Reply number(std::int64_t value) { return {.kind = Reply::Kind::integer, .integer = value}; }
Reply list(std::vector<Reply> items) {
  return {.kind = Reply::Kind::array, .items = std::move(items)};
}

Reply node(const std::string& id, const std::string& role) {
  return list({text("id"),
               text(id),
               text("port"),
               number(6379),
               text("ip"),
               text("10.0.0.1"),
               text("endpoint"),
               text("?"),
               text("hostname"),
               text("redis-0.svc"),
               text("role"),
               text(role),
               text("replication-offset"),
               number(72'156),
               text("health"),
               text("online")});
}

const std::string k_id(40, 'a');

TEST_SUITE("wire/cluster_shards") {
  TEST_CASE("parse_cluster_shards reads slots and nodes") {
    const auto shards = parse_cluster_shards(
        list({list({text("slots"),
                    list({number(0), number(5460), number(9000), number(9000)}),
                    text("nodes"),
                    list({node(k_id, "master")})})}));
    REQUIRE(shards.has_value());
    REQUIRE(shards->size() == 1);
    CHECK(shards->front().slots.to_text() == "0-5460,9000");
    REQUIRE(shards->front().nodes.size() == 1);
    const ShardNode& master = shards->front().nodes.front();
    CHECK(master.id.to_text() == k_id);
    CHECK(master.address.ip == "10.0.0.1");
    CHECK(master.address.port == 6379);
    CHECK(master.address.hostname == "redis-0.svc");
    CHECK(master.endpoint.empty());
    CHECK(master.replication_offset == 72'156);
    CHECK(master.health == "online");
  }

  TEST_CASE("parse_cluster_shards refuses what is no shard list and says why") {
    const auto refused = [](const Reply& reply) { return parse_cluster_shards(reply).error(); };
    const Reply error{.kind = Reply::Kind::error, .text = "ERR unknown subcommand"};
    CHECK(refused(error).message == "CLUSTER SHARDS: ERR unknown subcommand");
    CHECK(refused(list({list({text("slots"), list({})})})).code == ErrorCode::protocol);
    const auto shard = [](std::vector<Reply> slots, const Reply& member) {
      return list({list({text("slots"), list(std::move(slots)), text("nodes"), list({member})})});
    };
    CHECK(refused(shard({number(0)}, node(k_id, "master"))).message.find("odd") !=
          std::string::npos);
    CHECK(refused(shard({number(0), number(16'384)}, node(k_id, "master"))).message.find("16384") !=
          std::string::npos);
    CHECK(refused(shard({}, node(k_id, "boss"))).message.find("boss") != std::string::npos);
    CHECK(refused(shard({}, node("short", "master"))).message.find("short") != std::string::npos);
  }
}

}  // namespace
}  // namespace kredis::wire
