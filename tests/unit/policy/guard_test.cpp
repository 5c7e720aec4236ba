// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/guard.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/policy/guard_bed.hpp"

namespace kredis::policy {
namespace {

using Bed = GuardBed;

}  // namespace

TEST_SUITE("policy/guard") {
  TEST_CASE("every guard has an id in order, and says what it does when blind") {
    REQUIRE(guards().size() == 9);
    for (std::size_t i = 0; i < guards().size(); ++i) {
      CHECK(guards()[i].id == "RG00" + std::to_string(i + 1));
      CHECK_FALSE(guards()[i].when_blind.empty());
      CHECK(find_guard("rg00" + std::to_string(i + 1)) == &guards()[i]);
    }
    CHECK(find_guard("RG999") == nullptr);
  }

  TEST_CASE(
      "a master with a replica in step may be evicted, one without may not, as with a budget") {
    CHECK(passed(Bed().evict(0)));
    const GuardAnswer answer = Bed(ViewBuilder::whole(3, 1).silent(3).build()).evict(0);
    CHECK(refused(answer, "RG002"));
    CHECK(answer.again_later);
    CHECK(answer.age_seconds == 2);
    CHECK(answer.objection->message == "redis-app-0 holds the last copy of 5461 slots");
    CHECK(answer.objection->found == "redis-app-0");
    CHECK(answer.objection->wanted.find("kubectl-redis.dev/allow-delete") != std::string::npos);
    CHECK(passed(Bed(ViewBuilder::whole(3, 1).silent(3).build()).evict(1)));
  }

  TEST_CASE("what was let go a moment ago counts as gone, and may be asked for again") {
    Bed bed;
    bed.sight.leaving = {"redis-app-3"};
    CHECK(refused(bed.evict(0), "RG002"));
    CHECK(passed(bed.evict(3)));
    CHECK(passed(bed.evict(1)));
  }

  TEST_CASE("the second of three masters may not go while the first is away") {
    Bed bed;
    bed.sight.leaving = {"redis-app-0"};
    const GuardAnswer answer = bed.evict(1);
    CHECK(refused(answer, "RG002"));
    CHECK(answer.objection->message == "without redis-app-1 no majority of masters is left");
    CHECK(passed(bed.evict(4)));
  }

  TEST_CASE("a cluster that is down is not held up: nothing is there that could be lost") {
    const Bed bed(ViewBuilder::whole(3, 0)
                      .silent(1)
                      .silent(2)
                      .edit(1, [](core::Member& each) { each.pod.running = false; })
                      .edit(2, [](core::Member& each) { each.pod.running = false; })
                      .build());
    CHECK(passed(bed.remove(1)));
    CHECK(passed(bed.remove(2)));
    CHECK(refused(bed.remove(0), "RG003"));
  }

  TEST_CASE(
      "a pod is deleted by the same measure, but not held up for controllers or when it ends already") {
    const Bed bed(ViewBuilder::whole(3, 1).silent(3).build());
    const GuardAnswer answer = bed.remove(0);
    CHECK(refused(answer, "RG003"));
    CHECK_FALSE(answer.again_later);
    for (const char* user : {"system:node:node-a",
                             "system:serviceaccount:kube-system:statefulset-controller",
                             "system:kube-controller-manager"}) {
      CHECK_FALSE(bed.remove(0, user).objection.has_value());
    }
    CHECK(refused(bed.remove(0, "system:serviceaccount:shop:operator"), "RG003"));
    CHECK_FALSE(bed.remove(0, k_user, {{"deletionTimestamp", "now"}}).objection.has_value());
    CHECK_FALSE(bed.ask("DELETE", "pods", "", "web-0").concerned);
  }

  TEST_CASE("an annotation of the workload or the pod allows it, and that is said") {
    Bed bed(ViewBuilder::whole(3, 1).silent(3).build());
    const GuardAnswer pod =
        bed.remove(0, k_user, {{"annotations", {{"kubectl-redis.dev/allow-delete", "true"}}}});
    CHECK(passed(pod));
    CHECK(pod.overridden);
    allow(bed.set());
    CHECK(bed.evict(0).overridden);
    CHECK(passed(bed.evict(0)));
    bed.set()["metadata"]["annotations"]["kubectl-redis.dev/ignore"] = "true";
    CHECK_FALSE(bed.evict(0).concerned);
    CHECK(bed.evict(0).ignored);
  }

  TEST_CASE("a pod that is taken out of every rule may go, and that is told") {
    const Bed bed(ViewBuilder::whole(3, 0).build());
    const Json ignored = {{"annotations", {{"kubectl-redis.dev/ignore", "true"}}}};
    const GuardAnswer answer = bed.remove(0, k_user, ignored);
    CHECK(answer.ignored);
    CHECK_FALSE(answer.concerned);
    CHECK_FALSE(answer.objection.has_value());
    const Json stranger = {{"metadata", ignored}};
    CHECK_FALSE(bed.ask("DELETE", "pods", "", "web-0", k_none, stranger).ignored);
  }

  TEST_CASE("without a view, or with an old one, pods may go and the user is told") {
    Bed bed(ViewBuilder::whole(3, 1).silent(3).build());
    bed.sight.age_seconds = k_oldest_view;
    CHECK(refused(bed.evict(0), "RG002"));
    bed.sight.age_seconds = k_oldest_view + 1;
    CHECK(warned(bed.evict(0), "RG002"));
    CHECK_FALSE(bed.evict(0).age_seconds.has_value());
    bed.sight.view = nullptr;
    CHECK(warned(bed.remove(0), "RG003"));
    CHECK(warned(bed.scale(6, 3), "RG001"));
  }

  TEST_CASE("scaling in may not take slots, and warns of nodes that were not forgotten") {
    CHECK(warned(Bed().scale(6, 5), "RG001"));
    CHECK(warned(Bed().scale(6, 3), "RG001"));
    const GuardAnswer answer = Bed().scale(6, 2);
    CHECK(refused(answer, "RG001"));
    CHECK(answer.objection->found == "2 instead of 6");
    CHECK(answer.objection->message ==
          "5461 slots are on pods that would go; move them away first");
    CHECK(answer.objection->path == "/spec/replicas");
    CHECK(refused(Bed().scale(6, 0), "RG001"));
    CHECK_FALSE(Bed().scale(6, 6).concerned);
    CHECK_FALSE(Bed().scale(3, 6).concerned);
    CHECK(passed(Bed(ViewBuilder::whole(3, 0).build()).scale(6, 3)));
  }

  TEST_CASE(
      "scaling in by an update of the workload is judged the same, and allowed by annotation") {
    Bed bed;
    Json smaller = bed.set();
    smaller["spec"]["replicas"] = 2;
    const auto update = [&bed](const Json& object) {
      return bed.ask("UPDATE", "statefulsets", "", "redis-app", object, bed.set());
    };
    CHECK(refused(update(smaller), "RG001"));
    allow(smaller);
    CHECK(update(smaller).overridden);
    allow(bed.set());
    CHECK(passed(bed.scale(6, 2)));
  }

  TEST_CASE("a workload with data is deleted with the annotation only, seen or not") {
    Bed bed;
    const auto remove = [&bed](const Json& set, const char* user = k_user) {
      return bed.ask("DELETE", "statefulsets", "", "redis-app", k_none, set, user);
    };
    CHECK(refused(remove(bed.set()), "RG004"));
    CHECK(remove(bed.set()).objection->message ==
          "redis-app holds a cluster's data; delete it with: kubectl redis delete");
    CHECK_FALSE(
        remove(bed.set(), "system:serviceaccount:kube-system:namespace-controller").concerned);
    Json allowed = bed.set();
    allow(allowed);
    CHECK(remove(allowed).overridden);
    bed.sight.view = std::make_shared<const core::ClusterView>(ViewBuilder(6).build());
    CHECK(passed(remove(bed.set())));  // It never was a cluster.
    bed.sight.view = nullptr;
    CHECK(refused(remove(bed.set()), "RG004"));
  }

  TEST_CASE("a claim goes only when no node is there or wanted for it") {
    Bed bed;
    CHECK(refused(bed.claim(5), "RG005"));
    CHECK_FALSE(bed.claim(17).objection.has_value());
    CHECK_FALSE(bed.ask("DELETE", "persistentvolumeclaims", "", "redis-data-other-0").concerned);
    bed.set()["spec"]["replicas"] = 3;
    CHECK(refused(bed.claim(5), "RG005"));  // Its pod is still a node of the cluster.
    bed.sight.view = nullptr;
    CHECK(passed(bed.claim(5)));
    CHECK(refused(bed.claim(2), "RG005"));
    allow(bed.set());
    CHECK(bed.claim(2).overridden);
  }

  TEST_CASE("messages fit a webhook's warning") {
    constexpr std::size_t k_longest = 120;
    Bed bed;
    std::vector<GuardAnswer> answers{bed.scale(6, 2), bed.scale(6, 3), bed.claim(0)};
    bed.sight.view = nullptr;
    answers.push_back(bed.evict(0));
    for (const GuardAnswer& each : answers) {
      REQUIRE(each.objection.has_value());
      CHECK(each.objection->message.size() + each.objection->rule.size() + 3 <= k_longest);
    }
  }
}

}  // namespace kredis::policy
