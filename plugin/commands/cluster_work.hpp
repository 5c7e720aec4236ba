// SPDX-License-Identifier: Apache-2.0
//
// What several verbs do with a located cluster: look at it, initialise it, show it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/change_lease.hpp"
#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/terminal/session.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/observe/cluster.hpp"
#include "shared/observe/locate.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {

/// How a verb that ends at `deadline` is conducted: shown, and ended by Ctrl-C, as the session is.
Conduct conduct_of(Session& session, ports::Deadline deadline);

/// Takes the Lease of the cluster of that name for a change, until what is returned goes; `conduct`
/// ends when somebody takes it away. Errors: conflict (somebody else changes it: who and what).
Result<std::unique_ptr<ChangeLease>> begin_change(Session& session,
                                                  const std::string& namespace_,
                                                  const std::string& cluster,
                                                  const std::string& verb,
                                                  Conduct& conduct);
/// The same for a cluster that was found, whatever it was found by: under the name that `create`
/// gave it, else under that of the first of all workloads that it is made of, which is asked for.
Result<std::unique_ptr<ChangeLease>> begin_change(Session& session,
                                                  const observe::Located& located,
                                                  const observe::RedisAccess& access,
                                                  const std::string& verb,
                                                  Conduct& conduct);

/// Who changes the cluster of `view` now, under that same name.
std::optional<core::Change> change_of(Session& session,
                                      const observe::Located& located,
                                      const core::ClusterView& view);

/// What an earlier `verb` set out to do to it and did not end, as it kept it; mostly empty.
std::string begun_of(Session& session,
                     const observe::Located& located,
                     const core::ClusterView& view,
                     const std::string& verb);

/// A cluster that was found and can be reached. Stays where it is: its parts know each other.
struct ReachedCluster {
  ports::KubePort& kube;
  observe::Located located;
  observe::RedisAccess access;
  std::unique_ptr<ports::RedisPort> redis;
  observe::Cluster cluster;
  Site site;

  ReachedCluster(ports::KubePort& port,
                 observe::Located found,
                 observe::RedisAccess by,
                 std::unique_ptr<ports::RedisPort> way)
      : kube(port),
        located(std::move(found)),
        access(std::move(by)),
        redis(std::move(way)),
        cluster(kube, *redis, located),
        site{.kube = &kube, .cluster = &cluster} {}
  ReachedCluster(const ReachedCluster&) = delete;
  ReachedCluster& operator=(const ReachedCluster&) = delete;
};

/// Finds the cluster by what is given of the two. Errors: those of locating.
Result<observe::Located> find_cluster(Session& session, const ClusterWish& wish);

/// Finds the cluster and what its Secrets say. Nobody is asked yet.
/// Errors: those of locating, and of reading the Secrets.
Result<std::unique_ptr<ReachedCluster>> reach(Session& session, const ClusterWish& wish);
Result<std::unique_ptr<ReachedCluster>> reach(Session& session,
                                              observe::Located located,
                                              const observe::RedisAccess& access);

/// Asks Kubernetes and every Redis node. Errors: those of either.
Result<core::ClusterView> look_at(Session& session,
                                  const observe::Located& located,
                                  const observe::RedisAccess& access,
                                  ports::Deadline deadline);

/// Makes one cluster of the located pods and verifies it. A shape of 0 masters means: what the
/// workload's annotations say, else what the number of pods suggests with `replicas` each.
Result<core::ClusterView> initialise_cluster(Session& session,
                                             const observe::Located& located,
                                             const observe::RedisAccess& access,
                                             core::Shape shape,
                                             const Conduct& conduct);

/// Prints what initialise_cluster would do.
Result<ExitStatus> show_init_plan(Session& session,
                                  const observe::Located& located,
                                  const observe::RedisAccess& access,
                                  core::Shape shape,
                                  ports::Deadline deadline);

/// Prints the status of several clusters, a line each.
ExitStatus show_statuses(Session& session, std::vector<core::ClusterView> views, Output output);

/// Prints the status as -o asks. The exit status is `refused` with a finding of severity error.
ExitStatus show_status(Session& session, core::ClusterView view, Output output);

}  // namespace kredis::plugin
