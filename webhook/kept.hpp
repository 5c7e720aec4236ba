// SPDX-License-Identifier: Apache-2.0
//
// How much of the cluster's objects is kept in memory: of each what rules read, and of all no more
// than a limit. Whoever may write objects must not be able to fill the webhook.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "shared/json/json.hpp"

namespace kredis::webhook {

/// Leaves what rules, guards and the way into a cluster read: who it is, labels, annotations of the
/// product's own, `spec` and `data`.
Json without_ballast(const Json& object);

/// What a tree takes. Units: bytes, as measured with glibc on 64 bits, and rather too many.
std::size_t memory_of(const Json& value);

/// Counts what is kept, and names what has to go when it is too much. Threads: one at a time.
class Ledger {
 public:
  using Key = std::tuple<std::string, std::string, std::string>;  // Kind, namespace, name.

  explicit Ledger(std::size_t limit) : limit_(limit) {}

  /// `key` takes so many bytes from now on; 0 takes it out.
  void set(const Key& key, std::size_t bytes);
  std::size_t bytes() const { return bytes_; }
  /// Past the limit: the largest of the namespace that takes most, so that who floods the webhook
  /// pays for it and not who has a cluster elsewhere.
  std::optional<Key> excess() const;

 private:
  struct Space {
    std::size_t bytes = 0;
    std::set<std::pair<std::size_t, Key>> by_size = {};
  };

  const std::size_t limit_;
  std::size_t bytes_ = 0;
  std::map<Key, std::size_t> sizes_;
  std::map<std::string, Space> spaces_;
};

}  // namespace kredis::webhook
