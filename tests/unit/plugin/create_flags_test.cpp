// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/create_flags.hpp"

#include <doctest/doctest.h>

#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {

TEST_SUITE("plugin/create_flags") {
  TEST_CASE("pairs without an equals sign are refused by the flag's name") {
    CreateFlags flags;
    flags.settings = {"maxmemory"};
    const auto spec = spec_of(flags, "default");
    REQUIRE_FALSE(spec.has_value());
    CHECK(contains(spec.error().message, "--set got \"maxmemory\""));
  }

  TEST_CASE("tolerations are read as kubectl taint writes them") {
    CreateFlags flags;
    flags.tolerations = {"dedicated=redis:NoSchedule", "spot"};
    const auto spec = spec_of(flags, "default");
    REQUIRE(spec.has_value());
    REQUIRE(spec->tolerations.size() == 2);
    CHECK(spec->tolerations[0] ==
          manifest::Toleration{.key = "dedicated", .value = "redis", .effect = "NoSchedule"});
    CHECK(spec->tolerations[1] == manifest::Toleration{.key = "spot"});
  }

  TEST_CASE("a config file that is missing is refused by its path") {
    CreateFlags flags;
    flags.config_file = "/nonexistent/redis.conf";
    const auto spec = spec_of(flags, "default");
    REQUIRE_FALSE(spec.has_value());
    CHECK(spec.error().code == ErrorCode::invalid_argument);
    CHECK(contains(spec.error().message, "/nonexistent/redis.conf"));
  }
}

}  // namespace kredis::plugin
