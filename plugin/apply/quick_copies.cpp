// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/quick_copies.hpp"

#include <chrono>
#include <vector>

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

constexpr const char* k_delay = "repl-diskless-sync-delay";

}  // namespace

QuickCopies::QuickCopies(observe::Cluster& cluster, const Conduct& conduct, int seconds)
    : cluster_(cluster), conduct_(conduct) {
  const std::string wanted = std::to_string(seconds);
  std::map<std::string, std::string> delays;
  const auto values = cluster.switchboard().ask_setting(k_delay, conduct.call_deadline());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] && *values[i] != wanted) {
      before_[cluster.view().members[i].pod.name] = *values[i];
      delays[cluster.view().members[i].pod.name] = wanted;
    }
  }
  set(delays, conduct.call_deadline());
}

QuickCopies::~QuickCopies() { set(before_, conduct_.now() + 2s); }

void QuickCopies::set(const std::map<std::string, std::string>& delays, ports::Deadline deadline) {
  std::vector<std::vector<core::Command>> commands(cluster_.view().members.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (const auto delay = delays.find(cluster_.view().members[i].pod.name);
        delay != delays.end()) {
      commands[i].push_back({"CONFIG", "SET", k_delay, delay->second});
    }
  }
  static_cast<void>(cluster_.switchboard().ask_each(commands, deadline));
}

}  // namespace kredis::plugin
