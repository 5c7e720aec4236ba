// SPDX-License-Identifier: Apache-2.0
//
// The names, labels and keys of a cluster's objects. What the policy must know as well lies in
// shared/policy/names.hpp; this adds what only the objects need.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/core/labels.hpp"
#include "shared/policy/names.hpp"

namespace kredis::manifest {

using policy::k_bus_port;
using policy::k_config_path;
using policy::k_config_volume;
using policy::k_data_path;
using policy::k_data_volume;
using policy::k_field_manager;
using policy::k_masters_annotation;
using policy::k_ordinal_label;
using policy::k_redis_port;
using policy::k_replicas_annotation;
using policy::k_storage_annotation;
using policy::Names;
using policy::names_of;
using policy::selector_labels;

inline constexpr std::string_view k_tls_volume = "redis-tls";
inline constexpr std::string_view k_tls_path = "/etc/redis-tls";

inline constexpr std::string_view k_password_key = "password";

/// The Secrets that clients of the cluster need; only where there are any.
using core::k_auth_secret_annotation;
using core::k_tls_secret_annotation;
inline constexpr std::string_view k_config_hash_annotation = "kubectl-redis.dev/config-hash";

/// Longest name a cluster can have. A StatefulSet's pods carry its name, a dash and ten characters
/// in a label of 63, so NAME-app has 52; NAME-access-service must fit in 63 and asks for the same.
inline constexpr std::size_t k_longest_name = 48;

/// The selector's labels and the recommended app.kubernetes.io ones that never change: what a
/// StatefulSet's claims carry.
std::map<std::string, std::string> stable_labels(std::string_view cluster);

/// Those and the version, which `image` gives.
std::map<std::string, std::string> common_labels(std::string_view cluster, std::string_view image);

}  // namespace kredis::manifest
