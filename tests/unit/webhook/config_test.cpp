// SPDX-License-Identifier: Apache-2.0
#include "webhook/config.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

namespace {

using namespace kredis;
using webhook::Config;

/// Variables of the environment for the time of a test.
class Environment {
 public:
  explicit Environment(std::map<std::string, std::string> variables) : set_(std::move(variables)) {
    for (const auto& [name, value] : set_) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : set_) {
      ::unsetenv(name.c_str());
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::map<std::string, std::string> set_;
};

Result<Config> read(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& variables = {}) {
  const Environment environment(variables);
  return webhook::read_config(arguments);
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

  TEST_CASE("read_config lets a flag win over its variable, and a variable over the default") {
    struct Case {
      const char* label;
      std::vector<std::string> arguments;
      std::map<std::string, std::string> variables;
      unsigned threads;
    };
    const std::vector<Case> cases{
        {"nothing said", {}, {}, 2},
        {"an empty variable", {}, {{"KREDIS_WEBHOOK_THREADS", ""}}, 2},
        {"a variable", {}, {{"KREDIS_WEBHOOK_THREADS", "3"}}, 3},
        {"a flag", {"--threads", "4"}, {}, 4},
        {"both", {"--threads=4"}, {{"KREDIS_WEBHOOK_THREADS", "3"}}, 4},
        {"both, the variable a wrong one", {"--threads=4"}, {{"KREDIS_WEBHOOK_THREADS", "x"}}, 4},
        {"a flag twice", {"--threads", "4", "--threads", "5"}, {}, 5}};
    for (const Case& it : cases) {
      CAPTURE(it.label);
      const auto config = read(it.arguments, it.variables);
      REQUIRE(config.has_value());
      CHECK(config->threads == it.threads);
    }
  }

  TEST_CASE("read_config names a mistake as the user said it") {
    struct Case {
      const char* label;
      std::vector<std::string> arguments;
      std::map<std::string, std::string> variables;
      const char* said;
    };
    const std::vector<Case> cases{
        {"by flag", {"--watch", "maybe"}, {}, "--watch must be true or false, not \"maybe\""},
        {"by variable",
         {},
         {{"KREDIS_WEBHOOK_DEFAULT_LEVEL", "loud"}},
         "KREDIS_WEBHOOK_DEFAULT_LEVEL must be enforce, warn, audit or off, not \"loud\""},
        {"no value at the end", {"--threads", "4", "--listen"}, {}, "--listen needs a value"},
        {"no value after =",
         {"--kubeconfig=", "--threads", "4"},
         {},
         "--kubeconfig= needs a value"},
        {"no flag, with a value", {"--bogus=1"}, {}, "there is no flag --bogus"},
        {"one dash", {"-t"}, {}, "\"-t\" is no flag"},
        {"no name", {"--secret", "My_Secret"}, {}, "--secret must be a name of Kubernetes"}};
    for (const Case& it : cases) {
      CAPTURE(it.label);
      const auto config = read(it.arguments, it.variables);
      REQUIRE_FALSE(config.has_value());
      CHECK(config.error().message.starts_with(it.said));
      CHECK(config.error().message.find('\n') == std::string::npos);
      CHECK(config.error().hint == "kubectl-redis-webhook --help");
    }
  }

  TEST_CASE("usage_text lists each flag with its variable") {
    const std::string text = webhook::usage_text();
    for (const char* part : {"Usage: kubectl-redis-webhook [OPTIONS]",
                             "--listen ADDRESS:PORT (Env:KREDIS_WEBHOOK_LISTEN)",
                             "--poll-interval SECONDS (Env:KREDIS_WEBHOOK_POLL_INTERVAL)",
                             "0 turns guards off (5)",
                             "--version"}) {
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
