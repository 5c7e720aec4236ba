// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/revisions.hpp"

#include <algorithm>

#include "tests/sandbox/controllers/ownership.hpp"

namespace kredis::sandbox {
namespace {

Objects revisions_of(Context& context, const Json& set) {
  Objects mine = owned_by(context, set, "apps", "controllerrevisions");
  std::sort(mine.begin(), mine.end(), [](const Object& left, const Object& right) {
    return number_at(*left, "revision") < number_at(*right, "revision");
  });
  return mine;
}

}  // namespace

std::string revision_name(const Json& set) {
  return name_of(set) + "-" + short_hash(at(set, "spec.template").dump());
}

Json make_revision(const Json& set, std::int64_t number) {
  Json pod_template = at(set, "spec.template");
  pod_template["$patch"] = "replace";
  return {{"apiVersion", "apps/v1"},
          {"kind", "ControllerRevision"},
          {"metadata",
           {{"name", revision_name(set)},
            {"namespace", namespace_of(set)},
            {"labels", at(set, "spec.template.metadata.labels")},
            {"ownerReferences", {controller_reference(set)}}}},
          {"data", {{"spec", {{"template", std::move(pod_template)}}}}},
          {"revision", number}};
}

const Json& revision_template(const Objects& revisions, const std::string& name) {
  static const Json none;
  for (const Object& revision : revisions) {
    if (name_of(*revision) == name) {
      return at(*revision, "data.spec.template");
    }
  }
  return none;
}

Objects sync_revisions(Context& context, const Json& set) {
  Objects mine = revisions_of(context, set);
  const std::string wanted = revision_name(set);
  const std::int64_t newest = mine.empty() ? 0 : number_at(*mine.back(), "revision");
  const auto found = std::find_if(
      mine.begin(), mine.end(), [&](const Object& item) { return name_of(*item) == wanted; });
  if (found == mine.end()) {
    Json made = make_revision(set, newest + 1);
    ensure(context.store, key_of("apps", "controllerrevisions", made), made);
  } else if (*found != mine.back()) {
    update_status(context.store,
                  key_of("apps", "controllerrevisions", **found),
                  [&](Json& revision) { revision["revision"] = newest + 1; });
  }
  const std::string current = text_at(set, "status.currentRevision");
  const auto limit = static_cast<std::size_t>(number_at(set, "spec.revisionHistoryLimit", 10)) + 2;
  for (std::size_t i = 0; i + limit < mine.size(); ++i) {
    if (name_of(*mine[i]) != current && name_of(*mine[i]) != wanted) {
      static_cast<void>(context.store.remove(key_of("apps", "controllerrevisions", *mine[i])));
    }
  }
  return revisions_of(context, set);
}

}  // namespace kredis::sandbox
