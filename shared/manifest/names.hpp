// SPDX-License-Identifier: Apache-2.0
//
// The one place where a cluster's name becomes the names and labels of its objects, and where the
// ports, paths and keys are written down that several parts must agree on.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kredis::manifest {

inline constexpr int k_redis_port = 6379;
inline constexpr int k_bus_port = 16379;

inline constexpr std::string_view k_config_volume = "redis-conf";
inline constexpr std::string_view k_config_path = "/etc/redis";
inline constexpr std::string_view k_data_volume = "redis-data";
inline constexpr std::string_view k_data_path = "/var/lib/redis";
inline constexpr std::string_view k_tls_volume = "redis-tls";
inline constexpr std::string_view k_tls_path = "/etc/redis-tls";

inline constexpr std::string_view k_password_key = "password";
inline constexpr std::string_view k_field_manager = "kubectl-redis";

inline constexpr std::string_view k_masters_annotation = "kubectl-redis.dev/masters";
inline constexpr std::string_view k_replicas_annotation = "kubectl-redis.dev/replicas";
/// The Secrets that clients of the cluster need; only where there are any.
inline constexpr std::string_view k_auth_secret_annotation = "kubectl-redis.dev/auth-secret";
inline constexpr std::string_view k_tls_secret_annotation = "kubectl-redis.dev/tls-secret";
inline constexpr std::string_view k_config_hash_annotation = "kubectl-redis.dev/config-hash";
/// On each node's objects in the Service & Deployment layout.
inline constexpr std::string_view k_ordinal_label = "kubectl-redis.dev/ordinal";

/// Longest name a cluster can have. A StatefulSet's pods carry its name, a dash and ten characters
/// in a label of 63, so NAME-app has 52; NAME-access-service must fit in 63 and asks for the same.
inline constexpr std::size_t k_longest_name = 48;

/// The object names of one cluster. For `redis` they are the article's.
struct Names {
  std::string config_map;         ///< redis-conf
  std::string headless_service;   ///< redis-service
  std::string workload;           ///< redis-app
  std::string access_service;     ///< redis-access-service
  std::string disruption_budget;  ///< redis-app

  /// redis-app-0: the pod, or in the Service & Deployment layout the Deployment and Service.
  std::string node(int ordinal) const;
  /// redis-data-redis-app-0
  std::string claim(int ordinal) const;
  /// nfs-pv1 for ordinal 0, and NAME-nfs-pv1 where NAME is not `redis`: volumes have no namespace.
  std::string nfs_volume(int ordinal) const;

  std::string nfs_prefix;
};

Names names_of(std::string_view cluster);

/// app: redis, appCluster: redis-cluster. What every selector of the cluster uses.
std::map<std::string, std::string> selector_labels(std::string_view cluster);

/// The selector's labels and the recommended app.kubernetes.io ones that never change: what a
/// StatefulSet's claims carry.
std::map<std::string, std::string> stable_labels(std::string_view cluster);

/// Those and the version, which `image` gives.
std::map<std::string, std::string> common_labels(std::string_view cluster, std::string_view image);

}  // namespace kredis::manifest
