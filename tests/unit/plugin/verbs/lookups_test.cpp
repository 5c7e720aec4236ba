// SPDX-License-Identifier: Apache-2.0
//
// The verbs that change nothing: rbac, nfs, version, explain, rules, policy report, completion.
#include <doctest/doctest.h>

#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

struct Row {
  std::string label;
  Words words;
  std::vector<std::string> out;
  ExitStatus exit = ExitStatus::done;
};

void check_rows(VerbBed& bed, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.label);
    check_run(bed, row.words, row.exit, row.out);
  }
  CHECK(bed.kube.changes.empty());
  CHECK(bed.redis.told().empty());
}

Json webhook_deployment(const Json& labels) {
  Json all = labels;
  all["app.kubernetes.io/name"] = "kubectl-redis-webhook";
  return {
      {"metadata", {{"name", "kubectl-redis-webhook"}, {"namespace", "guard"}, {"labels", all}}}};
}

}  // namespace

TEST_SUITE("verbs/lookups") {
  TEST_CASE("rbac prints Roles, with what each rule is for, bindings, and other forms") {
    VerbBed bed;
    check_rows(
        bed,
        {{"a verb",
          {"rbac", "status"},
          {"kind: Role", "namespace: shop", "# its nodes\n", "# goes without: why a pod is not"}},
         {"a user",
          {"rbac", "failover", "--user", "jane"},
          {"kind: RoleBinding", "kind: User", "name: jane"}},
         {"a ServiceAccount of another namespace",
          {"rbac", "delete", "--service-account", "ci:deployer", "-o", "yaml"},
          {"kind: ServiceAccount", "name: deployer", "namespace: ci"}},
         {"one of this namespace",
          {"rbac", "status", "--service-account", "deployer"},
          {"name: deployer", "namespace: shop"}},
         {"every namespace",
          {"rbac", "status", "-A", "--group", "sre"},
          {"kind: ClusterRoleBinding"}},
         {"data", {"rbac", "delete", "--purge-data"}, {"persistentvolumeclaims"}},
         {"one layout only",
          {"rbac", "create", "--layout", "statefulset", "--nfs"},
          {"persistentvolumes"}},
         {"Secrets by name",
          {"rbac", "create", "--auth-secret", "redis-auth", "--tls-secret", "redis-tls"},
          {"redis-auth", "redis-tls"}},
         {"JSON", {"rbac", "status", "-o", "json"}, {"\"kind\": \"List\""}}});
  }

  TEST_CASE("rbac needs no cluster, and refuses names that are none") {
    VerbBed bed;
    check_refusal({.label = "an empty name",
                   .words = {"rbac", "status", "--user", ""},
                   .says = {"a User has no name", "--service-account [NAMESPACE:]NAME"},
                   .exit = ExitStatus::usage},
                  bed);
    check_refusal({.label = "a namespace alone",
                   .words = {"rbac", "status", "--service-account", "ci:"},
                   .says = {"a ServiceAccount has no name"},
                   .exit = ExitStatus::usage},
                  bed);
    check_refusal({.label = "no such verb",
                   .words = {"rbac", "statsu"},
                   .says = {"statsu"},
                   .exit = ExitStatus::usage},
                  bed);
  }

  TEST_CASE("nfs exports prints what to run on the server") {
    VerbBed bed;
    check_rows(bed,
               {{"two folders",
                 {"nfs",
                  "exports",
                  "--server-path",
                  "/srv/redis",
                  "--count",
                  "2",
                  "--clients",
                  "10.0.0.0/24"},
                 {"mkdir -p /srv/redis/pv1 /srv/redis/pv2\n",
                  "chown 999:999 /srv/redis/pv1 /srv/redis/pv2\n",
                  "/srv/redis/pv2 10.0.0.0/24(rw,sync,no_root_squash)\n",
                  "exportfs -ra\n"}},
                {"six by default",
                 {"nfs", "exports", "--server-path", "/srv", "--clients", "10.0.0.0/24"},
                 {"/srv/pv6 10.0.0.0/24"}}});
  }

  TEST_CASE("nfs refuses paths, counts and clients that would not work") {
    const auto exports = [](const std::string& path, const std::string& count) {
      return Words{
          "nfs", "exports", "--server-path", path, "--count", count, "--clients", "10.0.0.0/24"};
    };
    const std::vector<Refusal> rows{
        {.label = "a relative path",
         .words = exports("srv", "6"),
         .says = {"--server-path \"srv\""}},
        {.label = "a space", .words = exports("/my srv", "6"), .says = {"without spaces"}},
        {.label = "none", .words = exports("/srv", "0"), .says = {"--count 0 is not between 1"}},
        {.label = "one too many",
         .words = exports("/srv", "10001"),
         .says = {"--count 10001 is not between 1 and 10000"}},
        {.label = "an odd client",
         .words = {"nfs", "exports", "--server-path", "/srv", "--clients", "10.0.0.0/33"},
         .says = {"10.0.0.0/33"}}};
    for (Refusal row : rows) {
      VerbBed bed;
      row.exit = ExitStatus::usage;
      check_refusal(row, bed);
    }
    VerbBed bed;
    check_run(bed, exports("/srv", "10000"), ExitStatus::done, {"/srv/pv10000 "});
  }

  TEST_CASE("version tells the plugin's, the server's and the webhook's") {
    VerbBed bed;
    check_rows(bed,
               {{"no webhook",
                 {"version"},
                 {"kubectl redis " KREDIS_VERSION "\n", "Kubernetes v1.34.0\n", "not installed"}},
                {"alone", {"version", "--client"}, {"kubectl redis " KREDIS_VERSION}}});
    bed.kube.put("deployments", webhook_deployment({{"app.kubernetes.io/version", "1.2.3"}}));
    check_rows(bed,
               {{"with a webhook", {"version"}, {"webhook 1.2.3\n"}},
                {"JSON", {"version", "-o", "json"}, {"\"webhookVersion\"", "\"1.2.3\""}},
                {"YAML", {"version", "-o", "yaml"}, {"serverVersion:\n  version: v1.34.0"}}});
  }

  TEST_CASE("rules and explain say what lint and the webhook go by") {
    VerbBed bed;
    check_rows(bed,
               {{"all", {"rules"}, {"RC001", "RC007   error", "WHAT-HOLDS"}},
                {"Markdown", {"rules", "-o", "markdown"}, {"RC001"}},
                {"JSON", {"rules", "-o", "json"}, {"\"RC001\""}},
                {"a rule", {"explain", "RC002"}, {"RC002  Anti-affinity", "bad, in", "good:"}},
                {"a guard", {"explain", "RG004"}, {"RG004"}}});
    check_refusal({.label = "no such rule",
                   .words = {"explain", "RC999"},
                   .says = {"there is no rule or finding RC999", "list them: kubectl redis rules"},
                   .exit = ExitStatus::usage},
                  bed);
  }

  TEST_CASE("policy report judges what runs, here or everywhere") {
    const auto bed = VerbBed::whole();
    const Ran sound = bed->run({"policy", "report"});
    CHECK(sound.exit == ExitStatus::done);
    check_says(sound.out, {"of a Redis Cluster: 0 errors"});
    bed->edit("statefulsets", "redis-app", [](Json& set) { set["spec"]["replicas"] = 5; });
    check_rows(*bed,
               {{"an error",
                 {"policy", "report"},
                 {"RC006", "StatefulSet shop/redis-app"},
                 ExitStatus::refused},
                {"everywhere", {"policy", "report", "-A"}, {"RC006"}, ExitStatus::refused},
                {"JSON", {"policy", "report", "-o", "json"}, {"\"RC006\""}, ExitStatus::refused},
                {"another namespace", {"policy", "report", "-n", "default"}, {"0 errors"}}});
  }

  TEST_CASE("completion prints scripts, and completes names that the server knows") {
    const auto bed = VerbBed::whole();
    check_rows(*bed,
               {{"bash", {"completion", "bash"}, {"complete -F _kubectl_redis kubectl-redis"}},
                {"zsh", {"completion", "zsh"}, {"compdef _kubectl_redis kubectl-redis"}},
                {"fish", {"completion", "fish"}, {"complete -c kubectl-redis"}},
                {"clusters", {"__complete", "status", ""}, {"redis\n"}},
                {"namespaces", {"__complete", "status", "-n", "sh"}, {"shop\n"}},
                {"verbs", {"__complete", "fail"}, {"failover"}}});
    bed->kube.refuse("statefulsets", Error::unreachable("away"));
    CHECK_FALSE(contains(bed->run({"__complete", "status", ""}).out, "redis\n"));
    check_refusal({.label = "another shell",
                   .words = {"completion", "tcsh"},
                   .says = {"\"tcsh\" is none of bash, zsh, fish"},
                   .exit = ExitStatus::usage},
                  *std::make_unique<VerbBed>());
  }

  TEST_CASE("whatever keeps the API server away is said by each verb that needs it") {
    for (const Words& words : {Words{"status"},
                               {"version"},
                               {"init"},
                               {"failover", "--pod", "redis-app-3"},
                               {"config", "diff"},
                               {"delete"},
                               {"policy", "report"},
                               {"webhook", "status"},
                               {"cli"},
                               {"toolbox"}}) {
      CAPTURE(words);
      VerbBed bed;
      bed.no_access = Error::invalid_argument("there is no context blue in the kubeconfig");
      const Ran ran = check_run(bed, words, ExitStatus::usage);
      check_says(ran.err, {"there is no context blue in the kubeconfig"});
    }
  }
}

}  // namespace kredis::tests
