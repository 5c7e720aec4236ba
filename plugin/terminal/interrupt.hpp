// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C, SIGTERM and a lost terminal: say how to go on, give the verb a moment to put things in
// order, and end.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace kredis::plugin {

/// Blocks their signals in every later thread and waits for them in one of its own.
/// Call once, before other threads start. `arguments` are what the user typed, for the hint.
void watch_for_interrupts(const std::vector<std::string>& arguments);

/// Whether an interrupt came. Loops that wait look at it and end early.
bool interrupted() noexcept;

/// Sets what else happens on an interrupt: ending a wait at once. An empty function takes it back.
/// Threads: it is called from the thread that waits for signals.
void on_interrupt(std::function<void()> action);

}  // namespace kredis::plugin
