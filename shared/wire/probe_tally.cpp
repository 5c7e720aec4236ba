// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/probe_tally.hpp"

#include <algorithm>
#include <iterator>

namespace kredis::wire {

ProbeInterval& ProbeTally::interval(ProbeTime at) {
  const auto index = static_cast<std::size_t>(std::max(at, ProbeTime{0}) / k_probe_interval);
  if (intervals_.size() <= index) {
    intervals_.resize(index + 1);
  }
  return intervals_[index];
}

void ProbeTally::answered(ProbeTime at) {
  if (at - last_ > gap_.length) {
    gap_ = {.from = last_, .length = at - last_};
  }
  last_ = at;
}

void ProbeTally::acknowledged(ProbeKind kind, ProbeTime at) {
  (kind == ProbeKind::write ? writes_ : reads_) += 1;
  interval(at).acknowledged += 1;
  answered(at);
}

void ProbeTally::failed(const std::string& reason, ProbeTime at) {
  reasons_[reason] += 1;
  interval(at).failed += 1;
}

void ProbeTally::end(ProbeTime at) {
  interval(at);
  answered(at);
}

void ProbeTally::add(const ProbeTally& other) {
  writes_ += other.writes_;
  reads_ += other.reads_;
  for (const auto& [reason, count] : other.reasons_) {
    reasons_[reason] += count;
  }
  if (other.gap_.length > gap_.length) {
    gap_ = other.gap_;
  }
  intervals_.resize(std::max(intervals_.size(), other.intervals_.size()));
  for (std::size_t i = 0; i < other.intervals_.size(); ++i) {
    intervals_[i].acknowledged += other.intervals_[i].acknowledged;
    intervals_[i].failed += other.intervals_[i].failed;
  }
}

std::int64_t ProbeTally::failures() const noexcept {
  std::int64_t all = 0;
  for (const auto& [reason, count] : reasons_) {
    all += count;
  }
  return all;
}

std::int64_t count_lost(std::vector<std::int64_t> acknowledged, std::vector<std::int64_t> found) {
  std::ranges::sort(acknowledged);
  std::ranges::sort(found);
  std::vector<std::int64_t> lost;
  std::ranges::set_difference(acknowledged, found, std::back_inserter(lost));
  return static_cast<std::int64_t>(lost.size());
}

}  // namespace kredis::wire
