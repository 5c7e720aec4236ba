// SPDX-License-Identifier: Apache-2.0
//
// Requests that change something: create, patch, delete, and what subresources offer.
#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/patches.hpp"
#include "tests/sandbox/api/reading.hpp"
#include "tests/sandbox/api/rest_call.hpp"
#include "tests/sandbox/api/reviews.hpp"
#include "tests/sandbox/api/subresources.hpp"

namespace kredis::sandbox::api {
namespace {

// DeleteOptions come in the body or in the query; the body wins.
ApiResult<Json> delete_options_of(const HttpRequest& request) {
  Json options = Json::object();
  if (!request.body.empty()) {
    KREDIS_TRY(options, body_of(request));
  }
  if (!options.is_object()) {
    return bad_request("DeleteOptions must be an object");
  }
  if (request.query.has("propagationPolicy")) {
    set_default(options, "propagationPolicy", request.query.get("propagationPolicy"));
  }
  if (request.query.has("gracePeriodSeconds")) {
    const std::string text = request.query.get("gracePeriodSeconds");
    set_default(options, "gracePeriodSeconds", std::atoi(text.c_str()));
  }
  return options;
}

// DeleteOptions carry dryRun in the body.
DryRun dry_run_of(const Json& delete_options, const WriteOptions& options) {
  return dig_list(delete_options, {"dryRun"}).empty() ? options.dry_run : DryRun::yes;
}

Json deleted_status(const ResourceInfo& info, const Json& object) {
  Json details = {{"name", dig_text(object, {"metadata", "name"})},
                  {"kind", info.resource},
                  {"uid", dig_text(object, {"metadata", "uid"})}};
  if (!info.group.empty()) {
    details["group"] = info.group;
  }
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Success"},
          {"details", std::move(details)}};
}

// What a client gets for a deletion: a word when the object is gone, the object while it is going.
// Pods are always told as objects.
Json deletion_answer(const ResourceInfo& info, const Written& written) {
  return written.outcome == Outcome::deleting || info.kind == "Pod"
             ? written.object
             : deleted_status(info, written.object);
}

}  // namespace

ApiStatus RestApi::create(const Call& call) {
  KREDIS_TRY(const WriteOptions options, write_options_of(call.request, call.who));
  KREDIS_TRY(const Json body, body_of(call.request));
  if (call.info().kind == "Binding") {
    Target pod{find_resource("", "pods"),
               call.target().namespace_,
               dig_text(body, {"metadata", "name"}),
               ""};
    KREDIS_TRY(const Written bound, bind_pod(parts_.objects, pod, body, options));
    send_written(call.request, call.exchange, call.info(), bound);
    return {};
  }
  if (call.info().storage == Storage::virtual_) {
    KREDIS_TRY(const Json answer,
               answer_review(parts_.rbac, parts_.authenticator, call.info(), call.who, body));
    send_json(call.exchange, 201, answer);
    return {};
  }
  KREDIS_TRY(const Written written, parts_.objects.create(call.target(), body, options));
  send_written(call.request, call.exchange, call.info(), written);
  return {};
}

ApiStatus RestApi::patch(const Call& call) {
  KREDIS_TRY(WriteOptions options, write_options_of(call.request, call.who));
  KREDIS_TRY(const PatchKind kind, patch_kind_of(call.request.header("Content-Type")));
  if (kind == PatchKind::apply && !call.request.query.has("fieldManager")) {
    return bad_request(
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for "
        "apply patch");
  }
  KREDIS_TRY(const Json body, body_of(call.request));
  const bool scale = call.target().subresource == "scale";
  auto written =
      scale ? patch_scale(parts_.objects, parts_.admission, call.target(), kind, body, options)
            : parts_.objects.patch(call.target(), kind, body, options);
  if (!written) {
    return written.error();
  }
  send_written(call.request, call.exchange, call.info(), *written);
  return {};
}

ApiStatus RestApi::remove(const Call& call) {
  KREDIS_TRY(WriteOptions options, write_options_of(call.request, call.who));
  KREDIS_TRY(const Json delete_options, delete_options_of(call.request));
  options.dry_run = dry_run_of(delete_options, options);
  KREDIS_TRY(Written written, parts_.objects.remove(call.target(), delete_options, options));
  written.object = deletion_answer(call.info(), written);
  send_written(call.request, call.exchange, call.info(), written);
  return {};
}

ApiStatus RestApi::remove_collection(const Call& call) {
  KREDIS_TRY(WriteOptions options, write_options_of(call.request, call.who));
  KREDIS_TRY(const Json delete_options, delete_options_of(call.request));
  options.dry_run = dry_run_of(delete_options, options);
  options.named = Named::by_object_only;
  KREDIS_TRY(const Selection selection, selection_of(call.request, call.target()));
  KREDIS_TRY(const Json list, list_objects(parts_.store, call.request, selection));
  for (const Object& object : parts_.store.list(std::string(call.info().group),
                                                std::string(call.info().resource),
                                                call.target().namespace_)) {
    if (!selection.matches(*object)) {
      continue;
    }
    Target target = call.target();
    target.name = dig_text(*object, {"metadata", "name"});
    const auto removed = parts_.objects.remove(target, delete_options, options);
    if (!removed && removed.error().code != 404) {
      return removed.error();
    }
  }
  send_json(call.exchange, 200, list);
  return {};
}

ApiStatus RestApi::answer_subresource(const Call& call) {
  const std::string& part = call.target().subresource;
  const std::string& method = call.request.method;
  if (part == "exec" || part == "attach" || part == "portforward" || part == "log") {
    return answer_stream(call);
  }
  if (method == "GET" && (part == "status" || part == "scale")) {
    const Object object = parts_.store.get(call.target().key());
    if (object == nullptr) {
      return not_found(call.info(), call.target().name);
    }
    send_json(call.exchange, 200, part == "scale" ? scale_of(call.info(), *object) : *object);
    return {};
  }
  if (part == "status" || part == "finalize" || (part == "scale" && method == "PATCH")) {
    return part == "scale" ? patch(call) : answer_write(call);
  }
  KREDIS_TRY(const WriteOptions options, write_options_of(call.request, call.who));
  KREDIS_TRY(const Json body, body_of(call.request));
  ApiResult<Written> written = method_not_allowed();
  if (part == "scale" && method == "PUT") {
    written = update_scale(parts_.objects, parts_.admission, call.target(), body, options);
  } else if (part == "eviction" && method == "POST") {
    written = evict_pod(parts_.objects, parts_.admission, call.target(), body, options);
  } else if (part == "binding" && method == "POST") {
    written = bind_pod(parts_.objects, call.target(), body, options);
  } else if (part == "token" && method == "POST") {
    written = request_token(parts_.objects, parts_.authenticator.issuer(), call.target(), body);
  }
  if (!written) {
    return written.error();
  }
  send_written(call.request, call.exchange, call.info(), *written);
  return {};
}

}  // namespace kredis::sandbox::api
