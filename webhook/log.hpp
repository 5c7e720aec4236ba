// SPDX-License-Identifier: Apache-2.0
//
// The webhook's log: one JSON object a line, on stderr. Secrets never come here.
#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "shared/core/error.hpp"
#include "shared/json/json.hpp"

namespace kredis::webhook {

enum class LogLevel { debug, info, warning, error };

std::optional<LogLevel> log_level_of(std::string_view text);

/// Threads: any.
class Log {
 public:
  explicit Log(LogLevel least) : least_(least) {}

  bool writes(LogLevel level) const { return level >= least_; }
  /// `fields` is an object; time, level and message are added.
  void write(LogLevel level, std::string_view message, Json fields = Json::object());
  /// An error with its hint and context.
  void write(LogLevel level, std::string_view message, const core::Error& error);

 private:
  LogLevel least_;
  std::mutex mutex_;
};

}  // namespace kredis::webhook
