// SPDX-License-Identifier: Apache-2.0
#include "webhook/decision.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "shared/kube/encoding.hpp"

namespace kredis::webhook {
namespace {

using policy::Objection;
using policy::RuleSeverity;

/// Kubernetes docs, Dynamic Admission Control, ask for 120 characters at the most.
constexpr std::size_t k_warning_limit = 120;
/// A UUID has 36 characters. This one is echoed and logged, so it has a bound.
constexpr std::size_t k_uid_limit = 256;
/// The API server passes on 4096 bytes of warnings in all.
constexpr std::size_t k_warnings_limit = 30;

struct LevelName {
  Level level;
  std::string_view name;
};
constexpr std::array k_levels{LevelName{Level::enforce, "enforce"},
                              LevelName{Level::warn, "warn"},
                              LevelName{Level::audit, "audit"},
                              LevelName{Level::off, "off"}};

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Json take(Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() ? std::move(*found) : Json{};
}

Error broken(const std::string& what) { return Error::invalid_argument("not a review: " + what); }

/// Cut between characters of UTF-8, not inside one.
std::string shortened(std::string text, std::size_t limit) {
  // Warnings reach the client in a header field each (RFC 7234, section 5.5), which is one line.
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (text.size() <= limit) {
    return text;
  }
  std::size_t end = limit - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end) + "...";
}

std::string refusal_text(const std::vector<Objection>& objections) {
  std::string text;
  for (const Objection& objection : objections) {
    if (objection.severity != RuleSeverity::error) {
      continue;
    }
    text += (text.empty() ? "[" : "\n[") + objection.rule + "] " + objection.message;
    if (!objection.path.empty()) {
      text += " (at " + objection.path + ": found " + objection.found + ", wanted " +
              objection.wanted + ")";
    }
  }
  return text;
}

void warn(Decision& decision, std::string text) {
  if (decision.warnings.size() < k_warnings_limit) {
    decision.warnings.push_back(shortened(std::move(text), k_warning_limit));
  }
}

/// The deletion of a collection is reviewed object by object, and names none of them; a namespace
/// need not say that it is in itself.
void take_names(Review& review) {
  const Json& object = review.object.is_object() ? review.object : review.before;
  const Json::json_pointer name("/metadata/name");
  if (review.name.empty() && object.is_object()) {
    review.name = text_at(object, name);
  }
  if (review.namespace_name.empty() && review.resource == "namespaces") {
    review.namespace_name = review.name;
  }
}

bool is_leaving(const Json& object) {
  const Json::json_pointer where("/metadata/deletionTimestamp");
  return object.contains(where);
}

/// Errors that were there before this change only warn. Most objects are older than the webhook:
/// who scales one or changes its image must not have to mend the rest first.
void excuse_old_errors(std::vector<Objection>& objections, const policy::Verdict& before) {
  for (Objection& objection : objections) {
    const bool is_old =
        std::any_of(before.objections.begin(), before.objections.end(), [&](const Objection& old) {
          return old.rule == objection.rule && old.path == objection.path &&
                 old.found == objection.found;
        });
    if (is_old && objection.severity == RuleSeverity::error) {
      objection.severity = RuleSeverity::warning;
    }
  }
}

void decide_mutation(Decision& decision, policy::Verdict verdict) {
  if (verdict.patch.empty()) {
    return;
  }
  if (decision.level == Level::enforce) {
    decision.patch = std::move(verdict.patch);
    return;
  }
  // At audit nothing is said to the user, and nothing is filled in below enforce.
  if (decision.level == Level::warn) {
    for (const Json& operation : verdict.patch) {
      warn(decision, "would fill in " + text_of(operation, "path"));
    }
  }
}

void decide_validation(Decision& decision) {
  const bool refuses = std::any_of(
      decision.objections.begin(), decision.objections.end(), [](const Objection& objection) {
        return objection.severity == RuleSeverity::error;
      });
  if (refuses && decision.level == Level::enforce) {
    decision.allowed = false;
    decision.message = refusal_text(decision.objections);
  }
  // At audit users notice nothing; the audit log and the metrics tell.
  if (decision.level == Level::audit) {
    return;
  }
  for (const Objection& objection : decision.objections) {
    const bool is_said = objection.severity == RuleSeverity::warning ||
                         (objection.severity == RuleSeverity::error && decision.allowed);
    if (is_said) {
      warn(decision, warning_text(objection));
    }
  }
}

/// Workloads are what rules judge; other kinds that run pods come here for guards alone.
void tell_silence(Decision& decision,
                  const Review& review,
                  const Policy& policy,
                  const policy::Surroundings& around) {
  if (review.resource != "statefulsets" && review.resource != "deployments") {
    return;
  }
  decision.not_judged = policy.silence(review.object, around).because;
  if (!decision.not_judged.empty() && decision.level != Level::audit) {
    warn(decision, "not judged: " + decision.not_judged);
  }
}

/// The API server puts the webhook's name before each key (admission.k8s.io/v1, auditAnnotations).
Json annotations_of(const Decision& decision) {
  Json annotations = Json::object();
  if (!decision.not_judged.empty()) {
    annotations["not-judged"] = shortened(decision.not_judged, k_warning_limit);
  }
  if (!decision.recognised) {
    return annotations;
  }
  annotations["level"] = to_text(decision.level);
  if (decision.ignored) {
    annotations["ignored"] = "true";
  }
  std::set<std::string> rules;
  for (const Objection& objection : decision.objections) {
    rules.insert(objection.rule);
  }
  std::string text;
  for (const std::string& rule : rules) {
    text += (text.empty() ? "" : ",") + rule;
  }
  if (!text.empty()) {
    annotations["rules"] = text;
  }
  if (decision.guarded) {
    annotations["view-age"] = decision.view_age_seconds
                                  ? std::to_string(*decision.view_age_seconds) + "s"
                                  : std::string("blind");
  }
  if (decision.overridden) {
    annotations["overridden"] = "true";
  }
  if (!decision.patch.empty()) {
    annotations["filled-in"] = std::to_string(decision.patch.size());
  }
  return annotations;
}

}  // namespace

std::string_view to_text(Level level) {
  const auto* const row = std::find_if(
      k_levels.begin(), k_levels.end(), [&](const LevelName& it) { return it.level == level; });
  return row != k_levels.end() ? row->name : "";
}

std::optional<Level> level_of(std::string_view text) {
  const auto* const row = std::find_if(
      k_levels.begin(), k_levels.end(), [&](const LevelName& it) { return it.name == text; });
  return row != k_levels.end() ? std::optional(row->level) : std::nullopt;
}

Result<Review> parse_review(Json body) {
  if (!body.is_object() || text_of(body, "kind") != "AdmissionReview") {
    return broken("the kind must be AdmissionReview");
  }
  if (text_of(body, "apiVersion") != "admission.k8s.io/v1") {
    return broken("the apiVersion must be admission.k8s.io/v1");
  }
  Json request = take(body, "request");
  if (!request.is_object()) {
    return broken("the request is missing");
  }
  Review review;
  review.uid = text_of(request, "uid");
  // The API server discards an answer that does not repeat its uid.
  if (review.uid.empty() || review.uid.size() > k_uid_limit) {
    return broken("the request's uid is missing");
  }
  review.operation = text_of(request, "operation");
  constexpr std::array<std::string_view, 4> k_operations{"CREATE", "UPDATE", "DELETE", "CONNECT"};
  if (std::find(k_operations.begin(), k_operations.end(), review.operation) == k_operations.end()) {
    return broken("the operation is none of CREATE, UPDATE, DELETE, CONNECT");
  }
  const Json kind = take(request, "kind");
  review.kind = kind.is_object() ? text_of(kind, "kind") : "";
  if (review.kind.empty()) {
    return broken("the kind of the object is missing");
  }
  const Json resource = take(request, "resource");
  review.resource = resource.is_object() ? text_of(resource, "resource") : "";
  review.namespace_name = text_of(request, "namespace");
  review.name = text_of(request, "name");
  review.subresource = text_of(request, "subResource");
  const Json user = take(request, "userInfo");
  review.user = user.is_object() ? text_of(user, "username") : "";
  const Json dry_run = take(request, "dryRun");
  review.dry_run = dry_run.is_boolean() && dry_run.get<bool>();
  review.object = take(request, "object");
  review.before = take(request, "oldObject");
  take_names(review);
  const bool needs_object = review.operation == "CREATE" || review.operation == "UPDATE";
  if (needs_object && !review.object.is_object()) {
    return broken("the object is missing");
  }
  return review;
}

Decision decide(Review& review,
                Endpoint endpoint,
                Level level,
                const Policy& policy,
                policy::Surroundings around) {
  Decision decision{.level = level};
  // Finalizers must be able to let go of what is being deleted, whatever it looks like. And a
  // subresource is no object of ours: `/scale` brings a Scale, `/status` a controller's report.
  if (level == Level::off || !review.object.is_object() || !review.subresource.empty() ||
      is_leaving(review.object)) {
    return decision;
  }
  // Rules leave fields alone that can be set at creation only, so they must know which it is.
  around.before = review.before.is_object() ? &review.before : nullptr;
  around.workload_answers = true;
  policy::Verdict verdict = endpoint == Endpoint::mutate
                                ? policy.mutate(std::move(review.object), around)
                                : policy.validate(review.object, around);
  decision.recognised = verdict.recognised;
  decision.ignored = verdict.ignored;
  if (endpoint == Endpoint::validate) {
    // Once: both endpoints see what is stored.
    tell_silence(decision, review, policy, around);
  }
  if (!verdict.recognised || verdict.ignored) {
    return decision;
  }
  if (endpoint == Endpoint::mutate) {
    decide_mutation(decision, std::move(verdict));
    return decision;
  }
  decision.objections = std::move(verdict.objections);
  if (around.before != nullptr && !decision.objections.empty()) {
    // Judged as if it were new, since rules spare what exists. Its surroundings are today's.
    policy::Surroundings earlier = around;
    earlier.before = nullptr;
    excuse_old_errors(decision.objections, policy.validate(review.before, earlier));
  }
  decide_validation(decision);
  return decision;
}

std::string answer_of(const Review& review, const Decision& decision) {
  Json response = {{"uid", review.uid}, {"allowed", decision.allowed}};
  if (!decision.allowed) {
    constexpr int k_too_many_requests = 429;
    response["status"] = {
        {"code", decision.code},
        // Clients go by either: `kubectl drain` repeats an eviction at TooManyRequests.
        {"reason", decision.code == k_too_many_requests ? "TooManyRequests" : "Forbidden"},
        {"message", decision.message}};
  }
  if (!decision.warnings.empty()) {
    response["warnings"] = decision.warnings;
  }
  Json annotations = annotations_of(decision);
  if (!annotations.empty()) {
    response["auditAnnotations"] = std::move(annotations);
  }
  const Json answer = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"response", std::move(response)}};
  std::string text = answer.dump();
  if (decision.allowed && !decision.patch.empty()) {
    // A patch is longer than all the rest, and base64 needs no escaping: it takes the place of the
    // last two braces, instead of being looked through by `dump`.
    text.resize(text.size() - 2);
    text += R"(,"patchType":"JSONPatch","patch":")" + kube::base64_encode(decision.patch.dump()) +
            R"("}})";
  }
  return text;
}

std::string warning_text(const policy::Objection& objection) {
  return shortened("[" + objection.rule + "] " + objection.message, k_warning_limit);
}

}  // namespace kredis::webhook
