// SPDX-License-Identifier: Apache-2.0
#include "webhook/app.hpp"

#include <exception>
#include <utility>

#include "shared/core/labels.hpp"
#include "shared/core/text.hpp"
#include "shared/kube/encoding.hpp"
#include "webhook/guarding.hpp"
#include "webhook/review_reader.hpp"

namespace kredis::webhook {
namespace {

using Clock = std::chrono::steady_clock;

Answer plain(int status, std::string text) {
  return {.status = status, .body = std::move(text) + "\n", .content_type = "text/plain"};
}

std::string_view name_of(Endpoint endpoint) {
  return endpoint == Endpoint::mutate ? "mutate" : "validate";
}

/// "application/json; charset=utf-8" is JSON too.
bool is_json(std::string_view content_type) {
  return kube::equal_ignoring_case(core::trim(content_type.substr(0, content_type.find(';'))),
                                   "application/json");
}

std::string_view result_of(const Decision& decision) {
  if (!decision.allowed) {
    return "refused";
  }
  if (!decision.patch.empty()) {
    return "mutated";
  }
  return decision.warnings.empty() ? "allowed" : "warned";
}

}  // namespace

Answer App::handle(const Request& request) {
  const std::string path = request.path();
  if (path == "/mutate" || path == "/validate") {
    return review(request, path == "/mutate" ? Endpoint::mutate : Endpoint::validate);
  }
  if (request.method != "GET") {
    return plain(path.size() > 1 ? 405 : 404, "only GET here");
  }
  if (path == "/healthz") {
    return plain(200, "ok");
  }
  if (path == "/readyz") {
    return ready();
  }
  if (path == "/version") {
    return {.body = Json{{"version", KREDIS_VERSION}}.dump()};
  }
  if (path == "/metrics") {
    // Only a scrape needs these figures, so nothing keeps them current between two.
    if (on_scrape_) {
      on_scrape_();
    }
    // The version of Prometheus's text format; a scraper chooses its parser by it.
    return {.body = metrics_.to_text(), .content_type = "text/plain; version=0.0.4"};
  }
  return plain(404, "nothing here");
}

Answer App::ready() const {
  if (retired_) {
    return plain(503, "going away");
  }
  // A half-read cluster looks like one that lacks ConfigMaps and Services, and rules would say so.
  if (snapshot_ != nullptr && !snapshot_->is_complete()) {
    return plain(503, "still reading the cluster");
  }
  return plain(200, "ok");
}

Answer App::review(const Request& request, Endpoint endpoint) {
  const auto begin = Clock::now();
  Answer answer;
  if (request.method != "POST") {
    answer = plain(405, "reviews are sent with POST");
  } else if (!is_json(request.content_type)) {
    answer = plain(415, "reviews are application/json");
  } else {
    auto body = read_review(request.body);
    // A review that cannot be read gets no decision. The API server takes an HTTP error as a failed
    // call, and the configuration's failurePolicy decides.
    answer =
        body ? answer_review(std::move(*body), endpoint, begin) : plain(400, body.error().message);
  }
  metrics_.count(
      "requests_total",
      {{"endpoint", std::string(name_of(endpoint))}, {"code", std::to_string(answer.status)}});
  if (answer.status != 200) {
    log_.write(
        LogLevel::warning,
        "not a review that can be answered",
        Json{{"endpoint", name_of(endpoint)}, {"status", answer.status}, {"why", answer.body}});
  }
  return answer;
}

Answer App::answer_review(Json body, Endpoint endpoint, Clock::time_point begin) {
  auto review = parse_review(std::move(body));
  if (!review) {
    return plain(400, review.error().message);
  }
  try {
    const Decision decision = decided(*review, endpoint);
    Answer answer{.body = answer_of(*review, decision)};
    metrics_.observe(name_of(endpoint), Clock::now() - begin);
    record(*review, endpoint, decision);
    return answer;
  } catch (const std::exception& problem) {
    // A fault in a rule must not decide: as with every failure, failurePolicy does.
    log_.write(LogLevel::error,
               "a rule failed",
               Json{{"kind", review->kind}, {"name", review->name}, {"why", problem.what()}});
    return plain(500, "a rule failed");
  }
}

Decision App::decided(Review& review, Endpoint endpoint) {
  policy::Surroundings around;
  std::optional<View> view;
  if (snapshot_ != nullptr) {
    view.emplace(*snapshot_);
    around = view->surroundings();
  }
  Decision decision = decide(review, endpoint, level_for(review), policy_, around);
  // Guards answer once, in the last phase: what is mutated may still be refused by others.
  if (endpoint == Endpoint::validate && observer_ != nullptr) {
    add_guards(
        review,
        around,
        [this](const Json& workload) { return observer_->sight(workload); },
        decision);
    // Remembered at once: the next review may come before the next look at the cluster does.
    if (decision.guarded && decision.allowed && lets_a_pod_go(review)) {
      observer_->let_go(review.namespace_name, review.name);
    }
  }
  return decision;
}

Level App::level_for(const Review& review) const {
  if (snapshot_ == nullptr) {
    return config_.default_level;
  }
  // A level that is misspelt counts as none said: a slip must not switch the rules off.
  const auto label = snapshot_->namespace_label(review.namespace_name, core::k_policy_label);
  return label ? level_of(*label).value_or(config_.default_level) : config_.default_level;
}

void App::record(const Review& review, Endpoint endpoint, const Decision& decision) {
  const std::string_view result = result_of(decision);
  metrics_.count("reviews_total",
                 {{"endpoint", std::string(name_of(endpoint))},
                  {"operation", review.operation},
                  {"result", std::string(result)}});
  if (!decision.not_judged.empty()) {
    metrics_.count("not_judged_total", {{"kind", review.kind}});
  }
  // Most reviews are about other people's objects; a line for each would bury the rest.
  if (!decision.recognised && decision.not_judged.empty()) {
    return;
  }
  if (decision.ignored) {
    metrics_.count("ignored_total", {{"kind", review.kind}});
  }
  if (decision.overridden) {
    metrics_.count("overridden_total", {{"kind", review.kind}});
  }
  Json rules = Json::array();
  for (const policy::Objection& objection : decision.objections) {
    metrics_.count(
        "objections_total",
        {{"rule", objection.rule}, {"severity", std::string(policy::to_text(objection.severity))}});
    rules.push_back(objection.rule);
  }
  log_.write(LogLevel::info,
             "reviewed",
             Json{{"endpoint", name_of(endpoint)},
                  {"operation", review.operation},
                  {"kind", review.kind},
                  {"namespace", review.namespace_name},
                  {"name", review.name},
                  {"user", review.user},
                  {"uid", review.uid},
                  {"dryRun", review.dry_run},
                  {"policy", to_text(decision.level)},
                  {"ignored", decision.ignored},
                  {"overridden", decision.overridden},
                  {"result", result},
                  {"rules", rules},
                  {"notJudged", decision.not_judged}});
  if (!decision.patch.empty() && log_.writes(LogLevel::debug)) {
    Json paths = Json::array();
    for (const Json& operation : decision.patch) {
      paths.push_back(operation.value("path", ""));
    }
    // Only where, not what: an object's values may be secret.
    log_.write(LogLevel::debug, "filled in", Json{{"uid", review.uid}, {"paths", paths}});
  }
}

}  // namespace kredis::webhook
