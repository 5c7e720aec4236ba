// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/resources.hpp"

#include <algorithm>
#include <array>

namespace kredis::sandbox::api {
namespace {

constexpr Scope k_cluster = Scope::cluster;
constexpr Scope k_namespaced = Scope::namespaced;

// Group, version, plural, kind, schema, scope, short names, subresources, storage.
// clang-format off
constexpr std::array k_resources{
    ResourceInfo{"", "v1", "bindings", "Binding", "core.v1.Binding", k_namespaced, "", "",
                 Storage::virtual_},
    ResourceInfo{"", "v1", "configmaps", "ConfigMap", "core.v1.ConfigMap", k_namespaced, "cm"},
    ResourceInfo{"", "v1", "endpoints", "Endpoints", "core.v1.Endpoints", k_namespaced, "ep"},
    ResourceInfo{"", "v1", "events", "Event", "core.v1.Event", k_namespaced, "ev"},
    ResourceInfo{"", "v1", "limitranges", "LimitRange", "core.v1.LimitRange", k_namespaced,
                 "limits"},
    ResourceInfo{"", "v1", "namespaces", "Namespace", "core.v1.Namespace", k_cluster, "ns",
                 "finalize,status"},
    ResourceInfo{"", "v1", "nodes", "Node", "core.v1.Node", k_cluster, "no", "status"},
    ResourceInfo{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim",
                 "core.v1.PersistentVolumeClaim", k_namespaced, "pvc", "status"},
    ResourceInfo{"", "v1", "persistentvolumes", "PersistentVolume", "core.v1.PersistentVolume",
                 k_cluster, "pv", "status"},
    ResourceInfo{"", "v1", "pods", "Pod", "core.v1.Pod", k_namespaced, "po",
                 "attach,binding,eviction,exec,log,portforward,status"},
    ResourceInfo{"", "v1", "replicationcontrollers", "ReplicationController",
                 "core.v1.ReplicationController", k_namespaced, "rc", "scale,status"},
    ResourceInfo{"", "v1", "resourcequotas", "ResourceQuota", "core.v1.ResourceQuota", k_namespaced,
                 "quota", "status"},
    ResourceInfo{"", "v1", "secrets", "Secret", "core.v1.Secret", k_namespaced},
    ResourceInfo{"", "v1", "serviceaccounts", "ServiceAccount", "core.v1.ServiceAccount",
                 k_namespaced, "sa", "token"},
    ResourceInfo{"", "v1", "services", "Service", "core.v1.Service", k_namespaced, "svc", "status"},

    ResourceInfo{"apps", "v1", "controllerrevisions", "ControllerRevision",
                 "apps.v1.ControllerRevision"},
    ResourceInfo{"apps", "v1", "daemonsets", "DaemonSet", "apps.v1.DaemonSet", k_namespaced, "ds",
                 "status"},
    ResourceInfo{"apps", "v1", "deployments", "Deployment", "apps.v1.Deployment", k_namespaced,
                 "deploy", "scale,status"},
    ResourceInfo{"apps", "v1", "replicasets", "ReplicaSet", "apps.v1.ReplicaSet", k_namespaced,
                 "rs", "scale,status"},
    ResourceInfo{"apps", "v1", "statefulsets", "StatefulSet", "apps.v1.StatefulSet", k_namespaced,
                 "sts", "scale,status"},

    ResourceInfo{"batch", "v1", "cronjobs", "CronJob", "batch.v1.CronJob", k_namespaced, "cj",
                 "status"},
    ResourceInfo{"batch", "v1", "jobs", "Job", "batch.v1.Job", k_namespaced, "", "status"},

    ResourceInfo{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget",
                 "policy.v1.PodDisruptionBudget", k_namespaced, "pdb", "status"},

    ResourceInfo{"storage.k8s.io", "v1", "storageclasses", "StorageClass",
                 "storage.v1.StorageClass", k_cluster, "sc"},

    ResourceInfo{"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding",
                 "rbac.v1.ClusterRoleBinding", k_cluster},
    ResourceInfo{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole",
                 "rbac.v1.ClusterRole", k_cluster},
    ResourceInfo{"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding",
                 "rbac.v1.RoleBinding"},
    ResourceInfo{"rbac.authorization.k8s.io", "v1", "roles", "Role", "rbac.v1.Role"},

    ResourceInfo{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice",
                 "discovery.v1.EndpointSlice"},
    ResourceInfo{"events.k8s.io", "v1", "events", "Event", "events.v1.Event", k_namespaced, "ev"},
    ResourceInfo{"coordination.k8s.io", "v1", "leases", "Lease", "coordination.v1.Lease"},

    ResourceInfo{"networking.k8s.io", "v1", "ingresses", "Ingress", "networking.v1.Ingress",
                 k_namespaced, "ing", "status"},
    ResourceInfo{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy",
                 "networking.v1.NetworkPolicy", k_namespaced, "netpol"},

    ResourceInfo{"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass",
                 "scheduling.v1.PriorityClass", k_cluster, "pc"},

    ResourceInfo{"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
                 "MutatingWebhookConfiguration",
                 "admissionregistration.v1.MutatingWebhookConfiguration", k_cluster},
    ResourceInfo{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
                 "ValidatingWebhookConfiguration",
                 "admissionregistration.v1.ValidatingWebhookConfiguration", k_cluster},

    ResourceInfo{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview",
                 "authentication.v1.SelfSubjectReview", k_cluster, "", "", Storage::virtual_},
    ResourceInfo{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview",
                 "authentication.v1.TokenReview", k_cluster, "", "", Storage::virtual_},
    ResourceInfo{"authorization.k8s.io", "v1", "localsubjectaccessreviews",
                 "LocalSubjectAccessReview", "authorization.v1.LocalSubjectAccessReview",
                 k_namespaced, "", "", Storage::virtual_},
    ResourceInfo{"authorization.k8s.io", "v1", "selfsubjectaccessreviews",
                 "SelfSubjectAccessReview", "authorization.v1.SelfSubjectAccessReview", k_cluster,
                 "", "", Storage::virtual_},
    ResourceInfo{"authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview",
                 "authorization.v1.SelfSubjectRulesReview", k_cluster, "", "", Storage::virtual_},
    ResourceInfo{"authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview",
                 "authorization.v1.SubjectAccessReview", k_cluster, "", "", Storage::virtual_},
};
// clang-format on

template <typename Predicate>
const ResourceInfo* find_if(Predicate predicate) {
  const auto* const found = std::find_if(k_resources.begin(), k_resources.end(), predicate);
  return found == k_resources.end() ? nullptr : found;
}

}  // namespace

std::string ResourceInfo::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

Key ResourceInfo::key(const std::string& namespace_, const std::string& name) const {
  return {std::string(group),
          std::string(resource),
          scope == Scope::namespaced ? namespace_ : std::string(),
          name};
}

bool ResourceInfo::has_subresource(std::string_view name) const {
  const auto parts = split_commas(subresources);
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

std::span<const ResourceInfo> resources() { return k_resources; }

const ResourceInfo* find_resource(std::string_view group,
                                  std::string_view version,
                                  std::string_view resource) {
  return find_if([&](const ResourceInfo& info) {
    return info.group == group && info.version == version && info.resource == resource;
  });
}

const ResourceInfo* find_resource(std::string_view group, std::string_view resource) {
  return find_if(
      [&](const ResourceInfo& info) { return info.group == group && info.resource == resource; });
}

const ResourceInfo* find_kind(std::string_view api_version, std::string_view kind) {
  return find_if([&](const ResourceInfo& info) {
    return info.kind == kind && info.api_version() == api_version;
  });
}

std::vector<std::string_view> split_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace kredis::sandbox::api
