// SPDX-License-Identifier: Apache-2.0
//
// When a probe is asked and what its answers add up to. Pure: asking is action.hpp's.
#pragma once

#include <chrono>
#include <string>

#include "shared/json/json.hpp"

namespace kredis::sandbox {

struct ProbeTiming {
  std::chrono::milliseconds initial_delay{0};
  std::chrono::milliseconds period{10'000};
  std::chrono::milliseconds timeout{1'000};
  int success_threshold = 1;
  int failure_threshold = 3;

  /// Kubernetes' defaults for what the probe does not say.
  static ProbeTiming of(const Json& probe);
};

enum class ProbeResult { success, failure };

/// Counts answers in a row against the thresholds.
class ProbeCounter {
 public:
  enum class Verdict { undecided, passing, failing };

  explicit ProbeCounter(ProbeTiming timing) : timing_(timing) {}

  /// The verdict after one more answer; it stays until answers in a row overturn it.
  Verdict record(ProbeResult result);
  Verdict verdict() const noexcept { return verdict_; }
  const ProbeTiming& timing() const noexcept { return timing_; }

 private:
  ProbeTiming timing_;
  ProbeResult last_ = ProbeResult::success;
  int in_a_row_ = 0;
  Verdict verdict_ = Verdict::undecided;
};

/// How long to wait before the restart after `crashes` of them (0 for the first), doubling from
/// `unit` to 30 times of it. The first restart comes at once.
std::chrono::milliseconds restart_delay(int crashes, std::chrono::milliseconds unit);

}  // namespace kredis::sandbox
