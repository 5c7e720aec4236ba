// SPDX-License-Identifier: Apache-2.0
//
// From an object to where the API server keeps it, for the kinds that the product handles.
#pragma once

#include <string>

#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// One object as people and the API server name it.
struct ObjectName {
  std::string kind;  ///< As kubectl prints it: "statefulset.apps".
  ports::ResourcePath path;
  std::string uid = {};
  /// "statefulset.apps/redis-app".
  std::string to_text() const;
};

/// Names `object` by its apiVersion, kind and metadata.
/// Requires: a kind that the product makes; anything else is a bug of ours.
ObjectName name_of(const Json& object);

/// Names one object by its kind, for example "StatefulSet".
ObjectName name_of(const std::string& kind, const std::string& namespace_, const std::string& name);

}  // namespace kredis::plugin
