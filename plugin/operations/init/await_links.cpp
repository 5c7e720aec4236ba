// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/await_links.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;
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

/// The first master that has the replicas which it wants before it writes, and has not heard from
/// enough of them yet: that takes a second more.
std::string refuses_writes(const core::ClusterView& view) {
  const auto waits = std::ranges::find_if(view.members, [](const Member& member) {
    const std::int64_t least = member.server ? member.server->least_replicas.value_or(0) : 0;
    return least > 0 && member.server->role == core::Role::master &&
           member.server->connected_replicas >= least &&
           member.server->good_replicas.value_or(least) < least;
  });
  return waits == view.members.end() ? ""
                                     : waits->pod.name + " has not heard from its replicas yet";
}

std::string not_linked(const core::ClusterView& view) {
  const std::size_t down = links_down(view);
  return down == 0 ? refuses_writes(view)
                   : std::to_string(down) + " replicas are making their first copy";
}

}  // namespace

std::size_t links_down(const core::ClusterView& view) {
  return static_cast<std::size_t>(std::ranges::count_if(view.members, [](const Member& member) {
    return member.server && member.server->role == core::Role::replica &&
           !member.server->master_link_up;
  }));
}

void await_links(observe::Cluster& cluster, const Conduct& conduct) {
  cluster.ask(observe::Ask::everything, conduct.call_deadline());
  if (not_linked(cluster.view()).empty()) {
    return;
  }
  const Commands back = hurry(cluster.switchboard(), conduct.call_deadline());
  // Not to be linked in time is no error here, and neither is to be told to end.
  static_cast<void>(wait_until(conduct, 50ms, [&]() -> Result<std::string> {
    cluster.ask(observe::Ask::everything, conduct.call_deadline());
    return not_linked(cluster.view());
  }));
  static_cast<void>(cluster.switchboard().ask_each(back, conduct.now() + 2s));
}

}  // namespace kredis::plugin
