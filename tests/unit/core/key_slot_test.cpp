// SPDX-License-Identifier: Apache-2.0
#include "shared/core/key_slot.hpp"

#include <doctest/doctest.h>

namespace kredis::core {
namespace {

TEST_SUITE("core/key_slot") {
  TEST_CASE("crc16 gives the check value of the cluster specification") {
    CHECK(crc16("123456789") == 0x31C3);
    CHECK(crc16("") == 0);
  }

  TEST_CASE("key_slot gives what CLUSTER KEYSLOT answers") {
    CHECK(key_slot("foo") == 12'182);
    CHECK(key_slot("somekey") == 11'058);
    CHECK(key_slot("foo{hash_tag}") == 2'515);
    CHECK(key_slot("bar{hash_tag}") == 2'515);
    CHECK(key_slot("") == 0);
  }

  TEST_CASE("hash_tag takes the first tag that is not empty, as the specification's examples say") {
    CHECK(hash_tag("{user1000}.following") == "user1000");
    CHECK(hash_tag("foo{}{bar}") == "foo{}{bar}");
    CHECK(hash_tag("foo{{bar}}zap") == "{bar");
    CHECK(hash_tag("foo{bar}{zap}") == "bar");
    CHECK(hash_tag("foo{bar") == "foo{bar");
    CHECK(hash_tag("foo}bar{") == "foo}bar{");
    CHECK(hash_tag("plain") == "plain");
  }
}

}  // namespace
}  // namespace kredis::core
