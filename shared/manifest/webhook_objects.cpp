// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/webhook_objects.hpp"

#include <utility>

#include "shared/manifest/webhook_parts.hpp"

namespace kredis::manifest {
namespace {

constexpr const char* k_rbac = "rbac.authorization.k8s.io";
constexpr const char* k_token_path = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr const char* k_certificate_path = "/etc/kubectl-redis-webhook/tls";
/// The user and group that the image names: nobody's, and not root.
constexpr int k_user = 65532;
/// Seconds: the drain-wait, what is in flight, and room.
constexpr int k_grace = 40;

Json rule(const char* group, const Json& resources, const Json& verbs) {
  return {{"apiGroups", {group}}, {"resources", resources}, {"verbs", verbs}};
}

Json named_rule(const char* group, const Json& resources, const Json& names, const Json& verbs) {
  Json made = rule(group, resources, verbs);
  made["resourceNames"] = names;
  return made;
}

Json space(const WebhookSpec& spec) {
  Json made = webhook_object(spec, "v1", "Namespace", Scope::cluster);
  made["metadata"]["name"] = spec.namespace_;
  made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted";
  return made;
}

/// What rules look up beside the object that they judge. Nothing may be written but its own.
Json cluster_role(const WebhookSpec& spec) {
  const Json read = {"get", "list", "watch"};
  Json made = webhook_object(spec, std::string(k_rbac) + "/v1", "ClusterRole", Scope::cluster);
  made["rules"] = {rule("", {"configmaps", "namespaces", "pods", "services"}, read),
                   rule("apps", {"deployments", "statefulsets"}, read),
                   rule("policy", Json::array({"poddisruptionbudgets"}), read)};
  if (spec.certificates == Certificates::own) {
    made["rules"].push_back(
        named_rule("admissionregistration.k8s.io",
                   {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
                   Json::array({k_webhook_name}),
                   {"get", "patch"}));
  }
  return made;
}

Json role(const WebhookSpec& spec) {
  Json made = webhook_object(spec, std::string(k_rbac) + "/v1", "Role", Scope::namespaced);
  // A right to create cannot be held to a name.
  made["rules"] = {
      rule("", Json::array({"secrets"}), Json::array({"create"})),
      named_rule("", Json::array({"secrets"}), Json::array({k_webhook_secret}), {"get", "patch"})};
  return made;
}

Json binding(const WebhookSpec& spec, const std::string& kind, Scope scope) {
  Json made = webhook_object(spec, std::string(k_rbac) + "/v1", kind + "Binding", scope);
  made["roleRef"] = {{"apiGroup", k_rbac}, {"kind", kind}, {"name", k_webhook_name}};
  made["subjects"] = Json::array(
      {{{"kind", "ServiceAccount"}, {"name", k_webhook_name}, {"namespace", spec.namespace_}}});
  return made;
}

Json cert_manager_object(const WebhookSpec& spec,
                         const char* kind,
                         const std::string& name,
                         Json content) {
  Json made = webhook_object(spec, "cert-manager.io/v1", kind, Scope::namespaced);
  made["metadata"]["name"] = name;
  made["spec"] = std::move(content);
  return made;
}

/// An authority of its own, so that a renewed certificate is trusted before it is used.
std::vector<Json> cert_manager_objects(const WebhookSpec& spec) {
  const std::string leaf(k_webhook_name);
  const std::string authority = leaf + "-ca";
  const std::string host = leaf + "." + spec.namespace_ + ".svc";
  return {
      cert_manager_object(spec, "Issuer", leaf + "-self-signed", {{"selfSigned", Json::object()}}),
      cert_manager_object(spec,
                          "Certificate",
                          authority,
                          {{"isCA", true},
                           {"commonName", authority},
                           {"secretName", authority},
                           {"privateKey", {{"algorithm", "ECDSA"}, {"size", 256}}},
                           {"issuerRef", {{"kind", "Issuer"}, {"name", leaf + "-self-signed"}}}}),
      cert_manager_object(spec, "Issuer", leaf, {{"ca", {{"secretName", authority}}}}),
      cert_manager_object(spec,
                          "Certificate",
                          leaf,
                          {{"dnsNames", {host, host + ".cluster.local"}},
                           {"secretName", k_webhook_secret},
                           {"privateKey", {{"algorithm", "ECDSA"}, {"size", 256}}},
                           {"issuerRef", {{"kind", "Issuer"}, {"name", leaf}}}})};
}

Json service(const WebhookSpec& spec) {
  Json made = webhook_object(spec, "v1", "Service", Scope::namespaced);
  made["spec"] = {
      {"selector", webhook_selector_labels()},
      {"ports",
       Json::array(
           {{{"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", "https"}}})}};
  return made;
}

Json disruption_budget(const WebhookSpec& spec) {
  Json made = webhook_object(spec, "policy/v1", "PodDisruptionBudget", Scope::namespaced);
  made["spec"] = {{"maxUnavailable", 1},
                  {"selector", {{"matchLabels", webhook_selector_labels()}}}};
  return made;
}

/// Only reviews, probes and metrics come in; where the API server calls from is not known.
Json network_policy(const WebhookSpec& spec) {
  Json made = webhook_object(spec, "networking.k8s.io/v1", "NetworkPolicy", Scope::namespaced);
  made["spec"] = {
      {"podSelector", {{"matchLabels", webhook_selector_labels()}}},
      {"policyTypes", Json::array({"Ingress"})},
      {"ingress",
       Json::array({{{"ports", Json::array({{{"port", k_webhook_port}, {"protocol", "TCP"}}})}}})}};
  return made;
}

/// A token that is renewed every hour, where the mounted one of Kubernetes may live for a year.
Json token_volume() {
  const Json token = {{"serviceAccountToken", {{"path", "token"}, {"expirationSeconds", 3607}}}};
  const Json authority = {{"configMap",
                           {{"name", "kube-root-ca.crt"},
                            {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}};
  const Json field = {{"path", "namespace"}, {"fieldRef", {{"fieldPath", "metadata.namespace"}}}};
  const Json name = {{"downwardAPI", {{"items", Json::array({field})}}}};
  return {{"name", "token"},
          {"projected", {{"sources", {token, authority, name}}, {"defaultMode", 0444}}}};
}

Json probe(const char* path, int period_seconds) {
  return {{"httpGet", {{"path", path}, {"port", "https"}, {"scheme", "HTTPS"}}},
          {"periodSeconds", period_seconds},
          {"timeoutSeconds", 2}};
}

Json container(const WebhookSpec& spec) {
  Json arguments = {"--namespace=" + spec.namespace_, "--default-level=" + spec.default_level};
  Json mounts = Json::array({{{"name", "token"}, {"mountPath", k_token_path}, {"readOnly", true}}});
  if (spec.certificates == Certificates::cert_manager) {
    arguments.push_back(std::string("--certificate-file=") + k_certificate_path + "/tls.crt");
    arguments.push_back(std::string("--key-file=") + k_certificate_path + "/tls.key");
    mounts.push_back(
        {{"name", "certificate"}, {"mountPath", k_certificate_path}, {"readOnly", true}});
  }
  return {
      {"name", "webhook"},
      {"image", webhook_image(spec)},
      {"args", arguments},
      {"ports",
       Json::array({{{"name", "https"}, {"containerPort", k_webhook_port}, {"protocol", "TCP"}}})},
      {"resources",
       {{"requests", {{"cpu", "20m"}, {"memory", "32Mi"}}}, {"limits", {{"memory", "128Mi"}}}}},
      {"startupProbe",
       {{"httpGet", probe("/readyz", 1)["httpGet"]},
        {"periodSeconds", 1},
        {"failureThreshold", 60}}},
      {"readinessProbe", probe("/readyz", 2)},
      {"livenessProbe", probe("/healthz", 10)},
      {"volumeMounts", mounts},
      {"securityContext",
       {{"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"capabilities", {{"drop", Json::array({"ALL"})}}}}}};
}

Json spread(const char* topology) {
  return {{"maxSkew", 1},
          {"topologyKey", topology},
          {"whenUnsatisfiable", "ScheduleAnyway"},
          {"labelSelector", {{"matchLabels", webhook_selector_labels()}}}};
}

Json pod(const WebhookSpec& spec) {
  Json volumes = Json::array({token_volume()});
  if (spec.certificates == Certificates::cert_manager) {
    volumes.push_back({{"name", "certificate"},
                       {"secret", {{"secretName", k_webhook_secret}, {"defaultMode", 0440}}}});
  }
  return {{"serviceAccountName", k_webhook_name},
          {"automountServiceAccountToken", false},
          {"enableServiceLinks", false},
          {"terminationGracePeriodSeconds", k_grace},
          {"topologySpreadConstraints",
           {spread("kubernetes.io/hostname"), spread("topology.kubernetes.io/zone")}},
          {"securityContext",
           {{"runAsNonRoot", true},
            {"runAsUser", k_user},
            {"runAsGroup", k_user},
            {"fsGroup", k_user},
            {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
          {"containers", Json::array({container(spec)})},
          {"volumes", volumes}};
}

Json deployment(const WebhookSpec& spec) {
  Json made = webhook_object(spec, "apps/v1", "Deployment", Scope::namespaced);
  made["spec"] = {
      {"replicas", spec.replicas},
      {"selector", {{"matchLabels", webhook_selector_labels()}}},
      {"strategy",
       {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
      {"template", {{"metadata", {{"labels", webhook_labels(spec)}}}, {"spec", pod(spec)}}}};
  return made;
}

}  // namespace

std::vector<Json> webhook_objects(const WebhookSpec& spec) {
  std::vector<Json> objects{space(spec),
                            webhook_object(spec, "v1", "ServiceAccount", Scope::namespaced),
                            cluster_role(spec),
                            binding(spec, "ClusterRole", Scope::cluster)};
  objects[1]["automountServiceAccountToken"] = false;
  if (spec.certificates == Certificates::own) {
    objects.push_back(role(spec));
    objects.push_back(binding(spec, "Role", Scope::namespaced));
  }
  if (spec.certificates == Certificates::cert_manager) {
    for (Json& object : cert_manager_objects(spec)) {
      objects.push_back(std::move(object));
    }
  }
  objects.push_back(network_policy(spec));
  objects.push_back(service(spec));
  objects.push_back(disruption_budget(spec));
  objects.push_back(deployment(spec));
  objects.push_back(webhook_configuration(spec, Judging::mutating));
  objects.push_back(webhook_configuration(spec, Judging::validating));
  return objects;
}

bool is_webhook_configuration(const Json& object) {
  const std::string kind = object.value("kind", "");
  return kind == "MutatingWebhookConfiguration" || kind == "ValidatingWebhookConfiguration";
}

}  // namespace kredis::manifest
