// SPDX-License-Identifier: Apache-2.0
//
// Every kind that garbage collection and namespace deletion look at.
#pragma once

#include <array>

namespace kredis::sandbox {

enum class Scope { cluster, namespaced };

struct Kind {
  const char* group;
  const char* resource;
  const char* kind;
  Scope scope;
};

inline constexpr std::array k_kinds{
    Kind{"", "pods", "Pod", Scope::namespaced},
    Kind{"", "services", "Service", Scope::namespaced},
    Kind{"", "endpoints", "Endpoints", Scope::namespaced},
    Kind{"", "configmaps", "ConfigMap", Scope::namespaced},
    Kind{"", "secrets", "Secret", Scope::namespaced},
    Kind{"", "serviceaccounts", "ServiceAccount", Scope::namespaced},
    Kind{"", "persistentvolumeclaims", "PersistentVolumeClaim", Scope::namespaced},
    Kind{"", "resourcequotas", "ResourceQuota", Scope::namespaced},
    Kind{"", "limitranges", "LimitRange", Scope::namespaced},
    Kind{"", "events", "Event", Scope::namespaced},
    Kind{"", "nodes", "Node", Scope::cluster},
    Kind{"", "namespaces", "Namespace", Scope::cluster},
    Kind{"", "persistentvolumes", "PersistentVolume", Scope::cluster},
    Kind{"apps", "statefulsets", "StatefulSet", Scope::namespaced},
    Kind{"apps", "deployments", "Deployment", Scope::namespaced},
    Kind{"apps", "replicasets", "ReplicaSet", Scope::namespaced},
    Kind{"apps", "daemonsets", "DaemonSet", Scope::namespaced},
    Kind{"apps", "controllerrevisions", "ControllerRevision", Scope::namespaced},
    Kind{"batch", "jobs", "Job", Scope::namespaced},
    Kind{"batch", "cronjobs", "CronJob", Scope::namespaced},
    Kind{"policy", "poddisruptionbudgets", "PodDisruptionBudget", Scope::namespaced},
    Kind{"discovery.k8s.io", "endpointslices", "EndpointSlice", Scope::namespaced},
    Kind{"networking.k8s.io", "networkpolicies", "NetworkPolicy", Scope::namespaced},
    Kind{"coordination.k8s.io", "leases", "Lease", Scope::namespaced},
    Kind{"rbac.authorization.k8s.io", "roles", "Role", Scope::namespaced},
    Kind{"rbac.authorization.k8s.io", "rolebindings", "RoleBinding", Scope::namespaced},
    Kind{"storage.k8s.io", "storageclasses", "StorageClass", Scope::cluster},
};

}  // namespace kredis::sandbox
