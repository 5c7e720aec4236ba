// SPDX-License-Identifier: Apache-2.0
//
// The files of deploy/ that hold the webhook's objects: a kustomize base, the same with
// cert-manager, and a Helm chart. All are printed from webhook_objects, and a test finds them
// current.
#pragma once

#include <map>
#include <string>

namespace kredis::manifest {

/// Text by path below deploy/.
std::map<std::string, std::string> webhook_files(const std::string& version);

}  // namespace kredis::manifest
