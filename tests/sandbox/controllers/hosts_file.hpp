// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's DNS: a hosts file per namespace, because a name may be shortened only inside its
// own. https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
#pragma once

#include <filesystem>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Pure. What a pod in `seen_from` resolves: every service by its full names, those of its own
/// namespace by the short ones too, and the pods of headless services by name.
std::string hosts_file(const Objects& services, const Objects& pods, const std::string& seen_from);

/// Writes state_dir/hosts/NAMESPACE/hosts for every namespace, replacing each file whole.
void reconcile_hosts_files(Context& context);

}  // namespace kredis::sandbox
