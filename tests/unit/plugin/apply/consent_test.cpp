// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/consent.hpp"

#include <doctest/doctest.h>

#include "plugin/render/plan_text.hpp"
#include "tests/support/fake_terminal.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using core::Risk;

core::Step risky(Risk risk, const std::string& cost, const std::string& pod = "redis-app-0") {
  return {.what = core::RestartPod{.pod = pod}, .reason = "new image", .risk = risk, .cost = cost};
}

struct Bed {
  Status agree(const core::Plan& plan, Ask ask = Ask::yes) {
    Session session(GlobalOptions{}, Means{.terminal = &terminal});
    return plugin::agree(session, plan, "redis", ask);
  }
  tests::FakeTerminal terminal;
};

TEST_SUITE("plugin/consent") {
  TEST_CASE("each risk is agreed to in its own way") {
    struct Case {
      std::string label;
      Risk risk;
      std::deque<std::string> answers;
      bool agreed;
      std::string asked;
    };
    for (const Case& each :
         {Case{"nothing to ask", Risk::none, {}, true, ""},
          Case{"y", Risk::availability, {"y"}, true, "go on? [y/N] "},
          Case{"yes", Risk::availability, {"yes"}, true, "go on? [y/N] "},
          Case{"n", Risk::availability, {"n"}, false, "go on? [y/N] "},
          Case{"an empty line", Risk::availability, {""}, false, "go on? [y/N] "},
          Case{"the end of input", Risk::availability, {}, false, "go on? [y/N] "},
          Case{"the name", Risk::data, {"redis"}, true, "type redis to go on: "},
          Case{"y is no name", Risk::data, {"y"}, false, "type redis to go on: "},
          Case{"another name", Risk::data, {"redis2"}, false, "type redis to go on: "},
          Case{"no name", Risk::data, {}, false, "type redis to go on: "}}) {
      CAPTURE(each.label);
      Bed bed;
      bed.terminal.answers = each.answers;
      const Status agreed = bed.agree(one_stage({risky(each.risk, "slots are not served")}));
      CHECK(agreed.has_value() == each.agreed);
      CHECK(bed.terminal.said().ends_with(each.asked));
      CHECK(contains(bed.terminal.said(), "slots are not served") == (each.risk != Risk::none));
      CHECK(bed.terminal.printed().empty());
      if (!each.agreed) {
        CHECK(agreed.error().code == ErrorCode::unsafe);
        CHECK(contains(agreed.error().message, "nothing was done"));
        CHECK(contains(agreed.error().hint, "--yes"));
      }
    }
  }

  TEST_CASE("without a terminal nothing is asked and nothing done") {
    for (const auto& row : {std::pair{Risk::availability, "answer y when asked, or add --yes"},
                            std::pair{Risk::data, "type redis when asked, or add --yes"}}) {
      const auto& risk = row.first;
      const auto& hint = row.second;
      CAPTURE(hint);
      Bed bed;
      bed.terminal.asks = false;
      bed.terminal.answers = {"y", "redis"};
      const Status agreed = bed.agree(one_stage({risky(risk, "it may hurt")}));
      REQUIRE_FALSE(agreed.has_value());
      CHECK(agreed.error().code == ErrorCode::unsafe);
      CHECK(agreed.error().hint == hint);
      CHECK(bed.terminal.said() == "it may hurt\n");
    }
  }

  TEST_CASE("--yes shows what it may cost and goes on") {
    Bed bed;
    bed.terminal.asks = false;
    CHECK(bed.agree(one_stage({risky(Risk::data, "it may hurt")}), Ask::no).has_value());
    CHECK(bed.terminal.said() == "it may hurt\n");
  }
}

TEST_SUITE("plugin/plan_text") {
  TEST_CASE("a plan is its stages with a line a step, and a title that stands twice once") {
    core::Plan plan =
        one_stage({risky(Risk::none, ""), {.what = core::BumpEpoch{.pod = "p"}}}, "first");
    plan.stages.push_back({.title = "first", .steps = {risky(Risk::none, "", "redis-app-1")}});
    plan.stages.push_back({.title = "second", .steps = {}});
    CHECK(render_plan(plan) ==
          "first\n"
          "  restart redis-app-0  # new image\n"
          "  bump_epoch p\n"
          "  restart redis-app-1  # new image\n"
          "second\n");
    CHECK(render_plan({}).empty());
    CHECK(render_costs(plan).empty());
  }

  TEST_CASE("only what the riskiest steps cost is shown, and nothing twice") {
    const core::Plan plan = one_stage({risky(Risk::availability, "an outage"),
                                       risky(Risk::data, "lost writes"),
                                       risky(Risk::data, "lost writes"),
                                       risky(Risk::data, "a lost volume")});
    CHECK(render_costs(plan) == "lost writes\na lost volume\n");
  }
}

}  // namespace
}  // namespace kredis::plugin
