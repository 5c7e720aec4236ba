// SPDX-License-Identifier: Apache-2.0
//
// The cells of one row, kind by kind. Which columns they stand under is in tables.cpp.
#pragma once

#include <ctime>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

using CellsOf = Json (*)(const Json& object, std::time_t now);

Json pod_cells(const Json& pod, std::time_t now);
Json workload_cells(const Json& object, std::time_t now);
Json service_cells(const Json& service, std::time_t now);
Json node_cells(const Json& node, std::time_t now);
Json claim_cells(const Json& claim, std::time_t now);
Json volume_cells(const Json& volume, std::time_t now);
Json event_cells(const Json& event, std::time_t now);
Json endpoints_cells(const Json& endpoints, std::time_t now);
Json endpoint_slice_cells(const Json& slice, std::time_t now);
Json quota_cells(const Json& quota, std::time_t now);
Json storage_class_cells(const Json& storage_class, std::time_t now);
Json budget_cells(const Json& budget, std::time_t now);
Json binding_cells(const Json& binding, std::time_t now);

std::string name_of(const Json& object);

/// How long ago the object was made, as kubectl writes it.
std::string age_of(const Json& object, std::time_t now);

/// "<none>" for an empty text.
std::string or_none(const std::string& text);

}  // namespace kredis::sandbox::api
