// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/create/standing.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/object_steps.hpp"
#include "plugin/operations/create/plan.hpp"
#include "shared/core/labels.hpp"
#include "shared/core/text.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/read_spec.hpp"

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;
using manifest::SpecChange;

constexpr std::string_view k_data_loss = "data-loss";

/// An object that need not be there, and that this user need not be allowed to see.
Result<Json> if_there(ports::KubePort& kube, const ports::ResourcePath& path) {
  auto found = kube.get(path);
  if (found) {
    return found;
  }
  const ErrorCode code = found.error().code;
  const bool is_absent = code == ErrorCode::not_found || code == ErrorCode::unauthorized;
  return is_absent ? Result<Json>(Json()) : found.error();
}

/// The StatefulSet or a Deployment of the cluster that `create` made; null where there is none.
Result<Json> workload_of(ports::KubePort& kube,
                         const std::string& namespace_,
                         const std::string& name) {
  const ports::ListOptions ours{.label_selector = core::cluster_selector(name)};
  for (const auto& [resource, kind] :
       {std::pair("statefulsets", "StatefulSet"), std::pair("deployments", "Deployment")}) {
    KREDIS_TRY(const Json list, kube.list({{"apps/v1", resource}, namespace_}, ours));
    if (!list.at("items").empty()) {
      Json workload = list.at("items").front();
      workload["kind"] = kind;  // Items of a list do not say.
      return workload;
    }
  }
  return Json();
}

void override_pairs(manifest::Pairs& into, const manifest::Pairs& by) {
  for (const auto& [key, value] : by) {
    into[key] = value;
  }
}

void override_settings(ClusterSpec& spec, const ClusterSpec& asked) {
  for (const auto& [key, value] : asked.settings) {
    const std::string name = core::to_lower(key);
    std::erase_if(spec.settings,
                  [&](const auto& each) { return core::to_lower(each.first) == name; });
  }
  spec.settings.insert(spec.settings.end(), asked.settings.begin(), asked.settings.end());
}

bool is_workload(const Json& object) {
  return object.at("kind") == "StatefulSet" || object.at("kind") == "Deployment";
}

/// What the changes cost, each of them, for the step that does it.
void bear(const std::vector<SpecChange>& changes, core::Step& step) {
  for (const SpecChange& change : changes) {
    step.risk = std::max(step.risk, change.risk);
    if (!change.cost.empty() && step.cost.find(change.cost) == std::string::npos) {
      step.cost += (step.cost.empty() ? "" : "; ") + change.cost;
    }
  }
}

}  // namespace

Result<std::optional<ClusterSpec>> find_standing(ports::KubePort& kube,
                                                 const std::string& namespace_,
                                                 const std::string& name) {
  KREDIS_TRY(const Json workload, workload_of(kube, namespace_, name));
  if (workload.is_null()) {
    return std::optional<ClusterSpec>{};
  }
  const manifest::Names names = manifest::names_of(name);
  manifest::Existing there{.workload = workload};
  KREDIS_TRY(there.config_map,
             if_there(kube, {{"v1", "configmaps"}, namespace_, names.config_map}));
  KREDIS_TRY(there.access_service,
             if_there(kube, {{"v1", "services"}, namespace_, names.access_service}));
  if (text_at(there.workload, "/kind") == "Deployment") {
    KREDIS_TRY(there.claim,
               if_there(kube, {{"v1", "persistentvolumeclaims"}, namespace_, names.claim(0)}));
  }
  KREDIS_TRY(there.volume, if_there(kube, {{"v1", "persistentvolumes"}, "", names.nfs_volume(0)}));
  return std::optional(manifest::read_spec(there, name, namespace_));
}

ClusterSpec merged(const ClusterSpec& there,
                   const ClusterSpec& asked,
                   const std::set<std::string>& said) {
  ClusterSpec spec = there;
  const auto take = [&](const char* flag, auto ClusterSpec::*member) {
    if (said.contains(flag)) {
      spec.*member = asked.*member;
    }
  };
  take("--masters", &ClusterSpec::masters);
  take("--replicas", &ClusterSpec::replicas);
  take("--image", &ClusterSpec::image);
  take("--layout", &ClusterSpec::layout);
  take("--config", &ClusterSpec::config);
  take("--storage-class", &ClusterSpec::storage_class);
  take("--size", &ClusterSpec::size);
  take("--access-mode", &ClusterSpec::access_mode);
  take("--nfs-server", &ClusterSpec::nfs_server);
  take("--nfs-path", &ClusterSpec::nfs_path);
  take("--ephemeral", &ClusterSpec::storage);
  take("--anti-affinity", &ClusterSpec::anti_affinity);
  take("--zone-spread", &ClusterSpec::zone_spread);
  take("--service-account", &ClusterSpec::service_account);
  take("--tolerations", &ClusterSpec::tolerations);
  take("--priority-class", &ClusterSpec::priority_class);
  take("--access", &ClusterSpec::access);
  take("--external", &ClusterSpec::external);
  take("--client-endpoint", &ClusterSpec::client_endpoint);
  take("--auth-secret", &ClusterSpec::auth_secret);
  take("--tls-secret", &ClusterSpec::tls_secret);
  override_settings(spec, asked);
  override_pairs(spec.requests, asked.requests);
  override_pairs(spec.limits, asked.limits);
  override_pairs(spec.labels, asked.labels);
  override_pairs(spec.annotations, asked.annotations);
  override_pairs(spec.node_selector, asked.node_selector);
  for (const char* flag :
       {"--set", "--durability", "--config", "--limits", "--auth-secret", "--tls-secret"}) {
    if (said.contains(flag)) {
      spec.kept.reset();
    }
  }
  return spec;
}

Result<std::vector<std::string>> restarted_by(ports::KubePort& kube,
                                              const std::vector<Json>& objects,
                                              const std::vector<Json>& before,
                                              const Conduct& conduct) {
  std::vector<Json> workloads;
  std::vector<Json> running;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (is_workload(objects[i]) && !before[i].is_null()) {
      workloads.push_back(objects[i]);
      running.push_back(before[i]);
    }
  }
  Conduct quietly = conduct;
  quietly.progress = nullptr;
  Site site{.kube = &kube, .dry_run = ports::DryRun::server};
  const core::Stage stage{.title = "asking the server",
                          .steps = steps_to_apply(workloads, running)};
  KREDIS_CHECK(apply_plan(site, {.stages = {stage}}, quietly));
  const Json::json_pointer path("/spec/template");
  std::vector<std::string> restarted;
  for (std::size_t i = 0; i < site.applied.size(); ++i) {
    if (site.applied[i].object.value(path, Json()) != running[i].value(path, Json())) {
      restarted.push_back(text_at(running[i], "/metadata/name"));
    }
  }
  return restarted;
}

std::vector<std::string> allow_words() {
  std::vector<std::string> words = manifest::allowable();
  words.emplace_back(k_data_loss);
  return words;
}

Status check_allowed(const ClusterSpec& there,
                     const std::vector<SpecChange>& changes,
                     bool restarts,
                     const std::vector<std::string>& allowed) {
  const auto is_allowed = [&](std::string_view word) {
    return std::ranges::find(allowed, word) != allowed.end();
  };
  for (const SpecChange& change : changes) {
    if (!change.word.empty() && !is_allowed(change.word)) {
      return Error::unsafe(fmt::format("{} of cluster {} would change from {} to {}: {}",
                                       change.what,
                                       there.name,
                                       change.before,
                                       change.after,
                                       change.cost))
          .with_hint("leave it as it is; or say that it is meant: --allow " + change.word);
    }
  }
  if (restarts && there.storage == manifest::Storage::ephemeral && !is_allowed(k_data_loss)) {
    return Error::unsafe(
               "the pods of cluster " + there.name +
               " would restart, and they keep their data in themselves (--ephemeral): all "
               "of it would be lost")
        .with_hint("leave it as it is; or say that its data may go: --allow " +
                   std::string(k_data_loss));
  }
  return {};
}

core::Stage reapply_stage(const ClusterSpec& spec,
                          const std::vector<Json>& objects,
                          const std::vector<Json>& before,
                          const std::vector<SpecChange>& changes,
                          const std::vector<std::string>& restarted) {
  core::Stage stage = apply_stage(spec, objects, before);
  std::vector<core::Step> steps;
  for (std::size_t i = 0; i < stage.steps.size(); ++i) {
    const core::ObjectName name = name_of(objects[i]);
    const bool restarts =
        is_workload(objects[i]) && std::ranges::find(restarted, name.name) != restarted.end();
    if (restarts) {
      core::Step& step = stage.steps[i];
      step.risk = core::Risk::availability;
      step.cost = "the pods restart, one by one";
      if (spec.storage == manifest::Storage::ephemeral) {
        step.risk = core::Risk::data;
        step.cost = "the pods keep their data in themselves, and lose it when they restart";
      }
    }
    if (is_workload(objects[i])) {
      bear(changes, stage.steps[i]);
    }
    steps.push_back(std::move(stage.steps[i]));
    if (restarts) {
      steps.push_back({.what = core::WaitFor{core::RolledOut{.workload = name}}});
    }
  }
  stage.steps = std::move(steps);
  return stage;
}

core::Stage persistence_stage(const core::ClusterView& view) {
  core::Stage stage{.title = "switching the append-only file on in the running servers",
                    .done = "every server has its append-only file"};
  for (const core::Member& member : view.members) {
    if (member.server && !member.server->aof_enabled) {
      stage.steps.push_back(
          {.what = core::SetConfig{.pod = member.pod.name,
                                   .settings = {{.name = "appendonly", .value = "yes"}}},
           .reason = "a restart with it on and without a file would start empty"});
    }
  }
  return stage;
}

std::string persistence_missing(const core::ClusterView& view) {
  for (const core::Member& member : view.members) {
    if (!member.server) {
      return member.pod.name + " does not answer";
    }
    if (!member.server->aof_enabled || member.server->aof_rewriting) {
      return member.pod.name + " writes its first append-only file";
    }
  }
  return {};
}

}  // namespace kredis::plugin
