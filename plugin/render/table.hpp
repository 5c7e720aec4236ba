// SPDX-License-Identifier: Apache-2.0
//
// Plain columns, as kubectl prints them: upper-case titles, three spaces between.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kredis::plugin {

/// What may be left out where a terminal is narrow.
struct Fit {
  std::size_t columns = 0;                 ///< Of the terminal; 0 where all is shown.
  std::vector<std::string> optional = {};  ///< Titles, the one that goes first in front.
};

/// Lays out `rows` under `titles`; each row has as many cells as there are titles.
std::string render_table(const std::vector<std::string>& titles,
                         const std::vector<std::vector<std::string>>& rows,
                         const Fit& fit = {});

}  // namespace kredis::plugin
