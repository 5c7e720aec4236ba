// SPDX-License-Identifier: Apache-2.0
//
// What is answered at which path: reviews, health, metrics, version.
#pragma once

#include <atomic>
#include <functional>

#include "webhook/config.hpp"
#include "webhook/decision.hpp"
#include "webhook/http.hpp"
#include "webhook/log.hpp"
#include "webhook/metrics.hpp"
#include "webhook/observer.hpp"
#include "webhook/snapshot.hpp"

namespace kredis::webhook {

/// Threads: `handle` is called from several at once.
class App {
 public:
  /// `snapshot` is null for a webhook that does not watch. All must outlive the App.
  App(const Config& config, Policy policy, const Snapshot* snapshot, Log& log, Metrics& metrics)
      : config_(config),
        policy_(std::move(policy)),
        snapshot_(snapshot),
        log_(log),
        metrics_(metrics) {}

  Answer handle(const Request& request);
  /// From now on /readyz says no: no Service shall send anybody here.
  void retire() { retired_ = true; }
  /// From now on guards go by what `observer` sees; without one there are none.
  void watch_with(Observer* observer) { observer_ = observer; }
  /// Called before metrics are printed, to fill in what is kept elsewhere.
  void on_scrape(std::function<void()> fill) { on_scrape_ = std::move(fill); }

 private:
  Answer review(const Request& request, Endpoint endpoint);
  Answer answer_review(Json body, Endpoint endpoint, std::chrono::steady_clock::time_point begin);
  Decision decided(Review& review, Endpoint endpoint);
  Level level_for(const Review& review) const;
  void record(const Review& review, Endpoint endpoint, const Decision& decision);
  Answer ready() const;

  const Config& config_;
  const Policy policy_;
  const Snapshot* snapshot_;
  Log& log_;
  Metrics& metrics_;
  std::function<void()> on_scrape_;
  Observer* observer_ = nullptr;
  std::atomic<bool> retired_{false};
};

}  // namespace kredis::webhook
