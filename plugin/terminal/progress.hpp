// SPDX-License-Identifier: Apache-2.0
//
// What is going on, on stderr: stages that end with a tick and, below the current one, one live
// line for each thing waited for. Without a terminal, a plain line for each change; where nothing
// but its figures change, one every few seconds, and the last.
#pragma once

#include <chrono>
#include <iosfwd>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugin/terminal/text_style.hpp"

namespace kredis::plugin {

enum class Live { no, yes };

/// Threads: every member may be called from any thread.
class Progress {
 public:
  Progress(std::ostream& stream, TextStyle style, Live live);

  /// Starts a stage; the one before, if it was not ended, simply stops being live.
  void begin(const std::string& title);
  /// Sets the line of `name` below the current stage, for example a pod's.
  void line(const std::string& name, const std::string& news);
  /// Ends the stage with a tick, the time it took and, if given, another text than its title.
  void done(const std::string& text = {});
  /// Ends the stage with a cross.
  void fail();
  /// Prints one line that stays.
  void note(const std::string& text);
  /// Removes live lines, so that an error or a result can follow.
  void clear();

 private:
  void print_plain(const std::string& key, const std::string& text);
  void print_held_back();
  void erase_live();
  void draw_live();
  void end_stage(const std::string& mark, const std::string& text);

  std::ostream& stream_;
  TextStyle style_;
  Live live_;
  std::mutex mutex_;
  std::string title_;
  std::chrono::steady_clock::time_point began_{};
  std::vector<std::pair<std::string, std::string>> lines_;
  /// Without a terminal: the last line without its figures, and when that was.
  std::string printed_;
  std::chrono::steady_clock::time_point printed_at_{};
  std::string held_back_;  ///< Without a terminal: the newest line, where it has not been printed.
  std::size_t drawn_ = 0;  ///< Terminal lines that are live now.
};

}  // namespace kredis::plugin
