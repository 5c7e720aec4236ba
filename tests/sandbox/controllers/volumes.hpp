// SPDX-License-Identifier: Apache-2.0
//
// Claims and volumes: binding, making volumes for the sandbox's storage classes, and what becomes
// of a volume when its claim goes. https://kubernetes.io/docs/concepts/storage/persistent-volumes/
#pragma once

#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Pure. The name of the volume that fits `claim` best, or empty: one that names the claim first,
/// then the smallest that is large enough.
std::string choose_volume(const Json& claim, const Objects& volumes);

/// Pure. Whether `volume` can serve `claim` at all (class, modes, size, selector, volumeName).
bool volume_fits(const Json& volume, const Json& claim);

void reconcile_volumes(Context& context);

}  // namespace kredis::sandbox
