// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/cluster_info.hpp"

#include <array>
#include <cstdint>
#include <string>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using core::ClusterInfo;

/// Where a number of CLUSTER INFO goes; one of the two members is set.
struct InfoField {
  std::string_view name;
  std::uint32_t ClusterInfo::*count = nullptr;
  std::uint64_t ClusterInfo::*epoch = nullptr;
};

constexpr std::array k_fields{
    InfoField{.name = "cluster_slots_assigned", .count = &ClusterInfo::slots_assigned},
    InfoField{.name = "cluster_slots_ok", .count = &ClusterInfo::slots_ok},
    InfoField{.name = "cluster_slots_pfail", .count = &ClusterInfo::slots_pfail},
    InfoField{.name = "cluster_slots_fail", .count = &ClusterInfo::slots_fail},
    InfoField{.name = "cluster_known_nodes", .count = &ClusterInfo::known_nodes},
    InfoField{.name = "cluster_size", .count = &ClusterInfo::size},
    InfoField{.name = "cluster_current_epoch", .epoch = &ClusterInfo::current_epoch},
    InfoField{.name = "cluster_my_epoch", .epoch = &ClusterInfo::my_epoch},
};

template <typename Number>
bool read(std::string_view text, Number& into) {
  const auto value = core::to_number<Number>(text);
  into = value.value_or(0);
  return value.has_value();
}

/// Returns whether the value could be read; names that nobody asks for always can.
bool read_field(std::string_view name, std::string_view value, ClusterInfo& info) {
  for (const InfoField& field : k_fields) {
    if (name == field.name) {
      return field.count != nullptr ? read(value, info.*field.count)
                                    : read(value, info.*field.epoch);
    }
  }
  return true;
}

}  // namespace

Result<core::ClusterInfo> parse_cluster_info(std::string_view text) {
  core::ClusterInfo info;
  bool has_state = false;
  for (const std::string_view line : core::split_lines(text)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = core::trim(line.substr(colon + 1));
    if (name == "cluster_state") {
      has_state = true;
      info.state_ok = value == "ok";
    } else if (!read_field(name, value, info)) {
      return Error::protocol("CLUSTER INFO: no number in the line " + core::quoted(line));
    }
  }
  if (!has_state) {
    return Error::protocol("CLUSTER INFO: no cluster_state in the answer " + core::quoted(text));
  }
  return info;
}

}  // namespace kredis::wire
