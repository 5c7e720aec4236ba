// SPDX-License-Identifier: Apache-2.0
//
// How objects go: at once, after a pod's grace period, or when their finalizers let them.
#include <algorithm>
#include <array>
#include <ctime>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/objects.hpp"

namespace kredis::sandbox::api {
namespace {

// What a DeleteOptions body asks for.
struct DeleteRequest {
  std::string uid;
  std::string resource_version;
  std::string propagation;
  std::int64_t grace_seconds = -1;  ///< Negative: not said.
};

DeleteRequest parse(const Json& sent) {
  DeleteRequest request;
  request.uid = dig_text(sent, {"preconditions", "uid"});
  request.resource_version = dig_text(sent, {"preconditions", "resourceVersion"});
  request.propagation = dig_text(sent, {"propagationPolicy"});
  request.grace_seconds = dig_number(sent, {"gracePeriodSeconds"}, -1);
  const Json& orphan = dig(sent, {"orphanDependents"});
  if (orphan.is_boolean() && request.propagation.empty()) {
    request.propagation = orphan.get<bool>() ? "Orphan" : "Background";
  }
  return request;
}

ApiStatus check_preconditions(const Target& target,
                              const Json& live,
                              const DeleteRequest& request) {
  const auto differs = [&](const char* what, const char* field, const std::string& wanted) {
    return conflict(*target.info,
                    target.name,
                    std::string("Precondition failed: ") + what + " in precondition: " + wanted +
                        ", " + what + " in object meta: " + dig_text(live, {"metadata", field}));
  };
  if (!request.uid.empty() && request.uid != dig_text(live, {"metadata", "uid"})) {
    return differs("UID", "uid", request.uid);
  }
  if (!request.resource_version.empty() &&
      request.resource_version != dig_text(live, {"metadata", "resourceVersion"})) {
    return differs("ResourceVersion", "resourceVersion", request.resource_version);
  }
  return {};
}

// A pod that no node runs, or whose containers are through, needs no time to end.
std::int64_t grace_of(const Json& pod, const DeleteRequest& request) {
  const std::string phase = dig_text(pod, {"status", "phase"});
  if (dig_text(pod, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed") {
    return 0;
  }
  return request.grace_seconds >= 0
             ? request.grace_seconds
             : dig_number(pod, {"spec", "terminationGracePeriodSeconds"}, 30);
}

std::string timestamp_in(std::int64_t seconds) {
  const std::time_t moment = std::time(nullptr) + static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&moment, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

void add_finalizer(Json& object, const char* finalizer) {
  Json& list = object["metadata"]["finalizers"];
  if (!list.is_array()) {
    list = Json::array();
  }
  if (std::find(list.begin(), list.end(), finalizer) == list.end()) {
    list.push_back(finalizer);
  }
}

// Marks an object as going. A second deletion can only shorten a pod's grace.
void mark_deleted(const ResourceInfo& info, Json& object, const DeleteRequest& request) {
  Json& metadata = object["metadata"];
  const bool marked = metadata.contains("deletionTimestamp");
  if (info.kind == "Pod") {
    const std::int64_t grace = grace_of(object, request);
    if (!marked || grace < dig_number(metadata, {"deletionGracePeriodSeconds"}, 0)) {
      metadata["deletionTimestamp"] = timestamp_in(grace);
      metadata["deletionGracePeriodSeconds"] = grace;
    }
  } else if (!marked) {
    metadata["deletionTimestamp"] = timestamp_now();
    metadata["deletionGracePeriodSeconds"] = 0;
  }
  if (request.propagation == "Foreground") {
    add_finalizer(object, "foregroundDeletion");
  } else if (request.propagation == "Orphan") {
    add_finalizer(object, "orphan");
  }
  if (info.kind == "Namespace") {
    object["status"]["phase"] = "Terminating";
  }
}

}  // namespace

ApiResult<Written> Objects::remove(const Target& target,
                                   const Json& sent,
                                   const WriteOptions& options) {
  const Object live = store_.get(target.key());
  if (live == nullptr) {
    return not_found(*target.info, target.name);
  }
  if (target.info->kind == "Namespace" &&
      (target.name == "default" || target.name.starts_with("kube-"))) {
    return forbidden(*target.info, target.name, "this namespace may not be deleted");
  }
  const DeleteRequest request = parse(sent);
  KREDIS_CHECK(check_preconditions(target, *live, request));
  std::vector<std::string> warnings;
  AdmissionRequest review;
  review.info = target.info;
  review.namespace_ = target.namespace_;
  review.name = options.named == Named::by_request ? target.name : std::string{};
  review.operation = "DELETE";
  review.user = options.user;
  review.dry_run = options.dry_run;
  review.old_object = *live;
  KREDIS_CHECK(mutate(review, options, warnings));
  KREDIS_CHECK(validate(review, options, warnings));
  if (options.dry_run == DryRun::yes) {
    return Written{*live, Outcome::deleted, warnings};
  }
  const auto gone = store_.update(target.key(), [&](Json& object) -> Status {
    if (object["metadata"]["uid"] != (*live)["metadata"]["uid"]) {
      return Error::conflict("another object of that name");
    }
    mark_deleted(*target.info, object, request);
    return {};
  });
  if (!gone) {
    return not_found(*target.info, target.name);
  }
  const bool still_there = store_.get(target.key()) != nullptr;
  return Written{**gone, still_there ? Outcome::deleting : Outcome::deleted, warnings};
}

}  // namespace kredis::sandbox::api
