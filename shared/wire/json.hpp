// SPDX-License-Identifier: Apache-2.0
//
// The JSON type that objects travel in, above the core. Core signatures never show it.
#pragma once

#include <nlohmann/json.hpp>

namespace kredis {
using Json = nlohmann::json;
}  // namespace kredis
