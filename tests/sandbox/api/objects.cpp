// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/objects.hpp"

#include <random>

#include "tests/sandbox/api/decode.hpp"
#include "tests/sandbox/api/defaults.hpp"
#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/names.hpp"
#include "tests/sandbox/api/patches.hpp"
#include "tests/sandbox/api/quota.hpp"
#include "tests/sandbox/api/validation.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr int k_attempts = 8;

std::string random_suffix() {
  constexpr std::string_view k_alphabet = "bcdfghjklmnpqrstvwxz2456789";
  static thread_local std::mt19937 random{std::random_device{}()};
  std::string suffix;
  for (int count = 0; count < 5; ++count) {
    suffix += k_alphabet[random() % k_alphabet.size()];
  }
  return suffix;
}

ApiStatus check_kind(const ResourceInfo& info, const Json& sent) {
  if (!sent.is_object()) {
    return bad_request("the body of the request was not an object");
  }
  const std::string kind = dig_text(sent, {"kind"});
  const std::string version = dig_text(sent, {"apiVersion"});
  if ((!kind.empty() && kind != info.kind) || (!version.empty() && version != info.api_version())) {
    return bad_request("the API version in the data (" + version + ", Kind=" + kind +
                       ") does not match the expected API version (" + info.api_version() +
                       ", Kind=" + std::string(info.kind) + ")");
  }
  return {};
}

// Settles name and namespace of a new object, and drops what only the server sets.
ApiStatus settle_metadata(Target& target, Json& object) {
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) {
    metadata = Json::object();
  }
  const std::string own_namespace = dig_text(metadata, {"namespace"});
  if (target.info->scope == Scope::namespaced) {
    if (!own_namespace.empty() && own_namespace != target.namespace_) {
      return bad_request(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
    metadata["namespace"] = target.namespace_;
  } else {
    metadata.erase("namespace");
  }
  std::string name = dig_text(metadata, {"name"});
  if (name.empty() && !dig_text(metadata, {"generateName"}).empty()) {
    name = dig_text(metadata, {"generateName"}) + random_suffix();
  }
  if (!target.name.empty() && name != target.name) {
    return bad_request("the name of the object (" + name +
                       ") does not match the name on the URL (" + target.name + ")");
  }
  if (name.empty()) {
    return invalid(
        *target.info, "", {required("metadata.name", "name or generateName is required")});
  }
  if (!dig_text(metadata, {"resourceVersion"}).empty()) {
    return bad_request("resourceVersion should not be set on objects to be created");
  }
  target.name = name;
  metadata["name"] = name;
  for (const char* field : {"uid",
                            "resourceVersion",
                            "creationTimestamp",
                            "generation",
                            "selfLink",
                            "deletionTimestamp",
                            "deletionGracePeriodSeconds"}) {
    metadata.erase(field);
  }
  return {};
}

// What a writer may not touch is taken over from the live object.
void keep_server_fields(const Target& target, const Json& live, Json& next) {
  Json& metadata = next["metadata"];
  if (!metadata.is_object()) {
    metadata = Json::object();
  }
  for (const char* field : {"name",
                            "namespace",
                            "uid",
                            "resourceVersion",
                            "creationTimestamp",
                            "generation",
                            "deletionTimestamp",
                            "deletionGracePeriodSeconds"}) {
    metadata.erase(field);
    if (live["metadata"].contains(field)) {
      metadata[field] = live["metadata"][field];
    }
  }
  if (!target.info->has_subresource("status")) {
    return;
  }
  const auto take_over = [&](const char* field) {
    next.erase(field);
    if (live.contains(field)) {
      next[field] = live[field];
    }
  };
  if (target.subresource == "status") {
    take_over("spec");
  } else {
    take_over("status");
  }
  if (target.info->kind == "Namespace" && target.subresource != "finalize") {
    next["spec"] = live.value("spec", Json::object());
  }
}

// A Service keeps what was allocated for it unless its author changes it on purpose.
void keep_allocations(const ResourceInfo& info, const Json& live, Json& next) {
  if (info.kind != "Service" || dig_text(next, {"spec", "type"}) == "ExternalName") {
    return;
  }
  for (const char* field : {"clusterIP", "clusterIPs"}) {
    if (dig(next, {"spec", field}).empty() && dig(live, {"spec"}).contains(field)) {
      next["spec"][field] = live["spec"][field];
    }
  }
  if (!dig(next, {"spec", "ports"}).is_array()) {
    return;
  }
  for (Json& port : next["spec"]["ports"]) {
    for (const Json& old_port : dig_list(live, {"spec", "ports"})) {
      if (!port.contains("nodePort") && old_port.contains("nodePort") &&
          dig_text(next, {"spec", "type"}) != "ClusterIP" &&
          port.value("port", 0) == old_port.value("port", -1)) {
        port["nodePort"] = old_port["nodePort"];
      }
    }
  }
}

Manager manager_of(const Target& target, const WriteOptions& options) {
  return {options.field_manager, target.subresource, timestamp_now()};
}

// The object as it would have been stored.
Json pretend_to_store(const Key& key, Json object) {
  Store scratch;
  const auto stored = scratch.create(key, std::move(object));
  Json result = **stored;
  result["metadata"].erase("resourceVersion");
  return result;
}

}  // namespace

AdmissionRequest admission_request(const Target& target,
                                   const WriteOptions& options,
                                   const char* operation) {
  AdmissionRequest request;
  request.info = target.info;
  request.subresource = target.subresource;
  request.namespace_ = target.namespace_;
  request.name = target.name;
  request.operation = operation;
  request.user = options.user;
  request.dry_run = options.dry_run;
  return request;
}

ApiStatus Objects::mutate(AdmissionRequest& request,
                          const WriteOptions& options,
                          std::vector<std::string>& warnings) {
  return options.reviews == Reviews::done ? ApiStatus{} : admission_.mutate(request, warnings);
}

ApiStatus Objects::validate(const AdmissionRequest& request,
                            const WriteOptions& options,
                            std::vector<std::string>& warnings) {
  return options.reviews == Reviews::done ? ApiStatus{} : admission_.validate(request, warnings);
}

ApiStatus Objects::check_namespace(const Target& target) const {
  const ResourceInfo& info = *target.info;
  const std::string& namespace_ = target.namespace_;
  if (info.scope != Scope::namespaced) {
    return {};
  }
  static const ResourceInfo& namespaces = *find_resource("", "namespaces");
  const Object found = store_.get(namespaces.key("", namespace_));
  if (found == nullptr) {
    return not_found(namespaces, namespace_);
  }
  if (dig_text(*found, {"status", "phase"}) == "Terminating") {
    return forbidden(info,
                     target.name,
                     "unable to create new content in namespace " + namespace_ +
                         " because it is being terminated");
  }
  return {};
}

ApiResult<Json> Objects::decode_sent(const ResourceInfo& info,
                                     const Json& sent,
                                     const WriteOptions& options,
                                     std::vector<std::string>& warnings) {
  KREDIS_CHECK(check_kind(info, sent));
  KREDIS_TRY(Decoded decoded, decode(info, sent));
  if (!decoded.unknown_fields.empty() && options.field_validation == FieldValidation::strict) {
    std::string list;
    for (const std::string& field : decoded.unknown_fields) {
      list += (list.empty() ? "unknown field \"" : ", unknown field \"") + field + "\"";
    }
    return bad_request(std::string(info.kind) + " in version \"" + std::string(info.version) +
                       "\" cannot be handled as a " + std::string(info.kind) +
                       ": strict decoding error: " + list);
  }
  for (const std::string& field : decoded.unknown_fields) {
    if (options.field_validation == FieldValidation::warn) {
      warnings.push_back("unknown field \"" + field + "\"");
    }
  }
  decoded.object["apiVersion"] = info.api_version();
  decoded.object["kind"] = info.kind;
  return std::move(decoded.object);
}

ApiResult<Written> Objects::create(const Target& target,
                                   const Json& sent,
                                   const WriteOptions& options) {
  std::vector<std::string> warnings;
  KREDIS_TRY(Json object, decode_sent(*target.info, sent, options, warnings));
  return create_decoded(target, std::move(object), options, std::move(warnings));
}

ApiResult<Written> Objects::create_decoded(Target target,
                                           Json object,
                                           const WriteOptions& options,
                                           std::vector<std::string> warnings) {
  KREDIS_CHECK(settle_metadata(target, object));
  KREDIS_CHECK(check_namespace(target));
  KREDIS_CHECK(admit_new(target, object, options, warnings));
  const Key key = target.key();
  if (store_.get(key) != nullptr) {
    return already_exists(*target.info, target.name);
  }
  if (options.dry_run == DryRun::yes) {
    return Written{pretend_to_store(key, std::move(object)), Outcome::created, warnings};
  }
  const auto stored = store_.create(key, std::move(object));
  if (!stored) {
    return already_exists(*target.info, target.name);
  }
  return Written{**stored, Outcome::created, warnings};
}

// Defaults, webhooks, checks and quota, in the order of the real server.
ApiStatus Objects::admit_new(const Target& target,
                             Json& object,
                             const WriteOptions& options,
                             std::vector<std::string>& warnings) {
  const ResourceInfo& info = *target.info;
  prepare_new(info, object);
  apply_defaults(info, object);
  apply_builtin_admission(store_, info, object);
  AdmissionRequest request = admission_request(target, options, "CREATE");
  request.object = std::move(object);
  KREDIS_CHECK(mutate(request, options, warnings));
  KREDIS_TRY(Decoded decoded, decode(info, request.object));
  object = std::move(decoded.object);
  apply_defaults(info, object);
  if (info.kind == "Service" && allocate_) {
    allocate_(object);
  }
  if (const auto causes = api::validate(info, object); !causes.empty()) {
    return invalid(info, target.name, causes);
  }
  request.object = object;
  KREDIS_CHECK(validate(request, options, warnings));
  KREDIS_CHECK(check_quota(store_, info, object));
  if (options.ownership == Ownership::to_be_tracked) {
    track_update(info, nullptr, object, manager_of(target, options));
  }
  return {};
}

ApiResult<Written> Objects::update(const Target& target,
                                   const Json& sent,
                                   const WriteOptions& options) {
  std::vector<std::string> warnings;
  KREDIS_TRY(const Json object, decode_sent(*target.info, sent, options, warnings));
  auto written = modify(
      target, [&](const Json&) -> ApiResult<Json> { return object; }, options);
  if (written) {
    written->warnings.insert(written->warnings.begin(), warnings.begin(), warnings.end());
  }
  return written;
}

ApiResult<Written> Objects::patch(const Target& target,
                                  PatchKind kind,
                                  const Json& sent,
                                  const WriteOptions& options) {
  if (kind == PatchKind::apply) {
    return apply(target, sent, options);
  }
  std::vector<std::string> warnings;
  auto written = modify(
      target,
      [&](const Json& live) -> ApiResult<Json> {
        warnings.clear();
        KREDIS_TRY(const Json patched, apply_patch(*target.info, kind, live, sent));
        return decode_sent(*target.info, patched, options, warnings);
      },
      options);
  if (written) {
    written->warnings.insert(written->warnings.begin(), warnings.begin(), warnings.end());
  }
  return written;
}

ApiResult<Written> Objects::apply(const Target& target,
                                  const Json& sent,
                                  const WriteOptions& options) {
  if (dig_text(sent, {"apiVersion"}).empty() || dig_text(sent, {"kind"}).empty()) {
    return bad_request("invalid object type: apiVersion and kind must be set");
  }
  if (!dig_list(sent, {"metadata", "managedFields"}).empty()) {
    return bad_request("metadata.managedFields must be nil");
  }
  std::vector<std::string> warnings;
  KREDIS_TRY(const Json applied, decode_sent(*target.info, sent, options, warnings));
  const auto join = [&](const Json& live) {
    return server_side_apply(
        *target.info, live, applied, manager_of(target, options), options.on_conflict);
  };
  WriteOptions recorded = options;
  recorded.ownership = Ownership::recorded;
  if (store_.get(target.key()) == nullptr) {
    KREDIS_TRY(Json object, join(nullptr));
    return create_decoded(target, std::move(object), recorded, std::move(warnings));
  }
  auto written = modify(target, join, recorded);
  if (written) {
    written->warnings.insert(written->warnings.begin(), warnings.begin(), warnings.end());
  }
  return written;
}

// What `live` becomes by `change`, after every check; equal to `live` when nothing changes.
ApiResult<Json> Objects::next_state(const Target& target,
                                    const Json& live,
                                    const Change& change,
                                    const WriteOptions& options,
                                    std::vector<std::string>& warnings) {
  const ResourceInfo& info = *target.info;
  KREDIS_TRY(Json next, change(live));
  const std::string wanted_version = dig_text(next, {"metadata", "resourceVersion"});
  if (!wanted_version.empty() && wanted_version != live["metadata"]["resourceVersion"]) {
    return modified_meanwhile(info, target.name);
  }
  const std::string wanted_uid = dig_text(next, {"metadata", "uid"});
  if (!wanted_uid.empty() && wanted_uid != live["metadata"]["uid"]) {
    return conflict(info,
                    target.name,
                    "Precondition failed: UID in precondition: " + wanted_uid +
                        ", UID in object meta: " + dig_text(live, {"metadata", "uid"}));
  }
  keep_server_fields(target, live, next);
  keep_allocations(info, live, next);
  apply_defaults(info, next);
  AdmissionRequest request = admission_request(target, options, "UPDATE");
  request.object = std::move(next);
  request.old_object = live;
  KREDIS_CHECK(mutate(request, options, warnings));
  KREDIS_TRY(Decoded decoded, decode(info, request.object));
  next = std::move(decoded.object);
  apply_defaults(info, next);
  if (info.kind == "Service" && allocate_) {
    allocate_(next);
  }
  if (target.subresource != "status") {
    auto causes = api::validate(info, next);
    const auto changes = validate_update(info, live, next);
    causes.insert(causes.end(), changes.begin(), changes.end());
    if (!causes.empty()) {
      return invalid(info, target.name, causes);
    }
  }
  request.object = next;
  KREDIS_CHECK(validate(request, options, warnings));
  if (options.ownership == Ownership::to_be_tracked) {
    track_update(info, live, next, manager_of(target, options));
  }
  return next;
}

ApiResult<Written> Objects::modify(const Target& target,
                                   const Change& change,
                                   const WriteOptions& options) {
  for (int attempt = 0; attempt < k_attempts; ++attempt) {
    const Object live = store_.get(target.key());
    if (live == nullptr) {
      return not_found(*target.info, target.name);
    }
    std::vector<std::string> warnings;
    KREDIS_TRY(Json next, next_state(target, *live, change, options, warnings));
    if (options.dry_run == DryRun::yes || next == *live) {
      return Written{std::move(next), Outcome::changed, warnings};
    }
    const auto stored = store_.update(target.key(), [&](Json& current) -> Status {
      if (current["metadata"]["resourceVersion"] != (*live)["metadata"]["resourceVersion"]) {
        return Error::conflict("somebody was quicker");
      }
      current = next;
      return {};
    });
    if (stored) {
      return Written{**stored, Outcome::changed, warnings};
    }
  }
  return modified_meanwhile(*target.info, target.name);
}

}  // namespace kredis::sandbox::api
