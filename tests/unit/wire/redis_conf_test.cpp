// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/redis_conf.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "shared/wire/redis_directives.hpp"

namespace kredis::wire {
namespace {

using Words = std::vector<std::string>;

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

RedisDirective parse_one(const std::string& text) {
  const auto config = parse_redis_conf(text);
  INFO("text: ", text);
  REQUIRE_MESSAGE(config.has_value(), config.error().message);
  REQUIRE(config->directives.size() == 1);
  return config->directives.front();
}

std::vector<Error> judged(const std::string& text, const ConfigRules& rules = {}) {
  const auto config = parse_redis_conf(text);
  REQUIRE(config.has_value());
  return check_user_config(*config, rules);
}

TEST_SUITE("wire/redis_conf") {
  TEST_CASE("parse_redis_conf reads names, values, comments and blank lines with their numbers") {
    const auto config = parse_redis_conf(
        "# a comment\n\n  MaxMemory 100mb\r\n\tsave 3600 1\nsave 300 100\n#save 1 1\nsave \"\"");
    REQUIRE(config.has_value());
    REQUIRE(config->directives.size() == 4);
    CHECK(config->directives[0] == RedisDirective{"maxmemory", {"100mb"}, 3});
    CHECK(config->directives[1] == RedisDirective{"save", {"3600", "1"}, 4});
    CHECK(config->directives[2] == RedisDirective{"save", {"300", "100"}, 5});
    CHECK(config->directives[3] == RedisDirective{"save", {""}, 7});
    CHECK(parse_redis_conf("")->directives.empty());
  }

  TEST_CASE("parse_redis_conf quotes and escapes as Redis does") {
    struct Case {
      const char* text;
      Words expected;
    };
    const Case cases[] = {
        {R"(k "a b" c)", {"a b", "c"}},
        {R"(k "\x41\n\t\"\\")", {"A\n\t\"\\"}},
        {R"(k "\q\xg1\x4")", {"qxg1x4"}},
        {R"(k 'a "b" \'c\' \n')", {R"(a "b" 'c' \n)"}},
        {R"(k foo"bar")", {"foobar"}},
        {R"(k '' "")", {"", ""}},
        {R"(k a#b # c)", {"a#b", "#", "c"}},
        {"k \xC3\xA9", {"\xC3\xA9"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(parse_one(c.text).arguments == c.expected);
    }
  }

  TEST_CASE("parse_redis_conf names the line with unbalanced quotes") {
    for (const char* line : {"save \"", "save 'a", "save \"a\"b", "save 'a'b", "save \"\\", "'"}) {
      CAPTURE(line);
      const auto config = parse_redis_conf("port 6379\n" + std::string{line});
      REQUIRE_FALSE(config.has_value());
      CHECK(config.error().code == ErrorCode::invalid_argument);
      CHECK(says(config.error().message, "line 2: unbalanced quotes"));
    }
  }

  TEST_CASE("parse_redis_conf accepts 1 MiB and refuses one byte more, and binary files") {
    const std::string largest(k_config_limit_bytes, '#');
    CHECK(parse_redis_conf(largest).has_value());
    CHECK(says(parse_redis_conf(largest + "#").error().message, "more than 1 MiB"));
    CHECK(says(parse_redis_conf(std::string("\x7F"
                                            "ELF\0",
                                            5))
                   .error()
                   .message,
               "binary"));
    CHECK(says(parse_redis_conf(std::string("port\0 6379", 10)).error().message, "binary"));
  }

  TEST_CASE("render_redis_conf writes what parse_redis_conf reads again") {
    RedisConf config;
    config.directives.push_back({"save", {""}, 1});
    config.directives.push_back({"rename-command", {"FLUSHALL", "a b\"c\\d'e"}, 2});
    config.directives.push_back({"proc-title-template", {"\x01#\t\xC3\xA9"}, 3});
    config.directives.push_back({"#a b", {}, 4});
    const auto again = parse_redis_conf(render_redis_conf(config));
    REQUIRE(again.has_value());
    CHECK((again->directives == config.directives));
  }

  TEST_CASE("parse_setting takes a key and as many words as the value holds") {
    const auto save = parse_setting("Save", "3600 1 300 100");
    REQUIRE(save.has_value());
    CHECK(*save == RedisDirective{"save", {"3600", "1", "300", "100"}, 0});
    CHECK(parse_setting("appendonly", "")->arguments.empty());
    CHECK(says(parse_setting("", "x").error().message, "--set has no redis.conf key"));
    CHECK(says(parse_setting("a b", "x").error().message, "\"a b\""));
    CHECK(says(parse_setting("a", "x\nport 1").error().message, "--set a: the value holds"));
    CHECK(says(parse_setting("a", "'x").error().message, "unbalanced quotes"));
  }
}

TEST_SUITE("wire/user_config") {
  TEST_CASE("check_user_config accepts what a cluster can live with") {
    CHECK(judged("cluster-enabled yes\ndaemonize no\nport 6379\ndir /var/lib/redis\n"
                 "dir /var/lib/redis/data/\ncluster-config-file nodes.conf\n"
                 "cluster-config-file /var/lib/redis/nodes.conf\nappendonly yes\n"
                 "maxmemory 100mb\nmaxmemory-policy allkeys-lru\nsave 3600 1 300 100\nsave \"\"\n"
                 "client-output-buffer-limit replica 256mb 64mb 60\ncluster-node-timeout 5000\n"
                 "logfile \"\"\ndbfilename dump.rdb\ntls-protocols \"TLSv1.2 TLSv1.3\"\n"
                 "rename-command FLUSHALL \"\"\nsearch-timeout 100\nmymodule.level high\n"
                 "loadmodule /opt/m.so a b\nnotify-keyspace-events \"\"\nio-threads 4\n")
              .empty());
  }

  TEST_CASE("check_user_config refuses what would break the cluster and says why") {
    struct Case {
      const char* line;
      const char* why;
      const char* hint;
    };
    const Case cases[] = {
        {"cluster-enabled no", "server on its own", "a cluster needs yes"},
        {"daemonize yes", "background", "remove it"},
        {"port 7000", "must be 6379", "remove it"},
        {"dir /data", "not be on the volume, which is /var/lib/redis", "/var/lib/redis"},
        {"dir ./", "not be on the volume", "/var/lib/redis"},
        {"dir /var/lib/redis/../x", "not be on the volume", "/var/lib/redis"},
        {"dir /var/lib/redis2", "not be on the volume", "/var/lib/redis"},
        {"cluster-config-file /tmp/nodes.conf", "forget who it is", "nodes.conf"},
        {"cluster-config-file ../nodes.conf", "forget who it is", "nodes.conf"},
        {"cluster-announce-ip 10.0.0.1", "announces itself", "remove it"},
        {"bind 127.0.0.1", "all listen", "remove it"},
        {"unixsocket /tmp/redis.sock", "by TCP", "remove it"},
        {"supervised systemd", "supervisor", "remove it"},
        {"pidfile /run/redis.pid", "one process", "remove it"},
        {"requirepass hunter2", "password", "--auth-secret"},
        {"masterauth hunter2", "password", "--auth-secret"},
        {"user default on >hunter2 ~* +@all", "password", "--auth-secret"},
        {"tls-port 6379", "Secret", "--tls-secret"},
        {"tls-cert-file /tls/tls.crt", "Secret", "--tls-secret"},
        {"replicaof 10.0.0.1 6379", "who replicates whom", "remove it"},
        {"slaveof 10.0.0.1 6379", "who replicates whom", "remove it"},
        {"include /etc/redis/more.conf", "no other file", "lines here"},
        {"protected-mode yes", "reach each other", "--auth-secret"},
        {"rename-command CLUSTER \"\"", "need that command", "ACL"},
        {"logfile /var/log/redis.log", "kubectl logs", "remove it"},
        {"dbfilename /tmp/dump.rdb", "not a path", "slash"},
        {"appendonly maybe", "a switch", "yes or no"},
        {"appendonly yes yes", "takes one value, not 2", "quote"},
        {"appendonly", "takes one value, not 0", "quote"},
        {"maxmemory 100Mi", "no amount of memory", "100mb"},
        {"maxclients many", "no whole number", "whole number"},
        {"maxmemory-policy lru", "no such choice", "allkeys-lru, allkeys-lfu"},
        {"save 3600", "pairs of seconds", "save 3600 1"},
        {"client-output-buffer-limit normal 1mb", "a class, two amounts", "256mb"},
        {"maxmemmory 1gb", "neither Redis nor Valkey knows", "did you mean maxmemory?"},
        {"apendonly yes", "neither Redis nor Valkey knows", "did you mean appendonly?"},
        {"qwertyuiop 1", "neither Redis nor Valkey knows", "remove it"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.line);
      const auto errors = judged("\n" + std::string{c.line} + "\n");
      REQUIRE(errors.size() == 1);
      CHECK(errors.front().code == ErrorCode::invalid_argument);
      CHECK(errors.front().message.starts_with("line 2: \""));
      CHECK_MESSAGE(says(errors.front().message, c.why), errors.front().message);
      CHECK_MESSAGE(says(errors.front().hint, c.hint), errors.front().hint);
      CHECK_FALSE(says(errors.front().message, "hunter2"));
    }
  }

  TEST_CASE("check_user_config names every refusal, in order, and --set by its key") {
    RedisConf config;
    config.directives.push_back(*parse_setting("daemonize", "yes"));
    config.directives.push_back(*parse_setting("port", "1"));
    const auto errors = check_user_config(config, {});
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].message.starts_with("--set daemonize: \"daemonize yes\""));
    CHECK(errors[1].message.starts_with("--set port"));
  }

  TEST_CASE("check_user_config stops after a hundred refusals") {
    std::string text;
    for (int i = 0; i < 101; ++i) {
      text += "port 1\n";
    }
    CHECK(judged(text).size() == 100);
  }

  TEST_CASE("check_user_config judges by the rules of the cluster at hand") {
    CHECK(judged("protected-mode yes", {.has_password = true}).empty());
    CHECK(judged("port 0", {.port = 0}).empty());
    CHECK(judged("dir /data", {.data_dir = "/data"}).empty());
  }

  TEST_CASE("find_directive knows names of every supported server") {
    for (const char* name : {"cluster-allow-replica-migration",
                             "busy-reply-threshold",
                             "replica-full-sync-buffer-limit",
                             "commandlog-request-larger-than",
                             "dual-channel-replication-enabled",
                             "gopher-enabled"}) {
      CAPTURE(name);
      CHECK(find_directive(name) != nullptr);
    }
    CHECK(find_directive("Maxmemory") == nullptr);
    CHECK(nearest_directive("") == "");
    CHECK(nearest_directive("maxmemory-polcy") == "maxmemory-policy");
  }
}

}  // namespace
}  // namespace kredis::wire
