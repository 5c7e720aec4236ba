// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/await_links.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "plugin/apply/quick_copies.hpp"

namespace kredis::plugin {
namespace {

using core::Member;
using namespace std::chrono_literals;

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
  const QuickCopies quick(cluster, conduct);
  // Not to be linked in time is no error here, and neither is to be told to end.
  static_cast<void>(wait_until(conduct, 50ms, [&]() -> Result<std::string> {
    cluster.ask(observe::Ask::everything, conduct.call_deadline());
    return not_linked(cluster.view());
  }));
}

}  // namespace kredis::plugin
