// SPDX-License-Identifier: Apache-2.0
//
// The webhook's objects, and the files of deploy/ that are printed from them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "shared/manifest/static_policies.hpp"
#include "shared/manifest/webhook_files.hpp"
#include "shared/manifest/webhook_objects.hpp"
#include "shared/policy/rule.hpp"

namespace kredis::manifest {
namespace {

Json find(const std::vector<Json>& objects, const std::string& kind) {
  const auto found = std::find_if(objects.begin(), objects.end(), [&](const Json& object) {
    return object.at("kind") == kind;
  });
  REQUIRE_MESSAGE(found != objects.end(), kind);
  return *found;
}

Json made(const std::string& kind, const WebhookSpec& spec = {.version = "1.2.3"}) {
  return find(webhook_objects(spec), kind);
}

}  // namespace

TEST_SUITE("manifest/webhook_objects") {
  TEST_CASE("the files of deploy/ are current") {
    const std::filesystem::path folder = std::filesystem::path(KREDIS_SOURCE_DIR) / "deploy";
    for (const auto& file_of : webhook_files(KREDIS_VERSION)) {
      const auto& name = file_of.first;
      const auto& text = file_of.second;
      if (std::getenv("KREDIS_UPDATE_GOLDEN") != nullptr) {
        std::filesystem::create_directories((folder / name).parent_path());
        std::ofstream(folder / name, std::ios::binary) << text;
      }
      std::ifstream file(folder / name, std::ios::binary);
      const std::string there{std::istreambuf_iterator<char>(file), {}};
      INFO("KREDIS_UPDATE_GOLDEN=1 writes deploy/", name, " anew");
      CHECK(there == text);
    }
  }

  TEST_CASE("webhook_objects puts the configurations last, when somebody can answer") {
    const auto objects = webhook_objects({.version = "1.2.3"});
    REQUIRE(objects.size() == 12);
    CHECK(objects.front().at("kind") == "Namespace");
    CHECK(is_webhook_configuration(objects[10]));
    CHECK(is_webhook_configuration(objects[11]));
    CHECK_FALSE(is_webhook_configuration(objects[9]));
  }

  TEST_CASE("webhook_objects lets nothing be written but its own Secret and configurations") {
    for (const auto& object : webhook_objects({.version = "1.2.3"})) {
      for (const Json& rule : object.value("rules", Json::array())) {
        INFO(rule.dump());
        const std::set<std::string> verbs = rule.at("verbs");
        CHECK(verbs.count("*") + verbs.count("delete") + verbs.count("update") == 0);
        CHECK((verbs.count("patch") == 0 || rule.contains("resourceNames")));
        CHECK((verbs.count("create") == 0 || object.at("kind") == "Role"));
      }
    }
  }

  TEST_CASE("webhook_objects makes pods that hold every right back") {
    const Json pod = made("Deployment").at("spec").at("template").at("spec");
    CHECK(pod.at("automountServiceAccountToken") == false);
    CHECK(pod.at("securityContext").at("runAsNonRoot") == true);
    const Json context = pod.at("containers").at(0).at("securityContext");
    CHECK(context.at("readOnlyRootFilesystem") == true);
    CHECK(context.at("allowPrivilegeEscalation") == false);
    CHECK(context.at("capabilities").at("drop") == Json::array({"ALL"}));
  }

  TEST_CASE("webhook_objects never judges kube-system and its own namespace") {
    const WebhookSpec spec{.version = "1.2.3", .namespace_ = "guards"};
    for (const char* kind : {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}) {
      const Json webhook = made(kind, spec).at("webhooks").at(0);
      CHECK(webhook.at("namespaceSelector").at("matchExpressions").at(0).at("values") ==
            Json::array({"kube-system", "guards"}));
      CHECK(webhook.at("clientConfig").at("service").at("namespace") == "guards");
      CHECK(webhook.at("timeoutSeconds") == 5);
    }
  }

  TEST_CASE("webhook_objects asks about removals where something can be refused, and no kubelet") {
    const auto removals = [](const char* kind) {
      const Json rules = made(kind).at("webhooks").at(0).at("rules");
      std::set<std::string> resources;
      for (const Json& rule : rules) {
        const Json& operations = rule.at("operations");
        if (std::find(operations.begin(), operations.end(), "DELETE") != operations.end()) {
          for (const Json& resource : rule.at("resources")) {
            resources.insert(resource.get<std::string>());
          }
        }
      }
      return resources;
    };
    CHECK(removals("MutatingWebhookConfiguration").empty());
    CHECK(removals("ValidatingWebhookConfiguration") ==
          std::set<std::string>{"configmaps",
                                "deployments",
                                "namespaces",
                                "persistentvolumeclaims",
                                "poddisruptionbudgets",
                                "pods",
                                "replicasets",
                                "services",
                                "statefulsets"});
    const Json conditions =
        made("ValidatingWebhookConfiguration").at("webhooks").at(0).at("matchConditions");
    CHECK(conditions.back().at("expression").get<std::string>().find("system:node:") !=
          std::string::npos);
    // The deletion of a collection names nothing: without `has` the API server calls nobody.
    for (const Json& each : conditions) {
      const auto expression = each.at("expression").get<std::string>();
      CAPTURE(expression);
      CHECK((expression.find("request.name !=") == std::string::npos ||
             expression.find("!has(request.name) || request.name !=") != std::string::npos));
    }
  }

  TEST_CASE("webhook_objects fails closed for checks only, and only when told to") {
    const auto policy = [](const char* kind, const WebhookSpec& spec) {
      return made(kind, spec).at("webhooks").at(0).at("failurePolicy");
    };
    const WebhookSpec closed{.version = "1.2.3", .validate_failure = "Fail"};
    CHECK(policy("ValidatingWebhookConfiguration", {.version = "1.2.3"}) == "Ignore");
    CHECK(policy("ValidatingWebhookConfiguration", closed) == "Fail");
    CHECK(policy("MutatingWebhookConfiguration", closed) == "Ignore");
  }

  TEST_CASE("webhook_objects with cert-manager mounts its Secret and has no right to any") {
    const WebhookSpec spec{.version = "1.2.3", .certificates = Certificates::cert_manager};
    const auto objects = webhook_objects(spec);
    CHECK(std::none_of(objects.begin(), objects.end(), [](const Json& object) {
      return object.at("kind") == "Role";
    }));
    const Json pod = find(objects, "Deployment").at("spec").at("template").at("spec");
    CHECK(pod.at("volumes").at(1).at("secret").at("secretName") == "kubectl-redis-webhook-tls");
    CHECK(find(objects, "ValidatingWebhookConfiguration")
              .at("metadata")
              .at("annotations")
              .at("cert-manager.io/inject-ca-from") ==
          "kubectl-redis-system/kubectl-redis-webhook");
  }

  TEST_CASE(
      "static_policies have every rule with an expression once a kind, under its own severity") {
    std::set<std::string> seen;
    for (const Json& object : static_policies({.version = "1.2.3"})) {
      if (object.at("kind") != "ValidatingAdmissionPolicy") {
        CHECK(object.at("spec").at("validationActions").size() == 1);
        continue;
      }
      const std::string name = object.at("metadata").at("name");
      const Json& validations = object.at("spec").at("validations");
      CHECK_FALSE(validations.empty());
      for (const Json& each : validations) {
        const std::string message = each.at("message");
        const policy::Rule* const rule = policy::find_rule(message.substr(1, 5));
        INFO(name, ": ", message);
        REQUIRE(rule != nullptr);
        CHECK(rule->when_blind == policy::WhenBlind::needs_nobody);
        CHECK(name.ends_with(std::string(policy::to_text(rule->severity)) + "s"));
        CHECK(seen.insert(name + message).second);
      }
    }
    for (const std::string& id : static_rules()) {
      CHECK_MESSAGE(std::any_of(seen.begin(),
                                seen.end(),
                                [&](const std::string& each) {
                                  return each.find("[" + id + "]") != std::string::npos;
                                }),
                    id);
    }
  }

  TEST_CASE("webhook_objects takes an image as it is given") {
    const auto image = [](const WebhookSpec& spec) {
      return made("Deployment", spec)
          .at("spec")
          .at("template")
          .at("spec")
          .at("containers")
          .at(0)
          .at("image");
    };
    CHECK(image({.version = "1.2.3"}) == "kubectl-redis-webhook:1.2.3");
    CHECK(image({.version = "1.2.3", .image = "mine/webhook@sha256:0"}) == "mine/webhook@sha256:0");
  }
}

}  // namespace kredis::manifest
