// SPDX-License-Identifier: Apache-2.0
//
// A short cluster-node-timeout for a moment while a new cluster forms, and the old one back.
//
// Why: a master says cluster_state:ok only min(max(cluster-node-timeout, 500 ms), 5 s) after it
// last saw itself in a minority, and a node without slots counts as one (clusterUpdateState in
// cluster.c). With the usual 5 or 15 s that wait is nearly all the time that a new cluster takes.
// And a node pings those that it has not heard for half of it, which spreads its new role.
// Why only for a moment: busy nodes that ping each other four times a second drop links and doubt
// each other (seen with 60 nodes on two cores).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

#include "shared/observe/switchboard.hpp"

namespace kredis::plugin {

/// The short values. Figures that nobody would choose: finding one on a node means that an earlier
/// run ended before it could put the old value back.
inline constexpr std::array<std::chrono::milliseconds, 4> k_forming_node_timeouts{
    std::chrono::milliseconds(207),
    std::chrono::milliseconds(507),
    std::chrono::milliseconds(1007),
    std::chrono::milliseconds(2007)};
/// The first of them that can let a master serve: less than 500 ms is taken for 500.
inline constexpr std::size_t k_least_to_serve = 1;

/// Chooses the short value for nodes that took `so_far` to come this far: the longest that is no
/// longer than that, so that slow or crowded nodes are not hurried into doubting each other. At
/// least the one at position `least`.
std::chrono::milliseconds forming_node_timeout(std::chrono::nanoseconds so_far, std::size_t least);

/// What Redis has when nothing is configured.
inline constexpr std::chrono::milliseconds k_default_node_timeout{15'000};

class FormingNodeTimeouts {
 public:
  /// `configured` is what the nodes' redis.conf says, for nodes that an earlier run left short;
  /// zero when it is not known.
  FormingNodeTimeouts(observe::Switchboard& switchboard, std::chrono::milliseconds configured);
  /// Restores what was not restored yet, within two seconds.
  ~FormingNodeTimeouts();
  FormingNodeTimeouts(const FormingNodeTimeouts&) = delete;
  FormingNodeTimeouts& operator=(const FormingNodeTimeouts&) = delete;

  /// Learns every node's value. Nodes whose CONFIG is renamed or forbidden are left alone.
  void look(ports::Deadline deadline);
  /// Shortens it to `value` on the nodes at these positions, as far as `look` could read theirs,
  /// and sends each its command, if it is given one, in the same breath. A refusal is no error: it
  /// only takes longer.
  void shorten(std::chrono::milliseconds value,
               const std::map<std::size_t, core::Command>& nodes,
               ports::Deadline deadline);
  /// Puts back what `look` found, also on nodes that an earlier run left short.
  /// Errors: those of the connection; the pod and the command to mend it by hand are in the error.
  Status restore(ports::Deadline deadline);

 private:
  observe::Switchboard& switchboard_;
  std::chrono::milliseconds configured_;
  std::map<std::size_t, std::chrono::milliseconds> wanted_;  ///< By position; known nodes only.
  std::vector<bool> short_;                                  ///< Whether it is short right now.
};

}  // namespace kredis::plugin
