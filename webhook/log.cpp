// SPDX-License-Identifier: Apache-2.0
#include "webhook/log.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

namespace kredis::webhook {
namespace {

constexpr std::array<std::string_view, 4> k_names{"debug", "info", "warning", "error"};

/// 2026-01-31T12:00:00.123Z
std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string result(text.data(), size);
  const std::string fraction = std::to_string(1000 + milliseconds);
  return result + "." + fraction.substr(1) + "Z";
}

}  // namespace

std::optional<LogLevel> log_level_of(std::string_view text) {
  const auto* const found = std::find(k_names.begin(), k_names.end(), text);
  return found != k_names.end() ? std::optional(static_cast<LogLevel>(found - k_names.begin()))
                                : std::nullopt;
}

void Log::write(LogLevel level, std::string_view message, Json fields) {
  if (!writes(level)) {
    return;
  }
  fields["time"] = time_text();
  fields["level"] = k_names[static_cast<std::size_t>(level)];
  fields["message"] = message;
  // Names come from strangers' objects and need not be UTF-8: `replace`, or dump would throw.
  const std::string line = fields.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  // One call a line: stderr is not buffered, and lines of two threads would mix.
  const std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Log::write(LogLevel level, std::string_view message, const core::Error& error) {
  Json fields = {{"error", error.message}, {"code", core::traits(error.code).name}};
  if (!error.hint.empty()) {
    fields["hint"] = error.hint;
  }
  if (!error.context.empty()) {
    fields["context"] = error.context;
  }
  write(level, message, std::move(fields));
}

}  // namespace kredis::webhook
