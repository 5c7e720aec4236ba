// SPDX-License-Identifier: Apache-2.0
//
// What clients ask before anything else: versions, groups, resources, and the types behind them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

/// The document at `/version`, `/api`, `/apis`, `/api/v1`, `/apis/GROUP` or `/apis/GROUP/VERSION`;
/// nothing for any other path.
std::optional<Json> discovery_document(std::string_view path, const std::string& server_version);

}  // namespace kredis::sandbox::api
