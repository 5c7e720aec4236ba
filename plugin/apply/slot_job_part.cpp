// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/slot_job_part.hpp"

#include <algorithm>

namespace kredis::plugin {

using core::Command;
using core::JobEnd;
using core::Member;
using core::SlotSet;

namespace {

/// What one job moves at most: so much is begun anew when it fails, and each costs the source a
/// fork.
constexpr std::int64_t k_part_bytes = std::int64_t{512} << 20;

}  // namespace

Command begin_command(const SlotJobPart& part) {
  Command command = part.begins_at == JobEnd::source
                        ? Command{"CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"}
                        : Command{"CLUSTER", "MIGRATION", "IMPORT"};
  for (const core::SlotRange& range : part.ends.left.ranges()) {
    command.push_back(std::to_string(range.first()));
    command.push_back(std::to_string(range.last()));
  }
  if (part.begins_at == JobEnd::source) {
    command.insert(command.end(), {"NODE", part.move->target.to_text()});
  }
  return command;
}

Command end_command(const SlotJobPart& part) {
  return part.begins_at == JobEnd::source
             ? Command{"CLUSTER", "CANCELSLOTMIGRATIONS"}
             : Command{"CLUSTER", "MIGRATION", "CANCEL", "ID", part.id};
}

std::vector<SlotSet> parts_of(const SlotSet& slots, const Member& source) {
  const std::int64_t used = source.server ? source.server->used_memory_bytes : 0;
  const std::int64_t each = used / std::max<std::int64_t>(1, source.self()->slots.size()) + 1;
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, k_part_bytes / each));
  std::vector<SlotSet> parts;
  std::size_t count = 0;
  for (const std::uint32_t slot : slots.numbers()) {
    if (count++ % most == 0) {
      parts.emplace_back();
    }
    parts.back().insert(core::one_slot(slot));
  }
  return parts;
}

}  // namespace kredis::plugin
