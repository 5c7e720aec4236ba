// SPDX-License-Identifier: Apache-2.0
//
// JSON values -> YAML text, as kubectl writes it: two spaces, text of several lines as blocks,
// quotes only where a reader would take the text for something else.
#pragma once

#include <string>
#include <vector>

#include "shared/json/json.hpp"

namespace kredis::manifest {

/// Writes one document. Keys come in alphabetical order, but for apiVersion, kind, metadata, spec
/// and name, which come first. Ends with a newline.
std::string to_yaml(const Json& value);

/// Writes several documents with `---` between them.
std::string to_yaml(const std::vector<Json>& documents);

}  // namespace kredis::manifest
