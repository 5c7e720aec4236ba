// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/cluster_info.hpp"

#include <string>

#include "shared/wire/text.hpp"

namespace kredis::wire {
namespace {

template <typename Number>
bool read(std::string_view text, Number& into) {
  const auto value = to_number<Number>(text);
  into = value.value_or(0);
  return value.has_value();
}

/// Returns whether the value could be read; names that nobody asks for always can.
bool read_field(std::string_view name, std::string_view value, core::ClusterInfo& info) {
  if (name == "cluster_slots_assigned") return read(value, info.slots_assigned);
  if (name == "cluster_slots_ok") return read(value, info.slots_ok);
  if (name == "cluster_slots_pfail") return read(value, info.slots_pfail);
  if (name == "cluster_slots_fail") return read(value, info.slots_fail);
  if (name == "cluster_known_nodes") return read(value, info.known_nodes);
  if (name == "cluster_size") return read(value, info.size);
  if (name == "cluster_current_epoch") return read(value, info.current_epoch);
  if (name == "cluster_my_epoch") return read(value, info.my_epoch);
  return true;
}

}  // namespace

Result<core::ClusterInfo> parse_cluster_info(std::string_view text) {
  core::ClusterInfo info;
  bool has_state = false;
  for (const std::string_view line : split_lines(text)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "cluster_state") {
      has_state = true;
      info.state_ok = value == "ok";
    } else if (!read_field(name, value, info)) {
      return Error::protocol("CLUSTER INFO: no number in the line " + quoted(line));
    }
  }
  if (!has_state) {
    return Error::protocol("CLUSTER INFO: no cluster_state in the answer " + quoted(text));
  }
  return info;
}

}  // namespace kredis::wire
