// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/create/preflight.hpp"

#include <algorithm>
#include <future>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/apply/object_steps.hpp"
#include "plugin/operations/nfs/probe.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "shared/core/labels.hpp"
#include "shared/manifest/names.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;

/// The rights that matter for what is about to be made.
std::vector<Need> needs_of(const ClusterSpec& spec) {
  std::set<Case> cases{Case::statefulset};
  if (spec.layout == manifest::Layout::deployment) {
    cases = {Case::deployment};
    if (spec.storage == manifest::Storage::claim) {
      cases.insert(Case::deployment_claims);
    }
  }
  if (spec.on_nfs()) {
    cases.insert(Case::nfs);
  }
  std::vector<std::string> secrets;
  for (const std::string& secret : {spec.auth_secret, spec.tls_secret}) {
    if (!secret.empty()) {
      cases.insert(Case::secrets);
      secrets.push_back(secret);
    }
  }
  return needs_of(rights_of("create", cases), spec.namespace_, secrets);
}

std::future<std::optional<std::vector<Json>>> ask_for(ports::KubePort& kube,
                                                      ports::ResourcePath path) {
  return std::async(
      std::launch::async, [&kube, path = std::move(path)]() -> std::optional<std::vector<Json>> {
        const auto list = kube.list(path, {});
        return list ? std::optional(list->at("items").get<std::vector<Json>>()) : std::nullopt;
      });
}

Resources look_around(ports::KubePort& kube, const std::string& namespace_) {
  auto classes = ask_for(kube, {{"storage.k8s.io/v1", "storageclasses"}, ""});
  auto volumes = ask_for(kube, {{"v1", "persistentvolumes"}, ""});
  auto nodes = ask_for(kube, {{"v1", "nodes"}, ""});
  auto quotas = ask_for(kube, {{"v1", "resourcequotas"}, namespace_});
  auto claims = ask_for(kube, {{"v1", "persistentvolumeclaims"}, namespace_});
  return {classes.get(), volumes.get(), nodes.get(), quotas.get(), claims.get()};
}

Status require_namespace(ports::KubePort& kube, const std::string& namespace_) {
  const auto found = kube.get({{"v1", "namespaces"}, "", namespace_});
  if (!found && found.error().code == ErrorCode::not_found) {
    return Error::not_found("there is no namespace " + namespace_)
        .with_hint("make it: kubectl create namespace " + namespace_);
  }
  // Without the right to look, the first object that is applied will tell.
  return found || found.error().code == ErrorCode::unauthorized ? Status{} : Status{found.error()};
}

Status require_secret(ports::KubePort& kube,
                      const std::string& namespace_,
                      const std::string& secret,
                      const std::string& flag) {
  if (secret.empty()) {
    return {};
  }
  const auto found = kube.get({{"v1", "secrets"}, namespace_, secret});
  if (!found && found.error().code == ErrorCode::not_found) {
    return Error::not_found("there is no Secret " + secret + " in namespace " + namespace_)
        .with_hint(flag == "--auth-secret"
                       ? "make it: printf %s \"$PASSWORD\" | kubectl create secret generic " +
                             secret + " -n " + namespace_ + " --from-file=password=/dev/stdin"
                       : "make one with the keys ca.crt, tls.crt and tls.key, for example with "
                         "cert-manager");
  }
  return found ? Status{} : Status{found.error()};
}

/// Something that pods refer to and that is not there, which only their events would tell later.
Status require_there(ports::KubePort& kube,
                     const ports::ResourcePath& path,
                     const std::string& what,
                     const std::string& flag) {
  if (path.name.empty()) {
    return {};
  }
  const auto found = kube.get(path);
  if (!found && found.error().code == ErrorCode::not_found) {
    return Error::not_found("there is no " + what + " " + path.name +
                            (path.namespace_.empty() ? "" : " in namespace " + path.namespace_))
        .with_hint("make it, or leave out " + flag);
  }
  // Who may not look is told by the pods.
  return found || found.error().code == ErrorCode::unauthorized ? Status{} : Status{found.error()};
}

/// What the pods would start with, and crash on.
Status require_certificates(ports::KubePort& kube, const ClusterSpec& spec) {
  if (spec.tls_secret.empty()) {
    return {};
  }
  const manifest::Names names = manifest::names_of(spec.name);
  const bool has_names = spec.layout == manifest::Layout::statefulset;
  const std::string name = names.workload + "-0." + names.headless_service + "." + spec.namespace_ +
                           ".svc.cluster.local";
  const auto usable =
      observe::check_certificates(kube, spec.namespace_, spec.tls_secret, has_names ? name : "");
  return usable ? Status{}
                : Status{usable.error().while_doing("looking at the certificates of Secret " +
                                                    spec.tls_secret)};
}

bool is_ours(const Json& object, const std::string& cluster) {
  return label_of(object, core::k_managed_by_label) == core::k_manager &&
         label_of(object, core::k_instance_label) == cluster;
}

/// Errors: conflict, naming every object of one of these names that is not cluster `name`'s.
Status require_ours(const std::vector<Json>& objects,
                    const std::vector<Json>& before,
                    const std::string& name) {
  std::vector<std::string> taken;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (!before[i].is_null() && !is_ours(before[i], name)) {
      taken.push_back(name_of(objects[i]).to_text());
    }
  }
  if (taken.empty()) {
    return {};
  }
  return Error::conflict(fmt::format("{} is there already and was not made by kubectl redis",
                                     fmt::join(taken, ", ")))
      .with_hint(
          "choose another NAME; or, to initialise pods that something else made: "
          "kubectl redis init --selector app=...");
}

bool has_workload(const std::vector<Json>& before, const std::vector<Json>& objects) {
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const bool workload =
        objects[i].at("kind") == "StatefulSet" || objects[i].at("kind") == "Deployment";
    if (workload && !before[i].is_null()) {
      return true;
    }
  }
  return false;
}

}  // namespace

Status check_room_for(ports::KubePort& kube, const ClusterSpec& spec, int more) {
  Resources there = look_around(kube, spec.namespace_);
  KREDIS_CHECK(judge_nodes(spec, there));
  // What runs has its share of the rest already: the pods that come need theirs.
  ClusterSpec further = spec;
  further.masters = more;
  further.replicas = 0;
  there.claims.reset();
  KREDIS_CHECK(judge_storage(further, there));
  return judge_quota(further, there);
}

Result<std::vector<Json>> preflight(ports::KubePort& kube,
                                    const ClusterSpec& spec,
                                    const std::vector<Json>& objects,
                                    Progress& progress) {
  progress.begin("checking permissions, names, storage, quota and nodes");
  KREDIS_CHECK(require_namespace(kube, spec.namespace_));
  KREDIS_CHECK(require_permissions(kube, needs_of(spec)));
  KREDIS_TRY(std::vector<Json> before, look_for(kube, objects));
  KREDIS_CHECK(require_ours(objects, before, spec.name));
  KREDIS_CHECK(require_secret(kube, spec.namespace_, spec.auth_secret, "--auth-secret"));
  KREDIS_CHECK(require_secret(kube, spec.namespace_, spec.tls_secret, "--tls-secret"));
  KREDIS_CHECK(require_certificates(kube, spec));
  KREDIS_CHECK(require_there(kube,
                             {{"v1", "serviceaccounts"}, spec.namespace_, spec.service_account},
                             "ServiceAccount",
                             "--service-account"));
  KREDIS_CHECK(require_there(kube,
                             {{"scheduling.k8s.io/v1", "priorityclasses"}, "", spec.priority_class},
                             "PriorityClass",
                             "--priority-class"));
  // What runs already has its place, its volumes and its share of the quota.
  if (!has_workload(before, objects)) {
    const Resources there = look_around(kube, spec.namespace_);
    KREDIS_CHECK(judge_storage(spec, there));
    KREDIS_CHECK(judge_nodes(spec, there));
    KREDIS_CHECK(judge_quota(spec, there));
    if (spec.on_nfs()) {
      KREDIS_CHECK(probe_nfs_server(spec.nfs_server));
    }
  }
  progress.done("checked permissions, names, storage, quota and nodes");
  return before;
}

}  // namespace kredis::plugin
