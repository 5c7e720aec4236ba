// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/apply_objects.hpp"

#include <future>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/terminal/interrupt.hpp"

namespace kredis::plugin {
namespace {

std::string label(const Json& object, const std::string& key) {
  const auto path = Json::json_pointer("/metadata/labels");
  return object.contains(path) && object.at(path).is_object() ? object.at(path).value(key, "") : "";
}

bool is_ours(const Json& object, const std::string& cluster) {
  return label(object, "app.kubernetes.io/managed-by") == "kubectl-redis" &&
         label(object, "app.kubernetes.io/instance") == cluster;
}

/// What users and controllers see of an object; the server's own books are left out.
Json substance(Json object) {
  object.erase("status");
  object["metadata"].erase("managedFields");
  object["metadata"].erase("resourceVersion");
  return object;
}

Change change_between(const Json& before, const Json& after) {
  if (before.is_null()) {
    return Change::created;
  }
  return substance(before) == substance(after) ? Change::unchanged : Change::configured;
}

}  // namespace

std::string to_text(Change change) {
  switch (change) {
    case Change::created:
      return "created";
    case Change::configured:
      return "configured";
    case Change::unchanged:
      break;
  }
  return "unchanged";
}

Result<std::vector<Json>> look_for_namesakes(ports::KubePort& kube,
                                             const std::vector<Json>& objects,
                                             const std::string& name) {
  std::vector<std::future<Result<Json>>> looks;
  looks.reserve(objects.size());
  for (const Json& object : objects) {
    looks.push_back(std::async(std::launch::async,
                               [&kube, &object] { return kube.get(name_of(object).path); }));
  }
  std::vector<Json> found;
  std::vector<std::string> taken;
  Status failure;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    auto there = looks[i].get();
    if (!there && there.error().code != ErrorCode::not_found) {
      failure = there.error().while_doing("looking for " + name_of(objects[i]).to_text());
    }
    found.push_back(there ? std::move(*there) : Json());
    if (there && !is_ours(found.back(), name)) {
      taken.push_back(name_of(objects[i]).to_text());
    }
  }
  KREDIS_CHECK(failure);
  if (!taken.empty()) {
    return Error::conflict(fmt::format("{} is there already and was not made by kubectl redis",
                                       fmt::join(taken, ", ")))
        .with_hint(
            "choose another NAME; or, to initialise pods that something else made: "
            "kubectl redis init --selector app=...");
  }
  return found;
}

Result<std::vector<Applied>> apply_objects(ports::KubePort& kube,
                                           const std::vector<Json>& objects,
                                           const std::vector<Json>& before,
                                           ports::DryRun dry_run,
                                           Progress& progress) {
  std::vector<Applied> applied;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (interrupted()) {
      return Error::internal("interrupted");
    }
    const ObjectName name = name_of(objects[i]);
    auto after = kube.apply(name.path, objects[i], ports::Force::no, dry_run);
    if (!after && after.error().code == ErrorCode::conflict) {
      return after.error()
          .with_hint("give create the value that was set there, or set it back, and run it again")
          .while_doing("applying " + name.to_text());
    }
    if (!after) {
      Error refused = after.error();
      if (refused.hint.empty()) {  // As from an admission policy, which may be anybody's.
        refused = refused.with_hint(
            "meet what is asked for there, or ask whoever keeps that rule, then "
            "run the same command again");
      }
      return refused.while_doing("applying " + name.to_text());
    }
    const Change change = change_between(before[i], *after);
    progress.line(name.to_text(), to_text(change));
    applied.push_back({name, change, std::move(*after)});
  }
  return applied;
}

}  // namespace kredis::plugin
