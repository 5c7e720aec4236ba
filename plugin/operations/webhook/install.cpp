// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/webhook/install.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include <fmt/format.h>

#include "plugin/apply/wait_for_pods.hpp"
#include "plugin/operations/webhook/view.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/policy/names.hpp"

namespace kredis::plugin {
namespace {

using manifest::k_webhook_name;
using manifest::WebhookSpec;

constexpr auto k_pause = std::chrono::milliseconds(300);
constexpr const char* k_rotate_annotation = "kubectl-redis.dev/rotate-requested";
constexpr const char* k_level_label = "kubectl-redis.dev/policy";

/// Asks `condition` until it says yes. Errors: what it says; timeout with `what`.
template <typename Condition>
Status wait_until(Condition condition, ports::Deadline deadline, const std::string& what) {
  while (true) {
    KREDIS_TRY(const bool holds, condition());
    if (holds) {
      return {};
    }
    if (interrupted()) {
      return Error::internal("interrupted");
    }
    if (ports::Clock::now() >= deadline) {
      return Error::timeout("waited in vain until " + what)
          .with_hint("see kubectl redis webhook status, then run the same command again");
    }
    std::this_thread::sleep_for(k_pause);
  }
}

bool is_our_webhook(const Json& object) {
  const auto part = "/metadata/labels/app.kubernetes.io~1part-of"_json_pointer;
  return object.contains(part) && object.at(part) == "kubectl-redis";
}

/// What is there of each object; null for one that is not. A namespace may be anybody's.
Result<std::vector<Json>> look_before(ports::KubePort& kube, const std::vector<Json>& objects) {
  std::vector<Json> found;
  std::string taken;
  for (const Json& object : objects) {
    auto there = kube.get(name_of(object).path);
    if (!there && there.error().code != ErrorCode::not_found) {
      return there.error().while_doing("looking for " + name_of(object).to_text());
    }
    found.push_back(there ? std::move(*there) : Json());
    if (there && object.at("kind") != "Namespace" && !is_our_webhook(found.back())) {
      taken += (taken.empty() ? "" : ", ") + name_of(object).to_text();
    }
  }
  if (!taken.empty()) {
    return Error::conflict(taken + " is there already and was not made by kubectl redis")
        .with_hint("choose another namespace with -n, or remove it");
  }
  return found;
}

Status apply_all(ports::KubePort& kube, const std::vector<Json>& objects, Progress& progress) {
  KREDIS_TRY(const auto before, look_before(kube, objects));
  KREDIS_CHECK(apply_objects(kube, objects, before, ports::DryRun::no, progress));
  return {};
}

std::vector<Json> only(std::vector<Json> objects, bool configurations) {
  std::erase_if(objects, [&](const Json& object) {
    return manifest::is_webhook_configuration(object) != configurations;
  });
  return objects;
}

/// Pods of the version before may be ready while those of this one are not.
Status wait_for_rollout(ports::KubePort& kube,
                        const WebhookSpec& spec,
                        ports::Deadline deadline,
                        Progress& progress) {
  KREDIS_CHECK(wait_for_pods(kube,
                             {.namespace_ = spec.namespace_,
                              .label_selector = std::string(manifest::k_webhook_selector),
                              .count = spec.replicas,
                              .deadline = deadline},
                             progress));
  const ports::ResourcePath path{
      {"apps/v1", "deployments"}, spec.namespace_, std::string(k_webhook_name)};
  const auto rolled_out = [&]() -> Result<bool> {
    KREDIS_TRY(const Json found, kube.get(path));
    const Json status = found.value("status", Json::object());
    const auto number = [&](const char* key) { return status.value(key, std::int64_t{0}); };
    return number("observedGeneration") >=
               found.at("metadata").value("generation", std::int64_t{0}) &&
           number("updatedReplicas") == spec.replicas && number("replicas") == spec.replicas &&
           number("availableReplicas") >= spec.replicas;
  };
  return wait_until(rolled_out, deadline, "all replicas are of this version");
}

Result<bool> both_trust(ports::KubePort& kube, const std::string& namespace_) {
  KREDIS_TRY(const wire::WebhookView view, view_webhook(kube, namespace_, ports::Clock::now()));
  return std::all_of(view.configurations.begin(),
                     view.configurations.end(),
                     [](const wire::WebhookConfiguration& each) { return each.trusted; });
}

/// A namespace whose level lets the webhook refuse; empty where there is none.
Result<std::string> enforced_namespace(ports::KubePort& kube, const WebhookSpec& spec) {
  KREDIS_TRY(const Json list, kube.list({{"v1", "namespaces"}, ""}, {}));
  std::string fit;
  for (const Json& item : list.at("items")) {
    const std::string name = item.at("metadata").value("name", "");
    const Json labels = item.at("metadata").value("labels", Json::object());
    const bool enforces = labels.value(k_level_label, spec.default_level) == "enforce" &&
                          name != "kube-system" && name != spec.namespace_ &&
                          !item.at("metadata").contains("deletionTimestamp");
    if (enforces && (fit.empty() || name == "default")) {
      fit = name;
    }
  }
  return fit;
}

Result<Proof> prove(ports::KubePort& kube,
                    const WebhookSpec& spec,
                    ports::Deadline deadline,
                    Progress& progress) {
  KREDIS_TRY(const std::string namespace_, enforced_namespace(kube, spec));
  if (namespace_.empty()) {
    return Proof{.text = "no namespace has the level enforce, so there is nothing to refuse"};
  }
  progress.begin("trying a broken object in namespace " + namespace_);
  Proof proof;
  const auto refuses = [&]() -> Result<bool> {
    const auto made = kube.create({{"apps/v1", "statefulsets"}, namespace_},
                                  broken_object(namespace_),
                                  ports::DryRun::server);
    if (!made && made.error().message.find(manifest::k_validating_webhook) != std::string::npos) {
      proof = {.refused = true, .text = made.error().message};
    } else if (!made) {
      return made.error().while_doing("trying a broken object in namespace " + namespace_);
    }
    return proof.refused;
  };
  // The API server takes a moment to hear of its own configuration.
  KREDIS_CHECK(wait_until(refuses, deadline, "a broken object is refused"));
  progress.done("a broken object is refused");
  return proof;
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

Result<Proof> install_webhook(ports::KubePort& kube,
                              const WebhookSpec& spec,
                              ports::Deadline deadline,
                              Progress& progress) {
  const auto objects = manifest::webhook_objects(spec);
  KREDIS_TRY(const bool was_trusted, both_trust(kube, spec.namespace_));
  progress.begin("applying what the webhook runs with, in namespace " + spec.namespace_);
  KREDIS_CHECK(apply_all(kube, only(objects, false), progress));
  progress.done();
  KREDIS_CHECK(wait_for_rollout(kube, spec, deadline, progress));
  progress.begin("leading the API server to it");
  if (!was_trusted) {
    // Until it is trusted and proven, nothing may depend on it.
    WebhookSpec harmless = spec;
    harmless.validate_failure = "Ignore";
    KREDIS_CHECK(apply_all(kube, only(manifest::webhook_objects(harmless), true), progress));
    KREDIS_CHECK(wait_until([&] { return both_trust(kube, spec.namespace_); },
                            deadline,
                            "the configurations trust the webhook's authority"));
    progress.done();
    KREDIS_TRY(Proof proof, prove(kube, spec, deadline, progress));
    KREDIS_CHECK(apply_all(kube, only(objects, true), progress));
    return proof;
  }
  KREDIS_CHECK(apply_all(kube, only(objects, true), progress));
  progress.done();
  return prove(kube, spec, deadline, progress);
}

Result<std::vector<Applied>> try_install(ports::KubePort& kube,
                                         const WebhookSpec& spec,
                                         Progress& progress) {
  std::vector<Json> objects = manifest::webhook_objects(spec);
  KREDIS_TRY(std::vector<Json> before, look_before(kube, objects));
  if (before.front().is_null()) {
    // Nothing can be tried inside a namespace that is not there.
    for (std::size_t i = objects.size(); i-- > 0;) {
      if (objects[i].at("metadata").contains("namespace")) {
        objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(i));
        before.erase(before.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }
  return apply_objects(kube, objects, before, ports::DryRun::server, progress);
}

Result<std::vector<ObjectName>> plan_uninstall(ports::KubePort& kube, const WebhookSpec& spec) {
  std::vector<Json> objects = manifest::webhook_objects(spec);
  // Backwards: the configurations come first, the namespace last.
  std::reverse(objects.begin(), objects.end());
  std::vector<ObjectName> goes;
  for (const Json& object : objects) {
    const ObjectName name = name_of(object);
    const auto there = kube.get(name.path);
    if (!there && there.error().code != ErrorCode::not_found) {
      return there.error().while_doing("looking for " + name.to_text());
    }
    if (there && is_our_webhook(*there)) {
      goes.push_back(name);
      goes.back().uid = there->at("metadata").value("uid", "");
    }
  }
  return goes;
}

Status uninstall_webhook(ports::KubePort& kube,
                         const std::vector<ObjectName>& objects,
                         ports::DryRun dry_run,
                         ports::Deadline deadline,
                         Progress& progress) {
  progress.begin(fmt::format("deleting {} objects", objects.size()));
  for (const ObjectName& object : objects) {
    const auto removed =
        kube.remove(object.path, ports::Propagation::background, object.uid, dry_run);
    if (!removed && removed.error().code != ErrorCode::not_found) {
      return removed.error().while_doing("deleting " + object.to_text());
    }
    progress.line(object.to_text(), "deleted");
  }
  if (dry_run == ports::DryRun::no && !objects.empty()) {
    const auto gone = [&]() -> Result<bool> {
      const auto still = kube.get(objects.back().path);
      if (!still && still.error().code != ErrorCode::not_found) {
        return still.error();
      }
      return !still;
    };
    KREDIS_CHECK(wait_until(gone, deadline, objects.back().to_text() + " is gone"));
  }
  progress.done();
  return {};
}

Status rotate_certificates(ports::KubePort& kube,
                           const std::string& namespace_,
                           ports::Deadline deadline,
                           Progress& progress) {
  KREDIS_TRY(const std::string before, trusted_bundle(kube));
  const ports::ResourcePath path{
      {"v1", "secrets"}, namespace_, std::string(manifest::k_webhook_secret)};
  const std::string now = std::to_string(std::time(nullptr));
  progress.begin("asking for a new authority");
  const auto asked = kube.merge_patch(
      path, {{"metadata", {{"annotations", {{k_rotate_annotation, now}}}}}}, ports::DryRun::no);
  if (!asked && asked.error().code == ErrorCode::not_found) {
    return Error::not_found("the webhook keeps no certificates of its own in namespace " +
                            namespace_)
        .with_hint("see kubectl redis webhook status; cert-manager's are renewed with cmctl renew");
  }
  KREDIS_CHECK(asked);
  // The newest authority stands first.
  const auto is_new = [&]() -> Result<bool> {
    KREDIS_TRY(const std::string bundle, trusted_bundle(kube));
    const std::string newest = bundle.substr(0, bundle.find("-----END"));
    return !newest.empty() && before.substr(0, before.find("-----END")) != newest;
  };
  KREDIS_CHECK(wait_until(is_new, deadline, "the API server trusts a new authority"));
  progress.done("the API server trusts a new authority");
  return {};
}

}  // namespace kredis::plugin
