// SPDX-License-Identifier: Apache-2.0
//
// Finding a cluster by its name, its pods' labels, or one pod.
#include "shared/observe/locate.hpp"

#include <doctest/doctest.h>

#include "tests/support/verb_bed.hpp"

namespace kredis::tests {
namespace {

constexpr const char* k_here = "shop";

/// A StatefulSet that kubectl redis did not make.
Json foreign_workload(const std::string& name, const Json& labels) {
  const Json containers = Json::array({{{"name", "redis"}}});
  return {{"kind", "StatefulSet"},
          {"metadata", {{"name", name}, {"namespace", k_here}, {"labels", labels}}},
          {"spec",
           {{"replicas", 1},
            {"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}}, {"spec", {{"containers", containers}}}}}}}};
}

void put_foreign(VerbBed& bed, const std::string& name, const Json& labels) {
  const Json workload = foreign_workload(name, labels);
  bed.kube.put("statefulsets", workload);
  bed.kube.put("pods", pod_of(workload, 0, "10.3.0.1"));
}

}  // namespace

TEST_SUITE("observe/locate") {
  TEST_CASE("locate finds what create made, then NAME-app, then NAME") {
    struct Row {
      std::string label;
      std::string workload;
      std::string name;
      bool found;
    };
    const std::vector<Row> rows{{"created", "", "redis", true},
                                {"the article's name", "web-app", "web", true},
                                {"its own name", "web", "web", true},
                                {"another name", "web-apps", "web", false}};
    for (const Row& row : rows) {
      CAPTURE(row.label);
      const auto bed = VerbBed::whole();
      if (!row.workload.empty()) {
        put_foreign(*bed, row.workload, {{"app", "web"}});
      }
      const auto located = observe::locate(bed->kube, k_here, row.name);
      REQUIRE(located.has_value() == row.found);
      if (row.found) {
        CHECK_FALSE(located->label_selector.empty());
        CHECK(located->name == (row.workload.empty() ? "redis" : row.workload));
      } else {
        CHECK(located.error().code == core::ErrorCode::not_found);
        CHECK(contains(located.error().hint, "kubectl redis create web makes one"));
      }
    }
  }

  TEST_CASE("locate gives errors on that are none of not finding") {
    VerbBed bed;
    bed.kube.refuse("statefulsets", Error::unauthorized("statefulsets is forbidden"));
    const auto located = observe::locate(bed.kube, k_here, "redis");
    REQUIRE_FALSE(located.has_value());
    CHECK(located.error().code == core::ErrorCode::unauthorized);
  }

  TEST_CASE("locate_by_selector names the workloads where there are several") {
    VerbBed bed;
    put_foreign(bed, "one", {{"app", "redis"}});
    const auto one = observe::locate_by_selector(bed.kube, k_here, "app=redis");
    REQUIRE(one.has_value());
    CHECK(one->name == "one");
    CHECK(one->label_selector == "app=redis");
    put_foreign(bed, "two", {{"app", "redis"}});
    const auto both = observe::locate_by_selector(bed.kube, k_here, "app=redis");
    REQUIRE_FALSE(both.has_value());
    CHECK(both.error().code == core::ErrorCode::conflict);
    CHECK(contains(both.error().message, "app=redis matches pods of several workloads: one, two"));
  }

  TEST_CASE("locate_by_pod goes by labels, by the owner, or takes the pod alone") {
    const auto bed = VerbBed::whole();
    put_foreign(*bed, "web", {{"app", "web"}});
    bed->kube.put("pods", {{"metadata", {{"name", "lonely"}, {"namespace", k_here}}}});
    CHECK(observe::locate_by_pod(bed->kube, k_here, "redis-app-4")->name == "redis");
    CHECK(observe::locate_by_pod(bed->kube, k_here, "web-0")->name == "web");
    const auto lonely = observe::locate_by_pod(bed->kube, k_here, "lonely");
    REQUIRE(lonely.has_value());
    CHECK(lonely->name == "lonely");
    CHECK(lonely->workload.is_null());
    CHECK_FALSE(observe::locate_by_pod(bed->kube, k_here, "gone").has_value());
  }

  TEST_CASE("the node's own label is no part of a Deployment's selector") {
    const Json deployment =
        foreign_workload("redis-3", {{"app", "redis"}, {"kubectl-redis.dev/ordinal", "3"}});
    CHECK(observe::located_from(deployment).label_selector == "app=redis");
  }
}

}  // namespace kredis::tests
