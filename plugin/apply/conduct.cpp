// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/conduct.hpp"

#include <algorithm>

namespace kredis::plugin {

using namespace std::chrono_literals;

ports::Deadline Conduct::call_deadline() const {
  // A call cut short by the end of all patience would make its node look dead: a second for each.
  return std::max(now() + 1s, std::min(deadline, now() + 10s));
}

void Conduct::begin(const std::string& title) const {
  if (progress != nullptr) {
    progress->begin(title);
  }
  if (heard) {
    heard(title);
  }
}

void Conduct::done(const std::string& text) const {
  if (progress != nullptr) {
    progress->done(text);
  }
}

void Conduct::failed() const {
  if (progress != nullptr) {
    progress->fail();
  }
}

void Conduct::say(const std::string& text) const {
  if (progress != nullptr) {
    progress->line("", text);
  }
  if (heard) {
    heard(text);
  }
}

Conduct Conduct::with_patience(std::chrono::milliseconds time) const {
  Conduct copy = *this;
  copy.patience = std::min(patience, now() + time);
  return copy;
}

Error Conduct::ended_while(const std::string& what) const {
  if (superseded && superseded()) {
    return Error::conflict("somebody else has taken over the change of this cluster, during: " +
                           what)
        .with_hint("see who: kubectl get leases -o yaml; then run the same command again");
  }
  return Error::cancelled("interrupted while waiting: " + what)
      .with_hint("run the same command again: it goes on from here");
}

Status wait_until(const Conduct& conduct, std::chrono::milliseconds pace, const Missing& missing) {
  std::string last;
  for (;;) {
    KREDIS_TRY(std::string now, missing());
    if (now.empty()) {
      return {};
    }
    if (now != last) {
      conduct.say(now);
    }
    last = std::move(now);
    if (conduct.is_cancelled()) {
      return conduct.ended_while(last);
    }
    if (conduct.now() + pace > conduct.end()) {
      return Error::timeout("it took too long: " + last)
          .with_hint("run the same command again: it goes on from here");
    }
    conduct.clock->sleep_until(conduct.now() + pace);
  }
}

}  // namespace kredis::plugin
