// SPDX-License-Identifier: Apache-2.0
//
// Reading how a container starts its server, through wrapper scripts in ConfigMaps too. For the
// files of this layer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "shared/policy/subject.hpp"

namespace kredis::policy {

/// The container of a pod that runs Redis: by what it starts, then its name or image, then its
/// port.
std::size_t redis_container(const Json& pod);

/// Reads the container's command and args. `base` is the container's place in the object.
Launch read_launch(const Json& pod,
                   const Json& container,
                   std::string_view base,
                   const Surroundings& around,
                   std::string_view namespace_);

/// What a volume's files come from.
enum class VolumeOf { config_map, secret };

/// Follows mounts and `items` of such volumes; empty names where none is there.
MountedFile mounted_file(const Json& pod,
                         const Json& container,
                         std::string_view path,
                         VolumeOf source = VolumeOf::config_map);

/// Whether the text of a redis.conf switches the cluster mode on.
bool enables_cluster(std::string_view config);

}  // namespace kredis::policy
