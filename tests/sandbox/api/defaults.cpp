// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/defaults.hpp"

#include <array>

#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/pod_defaults.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr int k_toleration_seconds = 300;

void default_claim_spec(Json& spec) { set_default(spec, "volumeMode", "Filesystem"); }

void default_stateful_set(Json& object) {
  Json& spec = object["spec"];
  set_default(spec, "podManagementPolicy", "OrderedReady");
  set_default(spec, "replicas", 1);
  set_default(spec, "revisionHistoryLimit", 10);
  set_default(spec, "updateStrategy", {{"type", "RollingUpdate"}});
  set_default(spec["updateStrategy"], "type", "RollingUpdate");
  if (spec["updateStrategy"]["type"] == "RollingUpdate") {
    set_default(spec["updateStrategy"], "rollingUpdate", Json::object());
    set_default(spec["updateStrategy"]["rollingUpdate"], "partition", 0);
  }
  set_default(spec, "persistentVolumeClaimRetentionPolicy", Json::object());
  set_default(spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", "Retain");
  set_default(spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", "Retain");
  default_pod_template(spec);
  if (!spec.contains("volumeClaimTemplates")) {
    return;
  }
  for (Json& claim : spec["volumeClaimTemplates"]) {
    set_default(claim, "apiVersion", "v1");
    set_default(claim, "kind", "PersistentVolumeClaim");
    default_claim_spec(claim["spec"]);
    claim["status"] = {{"phase", "Pending"}};
  }
}

void default_deployment(Json& object) {
  Json& spec = object["spec"];
  set_default(spec, "replicas", 1);
  set_default(spec, "revisionHistoryLimit", 10);
  set_default(spec, "progressDeadlineSeconds", 600);
  set_default(spec, "strategy", Json::object());
  set_default(spec["strategy"], "type", "RollingUpdate");
  if (spec["strategy"]["type"] == "RollingUpdate") {
    set_default(spec["strategy"], "rollingUpdate", Json::object());
    set_default(spec["strategy"]["rollingUpdate"], "maxUnavailable", "25%");
    set_default(spec["strategy"]["rollingUpdate"], "maxSurge", "25%");
  }
  default_pod_template(spec);
}

void default_replica_set(Json& object) {
  set_default(object["spec"], "replicas", 1);
  default_pod_template(object["spec"]);
}

void default_daemon_set(Json& object) {
  Json& spec = object["spec"];
  set_default(spec, "revisionHistoryLimit", 10);
  set_default(
      spec,
      "updateStrategy",
      {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxSurge", 0}, {"maxUnavailable", 1}}}});
  default_pod_template(spec);
}

void default_service(Json& object) {
  Json& spec = object["spec"];
  set_default(spec, "type", "ClusterIP");
  set_default(spec, "sessionAffinity", "None");
  const std::string type = dig_text(spec, {"type"});
  if (type != "ExternalName") {
    set_default(spec, "ipFamilies", {"IPv4"});
    set_default(spec, "ipFamilyPolicy", "SingleStack");
    set_default(spec, "internalTrafficPolicy", "Cluster");
  }
  if (type == "NodePort" || type == "LoadBalancer") {
    set_default(spec, "externalTrafficPolicy", "Cluster");
  }
  if (type == "LoadBalancer") {
    set_default(spec, "allocateLoadBalancerNodePorts", true);
  }
  if (!spec.contains("ports")) {
    return;
  }
  for (Json& port : spec["ports"]) {
    set_default(port, "protocol", "TCP");
    if (port.contains("port")) {
      set_default(port, "targetPort", port["port"]);
    }
  }
}

void default_claim(Json& object) { default_claim_spec(object["spec"]); }

void default_volume(Json& object) {
  set_default(object["spec"], "persistentVolumeReclaimPolicy", "Retain");
  default_claim_spec(object["spec"]);
}

void default_storage_class(Json& object) {
  set_default(object, "reclaimPolicy", "Delete");
  set_default(object, "volumeBindingMode", "Immediate");
}

void default_secret(Json& object) {
  set_default(object, "type", "Opaque");
  const Json plain = object.value("stringData", Json::object());
  for (const auto& [name, value] : plain.items()) {
    object["data"][name] = base64_encode(value.get<std::string>());
  }
  object.erase("stringData");
}

void default_pod(Json& object) {
  default_pod_spec(object["spec"]);
  set_default(object["spec"], "enableServiceLinks", true);
}

void default_webhooks(Json& object) {
  if (!object.contains("webhooks")) {
    return;
  }
  for (Json& hook : object["webhooks"]) {
    set_default(hook, "failurePolicy", "Fail");
    set_default(hook, "matchPolicy", "Equivalent");
    set_default(hook, "namespaceSelector", Json::object());
    set_default(hook, "objectSelector", Json::object());
    set_default(hook, "timeoutSeconds", 10);
    if (object["kind"] == "MutatingWebhookConfiguration") {
      set_default(hook, "reinvocationPolicy", "Never");
    }
    if (hook.contains("clientConfig") && hook["clientConfig"].contains("service")) {
      set_default(hook["clientConfig"]["service"], "port", 443);
    }
    if (hook.contains("rules")) {
      for (Json& rule : hook["rules"]) {
        set_default(rule, "scope", "*");
      }
    }
  }
}

void default_binding(Json& object) {
  const std::string group = "rbac.authorization.k8s.io";
  set_default(object, "roleRef", Json::object());
  set_default(object["roleRef"], "apiGroup", group);
  if (!object.contains("subjects")) {
    return;
  }
  for (Json& subject : object["subjects"]) {
    const std::string kind = dig_text(subject, {"kind"});
    if (kind == "User" || kind == "Group") {
      set_default(subject, "apiGroup", group);
    }
  }
}

void default_namespace(Json& object) {
  object["metadata"]["labels"]["kubernetes.io/metadata.name"] = dig(object, {"metadata", "name"});
}

void default_job(Json& object) {
  Json& spec = object["spec"];
  set_default(spec, "backoffLimit", 6);
  set_default(spec, "completions", 1);
  set_default(spec, "parallelism", 1);
  default_pod_template(spec);
}

enum class Body { has_spec, flat };

struct KindDefaults {
  std::string_view kind;
  void (*apply)(Json& object);
  Body body = Body::has_spec;
};

constexpr std::array k_defaults{
    KindDefaults{"StatefulSet", default_stateful_set},
    KindDefaults{"Deployment", default_deployment},
    KindDefaults{"ReplicaSet", default_replica_set},
    KindDefaults{"DaemonSet", default_daemon_set},
    KindDefaults{"Job", default_job},
    KindDefaults{"Namespace", default_namespace, Body::flat},
    KindDefaults{"Pod", default_pod},
    KindDefaults{"Service", default_service},
    KindDefaults{"PersistentVolumeClaim", default_claim},
    KindDefaults{"PersistentVolume", default_volume},
    KindDefaults{"StorageClass", default_storage_class, Body::flat},
    KindDefaults{"Secret", default_secret, Body::flat},
    KindDefaults{"MutatingWebhookConfiguration", default_webhooks, Body::flat},
    KindDefaults{"ValidatingWebhookConfiguration", default_webhooks, Body::flat},
    KindDefaults{"RoleBinding", default_binding, Body::flat},
    KindDefaults{"ClusterRoleBinding", default_binding, Body::flat},
};

void tolerate(Json& spec, const char* key) {
  for (const Json& toleration : dig_list(spec, {"tolerations"})) {
    const std::string tolerated = dig_text(toleration, {"key"});
    if (tolerated == key || tolerated.empty()) {
      return;
    }
  }
  spec["tolerations"].push_back({{"key", key},
                                 {"operator", "Exists"},
                                 {"effect", "NoExecute"},
                                 {"tolerationSeconds", k_toleration_seconds}});
}

void admit_pod(const Store& store, Json& pod) {
  Json& spec = pod["spec"];
  set_default(spec, "serviceAccountName", "default");
  set_default(spec, "serviceAccount", spec["serviceAccountName"]);
  set_default(spec, "preemptionPolicy", "PreemptLowerPriority");
  const Object priority = store.get(
      {"scheduling.k8s.io", "priorityclasses", "", dig_text(spec, {"priorityClassName"})});
  spec["priority"] = priority == nullptr ? 0 : dig_number(*priority, {"value"});
  tolerate(spec, "node.kubernetes.io/not-ready");
  tolerate(spec, "node.kubernetes.io/unreachable");
}

void admit_claim(const Store& store, Json& claim) {
  if (claim["spec"].contains("storageClassName")) {
    return;
  }
  for (const Object& candidate : store.list("storage.k8s.io", "storageclasses")) {
    if (dig_text(*candidate,
                 {"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) ==
        "true") {
      claim["spec"]["storageClassName"] = dig(*candidate, {"metadata", "name"});
    }
  }
}

}  // namespace

void apply_defaults(const ResourceInfo& info, Json& object) {
  for (const KindDefaults& row : k_defaults) {
    if (row.kind == info.kind) {
      set_default(object, "kind", info.kind);
      if (row.body == Body::has_spec) {
        set_default(object, "spec", Json::object());
      }
      row.apply(object);
    }
  }
}

void prepare_new(const ResourceInfo& info, Json& object) {
  if (info.has_subresource("status") && info.kind != "Node") {
    object.erase("status");
  }
  if (info.kind == "Pod") {
    object["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(object["spec"])}};
  } else if (info.kind == "Namespace") {
    object["spec"]["finalizers"] = {"kubernetes"};
    object["status"]["phase"] = "Active";
  } else if (info.kind == "PersistentVolumeClaim" || info.kind == "PersistentVolume") {
    object["status"]["phase"] = "Pending";
  } else if (info.kind == "Service") {
    object["status"]["loadBalancer"] = Json::object();
  } else if (info.kind == "StatefulSet") {
    object["status"] = {{"availableReplicas", 0}, {"replicas", 0}};
  } else if (info.kind == "ReplicaSet") {
    object["status"] = {{"replicas", 0}};
  } else if (info.kind == "Deployment") {
    object["status"] = Json::object();
  }
}

void apply_builtin_admission(const Store& store, const ResourceInfo& info, Json& object) {
  if (info.kind == "Pod") {
    admit_pod(store, object);
  } else if (info.kind == "PersistentVolumeClaim") {
    admit_claim(store, object);
  }
}

}  // namespace kredis::sandbox::api
