// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {
namespace {

// "statefulsets.apps", or "pods" for the core group.
std::string qualified(const ResourceInfo& info) {
  std::string name(info.resource);
  return info.group.empty() ? name : name + "." + std::string(info.group);
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Json details_of(const ResourceInfo& info, std::string_view name) {
  Json details = {{"kind", info.resource}};
  if (!name.empty()) {
    details["name"] = name;
  }
  if (!info.group.empty()) {
    details["group"] = info.group;
  }
  return details;
}

Json to_json(const std::vector<Cause>& causes) {
  Json list = Json::array();
  for (const Cause& cause : causes) {
    Json entry = {{"reason", cause.reason}, {"message", cause.message}};
    if (!cause.field.empty()) {
      entry["field"] = cause.field;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Json ApiError::to_json() const {
  Json status = {{"kind", "Status"},
                 {"apiVersion", "v1"},
                 {"metadata", Json::object()},
                 {"status", "Failure"},
                 {"code", code},
                 {"message", message}};
  if (!reason.empty()) {
    status["reason"] = reason;
  }
  if (!details.is_null()) {
    status["details"] = details;
  }
  return status;
}

ApiError not_found(const ResourceInfo& info, std::string_view name) {
  return {
      404, "NotFound", qualified(info) + " " + quoted(name) + " not found", details_of(info, name)};
}

ApiError already_exists(const ResourceInfo& info, std::string_view name) {
  return {409,
          "AlreadyExists",
          qualified(info) + " " + quoted(name) + " already exists",
          details_of(info, name)};
}

ApiError modified_meanwhile(const ResourceInfo& info, std::string_view name) {
  return conflict(info,
                  name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

ApiError conflict(const ResourceInfo& info, std::string_view name, std::string_view why) {
  return {409,
          "Conflict",
          "Operation cannot be fulfilled on " + qualified(info) + " " + quoted(name) + ": " +
              std::string(why),
          details_of(info, name)};
}

ApiError invalid(const ResourceInfo& info,
                 std::string_view name,
                 const std::vector<Cause>& causes) {
  Json details = details_of(info, name);
  details["kind"] = info.kind;
  details["causes"] = to_json(causes);
  std::string list;
  for (const Cause& cause : causes) {
    list += (list.empty() ? "" : ", ") + cause.field + ": " + cause.message;
  }
  if (causes.size() > 1) {
    list = "[" + list + "]";
  }
  const std::string kind =
      std::string(info.kind) + (info.group.empty() ? "" : ".") + std::string(info.group);
  return {422, "Invalid", kind + " " + quoted(name) + " is invalid: " + list, details};
}

ApiError forbidden(const ResourceInfo& info, std::string_view name, std::string_view why) {
  std::string message = qualified(info);
  if (!name.empty()) {
    message += " " + quoted(name);
  }
  return {403, "Forbidden", message + " is forbidden: " + std::string(why), details_of(info, name)};
}

ApiError bad_request(std::string message) { return {400, "BadRequest", std::move(message)}; }

ApiError unauthorized() { return {401, "Unauthorized", "Unauthorized"}; }

ApiError path_not_found() {
  return {404, "NotFound", "the server could not find the requested resource", Json::object()};
}

ApiError method_not_allowed() {
  return {405,
          "MethodNotAllowed",
          "the server does not allow this method on the requested resource",
          Json::object()};
}

ApiError unsupported_media_type(std::string_view got) {
  return {415,
          "UnsupportedMediaType",
          "the body of the request was in an unknown format - accepted media types include: "
          "application/json-patch+json, application/merge-patch+json, "
          "application/strategic-merge-patch+json, application/apply-patch+yaml, not " +
              quoted(got)};
}

ApiError expired(std::string message) { return {410, "Expired", std::move(message)}; }

ApiError too_many_requests(std::string message, const std::vector<Cause>& causes) {
  Json details = Json::object();
  if (!causes.empty()) {
    details["causes"] = to_json(causes);
  }
  return {429, "TooManyRequests", std::move(message), details};
}

ApiError internal_error(std::string_view why) {
  return {500,
          "InternalError",
          "Internal error occurred: " + std::string(why),
          {{"causes", Json::array({{{"message", why}}})}}};
}

ApiError from_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
      return bad_request(error.message);
    case ErrorCode::not_found:
      return {404, "NotFound", error.message};
    case ErrorCode::conflict:
      return {409, "Conflict", error.message};
    case ErrorCode::unauthorized:
    case ErrorCode::unreachable:
    case ErrorCode::timeout:
    case ErrorCode::unsafe:
    case ErrorCode::cancelled:
    case ErrorCode::protocol:
    case ErrorCode::internal:
      break;
  }
  return internal_error(error.message);
}

}  // namespace kredis::sandbox::api
