// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/patches.hpp"

#include "tests/sandbox/api/strategic_merge.hpp"

namespace kredis::sandbox::api {
namespace {

ApiResult<Json> apply_json_patch(const Json& live, const Json& patch) {
  try {
    return live.patch(patch);
  } catch (const Json::parse_error& problem) {
    return bad_request("error decoding patch: " + std::string(problem.what()));
  } catch (const Json::exception& problem) {
    return ApiError{422,
                    "Invalid",
                    "the server rejected our request due to an error in our request: " +
                        std::string(problem.what()),
                    Json::object()};
  }
}

}  // namespace

ApiResult<Json> apply_patch(const ResourceInfo& info,
                            PatchKind kind,
                            const Json& live,
                            const Json& patch) {
  if (kind == PatchKind::json) {
    return apply_json_patch(live, patch);
  }
  if (!patch.is_object()) {
    return bad_request("the patch must be an object");
  }
  const ObjectType* type = find_type(info.schema);
  if (kind == PatchKind::strategic && type != nullptr) {
    return strategic_merge(*type, live, patch);
  }
  Json merged = live;
  merged.merge_patch(patch);
  return merged;
}

ApiResult<PatchKind> patch_kind_of(std::string_view media_type) {
  const std::string_view type = media_type.substr(0, media_type.find(';'));
  if (type == "application/json-patch+json") {
    return PatchKind::json;
  }
  if (type == "application/merge-patch+json") {
    return PatchKind::merge;
  }
  if (type == "application/strategic-merge-patch+json") {
    return PatchKind::strategic;
  }
  if (type == "application/apply-patch+yaml") {
    return PatchKind::apply;
  }
  return unsupported_media_type(media_type);
}

}  // namespace kredis::sandbox::api
