// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/subresources.hpp"

#include <algorithm>
#include <ctime>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/names.hpp"
#include "tests/sandbox/api/patches.hpp"
#include "tests/sandbox/api/selectors.hpp"

namespace kredis::sandbox::api {
namespace {

// As Kubernetes' own type is written, which leaves a zero out.
Json scale_spec(std::int64_t replicas) {
  return replicas == 0 ? Json::object() : Json{{"replicas", replicas}};
}

std::string selector_text(const Json& selector) {
  std::string text;
  const Json labels = selector.value("matchLabels", Json::object());
  for (const auto& [key, value] : labels.items()) {
    text += (text.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  }
  return text;
}

// Webhooks judge the Scale; the workload itself has not been touched by its author.
// NOLINTNEXTLINE(readability-function-size): what a review is made of.
ApiResult<Json> admit_scale(Admission& admission,
                            const Target& target,
                            const Json& before,
                            const Json& after,
                            const WriteOptions& options,
                            std::vector<std::string>& warnings) {
  AdmissionRequest request = admission_request(target, options, "UPDATE");
  request.object_kind = "Scale";
  request.object_api_version = "autoscaling/v1";
  request.object = after;
  request.old_object = before;
  KREDIS_CHECK(admission.mutate(request, warnings));
  KREDIS_CHECK(admission.validate(request, warnings));
  return request.object;
}

// For the object behind a subresource: its own webhooks have nothing to say.
WriteOptions admitted(WriteOptions options) {
  options.reviews = Reviews::done;
  return options;
}

using ScaleChange = std::function<ApiResult<Json>(const Json& scale)>;

ApiResult<Written> change_scale(Objects& objects,
                                Admission& admission,
                                const Target& target,
                                const ScaleChange& change,
                                const WriteOptions& options) {
  std::vector<std::string> warnings;
  auto written = objects.modify(
      target,
      [&](const Json& live) -> ApiResult<Json> {
        warnings.clear();
        const Json before = scale_of(*target.info, live);
        KREDIS_TRY(Json after, change(before));
        const std::int64_t replicas = dig_number(after, {"spec", "replicas"}, 0);
        if (replicas < 0) {
          return invalid(
              *target.info,
              target.name,
              {invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")});
        }
        after["spec"] = scale_spec(replicas);
        KREDIS_TRY(after, admit_scale(admission, target, before, after, options, warnings));
        Json next = live;
        next["spec"]["replicas"] = dig_number(after, {"spec", "replicas"}, 0);
        const std::string version = dig_text(after, {"metadata", "resourceVersion"});
        if (!version.empty()) {
          next["metadata"]["resourceVersion"] = version;
        }
        return next;
      },
      admitted(options));
  if (!written) {
    return written;
  }
  written->object = scale_of(*target.info, written->object);
  written->warnings.insert(written->warnings.begin(), warnings.begin(), warnings.end());
  return written;
}

bool is_ready(const Json& pod) {
  const Json& conditions = dig_list(pod, {"status", "conditions"});
  return std::any_of(conditions.begin(), conditions.end(), [](const Json& condition) {
    return dig_text(condition, {"type"}) == "Ready" && dig_text(condition, {"status"}) == "True";
  });
}

std::vector<Object> budgets_of(const Store& store, const Json& pod) {
  std::vector<Object> budgets =
      store.list("policy", "poddisruptionbudgets", dig_text(pod, {"metadata", "namespace"}));
  std::erase_if(budgets, [&](const Object& budget) {
    return !LabelSelector::from_object(dig(*budget, {"spec", "selector"})).matches(labels_of(pod));
  });
  return budgets;
}

ApiError violates(const Json& budget) {
  const std::string name = dig_text(budget, {"metadata", "name"});
  const std::string message =
      "The disruption budget " + name + " needs " +
      std::to_string(dig_number(budget, {"status", "desiredHealthy"})) + " healthy pods and has " +
      std::to_string(dig_number(budget, {"status", "currentHealthy"})) + " currently";
  return too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.",
                           {{"DisruptionBudget", message}});
}

// Takes one disruption out of the budget, so that two evictions at once cannot share it.
ApiStatus spend_budget(Store& store, const Json& budget, const std::string& pod) {
  const Key key{"policy",
                "poddisruptionbudgets",
                dig_text(budget, {"metadata", "namespace"}),
                dig_text(budget, {"metadata", "name"})};
  const auto spent = store.update(key, [&](Json& changed) -> Status {
    const std::int64_t allowed = dig_number(changed, {"status", "disruptionsAllowed"});
    if (allowed <= 0) {
      return Error::conflict("nothing left");
    }
    changed["status"]["disruptionsAllowed"] = allowed - 1;
    changed["status"]["disruptedPods"][pod] = timestamp_now();
    return {};
  });
  return spent ? ApiStatus{} : ApiStatus(violates(budget));
}

}  // namespace

Json scale_of(const ResourceInfo& info, const Json& workload) {
  const Json& selector = dig(workload, {"spec", "selector"});
  Json metadata = Json::object();
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (dig(workload, {"metadata"}).contains(field)) {
      metadata[field] = workload["metadata"][field];
    }
  }
  Json status = {{"replicas", dig_number(workload, {"status", "replicas"})}};
  if (selector.is_object()) {
    status["selector"] = info.kind == "ReplicationController" ? "" : selector_text(selector);
  }
  return {{"kind", "Scale"},
          {"apiVersion", "autoscaling/v1"},
          {"metadata", std::move(metadata)},
          {"spec", scale_spec(dig_number(workload, {"spec", "replicas"}))},
          {"status", std::move(status)}};
}

ApiResult<Written> update_scale(Objects& objects,
                                Admission& admission,
                                const Target& target,
                                const Json& scale,
                                const WriteOptions& options) {
  return change_scale(
      objects, admission, target, [&](const Json&) -> ApiResult<Json> { return scale; }, options);
}

// NOLINTNEXTLINE(readability-function-size): what a patch is made of.
ApiResult<Written> patch_scale(Objects& objects,
                               Admission& admission,
                               const Target& target,
                               PatchKind kind,
                               const Json& patch,
                               const WriteOptions& options) {
  static const ResourceInfo scale_info{
      "autoscaling", "v1", "scales", "Scale", "autoscaling.v1.Scale"};
  return change_scale(
      objects,
      admission,
      target,
      [&](const Json& scale) -> ApiResult<Json> {
        if (kind == PatchKind::apply) {
          Json next = scale;
          next["spec"]["replicas"] = dig(patch, {"spec", "replicas"});
          return next;
        }
        KREDIS_TRY(Json next, apply_patch(scale_info, kind, scale, patch));
        next["metadata"].erase("resourceVersion");  // A patch is meant for whatever is there.
        return next;
      },
      options);
}

ApiResult<Written> evict_pod(Objects& objects,
                             Admission& admission,
                             const Target& target,
                             const Json& eviction,
                             const WriteOptions& options) {
  const Object pod = objects.store().get(target.key());
  if (pod == nullptr) {
    return not_found(*target.info, target.name);
  }
  std::vector<std::string> warnings;
  AdmissionRequest request = admission_request(target, options, "CREATE");
  request.object_kind = "Eviction";
  request.object_api_version = "policy/v1";
  request.object = eviction;
  KREDIS_CHECK(admission.mutate(request, warnings));
  KREDIS_CHECK(admission.validate(request, warnings));

  // A pod that serves nobody is not protected.
  const std::string phase = dig_text(*pod, {"status", "phase"});
  const bool serves =
      phase == "Running" && is_ready(*pod) && !(*pod)["metadata"].contains("deletionTimestamp");
  const auto budgets = serves ? budgets_of(objects.store(), *pod) : std::vector<Object>{};
  if (budgets.size() > 1) {
    return internal_error(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support.");
  }
  if (!budgets.empty()) {
    if (dig_number(*budgets[0], {"status", "disruptionsAllowed"}) <= 0) {
      return violates(*budgets[0]);
    }
    if (options.dry_run == DryRun::no) {
      KREDIS_CHECK(spend_budget(objects.store(), *budgets[0], target.name));
    }
  }
  Target whole = target;
  whole.subresource.clear();
  KREDIS_TRY(Written deleted,
             objects.remove(whole, dig(eviction, {"deleteOptions"}), admitted(options)));
  deleted.warnings.insert(deleted.warnings.begin(), warnings.begin(), warnings.end());
  deleted.object = {{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", Json::object()},
                    {"status", "Success"},
                    {"code", 201}};
  deleted.outcome = Outcome::created;
  return deleted;
}

ApiResult<Written> bind_pod(Objects& objects,
                            const Target& target,
                            const Json& binding,
                            const WriteOptions& options) {
  const std::string node = dig_text(binding, {"target", "name"});
  Target whole = target;
  whole.subresource.clear();
  KREDIS_TRY(Written written,
             objects.modify(
                 whole,
                 [&](const Json& live) -> ApiResult<Json> {
                   const std::string current = dig_text(live, {"spec", "nodeName"});
                   if (!current.empty()) {
                     return conflict(
                         *target.info,
                         target.name,
                         "pod " + target.name + " is already assigned to node \"" + current + "\"");
                   }
                   Json next = live;
                   next["spec"]["nodeName"] = node;
                   return next;
                 },
                 admitted(options)));
  written.object = {{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", Json::object()},
                    {"status", "Success"},
                    {"code", 201}};
  written.outcome = Outcome::created;
  return written;
}

ApiResult<Written> request_token(Objects& objects,
                                 const TokenIssuer& issuer,
                                 const Target& target,
                                 const Json& request) {
  if (objects.store().get(target.key()) == nullptr) {
    return not_found(*target.info, target.name);
  }
  const auto lifetime = std::chrono::seconds(std::clamp<std::int64_t>(
      dig_number(request, {"spec", "expirationSeconds"}, 3600), 600, 365LL * 24 * 3600));
  Json answer = request;
  answer["kind"] = "TokenRequest";
  answer["apiVersion"] = "authentication.k8s.io/v1";
  const std::time_t end = std::time(nullptr) + static_cast<std::time_t>(lifetime.count());
  std::tm parts{};
  gmtime_r(&end, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  answer["status"] = {{"token", issuer.issue(target.namespace_, target.name, lifetime)},
                      {"expirationTimestamp", text}};
  return Written{std::move(answer), Outcome::created, {}};
}

}  // namespace kredis::sandbox::api
