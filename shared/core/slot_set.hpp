// SPDX-License-Identifier: Apache-2.0
//
// Hash slots, the unit in which a Redis Cluster divides its keys, as runs and as sets of runs.
// Values only. Key-to-slot hashing is in key_slot.hpp.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::core {

/// Slots in every cluster; set by the cluster protocol and never configurable.
inline constexpr std::uint32_t k_slot_count = 16'384;

/// A run of neighbouring slots. Both ends belong to the run; always first <= last < k_slot_count.
class SlotRange {
 public:
  /// Errors: invalid_argument if the ends are swapped or past the last slot.
  static Result<SlotRange> make(std::uint32_t first, std::uint32_t last);
  /// Reads "42" or "0-5460". Errors: invalid_argument, quoting the text.
  static Result<SlotRange> parse(std::string_view text);

  std::uint32_t first() const noexcept { return first_; }
  std::uint32_t last() const noexcept { return last_; }
  std::uint32_t size() const noexcept { return last_ - first_ + 1; }
  std::string to_text() const;

  friend auto operator<=>(const SlotRange&, const SlotRange&) = default;

 private:
  friend class SlotSet;
  SlotRange(std::uint32_t first, std::uint32_t last) noexcept : first_(first), last_(last) {}
  std::uint32_t first_;
  std::uint32_t last_;
};

/// A set of slots, kept as sorted runs that neither overlap nor touch.
class SlotSet {
 public:
  SlotSet() = default;
  static SlotSet all();
  /// Reads "0-5460,8000" (commas or spaces). Errors: invalid_argument.
  static Result<SlotSet> parse(std::string_view text);

  void insert(SlotRange range);
  void insert(const SlotSet& other);
  void erase(const SlotSet& other);
  bool contains(std::uint32_t slot) const noexcept;
  bool empty() const noexcept { return ranges_.empty(); }
  std::uint32_t size() const noexcept;
  const std::vector<SlotRange>& ranges() const noexcept { return ranges_; }
  /// Each slot by itself, in ascending order.
  std::vector<std::uint32_t> numbers() const;
  SlotSet united(const SlotSet& other) const;
  SlotSet without(const SlotSet& other) const;
  SlotSet shared_with(const SlotSet& other) const;
  /// "0-5460,8000", or "none".
  std::string to_text() const;

  friend bool operator==(const SlotSet&, const SlotSet&) = default;

 private:
  std::vector<SlotRange> ranges_;
};

/// The set of `slot` alone. Requires: it is one of the cluster's.
SlotSet one_slot(std::uint32_t slot);

/// The runs that `count` masters get in a new cluster: equal but for one slot, in master order,
/// as redis-cli deals them (0-5460, 5461-10922, 10923-16383 for three).
std::vector<SlotRange> even_slots(std::uint32_t count);

}  // namespace kredis::core
