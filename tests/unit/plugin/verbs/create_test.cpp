// SPDX-License-Identifier: Apache-2.0
//
// `create`, from an empty namespace to a healthy cluster, and every way in which that may not be.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

const std::vector<std::string> k_in_order{"create leases/kubectl-redis-redis",
                                          "apply configmaps/redis-conf",
                                          "apply services/redis-service",
                                          "apply services/redis-access-service",
                                          "apply poddisruptionbudgets/redis-app",
                                          "apply statefulsets/redis-app",
                                          "delete leases/kubectl-redis-redis"};

Json foreign(const std::string& name) {
  return {{"metadata", {{"name", name}, {"namespace", "shop"}}}};
}

Json quota(const Json& hard, const Json& used) {
  Json object = foreign("small");
  object["status"] = {{"hard", hard}, {"used", used}};
  return object;
}

void forbid(VerbBed& bed, const std::string& right) { bed.kube.forbidden.insert(right); }

// A table, one row a refusal. NOLINTNEXTLINE(readability-function-size)
const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> k_rows{
      {.label = "a name that somebody else took",
       .words = {"create"},
       .given = [](VerbBed& bed) { bed.kube.put("services", foreign("redis-service")); },
       .says = {"service/redis-service is there already and was not made by kubectl redis",
                "choose another NAME",
                "kubectl redis init --selector app=..."}},
      {.label = "a namespace that is not there",
       .words = {"create", "-n", "web"},
       .says = {"there is no namespace web", "make it: kubectl create namespace web"},
       .exit = ExitStatus::failed},
      {.label = "a password's Secret that is not there",
       .words = {"create", "--auth-secret", "redis-auth"},
       .says = {"there is no Secret redis-auth in namespace shop",
                "kubectl create secret generic redis-auth -n shop"},
       .exit = ExitStatus::failed},
      {.label = "a certificate's Secret that is not there",
       .words = {"create", "--tls-secret", "redis-tls"},
       .says = {"there is no Secret redis-tls", "ca.crt, tls.crt and tls.key"},
       .exit = ExitStatus::failed},
      {.label = "rights that this user lacks",
       .words = {"create"},
       .given =
           [](VerbBed& bed) {
             forbid(bed, "patch statefulsets");
             forbid(bed, "create services");
           },
       .says = {"this user may not create services in namespace shop; nor patch statefulsets.apps",
                "add to a Role of this user:",
                "{apiGroups: [\"apps\"], resources: [\"statefulsets\"], verbs: [patch]}"},
       .exit = ExitStatus::failed},
      {.label = "a quota that is used up",
       .words = {"create"},
       .given =
           [](VerbBed& bed) {
             bed.kube.put("resourcequotas", quota({{"pods", "8"}}, {{"pods", "3"}}));
           },
       .says = {"ResourceQuota small leaves too little pods: 3 of 8 are in use, and 6 pods need 6",
                "raise the quota"}},
      {.label = "no storage at all",
       .words = {"create"},
       .given = [](VerbBed& bed) { bed.kube.drop("storageclasses", "standard"); },
       .says = {"no storage for 6 claims of 200M", "--storage-class", "--ephemeral"}},
      {.label = "a StorageClass that is not there",
       .words = {"create", "--storage-class", "fast"},
       .says = {"there is no StorageClass fast", "choose one of: standard"}},
      {.label = "nodes that take no pods",
       .words = {"create", "--node-selector", "disk=ssd"},
       .says = {"none of 3 nodes can take these pods", "check --node-selector"}},
      {.label = "fewer nodes than pods that keep apart",
       .words = {"create", "--anti-affinity", "required"},
       .says = {"--anti-affinity required needs 6 nodes, one a pod, and 3 can take them",
                "--anti-affinity preferred"}},
      {.label = "a cluster of another shape",
       .words = {"create", "--masters", "5"},
       .given = [](VerbBed& bed) { bed.put_cluster({}); },
       .says = {"cluster redis is there with 3 masters and 1 replicas each",
                "leave out --masters and --replicas to go on with it as it is"}},
      {.label = "too few masters",
       .words = {"create", "--masters", "2"},
       .says = {"--masters"},
       .exit = ExitStatus::usage},
      {.label = "a pair without a value",
       .words = {"create", "--set", "maxmemory"},
       .says = {"--set got \"maxmemory\", which is not KEY=VALUE"},
       .exit = ExitStatus::usage},
      {.label = "a namespace that cannot be looked at",
       .words = {"create"},
       .given =
           [](VerbBed& bed) {
             bed.kube.refuse("namespaces", Error::unreachable("the API server does not answer"));
           },
       .says = {"the API server does not answer"},
       .exit = ExitStatus::failed},
  };
  return k_rows;
}

}  // namespace

TEST_SUITE("verbs/create") {
  TEST_CASE("create makes the objects in order, waits, initialises and shows a healthy cluster") {
    VerbBed bed;
    const Ran ran = check_run(bed,
                              {"create"},
                              ExitStatus::done,
                              {"ok  shop/redis  3 masters, 3 replicas, 16,384 of 16,384 slots",
                               "└ redis-app-4   node-b   zone-b",
                               "zone-c survives"});
    CHECK(bed.kube.changes == k_in_order);
    check_says(ran.err,
               {"checked permissions, names, storage, quota and nodes",
                "statefulset.apps/redis-app  created",
                "redis-app-5  ready on node-c",
                "6 of 6 pods ready",
                "initialised: 3 masters, 3 replicas, 16,384 slots served, every node agrees"});
    for (const char* master : {"redis-app-0", "redis-app-1", "redis-app-2"}) {
      CAPTURE(master);
      CHECK(bed.is_master(master));
    }
    CHECK_FALSE(bed.is_master("redis-app-3"));
  }

  TEST_CASE("create on a cluster that is whole changes nothing") {
    const auto bed = VerbBed::whole();
    const Ran ran = check_run(*bed, {"create"}, ExitStatus::done, {"ok  shop/redis"});
    check_says(ran.err,
               {"configmap/redis-conf  unchanged",
                "statefulset.apps/redis-app  unchanged",
                "nothing to do: 3 masters, 3 replicas"});
    CHECK(bed->redis.told().empty());
    CHECK(bed->restarts().empty());
  }

  TEST_CASE("create refuses before it changes anything, and says what to do") {
    for (const Refusal& row : refusals()) {
      VerbBed bed;
      check_refusal(row, bed);
    }
  }

  TEST_CASE("create goes on without what this user may not look at") {
    VerbBed bed;
    for (const char* plural : {"storageclasses", "resourcequotas", "nodes", "namespaces"}) {
      bed.kube.refuse(plural, Error::unauthorized("no right to look at it"));
    }
    check_run(bed, {"create"}, ExitStatus::done, {"3 masters, 3 replicas"});
  }

  TEST_CASE("create takes the quota's last unit") {
    VerbBed bed;
    bed.kube.put("resourcequotas", quota({{"pods", "9"}}, {{"pods", "3"}}));
    check_run(bed, {"create"}, ExitStatus::done);
  }

  TEST_CASE("create --dry-run prints the plan or the objects and asks nobody") {
    struct Row {
      std::string label;
      Words more;
      std::vector<std::string> out;
    };
    const std::vector<Row> rows{
        {"the plan", {}, {"apply statefulset.apps/redis-app", "wait 6 pods are ready"}},
        {"yaml", {"-o", "yaml"}, {"---\napiVersion: v1\nkind: ConfigMap", "kind: StatefulSet"}},
        {"json", {"-o", "json"}, {"\"kind\": \"List\"", "\"redis-access-service\""}},
        {"names", {"-o", "name"}, {"configmap/redis-conf\nservice/redis-service\n"}},
        {"a shape", {"--masters", "5", "--replicas", "2"}, {"wait 15 pods are ready"}}};
    for (const Row& row : rows) {
      CAPTURE(row.label);
      VerbBed bed;
      bed.kube.before = [](const std::string& verb, const ports::ResourcePath& path) -> Status {
        return Error::internal("somebody was asked to " + verb + " " + path.type.plural);
      };
      Words words{"create", "--dry-run=client"};
      words.insert(words.end(), row.more.begin(), row.more.end());
      check_run(bed, words, ExitStatus::done, row.out);
      CHECK(bed.kube.changes.empty());
    }
  }

  TEST_CASE("create --dry-run=server has the server check everything and keep nothing") {
    VerbBed bed;
    const Ran ran = check_run(bed,
                              {"create", "--dry-run=server"},
                              ExitStatus::done,
                              {"configmap/redis-conf created (server dry run)",
                               "statefulset.apps/redis-app created (server dry run)"});
    check_says(ran.err, {"checked permissions", "applied 5 objects"});
    CHECK(bed.kube.object("statefulsets", "redis-app").is_null());
    CHECK(bed.kube.object("leases", "kubectl-redis-redis").is_null());
    check_run(bed,
              {"create", "--dry-run=server", "-o", "name"},
              ExitStatus::done,
              {"statefulset.apps/redis-app\n"});
  }

  TEST_CASE("create prints what it made in the form that was asked for") {
    VerbBed bed;
    const Ran json = check_run(bed, {"create", "-o", "json"}, ExitStatus::done);
    const Json report = Json::parse(json.out);
    CHECK(report.at("kind") == "ClusterStatus");
    CHECK(report.at("health") == "ok");
    CHECK(report.at("masters").size() == 3);
    CHECK(check_run(bed, {"create", "-o", "name"}, ExitStatus::done).out == "cluster/redis\n");
  }

  TEST_CASE("an error of create -o json is JSON on stderr, and stdout stays empty") {
    VerbBed bed;
    const Ran ran = bed.run({"create", "-n", "web", "-o", "json"});
    CHECK(ran.exit == ExitStatus::failed);
    CHECK(ran.out == "");
    const Json error = Json::parse(ran.err.substr(ran.err.find('{'))).at("error");
    CHECK(error.at("code") == "not_found");
    CHECK(error.at("hint") == "make it: kubectl create namespace web");
  }

  TEST_CASE("create --no-init stops at ready pods and says how to go on") {
    VerbBed bed;
    check_run(bed,
              {"create", "--no-init"},
              ExitStatus::done,
              {"pods are ready; initialise them with: kubectl redis init redis -n shop"});
    CHECK(bed.redis.told().empty());
    CHECK(bed.kube.changes == k_in_order);
  }

  TEST_CASE("create says which pods never got ready, and why") {
    VerbBed bed;
    bed.pods_get_ready = false;
    bed.kube.put("events",
                 {{"metadata", {{"name", "one"}, {"namespace", "shop"}}},
                  {"type", "Warning"},
                  {"reason", "Unhealthy"},
                  {"message", "Readiness probe failed: not part of the cluster"},
                  {"involvedObject", {{"kind", "Pod"}, {"name", "redis-app-1"}}}});
    const Ran ran = check_run(bed, {"create", "--timeout", "30s"}, ExitStatus::failed);
    check_says(ran.err,
               {"0 of 6 pods became ready in time",
                "redis-app-0 on node-a: not ready yet",
                "redis-app-1 on node-b: Unhealthy: Readiness probe failed",
                "fix: mend that (kubectl describe pod redis-app-0 -n shop), then run the same",
                "while waiting for 6 pods"});
    CHECK(bed.clock.slept() >= std::chrono::seconds(30));
    CHECK(bed.clock.slept() < std::chrono::seconds(40));
    CHECK(bed.kube.object("leases", "kubectl-redis-redis").is_null());
  }

  TEST_CASE("Ctrl-C ends create in the middle, and the next run finishes") {
    VerbBed bed;
    bed.pods_get_ready = false;
    bed.ctrl_c_while_waiting = true;
    const Ran cut = check_run(bed, {"create"}, ExitStatus::cancelled);
    CHECK(cut.out == "");
    CHECK(bed.kube.object("leases", "kubectl-redis-redis").is_null());
    for (int i = 0; i < 6; ++i) {
      bed.edit("pods", "redis-app-" + std::to_string(i), [](Json& pod) {
        pod["status"]["conditions"][0]["status"] = "True";
      });
    }
    const Ran again = check_run(bed, {"create"}, ExitStatus::done, {"ok  shop/redis"});
    check_says(again.err, {"service/redis-service  unchanged", "initialised: 3 masters"});
  }

  TEST_CASE("create says what it could not do as well as one might wish") {
    VerbBed bed;
    const Ran ran = bed.run({"create", "--replicas", "0", "--ephemeral", "--timeout", "1m"});
    check_says(ran.err,
               {"note: without replicas a lost pod is lost slots until it is back",
                "note: --ephemeral: a pod that is deleted loses its data"});
    CHECK(bed.kube.object("persistentvolumeclaims", "redis-data-redis-app-0").is_null());
  }

  TEST_CASE("a server that refuses an object is quoted, with what was being done") {
    VerbBed bed;
    bed.kube.before = [](const std::string& verb, const ports::ResourcePath& path) -> Status {
      return verb == "apply" && path.type.plural == "statefulsets"
                 ? Status{Error::invalid_argument("[RC007] there are at least three nodes")}
                 : Status{};
    };
    const Ran ran = check_run(bed, {"create"}, ExitStatus::usage);
    check_says(ran.err,
               {"[RC007] there are at least three nodes",
                "ask whoever keeps that rule, then run the same command again",
                "while applying statefulset.apps/redis-app"});
    CHECK(bed.kube.object("leases", "kubectl-redis-redis").is_null());
  }
}

}  // namespace kredis::tests
