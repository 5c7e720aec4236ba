// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/session.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_kube.hpp"
#include "tests/support/fake_terminal.hpp"

namespace kredis::plugin {
namespace {

using tests::FakeTerminal;

/// A session in a test's world, which counts how often it reached for Kubernetes.
struct Bed {
  Session session(GlobalOptions options = {}) {
    Means means{.terminal = &terminal};
    means.kube = [this](const kube::KubeOptions& asked) -> Result<KubeAccess> {
      wanted.push_back(asked);
      if (failure.code != ErrorCode::internal) {
        return failure;
      }
      KubeAccess access{.namespace_ = "shop", .cancel = [this] { ++cancelled; }};
      access.port = std::make_unique<tests::FakeKube>();
      return access;
    };
    return {std::move(options), std::move(means)};
  }
  FakeTerminal terminal;
  std::vector<kube::KubeOptions> wanted;
  Error failure = {.message = ""};
  int cancelled = 0;
};

TEST_SUITE("terminal/session") {
  TEST_CASE("Kubernetes is reached once, when first asked for, as the flags say") {
    Bed bed;
    Session session =
        bed.session({.context = "blue", .as = "jane", .request_timeout = std::chrono::seconds(7)});
    CHECK(bed.wanted.empty());
    REQUIRE(session.kube().has_value());
    REQUIRE(session.kube().has_value());
    REQUIRE(bed.wanted.size() == 1);
    CHECK(bed.wanted[0].context == "blue");
    CHECK(bed.wanted[0].as == "jane");
    CHECK(bed.wanted[0].request_timeout == std::chrono::seconds(7));
    bed.wanted[0].on_warning("v1beta1 is deprecated");
    CHECK(bed.terminal.said() == "warning: v1beta1 is deprecated\n");
  }

  TEST_CASE("a way that was not found is looked for again") {
    Bed bed;
    bed.failure = Error::not_found("no kubeconfig");
    Session session = bed.session();
    CHECK(session.kube().error() == bed.failure);
    CHECK(session.namespace_name().error() == bed.failure);
    bed.failure = {.message = ""};
    CHECK(session.kube().has_value());
  }

  TEST_CASE("the namespace is the flag's, else the context's") {
    Bed bed;
    {
      Session named = bed.session({.namespace_ = "web"});
      CHECK(named.namespace_name() == "web");
      CHECK(named.namespace_flag() == " -n web");
      CHECK(bed.wanted.empty());
    }
    {
      Session unnamed = bed.session();
      CHECK(unnamed.namespace_flag().empty());
      CHECK(unnamed.namespace_name() == "shop");
      CHECK(unnamed.namespace_flag() == " -n shop");
    }
    Session usual = bed.session({.namespace_ = "default"});
    CHECK(usual.namespace_flag().empty());
  }

  TEST_CASE("Ctrl-C ends the calls under way for as long as the session lives") {
    Bed bed;
    {
      Session session = bed.session();
      CHECK_FALSE(bed.terminal.at_ctrl_c);
      REQUIRE(session.kube().has_value());
      REQUIRE(bed.terminal.at_ctrl_c);
      bed.terminal.at_ctrl_c();
      CHECK(bed.cancelled == 1);
    }
    CHECK_FALSE(bed.terminal.at_ctrl_c);
  }

  TEST_CASE("Redis is reached with what was asked for") {
    Bed bed;
    std::string asked;
    Means means{.terminal = &bed.terminal};
    means.kube = [](const kube::KubeOptions&) -> Result<KubeAccess> {
      KubeAccess access;
      access.port = std::make_unique<tests::FakeKube>();
      return access;
    };
    means.redis = [&](ports::KubePort&,
                      const std::string& namespace_,
                      const observe::RedisAccess& access,
                      redis::Via via) -> Result<std::unique_ptr<ports::RedisPort>> {
      asked =
          namespace_ + "/" + access.auth_secret + (via == redis::Via::tunnel ? " by tunnel" : "");
      return Error::unreachable("far away");
    };
    Session session({.via = redis::Via::tunnel}, std::move(means));
    CHECK(session.redis("shop", {.auth_secret = "redis-auth"}).error().message == "far away");
    CHECK(asked == "shop/redis-auth by tunnel");
  }

  TEST_CASE("only a clear yes is one, and the end of input is none") {
    for (const auto& row : {std::pair{std::deque<std::string>{"y"}, true},
                            std::pair{std::deque<std::string>{"Y"}, true},
                            std::pair{std::deque<std::string>{"yes"}, true},
                            std::pair{std::deque<std::string>{"no"}, false},
                            std::pair{std::deque<std::string>{"yeah"}, false},
                            std::pair{std::deque<std::string>{""}, false},
                            std::pair{std::deque<std::string>{}, false}}) {
      const auto& answers = row.first;
      const bool yes = row.second;
      CAPTURE(answers.size());
      Bed bed;
      bed.terminal.answers = answers;
      Session session = bed.session();
      CHECK(session.confirm("go on?") == yes);
      CHECK(bed.terminal.said() == "go on? [y/N] ");
    }
  }

  TEST_CASE("a name has to be typed in full, and nobody is asked without a terminal") {
    Bed bed;
    bed.terminal.answers = {"red", "redis"};
    Session session = bed.session();
    CHECK_FALSE(session.confirm_by_typing("all is lost", "redis"));
    CHECK(session.confirm_by_typing("all is lost", "redis"));
    CHECK_FALSE(session.confirm_by_typing("all is lost", "redis"));
    bed.terminal.asks = false;
    bed.terminal.answers = {"y", "redis"};
    const std::string said = bed.terminal.said();
    CHECK_FALSE(session.confirm("go on?"));
    CHECK_FALSE(session.confirm_by_typing("all is lost", "redis"));
    CHECK(bed.terminal.said() == said);
    CHECK(bed.terminal.answers.size() == 2);
  }

  TEST_CASE("objects are printed as -o asks, and colour is the user's wish") {
    Bed bed;
    Session session = bed.session({.color = ColourWish::always});
    session.print_object({{"a", 1}}, Output::json);
    session.print_object({{"a", 1}}, Output::yaml);
    CHECK(bed.terminal.printed() == "{\n  \"a\": 1\n}\na: 1\n");
    CHECK(session.style().coloured());
    CHECK(session.style().width() == bed.terminal.columns);
    CHECK_FALSE(bed.session().style().coloured());
  }
}

}  // namespace
}  // namespace kredis::plugin
