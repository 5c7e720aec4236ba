// SPDX-License-Identifier: Apache-2.0
#include "webhook/guarding.hpp"

#include <string>
#include <utility>

namespace kredis::webhook {
namespace {

std::string refusal_text(const policy::Objection& objection, const policy::GuardAnswer& answer) {
  std::string text = "[" + objection.rule + "] " + objection.message;
  if (answer.age_seconds) {
    text += ", as seen " + std::to_string(*answer.age_seconds) + " s ago";
  }
  return text + " (found " + objection.found + ", wanted " + objection.wanted + ")";
}

}  // namespace

void add_guards(const Review& review,
                const policy::Surroundings& around,
                const policy::Look& look,
                Decision& decision) {
  if (decision.level == Level::off) {
    return;
  }
  const policy::Act act{.operation = review.operation,
                        .resource = review.resource,
                        .subresource = review.subresource,
                        .namespace_name = review.namespace_name,
                        .name = review.name,
                        .user = review.user,
                        .object = review.object,
                        .before = review.before};
  policy::GuardAnswer answer = policy::guard(act, around, look);
  if (answer.ignored) {
    // Its annotation let it go, which is to be seen afterwards.
    decision.recognised = true;
    decision.ignored = true;
  }
  if (!answer.concerned) {
    return;
  }
  constexpr int k_too_many_requests = 429;
  decision.recognised = true;
  decision.guarded = true;
  decision.overridden = answer.overridden;
  decision.view_age_seconds = answer.age_seconds;
  if (!answer.objection) {
    return;
  }
  const policy::Objection& objection = *answer.objection;
  const bool refuses =
      objection.severity == policy::RuleSeverity::error && decision.level == Level::enforce;
  if (refuses) {
    // 429 asks to try again, which helps only where a guard alone refuses; a broken rule stays so.
    decision.code = decision.allowed && answer.again_later ? k_too_many_requests : decision.code;
    // All that is wrong in one answer: who mends one thing should not meet the next afterwards.
    decision.message += (decision.allowed ? "" : "\n") + refusal_text(objection, answer);
    decision.allowed = false;
  } else if (decision.level != Level::audit) {
    decision.warnings.push_back(warning_text(objection));
  }
  decision.objections.push_back(std::move(*answer.objection));
}

bool lets_a_pod_go(const Review& review) {
  const bool evicts = review.operation == "CREATE" && review.subresource == "eviction";
  // A dry run (`kubectl drain --dry-run=server`) lets nobody go.
  return review.resource == "pods" && !review.dry_run &&
         (evicts || (review.operation == "DELETE" && review.subresource.empty()));
}

}  // namespace kredis::webhook
