// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/webhook/install.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "plugin/apply/object_name.hpp"
#include "plugin/apply/object_steps.hpp"
#include "plugin/operations/webhook/view.hpp"
#include "shared/core/labels.hpp"
#include "shared/policy/names.hpp"

namespace kredis::plugin {
namespace {

using manifest::k_webhook_name;
using manifest::WebhookSpec;

constexpr auto k_pause = std::chrono::milliseconds(300);

bool is_ours(const Json& object) {
  return label_of(object, core::k_part_of_label) == core::k_manager;
}

/// A namespace may be anybody's.
Status require_ours(const WebhookSite& there) {
  std::string taken;
  for (std::size_t i = 0; i < there.objects.size(); ++i) {
    const bool foreign = !there.before[i].is_null() && there.objects[i].at("kind") != "Namespace" &&
                         !is_ours(there.before[i]);
    if (foreign) {
      taken += (taken.empty() ? "" : ", ") + name_of(there.objects[i]).to_text();
    }
  }
  if (taken.empty()) {
    return {};
  }
  return Error::conflict(taken + " is there already and was not made by kubectl redis")
      .with_hint("choose another namespace with -n, or remove it");
}

enum class Part { runs, configurations };

/// The steps for one part of the objects.
std::vector<core::Step> steps_for(Part part,
                                  const std::vector<Json>& objects,
                                  const std::vector<Json>& before) {
  std::vector<Json> chosen;
  std::vector<Json> there;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (manifest::is_webhook_configuration(objects[i]) == (part == Part::configurations)) {
      chosen.push_back(objects[i]);
      there.push_back(before[i]);
    }
  }
  return steps_to_apply(chosen, there);
}

/// Pods of the version before may be ready while those of this one are not.
core::Stage rollout_stage(const WebhookSpec& spec) {
  const auto count = static_cast<std::uint32_t>(spec.replicas);
  const core::PodsReady ready{.namespace_ = spec.namespace_,
                              .label_selector = std::string(manifest::k_webhook_selector),
                              .count = count};
  const core::RolledOut rolled{name_of("Deployment", spec.namespace_, std::string(k_webhook_name))};
  return {.title = fmt::format("waiting for {} pods", count),
          .steps = {{.what = core::WaitFor{ready}}, {.what = core::WaitFor{rolled}}},
          .done = fmt::format("{0} of {0} pods ready", count)};
}

/// Until it is trusted and proven, nothing may depend on it.
core::Stage trust_stage(const WebhookSpec& spec, const WebhookSite& there) {
  WebhookSpec harmless = spec;
  harmless.validate_failure = "Ignore";
  core::Stage stage{.title = "leading the API server to it", .done = "the API server trusts it"};
  stage.steps = steps_for(Part::configurations, manifest::webhook_objects(harmless), there.before);
  for (const Json& object : there.objects) {
    if (manifest::is_webhook_configuration(object)) {
      stage.steps.push_back({.what = core::WaitFor{core::FieldSet{
                                 .object = name_of(object),
                                 .pointer = "/webhooks/0/clientConfig/caBundle",
                                 .meaning = "the configurations trust the webhook's authority"}}});
    }
  }
  return stage;
}

/// A namespace whose level lets the webhook refuse; empty where there is none.
Result<std::string> enforced_namespace(ports::KubePort& kube, const WebhookSpec& spec) {
  KREDIS_TRY(const Json list, kube.list({{"v1", "namespaces"}, ""}, {}));
  std::string fit;
  for (const Json& item : list.at("items")) {
    const std::string name = item.at("metadata").value("name", "");
    const Json labels = item.at("metadata").value("labels", Json::object());
    const bool enforces =
        labels.value(std::string(core::k_policy_label), spec.default_level) == "enforce" &&
        name != "kube-system" && name != spec.namespace_ &&
        !item.at("metadata").contains("deletionTimestamp");
    if (enforces && (fit.empty() || name == "default")) {
      fit = name;
    }
  }
  return fit;
}

}  // namespace

Json broken_object(const std::string& namespace_) {
  const Json labels = {{"appCluster", "kubectl-redis-proof"}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata",
           {{"name", "kubectl-redis-proof"},
            {"namespace", namespace_},
            {"labels", labels},
            // Three masters with a replica each are six nodes.
            {"annotations",
             {{policy::k_masters_annotation, "3"}, {policy::k_replicas_annotation, "1"}}}}},
          {"spec",
           {{"replicas", 1},
            {"serviceName", "kubectl-redis-proof"},
            {"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec",
               {{"containers",
                 Json::array({{{"name", "redis"},
                               {"image", "redis:8.0"},
                               {"command", {"redis-server", "--cluster-enabled", "yes"}}}})}}}}}}}};
}

Result<WebhookSite> look_for_webhook(ports::KubePort& kube, const WebhookSpec& spec) {
  WebhookSite there{.objects = manifest::webhook_objects(spec)};
  KREDIS_TRY(there.before, look_for(kube, there.objects));
  KREDIS_CHECK(require_ours(there));
  there.trusted = true;
  for (std::size_t i = 0; i < there.objects.size(); ++i) {
    there.trusted &= !manifest::is_webhook_configuration(there.objects[i]) ||
                     !text_at(there.before[i], "/webhooks/0/clientConfig/caBundle").empty();
  }
  return there;
}

InstallPlan plan_install(const WebhookSpec& spec, const WebhookSite& there) {
  InstallPlan plan;
  const std::string title = "applying what the webhook runs with, in namespace " + spec.namespace_;
  plan.lead.stages.push_back(
      {.title = title, .steps = steps_for(Part::runs, there.objects, there.before), .done = title});
  plan.lead.stages.push_back(rollout_stage(spec));
  if (!there.trusted) {
    plan.lead.stages.push_back(trust_stage(spec, there));
  }
  core::Plan& last = there.trusted ? plan.lead : plan.rely;
  last.stages.push_back({.title = "leading the API server to it",
                         .steps = steps_for(Part::configurations, there.objects, there.before),
                         .done = "the API server relies on it"});
  return plan;
}

Result<Proof> prove(ports::KubePort& kube, const WebhookSpec& spec, const Conduct& conduct) {
  KREDIS_TRY(const std::string namespace_, enforced_namespace(kube, spec));
  if (namespace_.empty()) {
    return Proof{.text = "no namespace has the level enforce, so there is nothing to refuse"};
  }
  conduct.begin("trying a broken object in namespace " + namespace_);
  Proof proof;
  // The API server takes a moment to hear of its own configuration.
  KREDIS_CHECK(wait_until(conduct, k_pause, [&]() -> Result<std::string> {
    const auto made = kube.create({{"apps/v1", "statefulsets"}, namespace_},
                                  broken_object(namespace_),
                                  ports::DryRun::server);
    if (!made && made.error().message.find(manifest::k_validating_webhook) != std::string::npos) {
      proof = {.refused = true, .text = made.error().message};
      return std::string();
    }
    if (!made) {
      return made.error().while_doing("trying a broken object in namespace " + namespace_);
    }
    return std::string("a broken object is let in still");
  }));
  conduct.done("a broken object is refused");
  return proof;
}

Result<core::Plan> plan_uninstall(ports::KubePort& kube, const WebhookSpec& spec) {
  std::vector<Json> objects = manifest::webhook_objects(spec);
  // Backwards: the configurations come first, the namespace last.
  std::reverse(objects.begin(), objects.end());
  KREDIS_TRY(const auto there, look_for(kube, objects));
  core::Stage stage;
  for (const Json& object : there) {
    if (!object.is_null() && is_ours(object)) {
      stage.steps.push_back({.what = core::DeleteObject{.object = name_of(object)}});
    }
  }
  if (stage.steps.empty()) {
    return core::Plan{};
  }
  stage.title = fmt::format("deleting {} objects", stage.steps.size());
  stage.done = stage.title;
  const core::ObjectName last = std::get<core::DeleteObject>(stage.steps.back().what).object;
  stage.steps.push_back({.what = core::WaitFor{core::Gone{last}}});
  return core::Plan{.stages = {std::move(stage)}};
}

Status rotate_certificates(ports::KubePort& kube,
                           const std::string& namespace_,
                           const Conduct& conduct) {
  KREDIS_TRY(const std::string before, trusted_bundle(kube));
  const ports::ResourcePath path{
      {"v1", "secrets"}, namespace_, std::string(manifest::k_webhook_secret)};
  const std::string now = std::to_string(std::time(nullptr));
  conduct.begin("asking for a new authority");
  const auto asked = kube.merge_patch(
      path,
      {{"metadata", {{"annotations", {{std::string(core::k_rotate_annotation), now}}}}}},
      ports::DryRun::no);
  if (!asked && asked.error().code == ErrorCode::not_found) {
    return Error::not_found("the webhook keeps no certificates of its own in namespace " +
                            namespace_)
        .with_hint("see kubectl redis webhook status; cert-manager's are renewed with cmctl renew");
  }
  KREDIS_CHECK(asked);
  // The newest authority stands first.
  KREDIS_CHECK(wait_until(conduct, k_pause, [&]() -> Result<std::string> {
    KREDIS_TRY(const std::string bundle, trusted_bundle(kube));
    const std::string newest = bundle.substr(0, bundle.find("-----END"));
    const bool is_new = !newest.empty() && before.substr(0, before.find("-----END")) != newest;
    return is_new ? "" : "waiting until the API server trusts a new authority";
  }));
  conduct.done("the API server trusts a new authority");
  return {};
}

}  // namespace kredis::plugin
