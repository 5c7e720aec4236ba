// SPDX-License-Identifier: Apache-2.0
//
// A pod's volumes as folders of this machine: what each holds, and where a container sees it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "tests/sandbox/node/atomic_folder.hpp"
#include "tests/sandbox/node/environment.hpp"
#include "tests/sandbox/node/jail.hpp"
#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

struct VolumePlace {
  std::filesystem::path pod_dir;    ///< Goes with the pod.
  std::filesystem::path state_dir;  ///< The sandbox's; nothing outside it is ever written.
};

/// The files that a configMap, secret, projected or downwardAPI volume holds now.
/// Errors: not_found in the kubelet's words; invalid_argument for another kind of volume.
Result<Payload> payload_of_volume(const Json& volume, const PodFacts& facts);
/// Whether `payload_of_volume` is what fills it.
bool is_payload_volume(const Json& volume);

/// Makes the volume ready and returns its folder.
/// Errors: not_found (the object it names, a claim that is not bound), invalid_argument.
Result<std::filesystem::path> set_up_volume(const Json& volume,
                                            const PodFacts& facts,
                                            const Store& store,
                                            const VolumePlace& place);

/// What a container's volumeMounts come to. Requires: every volume is set up.
Result<std::vector<Mount>> mounts_of(const Json& container,
                                     const Json& pod,
                                     const Environment& environment,
                                     const std::map<std::string, std::filesystem::path>& volumes);

}  // namespace kredis::sandbox
