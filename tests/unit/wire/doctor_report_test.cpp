// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/doctor_report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/builders.hpp"

namespace kredis::wire {
namespace {

using testing::edit_nodes;

core::ClusterView half_moved() {
  testing::ViewBuilder builder = testing::ViewBuilder::whole(3, 1);
  builder.edit(0, [](core::Member& member) {
    edit_nodes(member)[0].open_slots = {{.slot = 7,
                                         .direction = core::OpenSlot::Direction::migrating,
                                         .other = testing::node_id(1)}};
  });
  return builder.build();
}

std::vector<Diagnosis> diagnoses_of(const core::ClusterView& view) {
  std::vector<Diagnosis> diagnoses;
  for (const core::Finding& finding : core::find_trouble(view)) {
    diagnoses.push_back(
        {.finding = finding, .plan = core::plan_fix(view, {}, {.only = {finding.id}})});
  }
  return diagnoses;
}

}  // namespace

TEST_SUITE("wire/doctor_report") {
  TEST_CASE("a finding comes with what it means and the steps that mend it") {
    const core::ClusterView view = half_moved();
    const Json report = doctor_report(view, core::Health::degraded, diagnoses_of(view));
    CHECK(report.at("kind") == "ClusterDiagnosis");
    CHECK(report.at("health") == "degraded");
    const Json& finding = report.at("findings").at(0);
    CHECK(finding.at("id") == "slots-open");
    CHECK(finding.at("mendable") == true);
    CHECK_FALSE(finding.at("data").get<std::string>().empty());
    CHECK(finding.at("steps").at(0).at("step") == "stabilise_slots redis-app-0 7");
    CHECK(finding.at("steps").at(0).at("risk") == "none");
    CHECK(finding.at("refused").empty());
  }

  TEST_CASE("metrics have one family each, and labels are quoted") {
    core::ClusterView view = half_moved();
    view.name = "a\"b";
    const std::string text = doctor_metrics(view, core::Health::degraded, diagnoses_of(view));
    const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
    const std::string of = "{namespace=\"default\",cluster=\"a\\\"b\"";
    CHECK(has("kubectl_redis_cluster_health" + of + ",health=\"degraded\"} 1\n"));
    CHECK(has("kubectl_redis_cluster_health" + of + ",health=\"ok\"} 0\n"));
    CHECK(has("kubectl_redis_cluster_slots_served" + of + "} 16384\n"));
    CHECK(has("kubectl_redis_finding" + of + ",id=\"slots-open\",severity=\"warning\"} 1\n"));
    CHECK(has("# TYPE kubectl_redis_finding gauge\n"));
  }
}

}  // namespace kredis::wire
