// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/webhook/view.hpp"

#include <array>
#include <future>

#include <fmt/format.h>

#include "shared/kube/encoding.hpp"
#include "shared/kube/pod_page.hpp"
#include "shared/manifest/webhook_objects.hpp"
#include "shared/wire/kube_objects.hpp"

namespace kredis::plugin {
namespace {

using manifest::k_webhook_name;

struct ConfigurationKind {
  const char* kind;
  const char* plural;
};
constexpr std::array k_configuration_kinds{
    ConfigurationKind{"MutatingWebhookConfiguration", "mutatingwebhookconfigurations"},
    ConfigurationKind{"ValidatingWebhookConfiguration", "validatingwebhookconfigurations"}};

/// Null where there is none.
Result<Json> get_if_there(ports::KubePort& kube, const ports::ResourcePath& path) {
  auto found = kube.get(path);
  if (!found && found.error().code == ErrorCode::not_found) {
    return Json();
  }
  return found;
}

Result<std::vector<Json>> get_configurations(ports::KubePort& kube) {
  std::vector<Json> found;
  for (const ConfigurationKind& each : k_configuration_kinds) {
    KREDIS_TRY(
        Json object,
        get_if_there(
            kube,
            {{"admissionregistration.k8s.io/v1", each.plural}, "", std::string(k_webhook_name)}));
    found.push_back(std::move(object));
  }
  return found;
}

std::string bundle_of(const Json& configuration) {
  const std::string encoded = text_at(configuration, "/webhooks/0/clientConfig/caBundle");
  return kube::base64_decode(encoded).value_or("");
}

wire::WebhookConfiguration configuration_of(const Json& object, const char* kind) {
  return {.kind = kind,
          .failure_policy = text_at(object, "/webhooks/0/failurePolicy"),
          .present = !object.is_null(),
          .trusted = !bundle_of(object).empty()};
}

void ask(ports::KubePort& kube,
         wire::WebhookReplica& replica,
         const std::string& namespace_,
         const std::string& bundle,
         ports::Deadline deadline) {
  const auto pages =
      kube::get_pages(kube,
                      {.namespace_ = namespace_,
                       .pod = replica.pod,
                       .port = manifest::k_webhook_port,
                       .server_name = std::string(k_webhook_name) + "." + namespace_ + ".svc",
                       .ca_pem = bundle},
                      {"/metrics", "/version"},
                      deadline);
  if (!pages) {
    replica.trouble = pages.error().message;
    return;
  }
  wire::take_metrics(replica, pages->at(0));
  const Json version = Json::parse(pages->at(1), nullptr, false);
  replica.version = version.is_object() ? version.value("version", "") : "";
}

Result<std::vector<wire::WebhookReplica>> find_replicas(ports::KubePort& kube,
                                                        const std::string& namespace_) {
  KREDIS_TRY(const Json list,
             kube.list({{"v1", "pods"}, namespace_},
                       {.label_selector = std::string(manifest::k_webhook_selector)}));
  std::vector<wire::WebhookReplica> replicas;
  for (const Json& pod : list.at("items")) {
    if (pod.at("metadata").contains("deletionTimestamp")) {
      continue;
    }
    replicas.push_back({.pod = text_at(pod, "/metadata/name"),
                        .node = text_at(pod, "/spec/nodeName"),
                        .ready = wire::pod_from_json(pod).ready,
                        .trouble = wire::pod_trouble(pod, Json::array())});
  }
  return replicas;
}

}  // namespace

Result<std::string> trusted_bundle(ports::KubePort& kube) {
  KREDIS_TRY(const auto configurations, get_configurations(kube));
  for (const Json& each : configurations) {
    if (std::string bundle = bundle_of(each); !bundle.empty()) {
      return bundle;
    }
  }
  return std::string();
}

Result<wire::WebhookView> view_webhook(ports::KubePort& kube,
                                       const std::string& namespace_,
                                       ports::Deadline deadline) {
  wire::WebhookView view{.namespace_ = namespace_};
  KREDIS_TRY(
      const Json deployment,
      get_if_there(kube, {{"apps/v1", "deployments"}, namespace_, std::string(k_webhook_name)}));
  KREDIS_TRY(const auto configurations, get_configurations(kube));
  view.installed = !deployment.is_null();
  std::string bundle;
  for (std::size_t i = 0; i < k_configuration_kinds.size(); ++i) {
    view.configurations.push_back(
        configuration_of(configurations[i], k_configuration_kinds[i].kind));
    bundle = bundle.empty() ? bundle_of(configurations[i]) : bundle;
  }
  if (!view.installed) {
    return view;
  }
  view.image = text_at(deployment, "/spec/template/spec/containers/0/image");
  view.wanted = deployment.value(Json::json_pointer("/spec/replicas"), 1);
  KREDIS_TRY(view.replicas, find_replicas(kube, namespace_));
  std::vector<std::future<void>> asking;
  for (wire::WebhookReplica& replica : view.replicas) {
    if (replica.ready && !bundle.empty()) {
      asking.push_back(std::async(std::launch::async,
                                  [&] { ask(kube, replica, namespace_, bundle, deadline); }));
    }
  }
  for (auto& each : asking) {
    each.get();
  }
  return view;
}

}  // namespace kredis::plugin
