// SPDX-License-Identifier: Apache-2.0
//
// What a probe saw, an operation at a time, summed up: operations per interval, failures by reason,
// the longest time without an answer. Pure; times are since the probe began.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kredis::wire {

using ProbeTime = std::chrono::microseconds;

/// Operations are counted for each of these.
inline constexpr std::chrono::milliseconds k_probe_interval{100};

enum class ProbeKind { write, read };

struct ProbeInterval {
  std::int64_t acknowledged = 0;
  std::int64_t failed = 0;
  friend bool operator==(const ProbeInterval&, const ProbeInterval&) = default;
};

/// The longest time between two acknowledged operations.
struct ProbeGap {
  ProbeTime from{0};
  ProbeTime length{0};
};

class ProbeTally {
 public:
  void acknowledged(ProbeKind kind, ProbeTime at);
  void failed(const std::string& reason, ProbeTime at);
  /// The probe ends; what was going on without an answer counts as a gap.
  void end(ProbeTime at);
  /// Adds what another probe saw at the same time. The longer gap stays.
  void add(const ProbeTally& other);

  std::int64_t writes() const noexcept { return writes_; }
  std::int64_t reads() const noexcept { return reads_; }
  std::int64_t failures() const noexcept;
  const std::map<std::string, std::int64_t>& reasons() const noexcept { return reasons_; }
  const ProbeGap& gap() const noexcept { return gap_; }
  const std::vector<ProbeInterval>& intervals() const noexcept { return intervals_; }

 private:
  ProbeInterval& interval(ProbeTime at);
  void answered(ProbeTime at);

  std::int64_t writes_ = 0;
  std::int64_t reads_ = 0;
  std::map<std::string, std::int64_t> reasons_;
  ProbeGap gap_;
  ProbeTime last_{0};
  std::vector<ProbeInterval> intervals_;
};

/// How many of the writes `acknowledged` are not in `found`. Both in any order, without repetition.
std::int64_t count_lost(std::vector<std::int64_t> acknowledged, std::vector<std::int64_t> found);

}  // namespace kredis::wire
