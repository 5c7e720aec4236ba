// SPDX-License-Identifier: Apache-2.0
//
// Who is connected, and who has to make room when that is too many or too much.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "webhook/server.hpp"

namespace kredis::webhook {

/// One that is connected. Threads: any reads it and cuts it; one of them serves it.
class Peer {
 public:
  /// What it is doing, for those who look for one to close.
  enum class Phase { handshaking, idle, receiving, answering };
  using Clock = std::chrono::steady_clock;

  Peer() = default;
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  Phase phase() const { return phase_; }
  std::size_t held() const { return held_; }
  Clock::time_point served_at() const { return served_at_; }
  bool is_cut() const { return cut_; }
  /// Ends it soon.
  void cut() {
    cut_ = true;
    end_soon();
  }

  void enter(Phase phase) { phase_ = phase; }
  /// It was of use now; a drip of bytes is none.
  void mark_served(Clock::time_point now) { served_at_ = now; }

 private:
  friend class Peers;
  virtual void end_soon() = 0;

  std::atomic<bool> cut_{false};
  std::atomic<Phase> phase_{Phase::handshaking};
  std::atomic<std::size_t> held_{0};
  std::atomic<Clock::time_point> served_at_{Clock::now()};
};

/// All of them, and what is counted of them. Threads: any.
class Peers {
 public:
  explicit Peers(const Limits& limits) : limits_(limits) {}

  /// Counts one in; past the limit the one that was of no use longest is cut for it.
  void admit(const std::shared_ptr<Peer>& peer);
  /// Counts one out: `peer` is about to be no more.
  void leave(Peer& peer);
  /// `peer` holds so many bytes of a body now; past the limit of all, who holds most is cut.
  void hold(Peer& peer, std::size_t bytes);
  std::vector<std::shared_ptr<Peer>> alive() const;

  const Limits& limits() const { return limits_; }
  ServerCounts& counts() { return counts_; }

 private:
  void relieve();

  const Limits limits_;
  ServerCounts counts_;
  mutable std::mutex mutex_;  // Guards peers_.
  std::list<std::weak_ptr<Peer>> peers_;
};

}  // namespace kredis::webhook
