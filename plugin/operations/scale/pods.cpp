// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/scale/pods.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "plugin/apply/object_steps.hpp"
#include "plugin/operations/create/plan.hpp"
#include "plugin/operations/create/preflight.hpp"
#include "plugin/operations/create/standing.hpp"
#include "plugin/operations/rbac/permissions.hpp"
#include "shared/core/labels.hpp"
#include "shared/core/text.hpp"
#include "shared/manifest/check_spec.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/objects.hpp"

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;

std::map<std::string, std::string> shape_annotations(core::Shape shape) {
  return {{std::string(core::k_masters_annotation), std::to_string(shape.masters)},
          {std::string(core::k_replicas_annotation), std::to_string(shape.replicas)}};
}

bool says_shape(const Json& workload, core::Shape shape) {
  const Json there = workload.at("metadata").value("annotations", Json::object());
  return std::ranges::all_of(shape_annotations(shape), [&](const auto& wanted) {
    return there.value(wanted.first, "") == wanted.second;
  });
}

std::uint32_t pods_of(const Json& workload) {
  return workload.value("/spec/replicas"_json_pointer, std::uint32_t{1});
}

core::Step scaling(const Json& workload, std::uint32_t replicas, core::Shape shape) {
  return {.what = core::ScaleWorkload{.workload = name_of(workload),
                                      .replicas = replicas,
                                      .annotations = shape_annotations(shape)},
          .reason = fmt::format("{} masters, {} replicas each", shape.masters, shape.replicas)};
}

/// More pods come at once; fewer, once no node is on those that go.
void scale_workload(const Json& workload,
                    std::uint32_t replicas,
                    core::Shape shape,
                    PodsPlan& plan) {
  const std::uint32_t there = pods_of(workload);
  if (there > replicas) {
    plan.shrink.steps.push_back(scaling(workload, replicas, shape));
  } else if (there < replicas || !says_shape(workload, shape)) {
    plan.grow.steps.push_back(scaling(workload, replicas, shape));
  }
}

void add_ends(const core::ClusterView& view, PodsPlan& plan) {
  for (const std::string& pod : plan.leaving) {
    plan.shrink.steps.push_back(
        {.what = core::WaitFor{core::Gone{name_of("Pod", view.namespace_, pod)}},
         .reason = "its node has left"});
  }
}

/// The claims of a StatefulSet's pods that go stay, and say that nothing is left on them: others
/// are somebody's data, which no pod may come upon.
void mark_claims(const core::ClusterView& view, PodsPlan& plan) {
  const ClusterSpec& spec = *plan.spec;
  for (const core::Member& member : view.members) {
    if (!plan.leaving.contains(member.pod.name)) {
      continue;
    }
    const std::string claim = manifest::names_of(spec.name).claim(member.pod.ordinal);
    const Json mark = {{"apiVersion", "v1"},
                       {"kind", "PersistentVolumeClaim"},
                       {"metadata",
                        {{"name", claim},
                         {"namespace", spec.namespace_},
                         {"annotations", {{std::string(core::k_emptied_annotation), "true"}}}}}};
    plan.shrink.steps.push_back(
        {.what =
             core::ApplyObject{.object = name_of(mark), .json = mark.dump(), .before = mark.dump()},
         .reason = "its node left it empty"});
  }
}

/// What `create` made for pods that go: a node's own Deployment and Service, and claims if asked.
Status add_removal(ports::KubePort& kube,
                   const std::vector<Json>& objects,
                   KeepData keep,
                   PodsPlan& plan) {
  const ClusterSpec& spec = *plan.spec;
  KREDIS_TRY(const Removal all, find_removal(kube, spec.namespace_, spec.name, keep));
  std::set<std::string> wanted;
  for (const Json& object : objects) {
    wanted.insert(name_of(object).to_text());
  }
  const manifest::Names names = manifest::names_of(spec.name);
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    wanted.insert(name_of("PersistentVolumeClaim", "", names.claim(ordinal)).to_text());
  }
  std::vector<core::Step> data;
  for (const core::ObjectName& object : all.goes) {
    if (wanted.contains(object.to_text())) {
      continue;
    }
    const bool is_data = object.plural.starts_with("persistent");
    const core::Step step{
        .what = core::DeleteObject{.object = object, .guard = core::Guarded::told},
        .reason = "of a node that leaves",
        .risk = is_data ? core::Risk::data : core::Risk::none,
        .cost = is_data ? "the claims of the pods that go are deleted with what is on them" : ""};
    (is_data ? data : plan.shrink.steps).push_back(step);
  }
  add_ends({.namespace_ = spec.namespace_}, plan);
  plan.shrink.steps.insert(plan.shrink.steps.end(), data.begin(), data.end());
  return {};
}

void add_coming(const core::ClusterView& view, PodsPlan& plan) {
  const manifest::Names names = manifest::names_of(plan.spec->name);
  for (int ordinal = 0; ordinal < plan.spec->nodes(); ++ordinal) {
    if (std::ranges::none_of(view.members, [&](const core::Member& member) {
          return member.pod.ordinal == ordinal;
        })) {
      plan.coming.push_back(plan.spec->layout == manifest::Layout::statefulset
                                ? names.workload + "-" + std::to_string(ordinal)
                                : names.node(ordinal));
    }
  }
}

/// Of a cluster that `create` made: the objects of the new shape, as create would make them.
Result<PodsPlan> plan_own(ports::KubePort& kube,
                          ClusterSpec spec,
                          const core::ClusterView& view,
                          core::Shape shape,
                          KeepData keep) {
  spec.masters = static_cast<int>(shape.masters);
  spec.replicas = static_cast<int>(shape.replicas);
  KREDIS_CHECK(manifest::check(spec));
  const std::vector<Json> objects = manifest::objects(spec);
  KREDIS_TRY(const std::vector<Json> before, look_for(kube, objects));
  PodsPlan plan{.spec = spec};
  for (const core::Member& member : view.members) {
    if (member.pod.ordinal >= spec.nodes()) {
      plan.leaving.insert(member.pod.name);
    }
  }
  const bool one_set = spec.layout == manifest::Layout::statefulset;
  const bool leave = !plan.leaving.empty();
  if (one_set && keep == KeepData::yes && spec.storage == manifest::Storage::claim) {
    mark_claims(view, plan);
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (before[i].is_null()) {
      plan.grow.steps.push_back(steps_to_apply({objects[i]}, {before[i]}).front());
    } else if (name_of(objects[i]).runs_pods()) {
      Json workload = before[i];
      workload["kind"] = objects[i].at("kind");
      const auto pods = static_cast<std::uint32_t>(one_set ? spec.nodes() : 1);
      if (one_set || !leave) {
        scale_workload(workload, pods, shape, plan);
      } else if (!says_shape(workload, shape)) {
        plan.shrink.steps.push_back(scaling(workload, pods, shape));
      }
    }
  }
  add_coming(view, plan);
  KREDIS_CHECK(add_removal(kube, objects, keep, plan));
  return plan;
}

/// The number behind the last dash of a StatefulSet's pod.
std::uint32_t ordinal_of(const std::string& pod) {
  return core::to_number<std::uint32_t>(std::string_view(pod).substr(pod.rfind('-') + 1))
      .value_or(0);
}

Error cannot_choose(const core::ClusterView& view, const std::string& why, std::size_t pods) {
  return Error::conflict("cluster " + view.name + " " + why)
      .with_hint(fmt::format("make it {} pods as it was made, then run the same command again: it "
                             "gives them their parts",
                             pods));
}

/// Of a cluster that others made: StatefulSets alone say which pods come and go.
Result<PodsPlan> plan_foreign(ports::KubePort& kube,
                              const std::vector<observe::Owner>& owners,
                              const core::ClusterView& view,
                              core::Shape shape) {
  const std::size_t pods = std::size_t{shape.masters} * (1 + shape.replicas);
  PodsPlan plan;
  const bool sets = std::ranges::all_of(
      owners, [](const observe::Owner& owner) { return owner.kind == "StatefulSet"; });
  if (!sets && pods != view.members.size()) {
    return cannot_choose(view, "is made of pods that no StatefulSet numbers", pods);
  }
  if (!sets) {
    return plan;
  }
  if (owners.empty() || pods % owners.size() != 0) {
    return cannot_choose(
        view,
        fmt::format("has {} StatefulSets, which {} pods do not fit", owners.size(), pods),
        pods);
  }
  const auto each = static_cast<std::uint32_t>(pods / owners.size());
  for (const observe::Owner& owner : owners) {
    KREDIS_TRY(Json workload,
               kube.get(path_of(name_of("StatefulSet", view.namespace_, owner.name))));
    workload["kind"] = "StatefulSet";
    const auto first = workload.value("/spec/ordinals/start"_json_pointer, std::uint32_t{0});
    std::uint32_t there = 0;
    for (const core::Member& member : view.members) {
      if (member.pod.owner == owner.to_text()) {
        ++there;
        if (ordinal_of(member.pod.name) >= first + each) {
          plan.leaving.insert(member.pod.name);
        }
      }
    }
    for (std::uint32_t next = first + there; next < first + each; ++next) {
      plan.coming.push_back(owner.name + "-" + std::to_string(next));
    }
    scale_workload(workload, each, shape, plan);
  }
  add_ends(view, plan);
  return plan;
}

std::vector<Need> needs_of_scale(const ClusterSpec& spec, KeepData keep) {
  std::set<Case> cases{Case::statefulset};
  if (spec.layout == manifest::Layout::deployment) {
    cases = {Case::deployment};
    if (spec.storage == manifest::Storage::claim) {
      cases.insert(Case::deployment_claims);
    }
  }
  if (keep == KeepData::no) {
    cases.insert(Case::purge_data);
  }
  if (spec.on_nfs()) {
    cases.insert(Case::nfs);
  }
  return needs_of(rights_of("scale", cases), spec.namespace_, {});
}

/// Errors: conflict (a claim waits for a pod that is to come, and nobody says that it is empty).
Status check_claims(ports::KubePort& kube, const PodsPlan& pods) {
  const ClusterSpec& spec = *pods.spec;
  if (spec.layout != manifest::Layout::statefulset || pods.grow.steps.empty() ||
      spec.storage != manifest::Storage::claim) {
    return {};
  }
  std::string left;
  for (const std::string& pod : pods.coming) {
    const std::string name = manifest::names_of(spec.name).claim(static_cast<int>(ordinal_of(pod)));
    const auto claim = kube.get({{"v1", "persistentvolumeclaims"}, spec.namespace_, name});
    if (!claim && claim.error().code != ErrorCode::not_found) {
      return claim.error();
    }
    if (claim && claim->at("metadata")
                         .value("annotations", Json::object())
                         .value(core::k_emptied_annotation, "") != "true") {
      left += (left.empty() ? "" : " ") + name;
    }
  }
  return left.empty() ? Status{}
                      : Error::conflict(
                            "claims that may hold another life's data wait for the new "
                            "pods: " +
                            left)
                            .with_hint("save what is wanted of them, then: kubectl delete pvc " +
                                       left + " -n " + spec.namespace_);
}

}  // namespace

Result<PodsPlan> plan_pods(ports::KubePort& kube,
                           const std::vector<observe::Owner>& owners,
                           const core::ClusterView& view,
                           core::Shape shape,
                           KeepData keep) {
  KREDIS_TRY(auto spec, find_standing(kube, view.namespace_, view.name));
  KREDIS_TRY(PodsPlan plan,
             spec ? plan_own(kube, std::move(*spec), view, shape, keep)
                  : plan_foreign(kube, owners, view, shape));
  if (!plan.grow.steps.empty()) {
    plan.grow.title = fmt::format("asking for {} more pods", plan.coming.size());
    plan.grow.done = plan.grow.title;
  }
  if (!plan.shrink.steps.empty()) {
    plan.shrink.title = fmt::format("taking {} pods away", plan.leaving.size());
    plan.shrink.done = plan.shrink.title;
  }
  return plan;
}

Status check_room(ports::KubePort& kube, const PodsPlan& pods, KeepData keep) {
  if (!pods.spec) {
    return {};
  }
  KREDIS_CHECK(require_permissions(kube, needs_of_scale(*pods.spec, keep)));
  if (pods.coming.empty()) {
    return {};
  }
  KREDIS_CHECK(check_claims(kube, pods));
  return check_room_for(kube, *pods.spec, static_cast<int>(pods.coming.size()));
}

}  // namespace kredis::plugin
