// SPDX-License-Identifier: Apache-2.0
//
// Pieces that several kinds of object share: metadata, labels, effective requests. Only for the
// files of this layer.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

/// The product's labels and the user's.
Json object_labels(const ClusterSpec& spec);

/// An object with apiVersion, kind and metadata; the namespace included.
Json namespaced_object(const ClusterSpec& spec,
                       std::string_view api_version,
                       std::string_view kind,
                       const std::string& name);

/// The same for kinds without a namespace.
Json cluster_object(const ClusterSpec& spec,
                    std::string_view api_version,
                    std::string_view kind,
                    const std::string& name);

/// What the pods ask for: the defaults, under the user's values.
Pairs effective_requests(const ClusterSpec& spec);

}  // namespace kredis::manifest
