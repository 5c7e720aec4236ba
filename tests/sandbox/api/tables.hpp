// SPDX-License-Identifier: Apache-2.0
//
// Objects as the tables that `kubectl get` prints: the columns of Kubernetes'
// pkg/printers/internalversion, computed on the server as there. Pure but for the age.
#pragma once

#include <ctime>
#include <span>
#include <string>

#include "tests/sandbox/api/resources.hpp"

namespace kredis::sandbox::api {

/// How much of each object a row carries.
enum class IncludeObject { none, metadata, object };

/// One row an object, in the order given.
Json to_table(const ResourceInfo& info,
              std::span<const Object> objects,
              IncludeObject include,
              const Json& list_metadata);

/// "5m3s" since a timestamp, as kubectl writes ages; "<unknown>" without one.
std::string age_since(const std::string& timestamp, std::time_t now);

}  // namespace kredis::sandbox::api
