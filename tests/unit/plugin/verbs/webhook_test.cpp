// SPDX-License-Identifier: Apache-2.0
//
// `webhook install`, `uninstall`, `status`, `rotate-certs`: that nothing ever depends on a webhook
// that does not answer, and that what it says of itself is true.
#include <doctest/doctest.h>

#include <algorithm>

#include "shared/kube/encoding.hpp"
#include "shared/manifest/webhook_objects.hpp"
#include "tests/unit/plugin/verbs/expect.hpp"

namespace kredis::tests {
namespace {

constexpr const char* k_validating = "validatingwebhookconfigurations";
constexpr const char* k_mutating = "mutatingwebhookconfigurations";
constexpr const char* k_name = "kubectl-redis-webhook";
constexpr const char* k_system = "kubectl-redis-system";

std::string authority(int generation) {
  return kube::base64_encode("-----BEGIN CERTIFICATE-----\n" + std::to_string(generation) +
                             "\n-----END CERTIFICATE-----\n");
}

/// A bed in which the webhook's Deployment starts pods, and those do what the webhook does: name
/// their authority in the configurations and refuse broken objects.
class WebhookBed : public VerbBed {
 public:
  WebhookBed() {
    kube.on_change = [this](const auto& what, const auto& plural, const Json& object) {
      control(what, plural, object);
    };
    kube.before = [this](const std::string& verb, const ports::ResourcePath& path) -> Status {
      const bool proof = verb == "create" && path.type.plural == "statefulsets";
      return proof ? judge_proof(path.namespace_) : Status{};
    };
  }

  bool works = true;                       ///< Whether its pods get ready.
  bool refuses = true;                     ///< Whether it refuses the broken object.
  std::vector<std::string> policies = {};  ///< Of the validating one, each time it was applied.
  std::vector<std::string> proofs = {};    ///< NAMESPACE and the policy at that time.
  int generation = 1;                      ///< Of the authority.

 private:
  void control(const std::string& what, const std::string& plural, const Json& object) {
    const bool configures = plural == k_validating || plural == k_mutating;
    if (what == "apply" && plural == "deployments" && works) {
      start(object);
    } else if (what == "apply" && configures) {
      if (plural == k_validating) {
        policies.push_back(text_at(object, "/webhooks/0/failurePolicy"));
      }
      trust(plural);
    } else if (what == "patch" && plural == "secrets") {
      ++generation;
      trust(k_validating);
      trust(k_mutating);
    }
  }

  void start(const Json& deployment) {
    const int count = deployment.at("spec").at("replicas");
    for (int i = 0; i < count; ++i) {
      Json pod = pod_of(deployment, i, "10.1.0." + std::to_string(i + 1));
      kube.put("pods", pod);
    }
    edit("deployments", k_name, [&](Json& object) {
      object["status"] = {{"observedGeneration", 1},
                          {"updatedReplicas", count},
                          {"replicas", count},
                          {"availableReplicas", count}};
    });
  }

  void trust(const std::string& plural) {
    edit(plural, k_name, [&](Json& object) {
      for (Json& each : object["webhooks"]) {
        each["clientConfig"]["caBundle"] = authority(generation);
      }
    });
  }

  Status judge_proof(const std::string& namespace_) {
    const Json there = kube.object(k_validating, k_name);
    proofs.push_back(namespace_ + " " + text_at(there, "/webhooks/0/failurePolicy"));
    return refuses ? Status{Error::invalid_argument(
                         "admission webhook \"" + std::string(manifest::k_validating_webhook) +
                         "\" denied the request: [RC006] 1 pod for 6 nodes")}
                   : Status{};
  }
};

std::size_t position(const std::vector<std::string>& changes, const std::string& change) {
  return static_cast<std::size_t>(std::ranges::find(changes, change) - changes.begin());
}

}  // namespace

TEST_SUITE("verbs/webhook install") {
  TEST_CASE("nothing depends on the webhook until it is trusted and proven") {
    WebhookBed bed;
    const Ran ran = check_run(bed,
                              {"webhook", "install", "--failure-policy", "Fail"},
                              ExitStatus::done,
                              {"runs in namespace kubectl-redis-system",
                               "proven by a broken object that it refused:",
                               "denied the request: [RC006]"});
    CHECK(bed.policies == std::vector<std::string>{"Ignore", "Fail"});
    CHECK(bed.proofs == std::vector<std::string>{"default Ignore"});
    const auto& changes = bed.kube.changes;
    CHECK(changes.front() == "apply namespaces/kubectl-redis-system");
    CHECK(position(changes, "apply deployments/kubectl-redis-webhook") <
          position(changes, "apply validatingwebhookconfigurations/kubectl-redis-webhook"));
    check_says(ran.err,
               {"2 of 2 pods ready",
                "the API server trusts it",
                "trying a broken object in namespace default",
                "a broken object is refused",
                "the API server relies on it"});
  }

  TEST_CASE("one that is trusted is changed at once") {
    WebhookBed bed;
    check_run(bed, {"webhook", "install"}, ExitStatus::done);
    bed.policies.clear();
    check_run(bed, {"webhook", "install", "--failure-policy", "Fail"}, ExitStatus::done);
    CHECK(bed.policies == std::vector<std::string>{"Fail"});
    CHECK(bed.proofs.back() == "default Fail");
  }

  TEST_CASE("without a namespace to refuse anything in, install says that nothing is proven") {
    WebhookBed bed;
    check_run(bed,
              {"webhook", "install", "--default-level", "audit"},
              ExitStatus::done,
              {"not proven: no namespace has the level enforce"});
    CHECK(bed.proofs.empty());
  }

  TEST_CASE("install asks for a proof where the level lets it refuse") {
    WebhookBed bed;
    bed.edit("namespaces", "shop", [](Json& object) {
      object["metadata"]["labels"]["kubectl-redis.dev/policy"] = "enforce";
    });
    check_run(bed, {"webhook", "install", "--default-level", "audit"}, ExitStatus::done);
    CHECK(bed.proofs == std::vector<std::string>{"shop Ignore"});
  }

  TEST_CASE("a webhook that does not come up or does not refuse leaves a harmless configuration") {
    struct Row {
      std::string label;
      bool works;
      bool refuses;
      std::vector<std::string> says;
    };
    const std::vector<Row> rows{
        {"its pods never get ready",
         false,
         true,
         {"0 of 2 pods became ready in time", "while waiting for 2 pods"}},
        {"it lets the broken object in", true, false, {"a broken object is let in still"}}};
    for (const Row& row : rows) {
      CAPTURE(row.label);
      WebhookBed bed;
      bed.works = row.works;
      bed.refuses = row.refuses;
      const Ran ran =
          check_run(bed, {"webhook", "install", "--failure-policy", "Fail"}, ExitStatus::failed);
      check_says(ran.err, row.says);
      CHECK(position(bed.policies, "Fail") == bed.policies.size());
    }
  }

  TEST_CASE("somebody else's refusal is no proof") {
    WebhookBed bed;
    bed.kube.before = [](const std::string& verb, const ports::ResourcePath& path) -> Status {
      return verb == "create" && path.type.plural == "statefulsets"
                 ? Status{Error::invalid_argument("denied by policy of another team")}
                 : Status{};
    };
    const Ran ran = bed.run({"webhook", "install"});
    CHECK(ran.exit == ExitStatus::usage);
    check_says(
        ran.err,
        {"denied by policy of another team", "while trying a broken object in namespace default"});
  }

  TEST_CASE("install --dry-run shows each object once and keeps none") {
    WebhookBed bed;
    check_run(bed,
              {"webhook", "install", "--dry-run=client"},
              ExitStatus::done,
              {"kind: Deployment", "kind: ValidatingWebhookConfiguration"});
    const Ran tried = check_run(
        bed,
        {"webhook", "install", "--dry-run=server"},
        ExitStatus::done,
        {"namespace/kubectl-redis-system created (server dry run)",
         "validatingwebhookconfiguration.admissionregistration.k8s.io/kubectl-redis-webhook created"});
    const std::size_t first = tried.out.find("\nvalidatingwebhookconfiguration");
    CHECK(tried.out.find("\nvalidatingwebhookconfiguration", first + 1) == std::string::npos);
    CHECK_FALSE(contains(tried.err, "pods ready"));
    CHECK_FALSE(contains(tried.err, "trusts it"));
    CHECK(bed.kube.object("namespaces", k_system).is_null());
    CHECK(bed.policies.empty());
  }

  TEST_CASE("install refuses before it changes anything") {
    const std::vector<Refusal> rows{
        {.label = "an object that is somebody else's",
         .words = {"webhook", "install"},
         .given =
             [](VerbBed& bed) {
               bed.kube.put("deployments",
                            {{"metadata", {{"name", k_name}, {"namespace", k_system}}}});
             },
         .says = {"deployment.apps/kubectl-redis-webhook is there already and was not made by",
                  "choose another namespace with -n"}},
        {.label = "rights that this user lacks",
         .words = {"webhook", "install"},
         .given = [](VerbBed& bed) { bed.kube.forbidden = {"create clusterroles"}; },
         .says = {"this user may not create clusterroles.rbac.authorization.k8s.io",
                  "add to a ClusterRole of this user:"},
         .exit = ExitStatus::failed},
        {.label = "too many replicas",
         .words = {"webhook", "install", "--replicas", "21"},
         .says = {"--replicas"},
         .exit = ExitStatus::usage}};
    for (const Refusal& row : rows) {
      WebhookBed bed;
      check_refusal(row, bed);
    }
  }
}

TEST_SUITE("verbs/webhook uninstall, status and rotate-certs") {
  TEST_CASE("uninstall takes the configurations first and the namespace last") {
    WebhookBed bed;
    check_run(bed, {"webhook", "install"}, ExitStatus::done);
    bed.kube.changes.clear();
    check_run(bed,
              {"webhook", "uninstall", "--dry-run=client"},
              ExitStatus::done,
              {"delete namespace/kubectl-redis-system", "is gone"});
    check_run(bed, {"webhook", "uninstall", "--dry-run=server"}, ExitStatus::done, {"(server dry"});
    CHECK_FALSE(bed.kube.object("namespaces", k_system).is_null());
    bed.kube.changes.clear();
    check_run(bed,
              {"webhook", "uninstall"},
              ExitStatus::done,
              {"deployment.apps/kubectl-redis-webhook deleted"});
    CHECK(bed.kube.changes.front() == std::string("delete ") + k_validating + "/" + k_name);
    CHECK(bed.kube.changes[1] == std::string("delete ") + k_mutating + "/" + k_name);
    CHECK(bed.kube.changes.back() == "delete namespaces/kubectl-redis-system");
  }

  TEST_CASE("uninstall leaves alone what it did not make") {
    WebhookBed bed;
    bed.kube.put("namespaces", {{"metadata", {{"name", k_system}}}});
    check_refusal({.label = "a namespace of somebody",
                   .words = {"webhook", "uninstall"},
                   .says = {"the webhook is not installed in namespace kubectl-redis-system",
                            "then name that with -n"},
                   .exit = ExitStatus::failed},
                  bed);
  }

  TEST_CASE("status says whether it is there, and what is wrong with it") {
    WebhookBed bed;
    check_run(bed, {"webhook", "status"}, ExitStatus::refused, {"the webhook is not installed"});
    check_run(bed, {"webhook", "install"}, ExitStatus::done);
    check_run(bed,
              {"webhook", "status"},
              ExitStatus::refused,
              {"kubectl-redis-webhook-1   node-b", "wrong: kubectl-redis-webhook-0: "});
    const Json report =
        Json::parse(check_run(bed, {"webhook", "status", "-o", "json"}, ExitStatus::refused).out);
    CHECK(report.at("installed") == true);
  }

  TEST_CASE("rotate-certs asks the webhook and waits until the API server trusts a new authority") {
    WebhookBed bed;
    check_run(bed, {"webhook", "install"}, ExitStatus::done);
    bed.kube.put("secrets",
                 {{"metadata",
                   {{"name", std::string(manifest::k_webhook_secret)}, {"namespace", k_system}}}});
    check_run(bed,
              {"webhook", "rotate-certs", "--dry-run"},
              ExitStatus::done,
              {"would be asked for a new authority and certificate (client dry run)"});
    CHECK(bed.generation == 1);
    const Ran ran = check_run(
        bed, {"webhook", "rotate-certs"}, ExitStatus::done, {"the new authority is trusted"});
    check_says(ran.err, {"the API server trusts a new authority"});
    CHECK(bed.generation == 2);
  }

  TEST_CASE("rotate-certs without certificates of its own says who renews them") {
    WebhookBed bed;
    check_refusal({.label = "cert-manager's",
                   .words = {"webhook", "rotate-certs"},
                   .says = {"the webhook keeps no certificates of its own", "cmctl renew"},
                   .exit = ExitStatus::failed},
                  bed);
  }

  TEST_CASE("manifests prints the other forms that were asked for") {
    WebhookBed bed;
    check_run(bed,
              {"webhook", "manifests", "--as-vap"},
              ExitStatus::done,
              {"kind: ValidatingAdmissionPolicy"});
    check_run(bed,
              {"webhook", "manifests", "--cert-manager", "-n", "guard"},
              ExitStatus::done,
              {"cert-manager.io/inject-ca-from: guard/", "kind: Certificate"});
    const Ran json = check_run(bed, {"webhook", "manifests", "-o", "json"}, ExitStatus::done);
    CHECK(Json::parse(json.out).at("kind") == "List");
  }
}

}  // namespace kredis::tests
