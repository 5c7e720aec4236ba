// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/switchboard.hpp"

#include <utility>

#include "shared/redis/fleet.hpp"

namespace kredis::observe {

Switchboard::Switchboard(ports::RedisPort& redis, std::vector<ports::RedisTarget> targets)
    : redis_(redis) {
  for (ports::RedisTarget& target : targets) {
    lines_.push_back({.target = std::move(target)});
  }
}

std::vector<Answer> Switchboard::ask_all(const std::vector<core::Command>& commands,
                                         ports::Deadline deadline) {
  return redis::for_each_parallel(lines_,
                                  [&](Line& line) { return ask(line, commands, deadline); });
}

std::vector<Answer> Switchboard::ask_each(const std::vector<std::vector<core::Command>>& commands,
                                          ports::Deadline deadline) {
  return redis::for_each_parallel(lines_, [&](Line& line) {
    const auto at = static_cast<std::size_t>(&line - lines_.data());
    return ask(line, commands[at], deadline);
  });
}

std::vector<std::optional<std::string>> Switchboard::ask_setting(const std::string& name,
                                                                 ports::Deadline deadline) {
  std::vector<std::optional<std::string>> values;
  for (const Answer& answer : ask_all({{"CONFIG", "GET", name}}, deadline)) {
    const bool known = answer && answer->front().items.size() == 2;
    values.push_back(known ? std::optional(answer->front().items[1].text) : std::nullopt);
  }
  return values;
}

Answer Switchboard::ask(Line& line,
                        const std::vector<core::Command>& commands,
                        ports::Deadline deadline) {
  if (commands.empty()) {
    return std::vector<core::Reply>{};
  }
  if (!line.connection) {
    KREDIS_TRY(line.connection, redis_.connect(line.target, deadline));
  }
  Answer answer = line.connection->pipeline(commands, deadline);
  if (!answer) {
    line.connection.reset();
  }
  return answer;
}

std::vector<ports::RedisTarget> targets_of(const core::ClusterView& view) {
  std::vector<ports::RedisTarget> targets;
  for (const core::Member& member : view.members) {
    targets.push_back({.namespace_ = view.namespace_,
                       .pod = member.pod.name,
                       .host = member.pod.ip,
                       .port = member.pod.port});
  }
  return targets;
}

}  // namespace kredis::observe
