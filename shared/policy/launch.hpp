// SPDX-License-Identifier: Apache-2.0
//
// Reading how a container starts its server, through wrapper scripts in ConfigMaps too. For the
// files of this layer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

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

/// Whether words at the end of the container's own become the server's last.
/// Tried, not derived: whatever the scripts do with them, this is what comes out.
bool passes_on(const Json& pod,
               const Json& container,
               const Surroundings& around,
               std::string_view namespace_);

/// "/data" of "/data/", as mounts and `dir` may be written; "/" stays.
std::string bare_folder(std::string path);

/// What a volume's files come from.
enum class VolumeOf { config_map, secret };

/// The files that may lie at `path`, the innermost mount's: several where a projected volume has
/// several sources, of which one has the key.
std::vector<MountedFile> mounted_files(const Json& pod,
                                       const Json& container,
                                       std::string_view path,
                                       VolumeOf source = VolumeOf::config_map);

/// The first of them; empty names where none is there.
MountedFile mounted_file(const Json& pod,
                         const Json& container,
                         std::string_view path,
                         VolumeOf source = VolumeOf::config_map);

/// Whether the image is, by its name, the official one of Redis or Valkey: what its entry point
/// does and what its server has built in is known.
bool is_official_image(std::string_view image);

/// Whether the server's starter is the script of Redis's image with modules, and leaves that key to
/// the file that it is given.
bool is_left_by_stack(const Launch& launch, std::string_view key);

/// Whether the text of a redis.conf switches the cluster mode on.
bool enables_cluster(std::string_view config);

}  // namespace kredis::policy
