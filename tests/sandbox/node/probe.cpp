// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/probe.hpp"

#include <algorithm>

#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {

ProbeTiming ProbeTiming::of(const Json& probe) {
  const auto seconds = [&](const char* field, std::int64_t otherwise) {
    return std::chrono::milliseconds(1'000 * number_at(probe, field, otherwise));
  };
  const auto at_least_one = [&](const char* field, std::int64_t otherwise) {
    return static_cast<int>(std::max<std::int64_t>(1, number_at(probe, field, otherwise)));
  };
  ProbeTiming timing;
  timing.initial_delay = seconds("initialDelaySeconds", 0);
  timing.period = std::max(seconds("periodSeconds", 10), std::chrono::milliseconds(1'000));
  timing.timeout = std::max(seconds("timeoutSeconds", 1), std::chrono::milliseconds(1'000));
  timing.success_threshold = at_least_one("successThreshold", 1);
  timing.failure_threshold = at_least_one("failureThreshold", 3);
  return timing;
}

ProbeCounter::Verdict ProbeCounter::record(ProbeResult result) {
  in_a_row_ = result == last_ ? in_a_row_ + 1 : 1;
  last_ = result;
  if (result == ProbeResult::success && in_a_row_ >= timing_.success_threshold) {
    verdict_ = Verdict::passing;
  } else if (result == ProbeResult::failure && in_a_row_ >= timing_.failure_threshold) {
    verdict_ = Verdict::failing;
  }
  return verdict_;
}

std::chrono::milliseconds restart_delay(int crashes, std::chrono::milliseconds unit) {
  if (crashes <= 0) {
    return std::chrono::milliseconds(0);
  }
  const int doubled = 1 << std::min(crashes - 1, 5);
  return unit * std::min(doubled, 30);
}

}  // namespace kredis::sandbox
