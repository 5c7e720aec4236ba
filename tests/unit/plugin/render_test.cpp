// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "plugin/render/drill_text.hpp"
#include "plugin/render/error_text.hpp"
#include "plugin/render/human.hpp"
#include "plugin/render/status_tree.hpp"
#include "plugin/render/table.hpp"
#include "plugin/terminal/progress.hpp"
#include "shared/json/json.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/golden.hpp"

namespace kredis::plugin {
namespace {

using testing::check_golden;
using testing::ViewBuilder;

core::Error lagging() {
  return core::Error::unsafe("node 3f9c1e cannot leave: its closest replica is 4.2Mi behind")
      .with_hint("wait for replication, or raise the limit with --max-lag")
      .while_doing("draining pod cache-0")
      .while_doing("working on cluster cache in namespace shop");
}

/// Three masters, each with its replica on another node and in another zone.
ViewBuilder well_placed() {
  return ViewBuilder::whole(3, 1)
      .on(3, "node-1", "zone-1")
      .on(4, "node-2", "zone-2")
      .on(5, "node-0", "zone-0");
}

}  // namespace

TEST_SUITE("plugin/render") {
  TEST_CASE("human_bytes changes its unit at 1,024") {
    CHECK(human_bytes(1023) == "1023");
    CHECK(human_bytes(1024) == "1.0Ki");
    CHECK(human_bytes(4'404'019) == "4.2Mi");
  }

  TEST_CASE("human_age reads as kubectl's AGE column does") {
    CHECK(human_age(45) == "45s");
    CHECK(human_age(119) == "119s");
    CHECK(human_age(120) == "2m");
    CHECK(human_age(192) == "3m12s");
    CHECK(human_age(5 * 3600) == "5h");
    CHECK(human_age(12 * 86'400) == "12d");
  }

  TEST_CASE("human_count groups digits by three") {
    CHECK(human_count(0) == "0");
    CHECK(human_count(999) == "999");
    CHECK(human_count(16'384) == "16,384");
    CHECK(human_count(-1'234'567) == "-1,234,567");
  }

  TEST_CASE("render_table widens each column to its longest cell") {
    CHECK(render_table({"POD", "NODE"}, {{"redis-app-10", "a"}, {"x", "node-b"}}) ==
          "POD            NODE\nredis-app-10   a\nx              node-b\n");
  }

  TEST_CASE("padded counts what is seen, not bytes") {
    CHECK(padded("└ a", 5) == "└ a  ");
    CHECK(display_width(TextStyle(Colour::on).red("abc")) == 3);
  }

  TEST_CASE("an error shows the problem, then the remedy, then what was being done") {
    check_golden("error.txt", render_error(lagging(), TextStyle()));
    check_golden("error.colour.txt", render_error(lagging(), TextStyle(Colour::on)));
  }

  TEST_CASE("an error that says nothing better, and that may pass, says to try again") {
    const std::string again = "  fix: run the same command again\n";
    for (const core::CodeTraits& each : core::k_code_traits) {
      CAPTURE(each.name);
      const core::Error bare{.code = each.code, .message = "it went wrong"};
      const bool may_pass =
          each.retry == core::Retry::same_call || each.retry == core::Retry::from_fresh_view;
      CHECK(render_error(bare, TextStyle()) == "error: it went wrong\n" + (may_pass ? again : ""));
      CHECK(Json::parse(render_error_json(bare)).at("error").at("hint") ==
            (may_pass ? "run the same command again" : ""));
      CHECK(render_error(bare.with_hint("look"), TextStyle()) ==
            "error: it went wrong\n  fix: look\n");
    }
  }

  TEST_CASE("an error in JSON carries its code, hint and context") {
    const Json error = Json::parse(render_error_json(lagging())).at("error");
    CHECK(error.at("code") == "unsafe");
    CHECK(error.at("hint") == "wait for replication, or raise the limit with --max-lag");
    CHECK(error.at("context").size() == 2);
  }
}

TEST_SUITE("plugin/status_tree") {
  TEST_CASE("a whole cluster is a tree of masters and their replicas") {
    const StatusPicture picture = picture_of(well_placed().build());
    CHECK(picture.health == core::Health::ok);
    check_golden("status/whole.txt", render_status(picture, TextStyle(), Detail::normal));
    check_golden("status/whole.wide.txt", render_status(picture, TextStyle(), Detail::wide));
    check_golden("status/whole.colour.txt",
                 render_status(picture, TextStyle(Colour::on), Detail::normal));
  }

  TEST_CASE("a pod that does not answer is shown with the reason") {
    const StatusPicture picture = picture_of(well_placed().silent(4).build());
    CHECK(picture.health == core::Health::degraded);
    check_golden("status/silent.txt", render_status(picture, TextStyle(), Detail::normal));
  }

  TEST_CASE("strangers are listed as not part of a cluster") {
    const StatusPicture picture = picture_of(ViewBuilder(6).shape(3, 1).build());
    CHECK(picture.health == core::Health::down);
    check_golden("status/strangers.txt", render_status(picture, TextStyle(), Detail::normal));
  }

  TEST_CASE("several clusters are a line each") {
    check_golden("status/all.txt",
                 render_status_table({picture_of(well_placed().build()),
                                      picture_of(ViewBuilder(6).shape(3, 1).build())},
                                     TextStyle()));
  }
}

TEST_SUITE("plugin/drill_text") {
  /// Thirty seconds: ten operations per 100 ms, none between 1.0 and 7.0 s, five afterwards.
  wire::DrillReport drilled() {
    using std::chrono::milliseconds;
    wire::DrillReport report{
        .name = "redis",
        .namespace_ = "shop",
        .strike = wire::DrillStrike::freeze,
        .drill = core::plan_drill(well_placed().build(), {.master = "redis-app-0"}).value()};
    report.probe.struck_at = milliseconds(1000);
    for (int at = 0; at < 30'000; at += 10) {
      const bool away = at >= 1000 && at < 7000;
      if (away && at % 500 == 0) {
        report.probe.victim.failed("no answer in time", milliseconds(at));
      } else if (!away && (at < 1000 || at % 20 == 0)) {
        report.probe.victim.acknowledged(
            at % 40 == 0 ? wire::ProbeKind::write : wire::ProbeKind::read, milliseconds(at));
      }
    }
    report.probe.lost_writes = 2;
    report.heir = testing::node_id(3);
    report.heir_pod = "redis-app-3";
    report.times = {.suspected = milliseconds(5100),
                    .detected = milliseconds(5300),
                    .promoted = milliseconds(6000),
                    .healed = milliseconds(14'250)};
    return report;
  }

  TEST_CASE("a drill is told in figures and plotted, several intervals a column") {
    check_golden("drill.txt", render_drill(drilled(), TextStyle(Colour::off, 80)));
  }

  TEST_CASE("what was not seen is said in words") {
    wire::DrillReport report = drilled();
    report.times = {};
    report.heir.reset();
    report.missing = "redis-app-0 is not ready yet";
    report.probe.lost_writes.reset();
    const std::string text = render_drill(report, TextStyle());
    CHECK(text.find("it was back before a majority agreed") != std::string::npos);
    CHECK(text.find("not healed: redis-app-0 is not ready yet") != std::string::npos);
    CHECK(text.find("could not be read back") != std::string::npos);
    CHECK(render_drill_plot({.drill = report.drill}, TextStyle()).empty());
  }

  TEST_CASE("a drill's plan names the master, the way and the replicas") {
    const std::string text = render_drill_plan(drilled());
    CHECK(text.starts_with("redis-app-0, master of slots 0-5460 on node-0 (zone-0), hangs for"));
    CHECK(text.find("redis-app-3 (in step) may take over") != std::string::npos);
  }
}

TEST_SUITE("plugin/progress") {
  TEST_CASE("without a terminal every change is one plain line") {
    std::ostringstream stream;
    Progress progress(stream, TextStyle(), Live::no);
    progress.begin("waiting for 2 pods");
    progress.line("redis-app-0", "starting");
    progress.line("redis-app-0", "starting");
    progress.line("redis-app-0", "ready");
    CHECK(stream.str() == "waiting for 2 pods\n  redis-app-0  starting\n  redis-app-0  ready\n");
  }

  TEST_CASE("on a terminal a stage's lines are replaced, and gone when it is done") {
    std::ostringstream stream;
    Progress progress(stream, TextStyle(Colour::off, 20), Live::yes);
    progress.begin("waiting");
    progress.line("a", "a very long text that does not fit");
    progress.done("2 of 2 pods ready");
    const std::string text = stream.str();
    CHECK(text.find("\033[2F\033[J") != std::string::npos);
    CHECK(text.find("that does not fit") == std::string::npos);
    CHECK(text.find("✓ 2 of 2 pods ready") != std::string::npos);
  }
}

}  // namespace kredis::plugin
