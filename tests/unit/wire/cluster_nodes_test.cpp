// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/cluster_nodes.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::wire {
namespace {

using core::Node;
using core::OpenSlot;
using core::Role;

constexpr const char* k_first_id = "07c37dfeb235213a872192d90877d0cd55635b91";
constexpr const char* k_second_id = "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca";

/// One line with everything but the part under test fixed.
std::string line(const std::string& address, const std::string& flags, const std::string& slots) {
  return std::string{k_first_id} + " " + address + " " + flags + " - 0 0 1 connected" +
         (slots.empty() ? "" : " " + slots) + "\n";
}

Node parse_one(const std::string& text) {
  const auto topology = parse_cluster_nodes(text);
  INFO("text: ", text);
  REQUIRE_MESSAGE(topology.has_value(), topology.error().message);
  REQUIRE(topology->nodes().size() == 1);
  return topology->nodes().front();
}

TEST_SUITE("wire/cluster_nodes") {
  TEST_CASE("parse_cluster_nodes reads the six nodes of the command's documentation") {
    const auto topology = parse_cluster_nodes(
        "07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,hostname4 slave "
        "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected\n"
        "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002,hostname2 master "
        "- 0 1426238316232 2 connected 5461-10922\n"
        "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:30003@31003,hostname3 master "
        "- 0 1426238318243 3 connected 10923-16383\n"
        "6ec23923021cf3ffec47632106199cb7f496ce01 127.0.0.1:30005@31005,hostname5 slave "
        "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 0 1426238316232 5 connected\n"
        "824fe116063bc5fcf9f4ffd895bc17aee7731ac3 127.0.0.1:30006@31006,hostname6 slave "
        "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 0 1426238317741 6 connected\n"
        "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001@31001,hostname1 myself,master "
        "- 0 0 1 connected 0-5460\n");

    REQUIRE(topology.has_value());
    CHECK(topology->nodes().size() == 6);
    CHECK(topology->assigned_slots() == core::SlotSet::all());
    REQUIRE(topology->myself() != nullptr);
    CHECK(topology->myself()->id.to_text() == k_second_id);
    CHECK(topology->masters().size() == 3);
    const Node& first = topology->nodes().front();
    CHECK(first.role == Role::replica);
    CHECK(first.master == topology->myself()->id);
    CHECK(first.address == core::NodeAddress{"127.0.0.1", 30'004, 31'004, "hostname4"});
    CHECK(first.pong_received_ms == 1'426'238'317'239);
    CHECK(first.config_epoch == 4);
  }

  TEST_CASE("parse_cluster_nodes reads every way to write an address") {
    struct Case {
      const char* label;
      const char* text;
      core::NodeAddress expected;
      const char* shard_id;
    };
    const Case cases[] = {
        {"Redis 3.2 without a bus port", "10.0.0.1:6379", {"10.0.0.1", 6379, 16'379, ""}, ""},
        {"Redis 4 to 6", "10.0.0.1:6379@16379", {"10.0.0.1", 6379, 16'379, ""}, ""},
        {"a bus port of its own", "10.0.0.1:6379@7000", {"10.0.0.1", 6379, 7000, ""}, ""},
        {"Redis 7 with a hostname",
         "10.0.0.1:6379@16379,redis-0.svc",
         {"10.0.0.1", 6379, 16'379, "redis-0.svc"},
         ""},
        {"nodes.conf of Redis 7.2",
         "10.0.0.1:6379@16379,,tls-port=0,shard-id=69bc080733d1355567173199cff4a6a039a2f024",
         {"10.0.0.1", 6379, 16'379, ""},
         "69bc080733d1355567173199cff4a6a039a2f024"},
        {"nodes.conf of Valkey 8 with names",
         "10.0.0.1:6379@16379,host,shard-id=ab,human-nodename=n0,availability-zone=eu-1a",
         {"10.0.0.1", 6379, 16'379, "host"},
         "ab"},
        {"an attribute right after the ports",
         "10.0.0.1:6379@16379,shard-id=ab",
         {"10.0.0.1", 6379, 16'379, ""},
         "ab"},
        {"an unknown hostname", "10.0.0.1:6379@16379,?", {"10.0.0.1", 6379, 16'379, ""}, ""},
        {"IPv6", "fd00::12:6379@16379", {"fd00::12", 6379, 16'379, ""}, ""},
        {"IPv6 in brackets", "[fd00::12]:6379@16379", {"fd00::12", 6379, 16'379, ""}, ""},
        {"the viewer before anyone met it", ":6379@16379", {"", 6379, 16'379, ""}, ""},
        {"no address at all", ":0@0", {"", 0, 0, ""}, ""},
        {"no address, Redis 3.2", ":0", {"", 0, 0, ""}, ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.label);
      const Node node = parse_one(line(c.text, "master", ""));
      CHECK(node.address == c.expected);
      CHECK(node.shard_id == c.shard_id);
    }
  }

  TEST_CASE("parse_cluster_nodes reads every flag") {
    const Node node = parse_one(line("a:1@2", "myself,master,fail?,nofailover", ""));
    CHECK(node.flags == core::NodeFlags{.myself = true, .pfail = true, .nofailover = true});
    CHECK(parse_one(line("a:1@2", "slave,fail", "")).flags.fail);
    CHECK(parse_one(line("a:1@2", "handshake", "")).flags.handshake);
    CHECK(parse_one(line(":0@0", "master,noaddr", "")).flags.noaddr);
    CHECK(parse_one(line("a:1@2", "noflags", "")).flags == core::NodeFlags{});
    CHECK(parse_one(line("a:1@2", "replica", "")).role == Role::replica);
  }

  TEST_CASE("parse_cluster_nodes reads runs, single slots and slots on the move") {
    const Node node = parse_one(
        line("a:1@2",
             "myself,master",
             std::string{"0-5460 8000 [77->-"} + k_second_id + "] [93-<-" + k_second_id + "]"));
    CHECK(node.slots.to_text() == "0-5460,8000");
    REQUIRE(node.open_slots.size() == 2);
    CHECK(node.open_slots[0].slot == 77);
    CHECK(node.open_slots[0].direction == OpenSlot::Direction::migrating);
    CHECK(node.open_slots[1].slot == 93);
    CHECK(node.open_slots[1].direction == OpenSlot::Direction::importing);
    CHECK(node.open_slots[1].other.to_text() == k_second_id);
  }

  TEST_CASE("parse_cluster_nodes skips the vars line of nodes.conf and Windows line ends") {
    const std::string text = line("a:1@2", "myself,master", "0-16383");
    CHECK(parse_one(text + "vars currentEpoch 6 lastVoteEpoch 0\n").slots.size() == 16'384);
    CHECK(parse_one(text.substr(0, text.size() - 1) + "\r\n").slots.size() == 16'384);
    CHECK(parse_one(text.substr(0, text.size() - 1)).slots.size() == 16'384);
  }

  TEST_CASE("parse_cluster_nodes quotes the line it cannot read and says what is wrong") {
    const std::string id = k_first_id;
    struct Case {
      std::string text;
      const char* what;
    };
    const Case cases[] = {
        {"", "no node"},
        {"ERR This instance has cluster support disabled", "7 of 8 fields"},
        {id + " 10.0.0.1:6379@16379 master - 0 0 1", "7 of 8 fields"},
        {line("10.0.0.1", "master", ""), "no ip:port"},
        {line("10.0.0.1:65536", "master", ""), "no port number"},
        {line("10.0.0.1:1@-2", "master", ""), "no port number"},
        {line("10.0.0.1:1@2,host,more", "master", ""), "no name=value"},
        {line("a:1@2", "master,sleeping", ""), "unknown flag \"sleeping\""},
        {line("a:1@2", "master", "16384"), "not a slot"},
        {line("a:1@2", "master", "[5"), "no open slot"},
        {line("a:1@2", "master", "[5->-xyz]"), "not a node id"},
        {line("a:1@2", "master", "[5=>-" + id + "]"), "no open slot"},
        {line("a:1@2", "master", "[->-"), "no open slot"},
        {id + " a:1@2 master " + id + " 0 0 1 connected", "a master that replicates"},
        {id + " a:1@2 master - x 0 1 connected", "no number: \"x\""},
        {id + " a:1@2 master - 0 0 99999999999999999999 connected", "no number"},
        {id + " a:1@2 master - 0 0 1 maybe", "unknown link state"},
        {line("a:1@2", "master", "") + line("a:1@2", "master", ""), "a second entry"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const auto topology = parse_cluster_nodes(c.text);
      REQUIRE_FALSE(topology.has_value());
      CHECK(topology.error().code == ErrorCode::protocol);
      CHECK_MESSAGE(topology.error().message.find(c.what) != std::string::npos,
                    topology.error().message);
    }
  }
}

}  // namespace
}  // namespace kredis::wire
