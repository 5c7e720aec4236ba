// SPDX-License-Identifier: Apache-2.0
//
// From a review to its answer (admission.k8s.io/v1). Pure: the policy, the level of the namespace
// and the other objects of the cluster come in as values and functions.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "shared/policy/not_judged.hpp"
#include "shared/policy/review.hpp"

namespace kredis::webhook {

/// What the rules may do in a namespace.
enum class Level {
  enforce,  ///< Fill in, warn, refuse.
  warn,     ///< Say what enforce would have done.
  audit,    ///< Only for the audit log and the metrics.
  off,
};
std::string_view to_text(Level level);
std::optional<Level> level_of(std::string_view text);

enum class Endpoint { mutate, validate };

/// The parts of a review that decide.
struct Review {
  std::string uid;
  std::string operation;  ///< CREATE, UPDATE, DELETE or CONNECT.
  std::string kind;
  std::string resource;  ///< "pods" also for pods/eviction.
  std::string namespace_name;
  std::string name;
  std::string subresource;
  std::string user;
  bool dry_run = false;
  Json object;  ///< Null when it is deleted.
  Json before;  ///< Null when it is new.
};

/// Errors: invalid_argument, when it is not a review of admission.k8s.io/v1 or lacks what one has.
Result<Review> parse_review(Json body);

/// The policy as the server is given it.
struct Policy {
  std::function<policy::Verdict(Json, const policy::Surroundings&)> mutate;
  std::function<policy::Verdict(const Json&, const policy::Surroundings&)> validate;
  std::function<policy::Silence(const Json&, const policy::Surroundings&)> silence;
};

struct Decision {
  Level level = Level::enforce;
  bool recognised = false;
  bool ignored = false;
  bool allowed = true;
  std::vector<policy::Objection> objections = {};  ///< Advice included.
  Json patch = Json::array();
  std::vector<std::string> warnings = {};
  std::string message = {};  ///< Why it is refused.
  std::string not_judged =
      {};                   ///< Why it runs Redis and rules say nothing, or not all; else empty.
  int code = 403;           ///< Of HTTP, when it is refused.
  bool guarded = false;     ///< A guard was asked.
  bool overridden = false;  ///< An annotation allowed what a guard would have refused.
  std::optional<std::int64_t> view_age_seconds =
      {};  ///< Of the cluster's view that a guard went by.
};

/// What `endpoint` says to `review`; a mutation takes the object out of it. Errors that the object
/// had before the change only warn: who mends one thing must not be held up by another.
Decision decide(Review& review,
                Endpoint endpoint,
                Level level,
                const Policy& policy,
                policy::Surroundings around);

/// The AdmissionReview that goes back, as JSON.
std::string answer_of(const Review& review, const Decision& decision);

/// Cut to what the API server passes on: 120 characters, on one line.
std::string warning_text(const policy::Objection& objection);

}  // namespace kredis::webhook
