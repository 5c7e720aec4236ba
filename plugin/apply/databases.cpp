// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/databases.hpp"

#include <string>
#include <utility>

#include "shared/core/text.hpp"

namespace kredis::plugin {

std::vector<int> databases_in(std::string_view keyspace) {
  std::vector<int> databases{0};
  for (const std::string_view line : core::split_lines(keyspace)) {  // "db3:keys=7,expires=0"
    const std::size_t colon = line.find(":keys=");
    if (!line.starts_with("db") || colon == std::string_view::npos) {
      continue;
    }
    const auto database = core::to_number<int>(line.substr(2, colon - 2));
    if (database && *database != 0) {
      databases.push_back(*database);
    }
  }
  return databases;
}

std::vector<core::Command> in_database(int database, std::vector<core::Command> commands) {
  if (database != 0) {
    commands.insert(commands.begin(), {"SELECT", std::to_string(database)});
    commands.push_back({"SELECT", "0"});
  }
  return commands;
}

}  // namespace kredis::plugin
