// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes quantities: "100m", "200M", "1Gi", "1e3".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

/// In thousandths, so that "100m" is exact; nothing for what is no quantity.
std::optional<double> parse_quantity(std::string_view text);
/// The same for a JSON string or number.
std::optional<double> parse_quantity(const Json& value);
/// Writes thousandths in the unit that reads best: "1500m", "2", "1Gi".
std::string format_quantity(double thousandths, std::string_view like);

}  // namespace kredis::sandbox::api
