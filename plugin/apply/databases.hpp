// SPDX-License-Identifier: Apache-2.0
//
// Which databases of a server have keys: Valkey 9 has several in a cluster, and what counts or
// lists the keys of a slot sees the chosen one alone. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "shared/core/reply.hpp"

namespace kredis::plugin {

/// The databases that "INFO keyspace" names, and always 0, which comes first.
std::vector<int> databases_in(std::string_view keyspace);

/// `commands` in that database: the line goes back to the first, which everybody else expects. Of
/// another one than that the first answer is to the choice of it.
std::vector<core::Command> in_database(int database, std::vector<core::Command> commands);

}  // namespace kredis::plugin
