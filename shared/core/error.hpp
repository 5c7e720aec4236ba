// SPDX-License-Identifier: Apache-2.0
//
// The one error value of the project: what failed, in the user's own names, and one thing to do.
// How an error looks on a screen or in JSON is decided in plugin/render and webhook.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace kredis::core {

enum class ErrorCode {
  invalid_argument,
  not_found,
  unauthorized,
  unreachable,
  timeout,
  conflict,
  unsafe,
  cancelled,
  protocol,
  internal,
};

/// Says whether trying again can help, and from where.
enum class Retry { never, same_call, from_fresh_view, after_repair };

/// Process exit status; the numbers are part of the interface.
/// 130 is what a shell gives a program that Ctrl-C ended.
enum class ExitStatus { done = 0, failed = 1, usage = 2, refused = 3, cancelled = 130 };

struct CodeTraits {
  ErrorCode code;
  std::string_view name;  // Appears in JSON output; renaming one is a breaking change.
  Retry retry;
  ExitStatus exit;
};

/// What could not be done, as a name is not there, a server cannot be reached or a pod never gets
/// ready, failed. A refusal is an answer: it could be done, and is not, for a reason that is given.
inline constexpr std::array k_code_traits{
    CodeTraits{ErrorCode::invalid_argument, "invalid_argument", Retry::never, ExitStatus::usage},
    CodeTraits{ErrorCode::not_found, "not_found", Retry::never, ExitStatus::failed},
    CodeTraits{ErrorCode::unauthorized, "unauthorized", Retry::never, ExitStatus::failed},
    CodeTraits{ErrorCode::unreachable, "unreachable", Retry::same_call, ExitStatus::failed},
    CodeTraits{ErrorCode::timeout, "timeout", Retry::from_fresh_view, ExitStatus::failed},
    CodeTraits{ErrorCode::conflict, "conflict", Retry::from_fresh_view, ExitStatus::refused},
    CodeTraits{ErrorCode::unsafe, "unsafe", Retry::after_repair, ExitStatus::refused},
    CodeTraits{ErrorCode::cancelled, "cancelled", Retry::same_call, ExitStatus::cancelled},
    CodeTraits{ErrorCode::protocol, "protocol", Retry::never, ExitStatus::failed},
    CodeTraits{ErrorCode::internal, "internal", Retry::never, ExitStatus::failed},
};

/// Finds the row of `code`. Every enumerator has one; a test walks them.
const CodeTraits& traits(ErrorCode code) noexcept;

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;                    ///< What failed.
  std::string hint = {};                  ///< One action for the user; empty when there is none.
  std::vector<std::string> context = {};  ///< What was being done; innermost first, outermost last.

  static Error invalid_argument(std::string message);
  static Error not_found(std::string message);
  static Error unauthorized(std::string message);
  static Error unreachable(std::string message);
  static Error timeout(std::string message);
  static Error conflict(std::string message);
  static Error unsafe(std::string message);
  static Error cancelled(std::string message);
  static Error protocol(std::string message);
  static Error internal(std::string message);

  /// Returns this error with the one thing to do about it.
  Error with_hint(std::string text) const;

  /// Returns this error inside one more activity, for example "draining pod redis-app-0".
  Error while_doing(std::string activity) const;

  friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace kredis::core
