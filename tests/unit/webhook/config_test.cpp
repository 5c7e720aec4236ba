// SPDX-License-Identifier: Apache-2.0
#include "webhook/config.hpp"

#include <doctest/doctest.h>

#include <map>

namespace {

using namespace kredis;
using webhook::Config;

Result<Config> read(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& variables = {}) {
  return webhook::read_config(
      arguments, [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found != variables.end() ? std::optional(found->second) : std::nullopt;
      });
}

}  // namespace

TEST_SUITE("webhook/config") {
  TEST_CASE("read_config takes flags in both forms and lets them win over variables") {
    const auto config =
        read({"--listen", "127.0.0.1:8443", "--default-level=warn"},
             {{"KREDIS_WEBHOOK_DEFAULT_LEVEL", "off"}, {"KREDIS_WEBHOOK_DRAIN_WAIT", "0"}});

    REQUIRE(config.has_value());
    CHECK(config->address == "127.0.0.1");
    CHECK(config->port == 8443);
    CHECK(config->default_level == webhook::Level::warn);
    CHECK(config->drain_wait == std::chrono::seconds(0));
    CHECK(config->is_self_managed());
  }

  TEST_CASE("read_config tells every mistake at once") {
    const auto config = read(
        {"--listen", "nowhere", "--bogus", "--threads=65", "loose", "--certificate-file", "a.crt"},
        {{"KREDIS_WEBHOOK_WATCH", "maybe"}});

    REQUIRE_FALSE(config.has_value());
    const std::string& text = config.error().message;
    for (const char* part : {"--listen must be ADDRESS:PORT",
                             "no flag --bogus",
                             "--threads must be a whole number from 1 to 64",
                             "\"loose\" is no flag",
                             "--certificate-file and --key-file go together",
                             "KREDIS_WEBHOOK_WATCH must be true or false"}) {
      CAPTURE(part);
      CHECK(text.find(part) != std::string::npos);
    }
  }

  TEST_CASE("read_config keeps to the bounds of its numbers") {
    struct Case {
      const char* label;
      std::vector<std::string> arguments;
      bool is_fine;
    };
    const std::vector<Case> cases{{"most threads", {"--threads", "64"}, true},
                                  {"no threads", {"--threads", "0"}, false},
                                  {"longest wait", {"--drain-wait", "600"}, true},
                                  {"too long a wait", {"--drain-wait", "601"}, false},
                                  {"shortest life", {"--certificate-life", "30"}, true},
                                  {"too short a life", {"--certificate-life", "29"}, false},
                                  {"a leaf that outlives its authority",
                                   {"--certificate-life", "100", "--authority-life", "99"},
                                   false},
                                  {"last port", {"--listen", ":65535"}, true},
                                  {"past the last port", {"--listen", ":65536"}, false}};
    for (const Case& it : cases) {
      CAPTURE(it.label);
      CHECK(read(it.arguments).has_value() == it.is_fine);
    }
  }

}  // TEST_SUITE
