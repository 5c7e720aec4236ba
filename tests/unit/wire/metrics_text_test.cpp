// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/metrics_text.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace kredis::wire {
namespace {

const std::string k_text =
    "# TYPE reviews_total counter\n"
    "reviews_total{endpoint=\"mutate\",result=\"allowed\"} 3\n"
    "reviews_total{endpoint=\"validate\",result=\"refused \\\"so\\\"\\n\"} 1\n"
    "view_age_seconds 1.5\n"
    "seconds_bucket{endpoint=\"a\",le=\"0.001\"} 1\n"
    "seconds_bucket{endpoint=\"a\",le=\"0.01\"} 2\n"
    "seconds_bucket{endpoint=\"a\",le=\"+Inf\"} 2\n"
    "seconds_bucket{endpoint=\"b\",le=\"0.001\"} 1\n"
    "seconds_bucket{endpoint=\"b\",le=\"0.01\"} 1\n"
    "seconds_bucket{endpoint=\"b\",le=\"+Inf\"} 2\n";

}  // namespace

TEST_SUITE("wire/metrics_text") {
  TEST_CASE("parse_metrics reads names, labels with escapes and values") {
    const auto samples = parse_metrics(k_text);
    REQUIRE(samples.size() == 9);
    CHECK(samples[1].labels.at("result") == "refused \"so\"\n");
    CHECK(samples[2].name == "view_age_seconds");
    CHECK(samples[2].value == doctest::Approx(1.5));
    CHECK(sum_of(samples, "reviews_total") == 4);
    CHECK_FALSE(sum_of(samples, "other").has_value());
  }

  TEST_CASE("parse_metrics leaves out what it cannot read") {
    for (const char* text : {"",
                             "\n\n",
                             "name",
                             "name{",
                             "name{a=\"",
                             "name{a=\"b\"",
                             "name{a} 1",
                             "name x",
                             "name{a=\"b\"}1",
                             "name{a=\"\\",
                             "# HELP"}) {
      CAPTURE(text);
      CHECK(parse_metrics(text).empty());
    }
  }

  TEST_CASE("quantile_of gives the bound of the bucket that holds it, over all series") {
    const auto samples = parse_metrics(k_text);
    CHECK(quantile_of(samples, "seconds", 0.5) == doctest::Approx(0.001));
    CHECK(quantile_of(samples, "seconds", 0.51) == doctest::Approx(0.01));
    CHECK(quantile_of(samples, "seconds", 0.75) == doctest::Approx(0.01));
    CHECK(quantile_of(samples, "seconds", 0.76) == std::numeric_limits<double>::infinity());
    CHECK_FALSE(quantile_of(samples, "other", 0.5).has_value());
    CHECK_FALSE(quantile_of(parse_metrics("x_bucket{le=\"1\"} 0\n"), "x", 0.5).has_value());
  }
}

}  // namespace kredis::wire
