// SPDX-License-Identifier: Apache-2.0
//
// Text without commands to a terminal. What Redis answers, an event tells or somebody named is
// text, and text moves no cursor, sets no title and hides nothing: control characters are shown as
// \u001b, which is also how a JSON string may say them. Only the colours of TextStyle pass. Pure.
#pragma once

#include <string>
#include <string_view>

#include "plugin/terminal/text_style.hpp"

namespace kredis::plugin {

/// Cleans text as it comes, however it is cut.
class Cleaner {
 public:
  explicit Cleaner(Colour colour = Colour::off) : colour_(colour) {}
  void set_colour(Colour colour) { colour_ = colour; }

  /// What may be shown of `text` and of what was held back before.
  std::string take(std::string_view text);
  /// What is left when no more comes.
  std::string end();

 private:
  Colour colour_;
  std::string held_;  // The beginning of something longer.
};

/// `text` on one line, for a cell of a table or a line of progress: cleaned, with blanks for line
/// ends.
std::string one_line(std::string_view text);

}  // namespace kredis::plugin
