// SPDX-License-Identifier: Apache-2.0
//
// The objects that hold data: claims, the StatefulSet's claim template, static NFS volumes. Only
// for the files of this layer.
#pragma once

#include <string>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

/// The access mode that is asked for: the user's, else ReadWriteMany on NFS as the article has it,
/// else ReadWriteOnce, which every storage class can give and one pod a claim needs no more than.
std::string effective_access_mode(const ClusterSpec& spec);

/// The claim template `redis-data`. A StatefulSet's templates cannot change later, so it carries
/// only labels that never do.
Json claim_template(const ClusterSpec& spec);

/// One claim a node, named as the StatefulSet would name it; for the Service & Deployment layout.
std::vector<Json> claims(const ClusterSpec& spec);

/// One volume a node, bound to that node's claim beforehand.
std::vector<Json> nfs_volumes(const ClusterSpec& spec);

}  // namespace kredis::manifest
