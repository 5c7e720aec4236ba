// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/webhook_parts.hpp"

#include <utility>

#include "shared/core/labels.hpp"

namespace kredis::manifest {
namespace {

/// Seconds that the API server waits for an answer. One takes a millisecond; a node that has just
/// died must not hold up others for long.
constexpr int k_patience = 5;

Json hook_rule(const char* group,
               const Json& resources,
               const Json& operations,
               const char* scope = "Namespaced") {
  return {{"apiGroups", {group}},
          {"apiVersions", Json::array({"v1"})},
          {"resources", resources},
          {"operations", operations},
          {"scope", scope}};
}

Json rules(Judging judging) {
  const Json changes = {"CREATE", "UPDATE"};
  Json list = {hook_rule("apps", {"statefulsets", "deployments"}, changes),
               hook_rule("", {"configmaps", "services"}, changes),
               hook_rule("policy", Json::array({"poddisruptionbudgets"}), changes)};
  if (judging == Judging::validating) {
    // What takes pods, data or what they need away from a cluster that runs (docs/webhook.md lists
    // the ways).
    const Json removal = Json::array({"DELETE"});
    const Json update = Json::array({"UPDATE"});
    list.push_back(hook_rule("apps", {"statefulsets", "deployments"}, removal));
    list.push_back(hook_rule("apps", Json::array({"replicasets"}), {"UPDATE", "DELETE"}));
    list.push_back(hook_rule(
        "apps", {"statefulsets/scale", "deployments/scale", "replicasets/scale"}, update));
    list.push_back(hook_rule("", {"pods", "persistentvolumeclaims"}, {"UPDATE", "DELETE"}));
    list.push_back(hook_rule("", {"configmaps", "services"}, removal));
    list.push_back(hook_rule("policy", Json::array({"poddisruptionbudgets"}), removal));
    list.push_back(hook_rule("", Json::array({"pods/eviction"}), Json::array({"CREATE"})));
    list.push_back(hook_rule("", Json::array({"namespaces"}), removal, "Cluster"));
  }
  return list;
}

/// What is no business of ours is not even asked about (CEL): that costs nothing and fails nothing.
Json conditions(Judging judging) {
  const auto condition = [](const char* name, const char* expression) {
    return Json{{"name", name}, {"expression", expression}};
  };
  Json list = {
      condition(
          "is-not-leaving",
          "object == null || !has(object.metadata) || !has(object.metadata.deletionTimestamp)"),
      // Kubernetes writes this one into every namespace, and elections write theirs all the time.
      // A collection that is deleted has no name, and an expression that fails lets pass.
      condition("is-no-authority-of-the-cluster",
                "request.resource.resource != 'configmaps' || !has(request.name) || "
                "request.name != 'kube-root-ca.crt'"),
      condition("is-no-election",
                "request.resource.resource != 'configmaps' || object == null || "
                "!has(object.metadata.annotations) || "
                "!('control-plane.alpha.kubernetes.io/leader' in object.metadata.annotations)")};
  if (judging == Judging::validating) {
    // Kubelets and controllers carry out what was decided before; without them nothing would end.
    // The garbage collector alone decides: what an owner leaves behind, nobody was asked about.
    list.push_back(condition("is-no-hand-of-kubernetes",
                             "request.operation == 'CREATE' || "
                             "(request.operation == 'UPDATE' && !(request.resource.resource in "
                             "['pods', 'persistentvolumeclaims', 'replicasets'])) || "
                             "(request.operation == 'DELETE' && request.resource.resource in "
                             "['statefulsets', 'deployments', 'persistentvolumeclaims'] && "
                             "request.userInfo.username == "
                             "'system:serviceaccount:kube-system:generic-garbage-collector') || "
                             "!(request.userInfo.username.startsWith('system:node:') || "
                             "request.userInfo.username == 'system:kube-controller-manager' || "
                             "'system:serviceaccounts:kube-system' in request.userInfo.groups)"));
  }
  return list;
}

Json namespace_selector(const WebhookSpec& spec) {
  return {{"matchExpressions",
           {{{"key", "kubernetes.io/metadata.name"},
             {"operator", "NotIn"},
             {"values", {"kube-system", spec.namespace_}}},
            {{"key", std::string(core::k_policy_label)},
             {"operator", "NotIn"},
             {"values", Json::array({"off"})}}}}};
}

}  // namespace

std::map<std::string, std::string> webhook_selector_labels() {
  return {{"app.kubernetes.io/name", std::string(k_webhook_name)}};
}

std::map<std::string, std::string> webhook_labels(const WebhookSpec& spec) {
  auto labels = webhook_selector_labels();
  labels["app.kubernetes.io/part-of"] = "kubectl-redis";
  labels["app.kubernetes.io/version"] = spec.version;
  return labels;
}

Json webhook_object(const WebhookSpec& spec,
                    const std::string& api_version,
                    const std::string& kind,
                    Scope scope) {
  Json made = {{"apiVersion", api_version},
               {"kind", kind},
               {"metadata", {{"name", k_webhook_name}, {"labels", webhook_labels(spec)}}}};
  if (scope == Scope::namespaced) {
    made["metadata"]["namespace"] = spec.namespace_;
  }
  return made;
}

std::string webhook_image(const WebhookSpec& spec) {
  return spec.image.empty() ? std::string(k_webhook_image) + ":" + spec.version : spec.image;
}

Json webhook_configuration(const WebhookSpec& spec, Judging judging) {
  const bool mutates = judging == Judging::mutating;
  Json made =
      webhook_object(spec,
                     "admissionregistration.k8s.io/v1",
                     mutates ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration",
                     Scope::cluster);
  Json webhook = {{"name", mutates ? k_mutating_webhook : k_validating_webhook},
                  {"admissionReviewVersions", Json::array({"v1"})},
                  {"clientConfig",
                   {{"service",
                     {{"namespace", spec.namespace_},
                      {"name", k_webhook_name},
                      {"path", mutates ? "/mutate" : "/validate"},
                      {"port", 443}}}}},
                  // A piece that is not filled in is a warning later; nothing is held up for it.
                  {"failurePolicy", mutates ? "Ignore" : spec.validate_failure},
                  {"matchPolicy", "Equivalent"},
                  {"matchConditions", conditions(judging)},
                  {"namespaceSelector", namespace_selector(spec)},
                  {"rules", rules(judging)},
                  {"sideEffects", "None"},
                  {"timeoutSeconds", k_patience}};
  if (mutates) {
    webhook["reinvocationPolicy"] = "IfNeeded";
  }
  if (spec.certificates == Certificates::cert_manager) {
    made["metadata"]["annotations"] = {
        {"cert-manager.io/inject-ca-from", spec.namespace_ + "/" + std::string(k_webhook_name)}};
  }
  made["webhooks"] = Json::array({std::move(webhook)});
  return made;
}

}  // namespace kredis::manifest
