// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/admission.hpp"

#include <algorithm>
#include <random>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/selectors.hpp"

namespace kredis::sandbox::api {
namespace {

const std::string k_webhook_group = "admissionregistration.k8s.io";

bool lists(const Json& rule, const char* field, std::string_view value) {
  const Json& list = dig_list(rule, {field});
  return std::any_of(
      list.begin(), list.end(), [&](const Json& entry) { return entry == "*" || entry == value; });
}

// "pods", "pods/exec", "pods/*", "*" (no subresource), "*/*", "*/scale".
bool covers_resource(const std::string& pattern,
                     std::string_view resource,
                     const std::string& subresource) {
  const std::size_t slash = pattern.find('/');
  const std::string first = pattern.substr(0, slash);
  const std::string second = slash == std::string::npos ? "" : pattern.substr(slash + 1);
  if (first != "*" && first != resource) {
    return false;
  }
  return slash == std::string::npos ? subresource.empty() : second == "*" || second == subresource;
}

bool covers(const Json& rule, const AdmissionRequest& request) {
  const ResourceInfo& info = *request.info;
  const std::string scope = dig_text(rule, {"scope"});
  const bool namespaced = info.scope == Scope::namespaced;
  if ((scope == "Namespaced" && !namespaced) || (scope == "Cluster" && namespaced)) {
    return false;
  }
  const Json& patterns = dig_list(rule, {"resources"});
  return lists(rule, "operations", request.operation) && lists(rule, "apiGroups", info.group) &&
         lists(rule, "apiVersions", info.version) &&
         std::any_of(patterns.begin(), patterns.end(), [&](const Json& pattern) {
           return pattern.is_string() &&
                  covers_resource(pattern.get<std::string>(), info.resource, request.subresource);
         });
}

std::string random_uid() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char text[40];
  std::snprintf(text,
                sizeof text,
                "%08x-%04x-4%03x-8%03x-%012llx",
                static_cast<unsigned>(random()),
                static_cast<unsigned>(random() & 0xffffU),
                static_cast<unsigned>(random() & 0xfffU),
                static_cast<unsigned>(random() & 0xfffU),
                static_cast<unsigned long long>(random() & 0xffffffffffffULL));
  return text;
}

Json kind_of(const AdmissionRequest& request) {
  std::string version = request.object_api_version.empty()
                            ? request.info->api_version()
                            : std::string(request.object_api_version);
  const std::size_t slash = version.find('/');
  const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
  return {{"group", group},
          {"version", slash == std::string::npos ? version : version.substr(slash + 1)},
          {"kind", request.object_kind.empty() ? request.info->kind : request.object_kind}};
}

Json review_of(const AdmissionRequest& request, const std::string& uid) {
  const ResourceInfo& info = *request.info;
  const Json resource = {
      {"group", info.group}, {"version", info.version}, {"resource", info.resource}};
  Json question = {{"uid", uid},
                   {"kind", kind_of(request)},
                   {"resource", resource},
                   {"requestKind", kind_of(request)},
                   {"requestResource", resource},
                   {"operation", request.operation},
                   {"userInfo", {{"username", request.user.user}, {"groups", request.user.groups}}},
                   {"object", request.object},
                   {"oldObject", request.old_object},
                   {"dryRun", request.dry_run == DryRun::yes},
                   {"options", nullptr}};
  if (!request.name.empty()) {
    question["name"] = request.name;
  }
  if (!request.namespace_.empty()) {
    question["namespace"] = request.namespace_;
  }
  if (!request.subresource.empty()) {
    question["subResource"] = request.subresource;
    question["requestSubResource"] = request.subresource;
  }
  return {
      {"apiVersion", "admission.k8s.io/v1"}, {"kind", "AdmissionReview"}, {"request", question}};
}

// What the API server answers when a webhook says no.
ApiError denied(const std::string& webhook, const Json& status) {
  const std::string start = "admission webhook \"" + webhook + "\" denied the request";
  const std::string why = dig_text(status, {"message"});
  const std::string reason = dig_text(status, {"reason"});
  ApiError error;
  error.code = static_cast<int>(std::clamp<std::int64_t>(dig_number(status, {"code"}), 400, 599));
  error.reason = reason;
  error.message = !why.empty()      ? start + ": " + why
                  : !reason.empty() ? start + ": " + reason
                                    : start + " without explanation";
  error.details = dig(status, {"details"});
  return error;
}

ApiStatus apply_answer_patch(const std::string& name, const Json& response, Json& object) {
  const std::string encoded = dig_text(response, {"patch"});
  if (encoded.empty()) {
    return {};
  }
  const Json patch = Json::parse(base64_decode(encoded).value_or(""), nullptr, false);
  try {
    if (dig_text(response, {"patchType"}) == "JSONPatch" && patch.is_array()) {
      object = object.patch(patch);
      return {};
    }
  } catch (const Json::exception& problem) {
    return internal_error("failed calling webhook \"" + name + "\": patch: " + problem.what());
  }
  return internal_error("failed calling webhook \"" + name + "\": the patch is no JSONPatch");
}

}  // namespace

bool Admission::selects(const Json& webhook, const AdmissionRequest& request) const {
  const Json& rules = dig_list(webhook, {"rules"});
  if (std::none_of(
          rules.begin(), rules.end(), [&](const Json& rule) { return covers(rule, request); })) {
    return false;
  }
  const auto matches = [&](const char* selector, const Json& object) {
    return LabelSelector::from_object(dig(webhook, {selector})).matches(labels_of(object));
  };
  if (!matches("objectSelector", request.object) &&
      !matches("objectSelector", request.old_object)) {
    return false;
  }
  if (request.info->kind == "Namespace") {
    return matches("namespaceSelector",
                   request.object.is_null() ? request.old_object : request.object);
  }
  const Object space =
      request.namespace_.empty() ? nullptr : store_.get({"", "namespaces", "", request.namespace_});
  return space == nullptr || matches("namespaceSelector", *space);
}

// In the order of their names, as the API server calls them.
std::vector<Json> Admission::webhooks_for(const AdmissionRequest& request, Phase phase) const {
  std::vector<Json> chosen;
  if (request.info->group == k_webhook_group) {
    return chosen;  // Webhooks never judge webhooks.
  }
  const char* const resource = phase == Phase::mutating ? "mutatingwebhookconfigurations"
                                                        : "validatingwebhookconfigurations";
  for (const Object& configuration : store_.list(k_webhook_group, resource)) {
    for (const Json& webhook : dig_list(*configuration, {"webhooks"})) {
      if (selects(webhook, request)) {
        chosen.push_back(webhook);
      }
    }
  }
  return chosen;
}

ApiStatus Admission::call(const Json& webhook,
                          AdmissionRequest& request,
                          Phase phase,
                          std::vector<std::string>& warnings) {
  const std::string name = dig_text(webhook, {"name"});
  const std::string effects = dig_text(webhook, {"sideEffects"});
  if (request.dry_run == DryRun::yes && effects != "None" && effects != "NoneOnDryRun") {
    return bad_request("admission webhook \"" + name + "\" does not support dry run");
  }
  const std::string uid = random_uid();
  const auto patience = std::chrono::seconds(dig_number(webhook, {"timeoutSeconds"}, 10));
  const auto answer =
      client_.post(dig(webhook, {"clientConfig"}), review_of(request, uid), patience);
  const Json response = answer ? dig(*answer, {"response"}) : Json{};
  if (!answer || dig_text(response, {"uid"}) != uid) {
    if (dig_text(webhook, {"failurePolicy"}) == "Ignore") {
      return {};
    }
    const std::string why =
        answer ? "expected response.uid=\"" + uid + "\"" : answer.error().message;
    return internal_error("failed calling webhook \"" + name +
                          "\": failed to call webhook: " + why);
  }
  for (const Json& warning : dig_list(response, {"warnings"})) {
    if (warning.is_string()) {
      warnings.push_back(warning.get<std::string>());
    }
  }
  if (dig(response, {"allowed"}) != true) {
    return denied(name, dig(response, {"status"}));
  }
  return phase == Phase::mutating ? apply_answer_patch(name, response, request.object)
                                  : ApiStatus{};
}

ApiStatus Admission::mutate(AdmissionRequest& request, std::vector<std::string>& warnings) {
  std::vector<Json> called;
  for (const Json& webhook : webhooks_for(request, Phase::mutating)) {
    const Json before = request.object;
    KREDIS_CHECK(call(webhook, request, Phase::mutating, warnings));
    if (request.object != before) {
      // Those that asked for it look again at what a later one changed.
      for (const Json& earlier : called) {
        if (dig_text(earlier, {"reinvocationPolicy"}) == "IfNeeded") {
          KREDIS_CHECK(call(earlier, request, Phase::mutating, warnings));
        }
      }
    }
    called.push_back(webhook);
  }
  return {};
}

ApiStatus Admission::validate(const AdmissionRequest& request, std::vector<std::string>& warnings) {
  AdmissionRequest copy = request;
  for (const Json& webhook : webhooks_for(request, Phase::validating)) {
    KREDIS_CHECK(call(webhook, copy, Phase::validating, warnings));
  }
  return {};
}

}  // namespace kredis::sandbox::api
