// SPDX-License-Identifier: Apache-2.0
//
// `create` on a cluster that is there: what is not said stays as it is, what is said differently is
// a change with a risk.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/manifest/spec_changes.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// The description of the cluster of that name; nothing where `create` made none.
/// Errors: those of the server, but for what this user may not see.
Result<std::optional<manifest::ClusterSpec>> find_standing(ports::KubePort& kube,
                                                           const std::string& namespace_,
                                                           const std::string& name);

/// `there` with what `said` names of `asked`: the names of create's flags, with their dashes. Pure.
manifest::ClusterSpec merged(const manifest::ClusterSpec& there,
                             const manifest::ClusterSpec& asked,
                             const std::set<std::string>& said);

/// The workloads of `objects` whose pods the server would make anew if they were applied now, by
/// their names. Errors: those of a dry run on the server.
Result<std::vector<std::string>> restarted_by(ports::KubePort& kube,
                                              const std::vector<Json>& objects,
                                              const std::vector<Json>& before,
                                              const Conduct& conduct);

/// Refuses what `allowed` does not say in words, and a restart of pods that keep their data in
/// themselves. Pure. Errors: unsafe (says what would be lost, and the word that allows it).
Status check_allowed(const manifest::ClusterSpec& there,
                     const std::vector<manifest::SpecChange>& changes,
                     bool restarts,
                     const std::vector<std::string>& allowed);

/// The words that --allow takes.
std::vector<std::string> allow_words();

/// Applies the objects over a cluster that is there: one Deployment after the other, as all at once
/// would stop it, and each roll-out is waited for. The risks are those of `changes`. Pure.
core::Stage reapply_stage(const manifest::ClusterSpec& spec,
                          const std::vector<Json>& objects,
                          const std::vector<Json>& before,
                          const std::vector<manifest::SpecChange>& changes,
                          const std::vector<std::string>& restarted);

/// Switches the append-only file on in the running servers, which a restart with it on and without
/// a file would start empty; each server has its file before the next step. Pure.
core::Stage persistence_stage(const core::ClusterView& view);
/// What is missing until all have it.
std::string persistence_missing(const core::ClusterView& view);

}  // namespace kredis::plugin
