// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/table.hpp"

#include <algorithm>
#include <cstddef>

#include "plugin/terminal/clean_text.hpp"
#include "plugin/terminal/text_style.hpp"

namespace kredis::plugin {
namespace {

constexpr std::size_t k_gap = 3;

std::string render_row(const std::vector<std::string>& cells,
                       const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    line += last ? cells[i] : padded(cells[i], widths[i] + k_gap);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

using Rows = std::vector<std::vector<std::string>>;

std::vector<std::size_t> widths_of(const std::vector<std::string>& titles, const Rows& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    std::size_t width = display_width(titles[i]);
    for (const auto& row : rows) {
      width = std::max(width, display_width(row[i]));
    }
    widths.push_back(width);
  }
  return widths;
}

std::size_t sum_of(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) {
    sum += width + (sum == 0 ? 0 : k_gap);
  }
  return sum;
}

void leave_out(const std::string& title, std::vector<std::string>& titles, Rows& rows) {
  const auto found = std::ranges::find(titles, title);
  if (found == titles.end()) {
    return;
  }
  const auto at = found - titles.begin();
  titles.erase(found);
  for (auto& row : rows) {
    row.erase(row.begin() + at);
  }
}

}  // namespace

std::string render_table(const std::vector<std::string>& titles, const Rows& rows, const Fit& fit) {
  std::vector<std::string> shown_titles = titles;
  Rows shown = rows;
  // A cell with a line end would look like a row of its own.
  for (auto& row : shown) {
    std::ranges::transform(row, row.begin(), one_line);
  }
  for (const std::string& title : fit.optional) {
    if (fit.columns == 0 || sum_of(widths_of(shown_titles, shown)) <= fit.columns) {
      break;
    }
    leave_out(title, shown_titles, shown);
  }
  const std::vector<std::size_t> widths = widths_of(shown_titles, shown);
  std::string text = render_row(shown_titles, widths);
  for (const auto& row : shown) {
    text += render_row(row, widths);
  }
  return text;
}

}  // namespace kredis::plugin
