// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>

#include "tests/unit/operations/cluster_bed.hpp"

namespace kredis::operations {
namespace {

using tests::ClusterBed;
using namespace std::chrono_literals;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("operations/init") {
  TEST_CASE("six strangers become one cluster that every node calls ok") {
    ClusterBed bed(6, 5000);

    const auto outcome = bed.init(3);

    if (!outcome) {
      FAIL(outcome.error().message);
    }
    CHECK(outcome->changed);
    CHECK(lacking(outcome->view).empty());
    for (std::size_t node = 0; node < 6; ++node) {
      CAPTURE(node);
      CHECK(contains(bed.ask(node, {"CLUSTER", "INFO"}).text, "cluster_state:ok"));
      CHECK(bed.setting(node, "cluster-node-timeout") == "5000");
    }

    const auto again = bed.init(3);
    REQUIRE(again.has_value());
    CHECK_FALSE(again->changed);
  }
}

}  // namespace
}  // namespace kredis::operations
