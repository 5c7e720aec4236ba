// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/table.hpp"

#include <algorithm>
#include <cstddef>

#include "plugin/terminal/text_style.hpp"

namespace kredis::plugin {
namespace {

std::string render_row(const std::vector<std::string>& cells,
                       const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    line += last ? cells[i] : padded(cells[i], widths[i] + 3);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string render_table(const std::vector<std::string>& titles,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    std::size_t width = display_width(titles[i]);
    for (const auto& row : rows) {
      width = std::max(width, display_width(row[i]));
    }
    widths.push_back(width);
  }
  std::string text = render_row(titles, widths);
  for (const auto& row : rows) {
    text += render_row(row, widths);
  }
  return text;
}

}  // namespace kredis::plugin
