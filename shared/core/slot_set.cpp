// SPDX-License-Identifier: Apache-2.0
#include "shared/core/slot_set.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace kredis::core {
namespace {

std::optional<std::uint32_t> parse_slot(std::string_view text) {
  std::uint32_t slot = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), slot);
  if (failure != std::errc{} || end != text.data() + text.size() || slot >= k_slot_count) {
    return std::nullopt;
  }
  return slot;
}

}  // namespace

Result<SlotRange> SlotRange::make(std::uint32_t first, std::uint32_t last) {
  if (first > last) {
    return Error::invalid_argument("slots " + std::to_string(first) + "-" + std::to_string(last) +
                                   " end before they begin");
  }
  if (last >= k_slot_count) {
    return Error::invalid_argument("slot " + std::to_string(last) + " is past the last one, " +
                                   std::to_string(k_slot_count - 1));
  }
  return SlotRange{first, last};
}

Result<SlotRange> SlotRange::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_slot(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_slot(text.substr(dash + 1));
  if (!first || !last || *first > *last) {
    return Error::invalid_argument("\"" + std::string{text.substr(0, 40)} +
                                   "\" is not a slot or a run of slots")
        .with_hint("write slots as 42 or 0-5460; the last slot is 16383");
  }
  return SlotRange{*first, *last};
}

std::string SlotRange::to_text() const {
  return first_ == last_ ? std::to_string(first_)
                         : std::to_string(first_) + "-" + std::to_string(last_);
}

SlotSet SlotSet::all() {
  SlotSet set;
  set.ranges_.push_back(SlotRange{0, k_slot_count - 1});
  return set;
}

Result<SlotSet> SlotSet::parse(std::string_view text) {
  SlotSet set;
  if (text == "none") {
    return set;
  }
  while (true) {
    const std::size_t begin = text.find_first_not_of(", ");
    if (begin == std::string_view::npos) {
      return set;
    }
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(", "));
    KREDIS_TRY(const SlotRange range, SlotRange::parse(word));
    set.insert(range);
    text.remove_prefix(word.size());
  }
}

void SlotSet::insert(SlotRange range) {
  // Runs that end right before `range` are merged with it, so runs never touch.
  const auto begin =
      std::partition_point(ranges_.begin(), ranges_.end(), [&](const SlotRange& other) {
        return other.last_ + 1 < range.first_;
      });
  const auto end = std::partition_point(begin, ranges_.end(), [&](const SlotRange& other) {
    return other.first_ <= range.last_ + 1;
  });
  if (begin != end) {
    range.first_ = std::min(range.first_, begin->first_);
    range.last_ = std::max(range.last_, std::prev(end)->last_);
  }
  ranges_.insert(ranges_.erase(begin, end), range);
}

void SlotSet::insert(const SlotSet& other) {
  for (const SlotRange& range : other.ranges_) {
    insert(range);
  }
}

void SlotSet::erase(const SlotSet& other) {
  std::vector<SlotRange> kept;
  auto hole = other.ranges_.begin();
  for (SlotRange rest : ranges_) {
    bool gone = false;
    while (hole != other.ranges_.end() && hole->last_ < rest.first_) {
      ++hole;
    }
    for (auto cut = hole; cut != other.ranges_.end() && cut->first_ <= rest.last_; ++cut) {
      if (cut->first_ > rest.first_) {
        kept.push_back(SlotRange{rest.first_, cut->first_ - 1});
      }
      gone = cut->last_ >= rest.last_;
      rest.first_ = gone ? rest.first_ : cut->last_ + 1;
    }
    if (!gone) {
      kept.push_back(rest);
    }
  }
  ranges_ = std::move(kept);
}

bool SlotSet::contains(std::uint32_t slot) const noexcept {
  const auto run = std::partition_point(
      ranges_.begin(), ranges_.end(), [&](const SlotRange& range) { return range.last_ < slot; });
  return run != ranges_.end() && run->first_ <= slot;
}

std::uint32_t SlotSet::size() const noexcept {
  std::uint32_t total = 0;
  for (const SlotRange& range : ranges_) {
    total += range.size();
  }
  return total;
}

std::vector<std::uint32_t> SlotSet::numbers() const {
  std::vector<std::uint32_t> all;
  all.reserve(size());
  for (const SlotRange& range : ranges_) {
    for (std::uint32_t slot = range.first(); slot <= range.last(); ++slot) {
      all.push_back(slot);
    }
  }
  return all;
}

SlotSet SlotSet::united(const SlotSet& other) const {
  SlotSet result = *this;
  result.insert(other);
  return result;
}

SlotSet SlotSet::without(const SlotSet& other) const {
  SlotSet result = *this;
  result.erase(other);
  return result;
}

SlotSet SlotSet::shared_with(const SlotSet& other) const { return without(without(other)); }

std::string SlotSet::to_text() const {
  std::string text;
  for (const SlotRange& range : ranges_) {
    text += (text.empty() ? "" : ",") + range.to_text();
  }
  return text.empty() ? "none" : text;
}

SlotSet one_slot(std::uint32_t slot) {
  SlotSet set;
  if (const auto range = SlotRange::make(slot, slot)) {
    set.insert(*range);
  }
  return set;
}

std::vector<SlotRange> even_slots(std::uint32_t count) {
  std::vector<SlotRange> runs;
  std::uint64_t first = 0;
  for (std::uint64_t i = 1; i <= count && first < k_slot_count; ++i) {
    // round(i * slots / count), half up: where redis-cli puts the borders.
    const std::uint64_t border = (2 * i * k_slot_count + count) / (std::uint64_t{2} * count);
    const std::uint64_t end = std::max(first + 1, border);
    const auto run =
        SlotRange::make(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end - 1));
    runs.push_back(*run);
    first = end;
  }
  return runs;
}

}  // namespace kredis::core
