// SPDX-License-Identifier: Apache-2.0
#include "webhook/metrics.hpp"

#include <doctest/doctest.h>

#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("webhook/metrics") {
  TEST_CASE("counters add up and gauges are replaced, each by its labels") {
    Metrics metrics;
    CHECK(metrics.to_text().empty());
    metrics.count("reviews_total", {{"result", "refused"}});
    metrics.count("reviews_total", {{"result", "refused"}}, 2);
    metrics.count("reviews_total", {{"result", "allowed"}});
    metrics.set("connections", {}, 3);
    metrics.set("connections", {}, 2);
    metrics.set("accepted_total", {}, 9);
    CHECK(metrics.to_text() ==
          "# TYPE kubectl_redis_webhook_accepted_total counter\n"
          "kubectl_redis_webhook_accepted_total 9\n"
          "# TYPE kubectl_redis_webhook_reviews_total counter\n"
          "kubectl_redis_webhook_reviews_total{result=\"allowed\"} 1\n"
          "kubectl_redis_webhook_reviews_total{result=\"refused\"} 3\n"
          "# TYPE kubectl_redis_webhook_connections gauge\n"
          "kubectl_redis_webhook_connections 2\n");
  }

  TEST_CASE("a series that is not set any more is gone, and the others stay") {
    Metrics metrics;
    metrics.set("connections", {}, 2);
    metrics.set_all("cluster_seen", {{{{"cluster", "a"}}, 1}, {{{"cluster", "b"}}, 0}});
    metrics.set_all("cluster_seen", {{{{"cluster", "b"}}, 1}});
    CHECK(contains(metrics.to_text(), "cluster_seen{cluster=\"b\"} 1\n"));
    CHECK_FALSE(contains(metrics.to_text(), "cluster=\"a\""));
    metrics.set_all("cluster_seen", {});
    CHECK_FALSE(contains(metrics.to_text(), "cluster_seen"));
    CHECK(contains(metrics.to_text(), "connections 2\n"));
  }

  TEST_CASE("label values cannot end their line or their quotes") {
    Metrics metrics;
    metrics.count("x_total", {{"user", "a\"b\\c\nd"}, {"kind", "Pod"}});
    CHECK(contains(metrics.to_text(), "x_total{user=\"a\\\"b\\\\c\\nd\",kind=\"Pod\"} 1\n"));
  }

  TEST_CASE("a bucket counts what took exactly as long as its bound, and all that is in smaller") {
    Metrics metrics;
    metrics.observe("validate", std::chrono::milliseconds(1));
    metrics.observe("validate", std::chrono::microseconds(1001));
    metrics.observe("validate", std::chrono::seconds(2));
    const std::string text = metrics.to_text();
    for (const char* line : {"_bucket{endpoint=\"validate\",le=\"0.0005\"} 0\n",
                             "_bucket{endpoint=\"validate\",le=\"0.001\"} 1\n",
                             "_bucket{endpoint=\"validate\",le=\"0.0025\"} 2\n",
                             "_bucket{endpoint=\"validate\",le=\"1\"} 2\n",
                             "_bucket{endpoint=\"validate\",le=\"+Inf\"} 3\n",
                             "_count{endpoint=\"validate\"} 3\n"}) {
      CAPTURE(line);
      CHECK(contains(text, line));
    }
  }
}

TEST_SUITE("webhook/log") {
  TEST_CASE("levels are known by their names, and what is below the least is not written") {
    CHECK(log_level_of("warning") == LogLevel::warning);
    CHECK_FALSE(log_level_of("Warning").has_value());
    const StderrCapture output;
    Log log(LogLevel::warning);
    CHECK(log.writes(LogLevel::warning));
    CHECK_FALSE(log.writes(LogLevel::info));
    log.write(LogLevel::info, "quiet");
    log.write(LogLevel::error, "loud");
    CHECK(output.lines("quiet").empty());
    CHECK(output.lines("loud").size() == 1);
  }

  TEST_CASE(
      "a line is one JSON object with time, level and message, whatever strangers call theirs") {
    const StderrCapture output;
    Log log(LogLevel::info);
    log.write(LogLevel::info, "reviewed", {{"name", "two\nlines \xff"}});
    const auto lines = output.lines("");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["level"] == "info");
    CHECK(lines[0]["name"] == "two\nlines \xef\xbf\xbd");
    CHECK(text_at(lines[0], "/time").size() == std::string("2026-01-31T12:00:00.123Z").size());
  }

  TEST_CASE("an error is written with its code, and with hint and context where it has any") {
    const StderrCapture output;
    Log log(LogLevel::info);
    log.write(LogLevel::error, "bare", Error::timeout("too late"));
    log.write(LogLevel::error,
              "full",
              Error::not_found("no such file").with_hint("mount it").while_doing("reading a.crt"));
    const auto lines = output.lines("");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["code"] == "timeout");
    CHECK_FALSE(lines[0].contains("hint"));
    CHECK_FALSE(lines[0].contains("context"));
    CHECK(lines[1]["error"] == "no such file");
    CHECK(lines[1]["hint"] == "mount it");
    CHECK(lines[1]["context"] == Json::array({"reading a.crt"}));
  }
}

}  // namespace
}  // namespace kredis::webhook
