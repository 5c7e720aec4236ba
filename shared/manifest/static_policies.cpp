// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/static_policies.hpp"

#include <array>
#include <string_view>

#include "shared/core/labels.hpp"
#include "shared/manifest/webhook_parts.hpp"
#include "shared/policy/rule.hpp"

namespace kredis::manifest {
namespace {

using policy::Rule;
using policy::RuleSeverity;

struct Expression {
  std::string_view rule;
  std::string_view cel;  ///< True where the rule holds.
};

/// `variables` are those of `variables()` below.
constexpr std::array k_expressions{
    Expression{
        "RC006",
        "!variables.masters.matches('^[0-9]{1,5}$') || !variables.replicas.matches('^[0-9]{1,5}$') || "
        "object.spec.replicas == 0 || "
        "object.spec.replicas == int(variables.masters) * (1 + int(variables.replicas))"},
    Expression{"RC007", "object.spec.replicas == 0 || object.spec.replicas >= 3"},
    Expression{"RC008",
               "object.spec.replicas < 3 || object.spec.replicas >= 6 || "
               "variables.replicas.matches('^-?[0-9]+$')"},
    Expression{"RC009",
               "variables.masters == '' || "
               "(variables.masters.matches('^[0-9]{1,9}$') && int(variables.masters) >= 3)"},
    Expression{"RC013",
               "!has(object.spec.persistentVolumeClaimRetentionPolicy) || "
               "(object.spec.persistentVolumeClaimRetentionPolicy.whenScaled != 'Delete' && "
               "object.spec.persistentVolumeClaimRetentionPolicy.whenDeleted != 'Delete')"},
    Expression{"RC015", "object.spec.replicas <= 1"},
    Expression{"RC016", "object.spec.strategy.type == 'Recreate'"},
    Expression{
        "RC024",
        "!has(variables.pod.hostNetwork) || !variables.pod.hostNetwork || "
        "(has(variables.pod.affinity) && has(variables.pod.affinity.podAntiAffinity) && "
        "has(variables.pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution) && "
        "size(variables.pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution) > 0)"},
    Expression{"RC032",
               "!has(object.spec.volumeClaimTemplates) || object.spec.volumeClaimTemplates.all(t, "
               "!has(t.spec.accessModes) || size(t.spec.accessModes) == 0 || "
               "t.spec.accessModes.exists(m, m.startsWith('ReadWrite')))"},
    Expression{
        "RC063",
        "variables.server.image.contains('@') || "
        "(variables.server.image.matches(':[^/]+$') && !variables.server.image.endsWith(':latest'))"},
    Expression{
        "RC066",
        "!has(variables.server.securityContext) || !has(variables.server.securityContext.privileged) || "
        "!variables.server.securityContext.privileged"},
    Expression{
        "RC067",
        "(has(variables.server.securityContext) && has(variables.server.securityContext.runAsUser)) ? "
        "variables.server.securityContext.runAsUser != 0 : "
        "(!has(variables.pod.securityContext) || !has(variables.pod.securityContext.runAsUser) || "
        "variables.pod.securityContext.runAsUser != 0)"}};

struct Target {
  policy::Kinds kind;
  const char* resource;
};
constexpr std::array k_targets{Target{policy::k_stateful_set, "statefulsets"},
                               Target{policy::k_deployment, "deployments"}};

struct LevelBinding {
  const char* level;
  const char* operator_;  ///< Of the namespace's label; a namespace without one is at `enforce`.
  const char* value;
  const char* for_errors;
  const char* for_warnings;
};
constexpr std::array k_bindings{LevelBinding{"enforce", "NotIn", "", "Deny", "Warn"},
                                LevelBinding{"warn", "In", "warn", "Warn", "Warn"},
                                LevelBinding{"audit", "In", "audit", "Audit", "Audit"}};

Json variables() {
  const auto annotation = [](const char* name, std::string_view annotation_key) {
    const std::string key(annotation_key);
    return Json{
        {"name", name},
        {"expression",
         std::string("has(object.metadata.annotations) && '") + key +
             "' in object.metadata.annotations ? object.metadata.annotations['" + key + "'] : ''"}};
  };
  const char* const looks_like_redis =
      "variables.pod.containers.filter(c, c.name.contains('redis') || c.name.contains('valkey') || "
      "c.image.contains('redis') || c.image.contains('valkey'))";
  return {annotation("masters", core::k_masters_annotation),
          annotation("replicas", core::k_replicas_annotation),
          {{"name", "pod"}, {"expression", "object.spec.template.spec"}},
          {{"name", "servers"}, {"expression", looks_like_redis}},
          {{"name", "server"},
           {"expression",
            "size(variables.servers) > 0 ? variables.servers[0] : variables.pod.containers[0]"}}};
}

/// A label or annotation says that it is a Redis Cluster, and none takes it out.
Json conditions() {
  const auto has_label = [](const std::string& labels) {
    return "(has(" + labels + ") && ('appCluster' in " + labels +
           " || 'kubectl-redis.dev/cluster' in " + labels + "))";
  };
  return {{{"name", "is-a-redis-cluster"},
           {"expression",
            "(has(object.metadata.annotations) && "
            "'kubectl-redis.dev/masters' in object.metadata.annotations) || " +
                has_label("object.metadata.labels") + " || " +
                has_label("object.spec.template.metadata.labels") + " || " +
                has_label("object.spec.selector.matchLabels")}},
          {{"name", "is-not-ignored"},
           {"expression",
            "!has(object.metadata.annotations) || "
            "!('kubectl-redis.dev/ignore' in object.metadata.annotations) || "
            "object.metadata.annotations['kubectl-redis.dev/ignore'] != 'true'"}},
          {{"name", "is-not-leaving"}, {"expression", "!has(object.metadata.deletionTimestamp)"}}};
}

Json validations(const Target& target, RuleSeverity severity) {
  Json list = Json::array();
  for (const Expression& each : k_expressions) {
    const Rule* const rule = policy::find_rule(each.rule);
    if (rule != nullptr && (rule->kinds & target.kind) != 0 && rule->severity == severity) {
      list.push_back({{"expression", each.cel},
                      {"message", "[" + std::string(rule->id) + "] " + std::string(rule->title)}});
    }
  }
  return list;
}

std::string policy_name(const Target& target, RuleSeverity severity) {
  return std::string("kubectl-redis-") + target.resource + "-" +
         std::string(policy::to_text(severity)) + "s";
}

Json object(const WebhookSpec& spec, const char* kind, const std::string& name) {
  Json made = webhook_object(spec, "admissionregistration.k8s.io/v1", kind, Scope::cluster);
  made["metadata"]["name"] = name;
  return made;
}

Json policy(const WebhookSpec& spec, const Target& target, RuleSeverity severity) {
  Json made = object(spec, "ValidatingAdmissionPolicy", policy_name(target, severity));
  made["spec"] = {{"failurePolicy", spec.validate_failure},
                  {"matchConstraints",
                   {{"resourceRules",
                     Json::array({{{"apiGroups", {"apps"}},
                                   {"apiVersions", {"v1"}},
                                   {"operations", {"CREATE", "UPDATE"}},
                                   {"resources", Json::array({target.resource})}}})}}},
                  {"matchConditions", conditions()},
                  {"variables", variables()},
                  {"validations", validations(target, severity)}};
  return made;
}

Json binding(const WebhookSpec& spec,
             const std::string& policy_name,
             const LevelBinding& level,
             RuleSeverity severity) {
  Json made = object(spec, "ValidatingAdmissionPolicyBinding", policy_name + "-" + level.level);
  Json levels = Json::array({level.value});
  if (*level.value == '\0') {
    levels = {"warn", "audit", "off"};
  }
  made["spec"] = {
      {"policyName", policy_name},
      {"validationActions",
       Json::array({severity == RuleSeverity::error ? level.for_errors : level.for_warnings})},
      {"matchResources",
       {{"namespaceSelector",
         {{"matchExpressions",
           {{{"key", "kubernetes.io/metadata.name"},
             {"operator", "NotIn"},
             {"values", {"kube-system", spec.namespace_}}},
            {{"key", std::string(core::k_policy_label)},
             {"operator", level.operator_},
             {"values", levels}}}}}}}}};
  return made;
}

}  // namespace

std::vector<std::string> static_rules() {
  std::vector<std::string> ids;
  for (const Expression& each : k_expressions) {
    ids.emplace_back(each.rule);
  }
  return ids;
}

std::vector<Json> static_policies(const WebhookSpec& spec) {
  std::vector<Json> policies;
  std::vector<Json> bindings;
  for (const Target& target : k_targets) {
    for (const RuleSeverity severity : {RuleSeverity::error, RuleSeverity::warning}) {
      policies.push_back(policy(spec, target, severity));
      for (const LevelBinding& level : k_bindings) {
        bindings.push_back(binding(spec, policy_name(target, severity), level, severity));
      }
    }
  }
  policies.insert(policies.end(), bindings.begin(), bindings.end());
  return policies;
}

}  // namespace kredis::manifest
