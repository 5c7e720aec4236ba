// SPDX-License-Identifier: Apache-2.0
//
// Plain columns, as kubectl prints them: upper-case titles, three spaces between.
#pragma once

#include <string>
#include <vector>

namespace kredis::plugin {

/// Lays out `rows` under `titles`; each row has as many cells as there are titles.
std::string render_table(const std::vector<std::string>& titles,
                         const std::vector<std::vector<std::string>>& rows);

}  // namespace kredis::plugin
