// SPDX-License-Identifier: Apache-2.0
//
// How an operation that takes a while is conducted: until when, by which clock, who hears of it,
// who may end it; and the one way to wait.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "plugin/terminal/progress.hpp"
#include "shared/core/result.hpp"
#include "shared/ports/clock.hpp"
#include "shared/system/steady_clock.hpp"

namespace kredis::plugin {

struct Conduct {
  ports::Deadline deadline;
  ports::Deadline patience = ports::Deadline::max();  ///< When to stop waiting, if that is sooner.
  Progress* progress = nullptr;                       ///< Null where nobody watches.
  std::function<bool()> cancelled = {};               ///< Asked now and then: Ctrl-C.
  std::function<bool()> superseded = {};  ///< The same: somebody else changes the cluster now.
  /// Told all that is said, for whoever else looks.
  std::function<void(const std::string&)> heard = {};
  ports::ClockPort* clock = &system::steady_clock();

  ports::Deadline now() const { return clock->now(); }
  bool is_cancelled() const { return (cancelled && cancelled()) || (superseded && superseded()); }
  /// The error of an operation that ends because `is_cancelled`, in the middle of `what`.
  Error ended_while(const std::string& what) const;
  /// When waiting ends.
  ports::Deadline end() const { return std::min(deadline, patience); }
  /// When one exchange with the nodes must be over: a frozen node must not use up all the time.
  /// Never sooner than in a second.
  ports::Deadline call_deadline() const;
  /// A stage that is shown: its begin, its end, its end in failure. Nothing where nobody watches.
  void begin(const std::string& title) const;
  void done(const std::string& text) const;
  void failed() const;
  /// Says what is being done, or the latest about it, below the stage that is shown.
  void say(const std::string& text) const;
  /// The same operation with so much time for waiting.
  Conduct with_patience(std::chrono::milliseconds time) const;
};

/// What a look says is still missing; an empty text when nothing is. An error ends the waiting.
using Missing = std::function<Result<std::string>()>;

/// Looks again and again, `pace` apart, until nothing is missing.
/// Errors: timeout (with the last text), cancelled, those of the look.
Status wait_until(const Conduct& conduct, std::chrono::milliseconds pace, const Missing& missing);

}  // namespace kredis::plugin
