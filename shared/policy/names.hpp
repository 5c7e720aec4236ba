// SPDX-License-Identifier: Apache-2.0
//
// The one place for what the objects that `create` makes and the rules that judge objects must
// agree on: ports, paths, keys, defaults, and how a cluster's name becomes the names of its
// objects.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "shared/core/labels.hpp"
#include "shared/core/node.hpp"

namespace kredis::policy {

inline constexpr int k_redis_port = 6379;
inline constexpr int k_bus_port = 16379;

inline constexpr std::string_view k_config_volume = "redis-conf";
inline constexpr std::string_view k_config_path = "/etc/redis";
inline constexpr std::string_view k_config_key = "redis.conf";
inline constexpr std::string_view k_data_volume = "redis-data";
inline constexpr std::string_view k_data_path = "/var/lib/redis";
inline constexpr std::string_view k_default_size = "200M";

inline constexpr std::string_view k_field_manager = core::k_manager;

using core::k_allow_delete_annotation;
using core::k_article_label;
using core::k_bus_offset;
using core::k_cluster_label;
using core::k_ignore_annotation;
using core::k_instance_label;
using core::k_managed_by_label;
using core::k_masters_annotation;
using core::k_ordinal_label;
using core::k_replicas_annotation;
using core::k_storage_annotation;

inline constexpr std::string_view k_ephemeral = "ephemeral";
inline constexpr std::string_view k_host_topology = "kubernetes.io/hostname";
inline constexpr std::string_view k_zone_topology = "topology.kubernetes.io/zone";

/// The user and group of Redis in the official images of Redis and Valkey.
inline constexpr int k_redis_user = 999;

/// Seconds a pod gets to hand over, flush and leave: `k_hand_over_seconds` for the first, Redis's
/// own shutdown-timeout (10) and the flush after it.
inline constexpr int k_grace_seconds = 60;
inline constexpr int k_hand_over_seconds = 30;

/// Loading a large data set may take hours; only a day of silence at the start is a failure.
inline constexpr int k_loading_seconds = 86'400;

/// Of a memory limit, what the data may take. The rest is for the copies that a fork makes while
/// the append-only file is rewritten or a replica is synchronised, and for buffers.
inline constexpr int k_maxmemory_percent_of_limit = 60;

/// What a pod asks for where nobody says.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 2> k_default_requests{
    {{"cpu", "100m"}, {"memory", "100Mi"}}};

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

/// The tag of "registry:5000/redis:8.0@sha256:..."; empty where there is none.
std::string_view image_tag(std::string_view image);

/// The last part of its name, without tag and digest: "redis".
std::string_view image_base(std::string_view image);

}  // namespace kredis::policy
