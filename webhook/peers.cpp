// SPDX-License-Identifier: Apache-2.0
#include "webhook/peers.hpp"

#include <cstdint>
#include <utility>

namespace kredis::webhook {

/// The list holds weak pointers: a connection belongs to its own coroutine, and ends with that.
std::vector<std::shared_ptr<Peer>> Peers::alive() const {
  // Outlives the lock: the last owner of a peer takes it from this very list.
  std::vector<std::shared_ptr<Peer>> alive;
  const std::lock_guard lock(mutex_);
  for (const auto& weak : peers_) {
    if (auto peer = weak.lock()) {
      alive.push_back(std::move(peer));
    }
  }
  return alive;
}

void Peers::admit(const std::shared_ptr<Peer>& peer) {
  ++counts_.accepted;
  if (++counts_.open > static_cast<std::int64_t>(limits_.connections)) {
    std::shared_ptr<Peer> idlest;
    for (const auto& other : alive()) {
      // Who is being answered is about to be of use. By the last answer, not by the last byte: a
      // peer that drips bytes would look busy for ever.
      if (other->phase() != Peer::Phase::answering && !other->is_cut() &&
          (!idlest || other->served_at() < idlest->served_at())) {
        idlest = other;
      }
    }
    if (idlest) {
      ++counts_.displaced;
      idlest->cut();
    }
  }
  const std::lock_guard lock(mutex_);
  peers_.push_back(peer);
}

void Peers::leave(Peer& peer) {
  hold(peer, 0);
  {
    const std::lock_guard lock(mutex_);
    peers_.remove_if([](const auto& weak) { return weak.expired(); });
  }
  --counts_.open;
}

void Peers::hold(Peer& peer, std::size_t bytes) {
  const std::size_t before = peer.held_.exchange(bytes);
  const auto now = counts_.held_bytes +=
      static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(before);
  if (bytes > before && now > static_cast<std::int64_t>(limits_.held_bytes)) {
    relieve();
  }
}

void Peers::relieve() {
  std::shared_ptr<Peer> most;
  for (const auto& peer : alive()) {
    // A body that is whole is on its way to an answer; cutting it would free nothing sooner.
    if (peer->phase() == Peer::Phase::receiving && !peer->is_cut() &&
        (!most || peer->held() > most->held())) {
      most = peer;
    }
  }
  if (most) {
    ++counts_.displaced;
    most->cut();
  }
}

}  // namespace kredis::webhook
