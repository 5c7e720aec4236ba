// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/redis_info.hpp"

#include <doctest/doctest.h>

#include <string>

#include "shared/wire/cluster_info.hpp"

namespace kredis::wire {
namespace {

constexpr const char* k_redis_replica =
    "# Server\r\nredis_version:7.0.15\r\nredis_mode:cluster\r\nuptime_in_seconds:61\r\n"
    "config_file:/etc/redis/redis.conf\r\n\r\n# Memory\r\nused_memory:1753856\r\n"
    "used_memory_rss:9715712\r\nmaxmemory:104857600\r\n\r\n# Persistence\r\nloading:0\r\n"
    "aof_enabled:1\r\n\r\n# Replication\r\nrole:slave\r\nmaster_host:10.0.0.4\r\n"
    "master_link_status:up\r\nslave_repl_offset:84\r\nconnected_slaves:0\r\n"
    "master_repl_offset:70\r\n\r\n# Cluster\r\ncluster_enabled:1\r\n\r\n# Keyspace\r\n"
    "db0:keys=12,expires=1,avg_ttl=0\r\n";

TEST_SUITE("wire/redis_info") {
  TEST_CASE("parse_redis_info reads a replica of Redis 7") {
    const auto info = parse_redis_info(k_redis_replica);
    REQUIRE(info.has_value());
    CHECK(info->server == "redis");
    CHECK(info->version == "7.0.15");
    CHECK(info->cluster_enabled);
    CHECK(info->aof_enabled);
    CHECK_FALSE(info->loading);
    CHECK(info->used_memory_bytes == 1'753'856);
    CHECK(info->used_memory_rss_bytes == 9'715'712);
    CHECK(info->max_memory_bytes == 104'857'600);
    CHECK(info->uptime_seconds == 61);
    CHECK(info->keys == 12);
    CHECK(info->role == core::Role::replica);
    CHECK(info->master_link_up);
    CHECK(info->master_host == "10.0.0.4");
    CHECK(info->replication_offset == 84);
  }

  TEST_CASE("parse_redis_info tells Valkey from the Redis that it claims to be") {
    const auto info = parse_redis_info(
        "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\nrole:master\r\n"
        "connected_slaves:1\r\nmaster_repl_offset:99\r\nloading:1\r\n");
    REQUIRE(info.has_value());
    CHECK(info->server == "valkey");
    CHECK(info->version == "8.1.1");
    CHECK(info->loading);
    CHECK(info->replication_offset == 99);
    CHECK(info->connected_replicas == 1);
    CHECK(info->keys == 0);
  }

  TEST_CASE("parse_redis_info adds up the keys of several databases and ignores other db lines") {
    const auto info = parse_redis_info(
        "role:master\ndb0:keys=1,expires=0\ndb11:keys=2,expires=0\ndbsize_hint:many\n");
    REQUIRE(info.has_value());
    CHECK(info->keys == 3);
  }

  TEST_CASE("parse_redis_info quotes what it cannot read") {
    for (const char* text : {"", "NOAUTH Authentication required.", "# Server\r\n"}) {
      CAPTURE(text);
      const auto info = parse_redis_info(text);
      REQUIRE_FALSE(info.has_value());
      CHECK(info.error().code == ErrorCode::protocol);
    }
    const auto memory = parse_redis_info("role:master\nused_memory:lots\n");
    REQUIRE_FALSE(memory.has_value());
    CHECK(memory.error().message.find("used_memory:lots") != std::string::npos);
    const auto keys = parse_redis_info("role:master\ndb0:keys=-1\n");
    REQUIRE_FALSE(keys.has_value());
    CHECK(keys.error().message.find("db0:keys=-1") != std::string::npos);
  }

  TEST_CASE("read_setting tells none from some and leaves a refusal unknown") {
    using core::Reply;
    const Reply name{.kind = Reply::Kind::text, .text = "save"};
    core::ServerInfo info;
    read_setting(Reply{.kind = Reply::Kind::error, .text = "NOPERM"}, info);
    CHECK_FALSE(info.rdb_enabled.has_value());
    const Reply some{.kind = Reply::Kind::text, .text = "3600 1 300 100"};
    read_setting(Reply{.kind = Reply::Kind::array, .items = {name, some}}, info);
    CHECK(info.rdb_enabled == true);
    const Reply none{.kind = Reply::Kind::text};
    read_setting(Reply{.kind = Reply::Kind::array, .items = {name, none}}, info);
    CHECK(info.rdb_enabled == false);
  }
}

TEST_SUITE("wire/cluster_info") {
  TEST_CASE("parse_cluster_info reads what the command's documentation shows") {
    const auto info = parse_cluster_info(
        "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16380\r\n"
        "cluster_slots_pfail:3\r\ncluster_slots_fail:1\r\ncluster_known_nodes:6\r\n"
        "cluster_size:3\r\ncluster_current_epoch:6\r\ncluster_my_epoch:2\r\n"
        "cluster_stats_messages_sent:1483972\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n");
    REQUIRE(info.has_value());
    CHECK(info->state_ok);
    CHECK(info->slots_assigned == 16'384);
    CHECK(info->slots_ok == 16'380);
    CHECK(info->slots_pfail == 3);
    CHECK(info->slots_fail == 1);
    CHECK(info->known_nodes == 6);
    CHECK(info->size == 3);
    CHECK(info->current_epoch == 6);
    CHECK(info->my_epoch == 2);
  }

  TEST_CASE("parse_cluster_info refuses an answer without a state and a number that is none") {
    const auto other = parse_cluster_info("ERR This instance has cluster support disabled");
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().message.find("cluster support disabled") != std::string::npos);
    const auto number = parse_cluster_info("cluster_state:fail\r\ncluster_size:three\r\n");
    REQUIRE_FALSE(number.has_value());
    CHECK(number.error().message.find("cluster_size:three") != std::string::npos);
  }
}

}  // namespace
}  // namespace kredis::wire
