// SPDX-License-Identifier: Apache-2.0
//
// What containers print: one file for each run of a container, each line with the time it came,
// and readers that may follow while the container still writes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

/// One run's log. Threads: any number of readers beside one writer.
class Log {
 public:
  explicit Log(std::filesystem::path file);

  /// Adds what the container printed; lines are split and stamped here.
  void append(std::string_view bytes);
  /// Ends the last line; nothing follows.
  void finish();

  /// Also writes everything from now on, as it comes, to `to`; closes it at the end.
  void add_tap(Fd to);

  bool is_finished() const;
  /// Blocks until there is more than `size` bytes, the log is finished, or the time is up.
  void wait_past(std::uintmax_t size, std::chrono::milliseconds at_most) const;
  const std::filesystem::path& file() const noexcept { return file_; }
  /// The end of what was printed, for a termination message.
  std::string tail(std::size_t most_lines, std::size_t most_bytes) const;

 private:
  void write_line(std::string_view line);

  std::filesystem::path file_;
  mutable std::mutex mutex_;
  mutable std::condition_variable grown_;
  std::ofstream out_;
  std::string partial_;  // A line whose end has not come yet.
  std::uintmax_t size_ = 0;
  bool finished_ = false;
  std::vector<Fd> taps_;
};

struct LogQuery {
  enum class Follow { no, yes };
  enum class Stamps { no, yes };
  Follow follow = Follow::no;
  Stamps stamps = Stamps::no;
  std::optional<std::int64_t> tail_lines = {};
  std::optional<std::chrono::system_clock::time_point> since = {};
  std::optional<std::uintmax_t> limit_bytes = {};
};

/// Sends what the query asks for, until that is all or `sink` says false.
void read_log(const Log& log,
              const LogQuery& query,
              const std::function<bool(std::string_view)>& sink);

}  // namespace kredis::sandbox
