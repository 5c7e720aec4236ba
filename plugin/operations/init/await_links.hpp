// SPDX-License-Identifier: Apache-2.0
//
// The end of an initialisation: replicas that have made their first copy of their master's data, so
// that what is shown next is a healthy cluster and not one in the making.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// How many replicas are not linked to their master yet, as INFO says. Pure.
std::size_t links_down(const core::ClusterView& view);

/// Waits until every replica is linked and every master takes writes (min-replicas-to-write), or
/// until the patience of `conduct` ends, which is no error: a large first copy takes its time. The
/// cluster is asked in full.
///
/// While it waits, masters start copies at once: repl-diskless-sync-delay (5 s by default) has them
/// wait for more replicas to share one. It is put back; a run that is killed leaves it at 0 until
/// the next restart, which costs a fork more when several replicas come at the same time.
void await_links(observe::Cluster& cluster, const Conduct& conduct);

}  // namespace kredis::plugin
