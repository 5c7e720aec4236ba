// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/webhook_view.hpp"

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

constexpr std::string_view k_prefix = "kubectl_redis_webhook_";
struct ConfigurationKind {
  const char* kind;
  const char* plural;
};
constexpr std::array k_kinds{
    ConfigurationKind{"MutatingWebhookConfiguration", "mutatingwebhookconfigurations"},
    ConfigurationKind{"ValidatingWebhookConfiguration", "validatingwebhookconfigurations"}};

std::string named(std::string_view metric) { return std::string(k_prefix) + std::string(metric); }

std::optional<std::int64_t> time_in(const std::vector<wire::Sample>& samples,
                                    std::string_view metric) {
  const auto value = wire::sum_of(samples, named(metric));
  return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

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
  for (const ConfigurationKind& each : k_kinds) {
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

WebhookConfiguration configuration_of(const Json& object, const char* kind) {
  return {.kind = kind,
          .failure_policy = text_at(object, "/webhooks/0/failurePolicy"),
          .present = !object.is_null(),
          .trusted = !bundle_of(object).empty()};
}

void ask(ports::KubePort& kube,
         WebhookReplica& replica,
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
  take_metrics(replica, pages->at(0));
  const Json version = Json::parse(pages->at(1), nullptr, false);
  replica.version = version.is_object() ? version.value("version", "") : "";
}

Result<std::vector<WebhookReplica>> find_replicas(ports::KubePort& kube,
                                                  const std::string& namespace_) {
  KREDIS_TRY(const Json list,
             kube.list({{"v1", "pods"}, namespace_},
                       {.label_selector = std::string(manifest::k_webhook_selector)}));
  std::vector<WebhookReplica> replicas;
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

void take_metrics(WebhookReplica& replica, const std::string& text) {
  replica.samples = wire::parse_metrics(text);
  replica.view_age = wire::sum_of(replica.samples, named("view_age_seconds"));
  replica.certificate_from = time_in(replica.samples, "certificate_begins_seconds");
  replica.certificate_until = time_in(replica.samples, "certificate_ends_seconds");
  replica.authority_until = time_in(replica.samples, "authority_ends_seconds");
  for (const wire::Sample& sample : replica.samples) {
    const auto result = sample.labels.find("result");
    if (sample.name == named("reviews_total")) {
      replica.reviews += sample.value;
      replica.refused +=
          result != sample.labels.end() && result->second == "refused" ? sample.value : 0;
    }
  }
}

std::map<std::string, double> WebhookView::objections() const {
  std::map<std::string, double> counts;
  for (const WebhookReplica& replica : replicas) {
    for (const wire::Sample& sample : replica.samples) {
      if (sample.name == named("objections_total") && sample.labels.contains("rule")) {
        counts[sample.labels.at("rule")] += sample.value;
      }
    }
  }
  return counts;
}

std::optional<double> WebhookView::latency(double quantile) const {
  std::vector<wire::Sample> all;
  for (const WebhookReplica& replica : replicas) {
    all.insert(all.end(), replica.samples.begin(), replica.samples.end());
  }
  return wire::quantile_of(all, named("review_seconds"), quantile);
}

std::vector<std::string> WebhookView::findings() const {
  std::vector<std::string> lines;
  int ready = 0;
  for (const WebhookReplica& replica : replicas) {
    ready += replica.ready ? 1 : 0;
    if (!replica.trouble.empty()) {
      lines.push_back(replica.pod + ": " + replica.trouble);
    }
  }
  if (ready < wanted) {
    lines.push_back(fmt::format("{} of {} replicas are ready", ready, wanted));
  }
  for (const WebhookConfiguration& each : configurations) {
    if (!each.present) {
      lines.push_back("there is no " + each.kind + ": nobody asks the webhook");
    } else if (!each.trusted) {
      lines.push_back("the " + each.kind + " trusts no authority yet");
    }
  }
  return lines;
}

Result<std::string> trusted_bundle(ports::KubePort& kube) {
  KREDIS_TRY(const auto configurations, get_configurations(kube));
  for (const Json& each : configurations) {
    if (std::string bundle = bundle_of(each); !bundle.empty()) {
      return bundle;
    }
  }
  return std::string();
}

Result<WebhookView> view_webhook(ports::KubePort& kube,
                                 const std::string& namespace_,
                                 ports::Deadline deadline) {
  WebhookView view{.namespace_ = namespace_};
  KREDIS_TRY(
      const Json deployment,
      get_if_there(kube, {{"apps/v1", "deployments"}, namespace_, std::string(k_webhook_name)}));
  KREDIS_TRY(const auto configurations, get_configurations(kube));
  view.installed = !deployment.is_null();
  std::string bundle;
  for (std::size_t i = 0; i < k_kinds.size(); ++i) {
    view.configurations.push_back(configuration_of(configurations[i], k_kinds[i].kind));
    bundle = bundle.empty() ? bundle_of(configurations[i]) : bundle;
  }
  if (!view.installed) {
    return view;
  }
  view.image = text_at(deployment, "/spec/template/spec/containers/0/image");
  view.wanted = deployment.value(Json::json_pointer("/spec/replicas"), 1);
  KREDIS_TRY(view.replicas, find_replicas(kube, namespace_));
  std::vector<std::future<void>> asking;
  for (WebhookReplica& replica : view.replicas) {
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
