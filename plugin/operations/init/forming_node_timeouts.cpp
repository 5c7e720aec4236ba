// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/forming_node_timeouts.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

using std::chrono::milliseconds;

constexpr const char* k_setting = "cluster-node-timeout";

core::Command set_command(milliseconds value) {
  return {"CONFIG", "SET", k_setting, std::to_string(value.count())};
}

std::optional<milliseconds> value_in(const std::optional<std::string>& text) {
  const auto value = core::to_number<milliseconds::rep>(text.value_or(""));
  return value && *value > 0 ? std::optional(milliseconds(*value)) : std::nullopt;
}

}  // namespace

milliseconds forming_node_timeout(std::chrono::nanoseconds so_far, std::size_t least) {
  milliseconds chosen = k_forming_node_timeouts[least];
  for (const milliseconds value : k_forming_node_timeouts) {
    chosen = value <= so_far ? std::max(chosen, value) : chosen;
  }
  return chosen;
}

FormingNodeTimeouts::FormingNodeTimeouts(observe::Switchboard& switchboard, milliseconds configured)
    : switchboard_(switchboard),
      configured_(configured.count() > 0 ? configured : k_default_node_timeout),
      short_(switchboard.size(), false) {}

FormingNodeTimeouts::~FormingNodeTimeouts() {
  // Nobody is left to tell: the error that brought us here matters more, and the next run looks.
  static_cast<void>(restore(std::chrono::steady_clock::now() + std::chrono::seconds(2)));
}

void FormingNodeTimeouts::look(ports::Deadline deadline) {
  const auto values = switchboard_.ask_setting(std::string(k_setting), deadline);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (const auto value = value_in(values[i])) {
      short_[i] =
          std::ranges::find(k_forming_node_timeouts, *value) != k_forming_node_timeouts.end();
      wanted_[i] = short_[i] ? configured_ : *value;
    }
  }
}

void FormingNodeTimeouts::shorten(milliseconds value,
                                  const std::map<std::size_t, core::Command>& nodes,
                                  ports::Deadline deadline) {
  std::vector<std::vector<core::Command>> commands(switchboard_.size());
  for (const auto& [at, command] : nodes) {
    const auto wanted = wanted_.find(at);
    if (wanted == wanted_.end() || wanted->second <= value) {
      continue;
    }
    commands[at].push_back(set_command(value));
    if (!command.empty()) {
      commands[at].push_back(command);
    }
    short_[at] = true;  // Even when the answer is lost.
  }
  static_cast<void>(switchboard_.ask_each(commands, deadline));
}

Status FormingNodeTimeouts::restore(ports::Deadline deadline) {
  std::vector<std::vector<core::Command>> commands(switchboard_.size());
  for (const auto& [at, value] : wanted_) {
    if (short_[at]) {
      commands[at].push_back(set_command(value));
    }
  }
  const auto answers = switchboard_.ask_each(commands, deadline);
  std::optional<Error> failed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (commands[i].empty()) {
      continue;
    }
    const bool done = answers[i] && !answers[i]->front().is_error();
    short_[i] = !done;
    if (!done && !failed) {
      failed = (answers[i] ? Error::protocol(answers[i]->front().text) : answers[i].error())
                   .while_doing("setting " + std::string(k_setting) + " back to " +
                                std::to_string(wanted_[i].count()) + " on " +
                                switchboard_.target(i).pod);
    }
  }
  return failed ? Status(*failed) : Status{};
}

}  // namespace kredis::plugin
