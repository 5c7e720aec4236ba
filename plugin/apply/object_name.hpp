// SPDX-License-Identifier: Apache-2.0
//
// From an object to its name, and from that to where the API server keeps it, for the kinds that
// the product handles.
#pragma once

#include <string>

#include "shared/core/object_name.hpp"
#include "shared/json/json.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// Names `object` by its apiVersion, kind and metadata.
/// Requires: a kind that the product makes; anything else is a bug of ours.
core::ObjectName name_of(const Json& object);

/// Names one object by its kind, for example "StatefulSet".
core::ObjectName name_of(const std::string& kind,
                         const std::string& namespace_,
                         const std::string& name);

ports::ResourcePath path_of(const core::ObjectName& object);

}  // namespace kredis::plugin
