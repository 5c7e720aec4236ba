// SPDX-License-Identifier: Apache-2.0
//
// `delete`: the cluster goes, its data stays unless somebody typed its name.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

const std::vector<std::string> k_objects{"delete statefulsets/redis-app",
                                         "delete poddisruptionbudgets/redis-app",
                                         "delete services/redis-service",
                                         "delete services/redis-access-service",
                                         "delete configmaps/redis-conf"};

std::vector<std::string> deletions(const VerbBed& bed) {
  std::vector<std::string> found;
  for (const std::string& change : bed.kube.changes) {
    if (change.starts_with("delete ") && !contains(change, "leases/")) {
      found.push_back(change);
    }
  }
  return found;
}

bool has_claim(VerbBed& bed) {
  return !bed.kube.object("persistentvolumeclaims", "redis-data-redis-app-5").is_null();
}

}  // namespace

TEST_SUITE("verbs/delete") {
  TEST_CASE("delete removes what create made, in order, tells the webhook, and keeps the claims") {
    const auto bed = VerbBed::whole();
    const Ran ran =
        check_run(*bed,
                  {"delete"},
                  ExitStatus::done,
                  {"statefulset.apps/redis-app deleted\n", "configmap/redis-conf deleted\n"});
    check_says(ran.err,
               {"goes:\n  statefulset.apps/redis-app\n",
                "stays (kubectl redis create with the same name finds its data again):",
                "persistentvolumeclaim/redis-data-redis-app-5",
                "deleting 5 objects"});
    CHECK(deletions(*bed) == k_objects);
    CHECK(bed->kube.changes[1] == "patch statefulsets/redis-app");
    CHECK(has_claim(*bed));
    CHECK(bed->kube.object("leases", "kubectl-redis-redis").is_null());
  }

  TEST_CASE("create after delete finds the data again") {
    const auto bed = VerbBed::whole();
    bed->model.node("redis-app-1").keys = 5;
    check_run(*bed, {"delete"}, ExitStatus::done);
    check_run(*bed, {"create"}, ExitStatus::done, {"ok  shop/redis", "5461-10922    5 "});
  }

  TEST_CASE("delete --purge-data takes the claims too, once the name was typed") {
    const auto bed = VerbBed::whole();
    will_answer(*bed, "redis");
    const Ran ran = check_run(*bed,
                              {"delete", "--purge-data"},
                              ExitStatus::done,
                              {"persistentvolumeclaim/redis-data-redis-app-0 deleted"});
    check_says(ran.err,
               {"the data in 6 claims would be lost for good",
                "this cannot be undone",
                "type redis to go on"});
    CHECK_FALSE(has_claim(*bed));
  }

  TEST_CASE("delete --dry-run shows what would go and keeps all of it") {
    struct Row {
      std::string label;
      Words words;
      std::vector<std::string> out;
    };
    const std::vector<Row> rows{
        {"client",
         {"delete", "--dry-run=client"},
         {"deleting 5 objects\n  delete statefulset.apps/redis-app\n",
          "wait statefulset.apps/redis-app is gone  # its pods end"}},
        {"server", {"delete", "--dry-run=server"}, {"redis-app deleted (server dry run)\n"}},
        {"data, without a question",
         {"delete", "--purge-data", "--dry-run=server"},
         {"persistentvolumeclaim/redis-data-redis-app-0 deleted (server dry run)"}}};
    for (const Row& row : rows) {
      CAPTURE(row.label);
      const auto bed = VerbBed::whole();
      const Ran ran = check_run(*bed, row.words, ExitStatus::done, row.out);
      CHECK_FALSE(contains(ran.err, "to go on"));
      CHECK_FALSE(bed->kube.object("statefulsets", "redis-app").is_null());
      CHECK(bed->kube.object("leases", "kubectl-redis-redis").is_null());
      CHECK(has_claim(*bed));
    }
  }

  TEST_CASE("delete refuses and changes nothing") {
    const std::vector<Refusal> rows{
        {.label = "nothing there",
         .words = {"delete", "nope"},
         .says = {"there is no cluster nope in namespace shop", "kubectl redis status -A"},
         .exit = ExitStatus::failed},
        {.label = "another name typed",
         .words = {"delete", "--purge-data"},
         .given = [](VerbBed& bed) { will_answer(bed, "y"); },
         .says = {"nothing was done: losing data was not confirmed",
                  "type redis when asked, or add --yes"}},
        {.label = "nobody there to ask",
         .words = {"delete", "--purge-data"},
         .given = [](VerbBed& bed) { bed.asks = false; },
         .says = {"nothing was done: losing data was not confirmed"}},
        {.label = "rights that this user lacks",
         .words = {"delete"},
         .given = [](VerbBed& bed) { bed.kube.forbidden = {"delete statefulsets"}; },
         .says = {"this user may not delete statefulsets.apps in namespace shop",
                  "add to a Role of this user:"},
         .exit = ExitStatus::failed},
        {.label = "objects that cannot be listed",
         .words = {"delete"},
         .given =
             [](VerbBed& bed) {
               bed.kube.refuse("services", Error::unauthorized("services is forbidden"));
             },
         .says = {"services is forbidden"},
         .exit = ExitStatus::failed}};
    for (const Refusal& row : rows) {
      const auto bed = VerbBed::whole();
      check_refusal(row, *bed);
    }
  }

  TEST_CASE("delete of pods that keep their data in themselves asks for the name") {
    const auto ephemeral = [] { return VerbBed::whole({.storage = manifest::Storage::ephemeral}); };
    const auto refused = ephemeral();
    check_refusal({.label = "no answer",
                   .words = {"delete"},
                   .says = {"the pods keep their data in themselves (--ephemeral)",
                            "all of it would be lost with statefulset.apps/redis-app"}},
                  *refused);
    const auto agreed = ephemeral();
    will_answer(*agreed, "redis");
    check_run(*agreed, {"delete"}, ExitStatus::done);
    CHECK(deletions(*agreed) == k_objects);
  }

  TEST_CASE("delete leaves a volume of that name in another namespace alone") {
    const auto bed = VerbBed::whole();
    const Json labels = {{"app.kubernetes.io/instance", "redis"},
                         {"app.kubernetes.io/managed-by", "kubectl-redis"}};
    for (const char* namespace_ : {"shop", "web"}) {
      bed->kube.put("persistentvolumes",
                    {{"metadata", {{"name", std::string("pv-") + namespace_}, {"labels", labels}}},
                     {"spec", {{"claimRef", {{"namespace", namespace_}}}}}});
    }
    check_run(*bed, {"delete", "--purge-data", "--yes"}, ExitStatus::done, {"pv-shop deleted"});
    CHECK_FALSE(bed->kube.object("persistentvolumes", "pv-web").is_null());
  }
}

}  // namespace kredis::tests
