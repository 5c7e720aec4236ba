// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "shared/wire/nfs_exports.hpp"

namespace kredis::wire {
namespace {

using namespace std::string_literals;

std::string number(unsigned value) {
  return {static_cast<char>(value >> 24U),
          static_cast<char>(value >> 16U),
          static_cast<char>(value >> 8U),
          static_cast<char>(value)};
}

std::string text(std::string value) {
  const std::string length = number(static_cast<unsigned>(value.size()));
  value.append((4 - value.size() % 4) % 4, '\0');
  return length + value;
}

std::string record(const std::string& body) {
  return number(0x80000000U | static_cast<unsigned>(body.size())) + body;
}

/// xid, reply, accepted, no verifier, state.
std::string accepted(unsigned id, unsigned state, const std::string& result) {
  return record(number(id) + number(1) + number(0) + number(0) + number(0) + number(state) +
                result);
}

struct Case {
  std::string label;
  std::vector<std::string> allowed;
  std::string client;
  bool fits;
};

}  // namespace

TEST_SUITE("wire/nfs_exports") {
  TEST_CASE("a call is one record of big-endian words") {
    const std::string call = render_rpc_call(getport_call(7, k_mount_program, 3));
    CHECK(call.substr(0, 4) == "\x80\x00\x00\x38"s);
    CHECK(call.substr(4, 16) == number(7) + number(0) + number(2) + number(100'000));
    CHECK(call.substr(44) == number(k_mount_program) + number(3) + number(6) + number(0));
  }

  TEST_CASE("an export list is read with its clients") {
    const std::string list = number(1) + text("/a/pv1") + number(1) + text("10.0.0.0/8") +
                             number(0) + number(1) + text("/b") + number(0) + number(0);
    const std::string reply = accepted(7, 0, list);
    CHECK(rpc_record_size(reply).value() == reply.size());
    CHECK(rpc_record_size(reply.substr(0, 9)).value() == std::nullopt);
    const auto exports = parse_exports(parse_rpc_reply(reply, 7).value());
    REQUIRE(exports);
    CHECK(*exports ==
          std::vector<NfsExport>{{.path = "/a/pv1", .clients = {"10.0.0.0/8"}}, {.path = "/b"}});
  }

  TEST_CASE("a record in two fragments is one answer") {
    const std::string body =
        number(7) + number(1) + number(0) + number(0) + number(0) + number(0) + number(2049);
    const std::string split = number(8) + body.substr(0, 8) + record(body.substr(8));
    CHECK(rpc_record_size(split).value() == split.size());
    CHECK(parse_getport(parse_rpc_reply(split, 7).value()).value() == 2049);
  }

  TEST_CASE("answers that cannot be used are told apart") {
    CHECK(parse_rpc_reply(accepted(7, 1, ""), 7).error().code == ErrorCode::not_found);
    CHECK(parse_rpc_reply(accepted(8, 0, ""), 7).error().code == ErrorCode::protocol);
    CHECK(parse_rpc_reply(record(number(7) + number(1) + number(1)), 7).error().code ==
          ErrorCode::unauthorized);
    CHECK(parse_rpc_reply(record(number(7)), 7).error().code == ErrorCode::protocol);
    CHECK(parse_getport(number(0)).error().code == ErrorCode::not_found);
    CHECK(parse_exports(number(1) + number(0xFFFFFFFF)).error().code == ErrorCode::protocol);
    CHECK(rpc_record_size(number(0xFFFFFFFF)).error().code == ErrorCode::protocol);
  }

  TEST_CASE("folders are pv1 to pvN and their lines are the article's") {
    const auto folders = nfs_folders("/usr/local/k8s/redis/", 2);
    CHECK(exports_file(folders, "192.168.0.0/24") ==
          "/usr/local/k8s/redis/pv1 192.168.0.0/24(rw,sync,no_root_squash)\n"
          "/usr/local/k8s/redis/pv2 192.168.0.0/24(rw,sync,no_root_squash)\n");
  }

  TEST_CASE("a folder that is missing or kept from the clients is named with its remedy") {
    const std::vector<NfsExport> exports{{.path = "/r/pv1", .clients = {"10.0.0.0/8"}},
                                         {.path = "/r/pv2/", .clients = {"192.168.0.0/24"}},
                                         {.path = "/r", .clients = {"*"}}};
    const auto troubles = missing_exports(nfs_folders("/r", 3), exports, "192.168.0.0/24");
    REQUIRE(troubles.size() == 2);
    CHECK(troubles[0].folder == "/r/pv1");
    CHECK(troubles[0].what == "is exported to 10.0.0.0/8, not to 192.168.0.0/24");
    CHECK(troubles[1].folder == "/r/pv3");
    CHECK(troubles[1].fix.find("mkdir -p /r/pv3") != std::string::npos);
  }

  TEST_CASE("who may mount is compared by network") {
    const std::vector<Case> cases{
        {"everybody", {"*"}, "10.1.0.0/16", true},
        {"nobody named", {}, "10.1.0.0/16", true},
        {"a wider network", {"10.0.0.0/8"}, "10.1.0.0/16", true},
        {"the same by mask", {"10.1.0.0/255.255.0.0"}, "10.1.0.0/16", true},
        {"a narrower network", {"10.1.2.0/24"}, "10.1.0.0/16", false},
        {"one address of it", {"10.1.2.3"}, "10.1.2.3", true},
        {"a neighbour", {"10.1.2.4"}, "10.1.2.3", false},
        {"a name", {"*.example.org"}, "10.1.2.3", false},
        {"the last bit in", {"10.0.0.0/31"}, "10.0.0.1", true},
        {"the first bit out", {"10.0.0.0/31"}, "10.0.0.2", false}};
    for (const Case& each : cases) {
      CAPTURE(each.label);
      const std::vector<NfsExport> exports{{.path = "/r/pv1", .clients = each.allowed}};
      CHECK(missing_exports({"/r/pv1"}, exports, each.client).empty() == each.fits);
    }
  }

  TEST_CASE("a client that would break the line is refused") {
    for (const std::string good :
         {"192.168.0.0/24", "10.0.0.1", "*", "node1.example.org", "@group"}) {
      CHECK(check_nfs_client(good));
    }
    for (const std::string bad : {"", "10.0.0.0/33", "10.0.0", "a b", "x(rw)", "1.2.3.256"}) {
      CAPTURE(bad);
      CHECK_FALSE(check_nfs_client(bad));
    }
  }
}

}  // namespace kredis::wire
