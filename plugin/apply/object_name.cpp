// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/object_name.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>

namespace kredis::plugin {
namespace {

enum class KindScope { namespaced, cluster };

struct Kind {
  std::string_view kind;
  std::string_view label;
  std::string_view api_version;
  std::string_view plural;
  KindScope scope = KindScope::namespaced;
};

constexpr std::array k_kinds{
    Kind{"ClusterRole",
         "clusterrole.rbac.authorization.k8s.io",
         "rbac.authorization.k8s.io/v1",
         "clusterroles",
         KindScope::cluster},
    Kind{"ClusterRoleBinding",
         "clusterrolebinding.rbac.authorization.k8s.io",
         "rbac.authorization.k8s.io/v1",
         "clusterrolebindings",
         KindScope::cluster},
    Kind{"ConfigMap", "configmap", "v1", "configmaps"},
    Kind{"Deployment", "deployment.apps", "apps/v1", "deployments"},
    Kind{"MutatingWebhookConfiguration",
         "mutatingwebhookconfiguration.admissionregistration.k8s.io",
         "admissionregistration.k8s.io/v1",
         "mutatingwebhookconfigurations",
         KindScope::cluster},
    Kind{"Namespace", "namespace", "v1", "namespaces", KindScope::cluster},
    Kind{"NetworkPolicy",
         "networkpolicy.networking.k8s.io",
         "networking.k8s.io/v1",
         "networkpolicies"},
    Kind{"PersistentVolume", "persistentvolume", "v1", "persistentvolumes", KindScope::cluster},
    Kind{"PersistentVolumeClaim", "persistentvolumeclaim", "v1", "persistentvolumeclaims"},
    Kind{"Pod", "pod", "v1", "pods"},
    Kind{"PodDisruptionBudget", "poddisruptionbudget.policy", "policy/v1", "poddisruptionbudgets"},
    Kind{"Role", "role.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1", "roles"},
    Kind{"RoleBinding",
         "rolebinding.rbac.authorization.k8s.io",
         "rbac.authorization.k8s.io/v1",
         "rolebindings"},
    Kind{"Secret", "secret", "v1", "secrets"},
    Kind{"Service", "service", "v1", "services"},
    Kind{"ServiceAccount", "serviceaccount", "v1", "serviceaccounts"},
    Kind{"StatefulSet", "statefulset.apps", "apps/v1", "statefulsets"},
    Kind{"ValidatingWebhookConfiguration",
         "validatingwebhookconfiguration.admissionregistration.k8s.io",
         "admissionregistration.k8s.io/v1",
         "validatingwebhookconfigurations",
         KindScope::cluster},
};

}  // namespace

core::ObjectName name_of(const std::string& kind,
                         const std::string& namespace_,
                         const std::string& name) {
  const auto* row = std::find_if(
      k_kinds.begin(), k_kinds.end(), [&](const Kind& each) { return each.kind == kind; });
  assert(row != k_kinds.end());
  return {.kind = std::string(row->label),
          .api_version = std::string(row->api_version),
          .plural = std::string(row->plural),
          .namespace_ = row->scope == KindScope::cluster ? "" : namespace_,
          .name = name};
}

core::ObjectName name_of(const Json& object) {
  const Json& metadata = object.at("metadata");
  core::ObjectName name = name_of(object.at("kind").get<std::string>(),
                                  metadata.value("namespace", ""),
                                  metadata.value("name", ""));
  name.uid = metadata.value("uid", "");
  return name;
}

ports::ResourcePath path_of(const core::ObjectName& object) {
  return {{object.api_version, object.plural}, object.namespace_, object.name};
}

}  // namespace kredis::plugin
