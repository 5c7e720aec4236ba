// SPDX-License-Identifier: Apache-2.0
//
// INFO text (all sections or the default ones) and the CONFIG GET answers that complete it.
// https://redis.io/docs/latest/commands/info/
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/reply.hpp"
#include "shared/core/topology.hpp"

namespace kredis::wire {

/// Reads INFO's "name:value" lines of every section.
std::map<std::string, std::string, std::less<>> parse_info_fields(std::string_view text);

/// Reads an INFO reply. Knows Valkey by `server_name`, whose version is `valkey_version`.
/// Errors: protocol (not an INFO reply, or a number that is none), quoting the line.
Result<core::ServerInfo> parse_redis_info(std::string_view text);

/// CONFIG GET for each setting that a ServerInfo has, one a command: before Redis 7.0 it takes one.
std::vector<core::Command> setting_questions();

/// Notes in `info` what the answer to one of them says.
/// Any other answer (an error because of an ACL, say) leaves it unknown.
void read_setting(const core::Reply& config_get, core::ServerInfo& info);

}  // namespace kredis::wire
