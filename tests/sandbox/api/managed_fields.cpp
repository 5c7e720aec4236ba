// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/managed_fields.hpp"

#include <algorithm>

#include "tests/sandbox/api/field_set.hpp"
#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {
namespace {

// Fields of which nobody is the owner: they name the object or belong to the server.
FieldSet nobodys_fields() {
  const Json leaf = Json::object();
  return {{"f:apiVersion", leaf},
          {"f:kind", leaf},
          {"f:metadata",
           {{"f:name", leaf},
            {"f:namespace", leaf},
            {"f:generateName", leaf},
            {"f:selfLink", leaf},
            {"f:uid", leaf},
            {"f:resourceVersion", leaf},
            {"f:generation", leaf},
            {"f:creationTimestamp", leaf},
            {"f:deletionTimestamp", leaf},
            {"f:deletionGracePeriodSeconds", leaf},
            {"f:managedFields", leaf}}}};
}

FieldSet without_nobodys(const FieldSet& set) { return set_difference(set, nobodys_fields()); }

Json managers_of(const Json& object) { return dig_list(object, {"metadata", "managedFields"}); }

void set_managers(Json& object, const Json& managers) {
  if (managers.empty()) {
    object["metadata"].erase("managedFields");
  } else {
    object["metadata"]["managedFields"] = managers;
  }
}

FieldSet fields_in(const Json& entry) { return entry.value("fieldsV1", FieldSet::object()); }

bool is_entry_of(const Json& entry, const Manager& manager, const char* operation) {
  return entry.value("manager", "") == manager.name && entry.value("operation", "") == operation &&
         entry.value("subresource", "") == manager.subresource;
}

Json make_entry(const ResourceInfo& info,
                const Manager& manager,
                const char* operation,
                const FieldSet& fields) {
  Json entry = {{"manager", manager.name},
                {"operation", operation},
                {"apiVersion", info.api_version()},
                {"time", manager.time},
                {"fieldsType", "FieldsV1"},
                {"fieldsV1", fields}};
  if (!manager.subresource.empty()) {
    entry["subresource"] = manager.subresource;
  }
  return entry;
}

// Replaces the manager's entry; its time moves only when its fields do.
void put_entry(Json& managers,
               const ResourceInfo& info,
               const Manager& manager,
               const char* operation,
               const FieldSet& fields) {
  const auto found = std::find_if(managers.begin(), managers.end(), [&](const Json& entry) {
    return is_entry_of(entry, manager, operation);
  });
  if (found == managers.end()) {
    if (!is_empty(fields)) {
      managers.push_back(make_entry(info, manager, operation, fields));
    }
  } else if (is_empty(fields)) {
    managers.erase(found);
  } else if (fields_in(*found) != fields) {
    *found = make_entry(info, manager, operation, fields);
  }
}

std::string describe(const Json& entry) {
  std::string text = Json(entry.value("manager", "")).dump();
  if (const std::string subresource = entry.value("subresource", ""); !subresource.empty()) {
    text += " with subresource \"" + subresource + "\"";
  }
  if (entry.value("operation", "") == "Update") {
    text += " using " + entry.value("apiVersion", "");
    if (entry.contains("time")) {
      text += " at " + entry.value("time", "");
    }
  }
  return text;
}

struct Conflict {
  std::string manager;  ///< As the message names it.
  std::string path;
};

ApiError conflict_error(const std::vector<Conflict>& conflicts) {
  std::string message;
  if (conflicts.size() == 1) {
    message = "Apply failed with 1 conflict: conflict with " + conflicts[0].manager + ": " +
              conflicts[0].path;
  } else {
    message = "Apply failed with " + std::to_string(conflicts.size()) + " conflicts: ";
    std::string last;
    for (const Conflict& conflict : conflicts) {
      if (conflict.manager != last) {
        message +=
            std::string(last.empty() ? "" : "\n") + "conflicts with " + conflict.manager + ":";
        last = conflict.manager;
      }
      message += "\n- " + conflict.path;
    }
  }
  Json causes = Json::array();
  for (const Conflict& conflict : conflicts) {
    causes.push_back({{"reason", "FieldManagerConflict"},
                      {"message", "conflict with " + conflict.manager},
                      {"field", conflict.path}});
  }
  return {409, "Conflict", message, {{"causes", causes}}};
}

// Fields that the apply would change though somebody else set them.
std::vector<Conflict> find_conflicts(const Json& managers,
                                     const Manager& self,
                                     const FieldSet& changing) {
  std::vector<Conflict> conflicts;
  for (const Json& entry : managers) {
    if (is_entry_of(entry, self, "Apply")) {
      continue;
    }
    for (const std::string& path : paths_of(set_intersection(changing, fields_in(entry)))) {
      conflicts.push_back({describe(entry), path});
    }
  }
  std::sort(conflicts.begin(), conflicts.end(), [](const Conflict& left, const Conflict& right) {
    return std::tie(left.manager, left.path) < std::tie(right.manager, right.path);
  });
  return conflicts;
}

// Takes `fields` from everybody but `self`.
void disown(Json& managers, const FieldSet& fields, const Manager& self, const char* operation) {
  Json kept = Json::array();
  for (Json entry : managers) {
    if (!is_entry_of(entry, self, operation)) {
      entry["fieldsV1"] = set_difference(fields_in(entry), fields);
    }
    if (!is_empty(fields_in(entry))) {
      kept.push_back(std::move(entry));
    }
  }
  managers = std::move(kept);
}

FieldSet owned_by_others(const Json& managers, const Manager& self) {
  FieldSet owned = FieldSet::object();
  for (const Json& entry : managers) {
    if (!is_entry_of(entry, self, "Apply")) {
      owned = set_union(owned, fields_in(entry));
    }
  }
  return owned;
}

FieldSet previously_applied(const Json& managers, const Manager& self) {
  for (const Json& entry : managers) {
    if (is_entry_of(entry, self, "Apply")) {
      return fields_in(entry);
    }
  }
  return FieldSet::object();
}

}  // namespace

ApiResult<Json> server_side_apply(const ResourceInfo& info,
                                  const Json& live,
                                  const Json& applied,
                                  const Manager& manager,
                                  OnConflict on_conflict) {
  const ObjectType* type = find_type(info.schema);
  if (type == nullptr) {
    return internal_error("no schema for " + std::string(info.kind));
  }
  Json managers = managers_of(live);
  const Json base = live.is_object() ? live : Json::object();
  const FieldSet applying = without_nobodys(fields_of(*type, applied));
  Json merged = merge_fields(*type, base, applied);

  const FieldSet changing = set_intersection(changed_fields(*type, base, merged), applying);
  const auto conflicts = find_conflicts(managers, manager, changing);
  if (!conflicts.empty() && on_conflict == OnConflict::refuse) {
    return conflict_error(conflicts);
  }
  disown(managers, changing, manager, "Apply");

  const FieldSet dropped = set_difference(previously_applied(managers, manager), applying);
  remove_fields(*type, merged, set_difference(dropped, owned_by_others(managers, manager)));
  put_entry(managers, info, manager, "Apply", applying);
  set_managers(merged, managers);
  return merged;
}

void track_update(const ResourceInfo& info,
                  const Json& before,
                  Json& after,
                  const Manager& manager) {
  const ObjectType* type = find_type(info.schema);
  if (type == nullptr) {
    return;
  }
  // A client may clear the list, and nothing else.
  const Json sent = dig(after, {"metadata", "managedFields"});
  const bool cleared = sent.is_array() && (sent.empty() || sent == Json::array({Json::object()}));
  Json managers = cleared ? Json::array() : managers_of(before);
  const FieldSet changed = without_nobodys(changed_fields(*type, before, after));
  const FieldSet present = fields_of(*type, after);
  disown(managers, changed, manager, "Update");
  FieldSet own = FieldSet::object();
  for (const Json& entry : managers) {
    if (is_entry_of(entry, manager, "Update")) {
      own = fields_in(entry);
    }
  }
  if (!cleared) {
    own = set_intersection(set_union(own, changed), present);
    put_entry(managers, info, manager, "Update", own);
  }
  set_managers(after, managers);
}

}  // namespace kredis::sandbox::api
