// SPDX-License-Identifier: Apache-2.0
//
// Labels and annotations by which the product knows its objects, in one place for all who write,
// read or judge them.
#pragma once

#include <string>
#include <string_view>

namespace kredis::core {

inline constexpr std::string_view k_manager = "kubectl-redis";  ///< Field manager, and managed-by.

inline constexpr std::string_view k_masters_annotation = "kubectl-redis.dev/masters";
inline constexpr std::string_view k_replicas_annotation = "kubectl-redis.dev/replicas";
/// "true" takes an object out of every rule.
inline constexpr std::string_view k_ignore_annotation = "kubectl-redis.dev/ignore";
/// "ephemeral" on a workload says that losing the data with the pods is meant.
inline constexpr std::string_view k_storage_annotation = "kubectl-redis.dev/storage";
/// "true" on a workload allows to delete it with its data, or to scale it in without a hand-over.
inline constexpr std::string_view k_allow_delete_annotation = "kubectl-redis.dev/allow-delete";
/// On a claim: "true" once its node left the cluster empty, so that the next one may have it.
inline constexpr std::string_view k_emptied_annotation = "kubectl-redis.dev/emptied";
/// The Secrets that a workload's pods are given.
inline constexpr std::string_view k_auth_secret_annotation = "kubectl-redis.dev/auth-secret";
inline constexpr std::string_view k_tls_secret_annotation = "kubectl-redis.dev/tls-secret";
/// On a Lease: what its holder does to the cluster.
inline constexpr std::string_view k_doing_annotation = "kubectl-redis.dev/doing";
/// The same: how far that is.
inline constexpr std::string_view k_progress_annotation = "kubectl-redis.dev/progress";
/// The same: what it set out to do, where the cluster alone does not say what is left of it.
inline constexpr std::string_view k_begun_annotation = "kubectl-redis.dev/begun";

/// On the webhook's Secret: when a new authority was asked for.
inline constexpr std::string_view k_rotate_annotation = "kubectl-redis.dev/rotate-requested";

inline constexpr std::string_view k_cluster_label = "kubectl-redis.dev/cluster";
/// On each node's objects in the Service & Deployment layout.
inline constexpr std::string_view k_ordinal_label = "kubectl-redis.dev/ordinal";
/// On a namespace: what the webhook does there.
inline constexpr std::string_view k_policy_label = "kubectl-redis.dev/policy";
inline constexpr std::string_view k_article_label = "appCluster";
inline constexpr std::string_view k_instance_label = "app.kubernetes.io/instance";
inline constexpr std::string_view k_managed_by_label = "app.kubernetes.io/managed-by";
inline constexpr std::string_view k_part_of_label = "app.kubernetes.io/part-of";

/// Selects what the product made.
inline std::string managed_selector() {
  return std::string(k_managed_by_label) + "=" + std::string(k_manager);
}
/// Selects what the product made for one cluster.
inline std::string cluster_selector(const std::string& cluster) {
  return managed_selector() + "," + std::string(k_instance_label) + "=" + cluster;
}

}  // namespace kredis::core
