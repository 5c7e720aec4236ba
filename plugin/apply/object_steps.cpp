// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/object_steps.hpp"

#include <future>
#include <utility>

#include "shared/core/labels.hpp"

namespace kredis::plugin {
namespace {

/// What users and controllers see of an object; the server's own books are left out.
Json substance(Json object) {
  object.erase("status");
  object["metadata"].erase("managedFields");
  object["metadata"].erase("resourceVersion");
  return object;
}

Error refused(const Error& error) {
  if (error.code == ErrorCode::conflict) {
    return error.with_hint("give the value that was set there, or set it back, and run it again");
  }
  // As from an admission policy, which may be anybody's.
  return error.hint.empty()
             ? error.with_hint(
                   "meet what is asked for there, or ask whoever keeps that rule, then run the same "
                   "command again")
             : error;
}

void note(Applied applied, Site& site, const Conduct& conduct, const std::string& text = {}) {
  if (conduct.progress != nullptr) {
    conduct.progress->line(applied.name.to_text(), text.empty() ? to_text(applied.change) : text);
  }
  site.applied.push_back(std::move(applied));
}

/// Tells the webhook, if there is one, that the deletion is meant. Who may not write it and has no
/// webhook needs it not; with one, its refusal names the annotation. False when it may not be told.
bool allow_deletion(const core::ObjectName& object, Site& site) {
  const Json annotations = {{std::string(core::k_allow_delete_annotation), "true"}};
  return site.kube
      ->merge_patch(path_of(object), {{"metadata", {{"annotations", annotations}}}}, site.dry_run)
      .has_value();
}

/// A guard of the webhook that the removal itself gets past: by the mark, and as the pods are gone
/// before their claims. A dry run leaves neither.
bool is_own_guard(const Error& refusal) {
  const auto says = [&](const char* text) {
    return refusal.message.find(text) != std::string::npos;
  };
  return says("validate.kubectl-redis.dev") &&
         (says("[RG004]") || says("[RG005]") || says("[RG007]"));
}

}  // namespace

std::string to_text(Change change) {
  switch (change) {
    case Change::created:
      return "created";
    case Change::configured:
      return "configured";
    case Change::unchanged:
      return "unchanged";
    case Change::deleted:
      break;
  }
  return "deleted";
}

Change change_between(const Json& before, const Json& after) {
  if (before.is_null()) {
    return Change::created;
  }
  return substance(before) == substance(after) ? Change::unchanged : Change::configured;
}

Result<std::vector<Json>> look_for(ports::KubePort& kube, const std::vector<Json>& objects) {
  std::vector<std::future<Result<Json>>> looks;
  looks.reserve(objects.size());
  for (const Json& object : objects) {
    looks.push_back(std::async(std::launch::async,
                               [&kube, &object] { return kube.get(path_of(name_of(object))); }));
  }
  std::vector<Json> found;
  Status failure;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    auto there = looks[i].get();
    if (!there && there.error().code != ErrorCode::not_found) {
      failure = there.error().while_doing("looking for " + name_of(objects[i]).to_text());
    }
    found.push_back(there ? std::move(*there) : Json());
  }
  KREDIS_CHECK(failure);
  return found;
}

std::vector<core::Step> steps_to_apply(const std::vector<Json>& objects,
                                       const std::vector<Json>& before) {
  std::vector<core::Step> steps;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const bool is_known = i < before.size();
    const bool is_there = is_known && !before[i].is_null();
    steps.push_back({.what = core::ApplyObject{.object = name_of(objects[i]),
                                               .json = objects[i].dump(),
                                               .before = is_there ? before[i].dump() : ""},
                     .reason = is_known && !is_there ? "it is not there yet" : ""});
  }
  return steps;
}

Status carry_out(const core::ApplyObject& step, Site& site, const Conduct& conduct) {
  auto after = site.kube->apply(
      path_of(step.object), Json::parse(step.json), ports::Force::no, site.dry_run);
  if (!after) {
    return refused(after.error()).while_doing("applying " + step.object.to_text());
  }
  const Json before = step.before.empty() ? Json() : Json::parse(step.before);
  const Change change = change_between(before, *after);
  note({.name = step.object, .change = change, .object = std::move(*after)}, site, conduct);
  return {};
}

Status carry_out(const core::ScaleWorkload& step, Site& site, const Conduct& conduct) {
  ports::ResourcePath path = path_of(step.workload);
  Json patch = {{"spec", {{"replicas", step.replicas}}}};
  if (step.annotations.empty()) {
    path.subresource = "scale";
  } else {
    patch["metadata"]["annotations"] = step.annotations;
  }
  auto after = site.kube->merge_patch(path, patch, site.dry_run);
  if (!after) {
    return refused(after.error()).while_doing("scaling " + step.workload.to_text());
  }
  note({.name = step.workload, .change = Change::configured, .object = std::move(*after)},
       site,
       conduct,
       "scaled to " + std::to_string(step.replicas));
  return {};
}

Status carry_out(const core::DeleteObject& step, Site& site, const Conduct& conduct) {
  const bool is_meant = step.guard == core::Guarded::told && step.object.runs_pods()
                            ? allow_deletion(step.object, site)
                            : step.guard == core::Guarded::told;
  const auto cascade = step.cascade == core::Cascade::foreground ? ports::Propagation::foreground
                                                                 : ports::Propagation::background;
  const auto removed =
      site.kube->remove(path_of(step.object), cascade, step.object.uid, site.dry_run);
  const bool is_dry = site.dry_run != ports::DryRun::no;
  const bool guarded = !removed && is_dry && is_meant && is_own_guard(removed.error());
  if (!removed && removed.error().code != ErrorCode::not_found && !guarded) {
    return removed.error().while_doing("deleting " + step.object.to_text());
  }
  note({.name = step.object, .change = Change::deleted},
       site,
       conduct,
       guarded ? "guarded by the webhook, which is told that it is meant" : "");
  return {};
}

}  // namespace kredis::plugin
