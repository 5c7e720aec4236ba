// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/bootstrap.hpp"

#include <algorithm>
#include <array>

#include "tests/sandbox/controllers/kinds.hpp"

namespace kredis::sandbox {
namespace {

Json make_namespace(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Namespace"},
          {"metadata", {{"name", name}, {"labels", {{"kubernetes.io/metadata.name", name}}}}},
          {"spec", {{"finalizers", {"kubernetes"}}}},
          {"status", {{"phase", "Active"}}}};
}

Json make_storage_class(DefaultClass is_default) {
  return {{"apiVersion", "storage.k8s.io/v1"},
          {"kind", "StorageClass"},
          {"metadata",
           {{"name", "standard"},
            {"annotations",
             {{"storageclass.kubernetes.io/is-default-class",
               is_default == DefaultClass::present ? "true" : "false"}}}}},
          {"provisioner", k_provisioner},
          {"reclaimPolicy", "Delete"},
          {"allowVolumeExpansion", false},
          {"volumeBindingMode", "WaitForFirstConsumer"}};
}

Json make_kubernetes_service(const ControllerOptions& options) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata",
           {{"name", "kubernetes"},
            {"namespace", "default"},
            {"labels", {{"component", "apiserver"}, {"provider", "kubernetes"}}}}},
          {"spec",
           {{"type", "ClusterIP"},
            {"clusterIP", options.addresses.service(0)},
            {"clusterIPs", {options.addresses.service(0)}},
            {"sessionAffinity", "None"},
            {"ports",
             {{{"name", "https"},
               {"port", 443},
               {"protocol", "TCP"},
               {"targetPort", options.api_port}}}}}},
          {"status", {{"loadBalancer", Json::object()}}}};
}

Json ready_conditions(TimePoint now) {
  Json conditions = Json::array();
  const auto add = [&](const char* type, const char* status, const char* reason) {
    conditions.push_back({{"type", type},
                          {"status", status},
                          {"reason", reason},
                          {"lastHeartbeatTime", format_time(now)},
                          {"lastTransitionTime", format_time(now)}});
  };
  add("MemoryPressure", "False", "KubeletHasSufficientMemory");
  add("DiskPressure", "False", "KubeletHasNoDiskPressure");
  add("PIDPressure", "False", "KubeletHasSufficientPID");
  add("Ready", "True", "KubeletReady");
  return conditions;
}

}  // namespace

Json make_node(const ControllerOptions& options, std::size_t index, TimePoint now) {
  const NodeSpec& spec = options.nodes.at(index);
  const Json room{
      {"cpu", "8"}, {"memory", "16Gi"}, {"pods", "110"}, {"ephemeral-storage", "100Gi"}};
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata",
           {{"name", spec.name},
            {"labels",
             {{k_hostname_label, spec.name},
              {k_zone_label, spec.zone},
              {"topology.kubernetes.io/region", "sandbox"},
              {"kubernetes.io/os", "linux"},
              {"kubernetes.io/arch", "amd64"}}}}},
          {"spec", {{"podCIDR", "127." + std::to_string(options.addresses.block) + ".0.0/16"}}},
          {"status",
           {{"capacity", room},
            {"allocatable", room},
            {"conditions", ready_conditions(now)},
            {"addresses",
             {{{"type", "InternalIP"}, {"address", options.addresses.node(index)}},
              {{"type", "Hostname"}, {"address", spec.name}}}},
            {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 10250}}}}},
            {"nodeInfo",
             {{"architecture", "amd64"},
              {"operatingSystem", "linux"},
              {"osImage", "sandbox"},
              {"kernelVersion", "none"},
              {"containerRuntimeVersion", "sandbox://1"},
              {"kubeletVersion", options.server_version},
              {"kubeProxyVersion", options.server_version},
              {"machineID", ""},
              {"systemUUID", ""},
              {"bootID", ""}}}}}};
}

void bootstrap(Context& context) {
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    ensure(context.store, {"", "namespaces", "", name}, make_namespace(name));
  }
  for (std::size_t i = 0; i < context.options.nodes.size(); ++i) {
    ensure(context.store,
           {"", "nodes", "", context.options.nodes[i].name},
           make_node(context.options, i, context.now));
  }
  ensure(context.store,
         {"storage.k8s.io", "storageclasses", "", "standard"},
         make_storage_class(context.options.default_class));
  ensure(context.store,
         {"", "services", "default", "kubernetes"},
         make_kubernetes_service(context.options));
  reconcile_accounts(context);
}

void reconcile_accounts(Context& context) {
  for (const Object& space : context.store.list("", "namespaces")) {
    if (is_terminating(*space)) {
      continue;
    }
    const std::string name = name_of(*space);
    ensure(context.store,
           {"", "serviceaccounts", name, "default"},
           {{"apiVersion", "v1"},
            {"kind", "ServiceAccount"},
            {"metadata", {{"name", "default"}, {"namespace", name}}}});
    if (const Key key{"", "configmaps", name, "kube-root-ca.crt"};
        context.options.ca_certificate && context.store.get(key) == nullptr) {
      ensure(context.store,
             key,
             {{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"metadata", {{"name", key.name}, {"namespace", name}}},
              {"data", {{"ca.crt", context.options.ca_certificate()}}}});
    }
  }
}

void reconcile_namespaces(Context& context) {
  for (const Object& space : context.store.list("", "namespaces")) {
    if (!is_terminating(*space)) {
      continue;
    }
    const Key key = key_of("", "namespaces", *space);
    bool empty = true;
    for (const Kind& kind : k_kinds) {
      for (const Object& object : kind.scope == Scope::namespaced
                                      ? context.store.list(kind.group, kind.resource, key.name)
                                      : Objects{}) {
        empty = false;
        request_deletion(context.store, key_of(kind.group, kind.resource, *object), context.now);
      }
    }
    update_status(context.store, key, [&](Json& changed) {
      changed["status"]["phase"] = "Terminating";
      if (empty) {
        changed["spec"].erase("finalizers");
        remove_finalizer(changed, "kubernetes");
      }
    });
  }
}

}  // namespace kredis::sandbox
