// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/await_links.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "shared/observe/ask_members.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

using Commands = std::vector<std::vector<Command>>;

constexpr const char* k_delay = "repl-diskless-sync-delay";

/// Sets the delay to 0 on every node that has another; returns what puts it back.
Commands hurry(observe::Switchboard& switchboard, ports::Deadline deadline) {
  Commands back(switchboard.size());
  Commands set(switchboard.size());
  const auto answers = switchboard.ask_all({{"CONFIG", "GET", k_delay}}, deadline);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i] || answers[i]->front().items.size() != 2) {
      continue;
    }
    const std::string& value = answers[i]->front().items[1].text;
    if (value != "0") {
      set[i].push_back({"CONFIG", "SET", k_delay, "0"});
      back[i].push_back({"CONFIG", "SET", k_delay, value});
    }
  }
  static_cast<void>(switchboard.ask_each(set, deadline));
  return back;
}

}  // namespace

std::size_t links_down(const core::ClusterView& view) {
  return static_cast<std::size_t>(std::ranges::count_if(view.members, [](const Member& member) {
    return member.server && member.server->role == core::Role::replica &&
           !member.server->master_link_up;
  }));
}

void await_links(observe::Switchboard& switchboard,
                 core::ClusterView& view,
                 const Conduct& conduct) {
  observe::ask_members(switchboard, view, observe::Ask::everything, call_deadline(conduct));
  if (links_down(view) == 0) {
    return;
  }
  const Commands back = hurry(switchboard, call_deadline(conduct));
  while (links_down(view) > 0 &&
         steady_clock::now() < std::min(conduct.deadline, conduct.patience) &&
         !(conduct.cancelled && conduct.cancelled())) {
    if (conduct.progress != nullptr) {
      conduct.progress->detail(std::to_string(links_down(view)) +
                               " replicas are making their first copy");
    }
    std::this_thread::sleep_for(50ms);
    observe::ask_members(switchboard, view, observe::Ask::everything, call_deadline(conduct));
  }
  static_cast<void>(switchboard.ask_each(back, steady_clock::now() + 2s));
}

}  // namespace kredis::plugin
