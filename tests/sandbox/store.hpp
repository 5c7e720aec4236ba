// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's etcd: every object of every kind, one counter of revisions, and a history that
// watches read. Knows nothing of HTTP, admission or controllers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"

namespace kredis::sandbox {

/// An object as stored. Never changed in place, so readers share it without a lock or a copy.
using Object = std::shared_ptr<const Json>;

/// Where an object lives. `group` is "" for core ("apps", "policy", ... otherwise); `resource` is
/// the plural; `namespace_` is empty for cluster scope.
struct Key {
  std::string group;
  std::string resource;
  std::string namespace_;
  std::string name;
  friend auto operator<=>(const Key&, const Key&) = default;
};

struct Event {
  enum class Kind { added, modified, deleted };
  std::uint64_t revision;
  Kind kind;
  Key key;
  Object
      object;  ///< The object after the change; for `deleted` its last state with the new revision.
  Object previous;  ///< Before the change; null for `added`.
};

/// The time in Kubernetes' own notation, for example "2026-01-31T12:00:00Z".
std::string timestamp_now();

/// Threads: every member may be called from any thread.
class Store {
 public:
  /// Keeps the last `history_length` changes for watches.
  explicit Store(std::size_t history_length = 50'000) : history_length_(history_length) {}

  /// Null when there is none.
  Object get(const Key& key) const;
  /// All of a resource, in name order; an empty `namespace_` means every namespace.
  std::vector<Object> list(const std::string& group,
                           const std::string& resource,
                           const std::string& namespace_ = {}) const;

  /// What `list` gives, and the revision at which it was so: a watch goes on from there.
  struct Snapshot {
    std::vector<Object> objects;
    std::uint64_t revision;
  };
  Snapshot snapshot(const std::string& group,
                    const std::string& resource,
                    const std::string& namespace_ = {}) const;

  /// Stores a new object; fills name, namespace, uid and creationTimestamp where absent, generation
  /// 1 where there is a spec, and resourceVersion. Errors: conflict ("already exists").
  Result<Object> create(const Key& key, Json object);

  /// Reads, lets `change` edit a copy, and stores it if it differs, all in one step. Bumps
  /// metadata.generation when `spec` changed. An object with a deletionTimestamp and no finalizers
  /// left and (for pods) a zero grace period is removed instead; the answer is then its last state.
  /// `change` runs under the store's lock: it must be quick and must not call the store.
  /// Errors: not_found; whatever `change` returns (nothing is stored then).
  Result<Object> update(const Key& key, const std::function<Status(Json&)>& change);

  /// Removes at once, whatever its finalizers. Errors: not_found.
  Result<Object> remove(const Key& key);

  /// The revision of the latest change.
  std::uint64_t revision() const;
  /// Blocks until there is a change after `revision`, `wake_all` is called, or the time is up.
  /// Returns the latest revision.
  std::uint64_t wait_past(std::uint64_t revision, std::chrono::milliseconds at_most) const;
  /// All events after `revision`. Errors: conflict when that is older than the history (410 Gone).
  Result<std::vector<Event>> events_after(std::uint64_t revision) const;
  /// Ends every `wait_past` at once: called when the program stops.
  void wake_all();

 private:
  std::vector<Object> list_locked(const std::string& group,
                                  const std::string& resource,
                                  const std::string& namespace_) const;
  Object record(Event::Kind kind, const Key& key, Json object, Object previous);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<Key, Object> objects_;
  std::deque<Event> history_;
  std::size_t history_length_;
  std::uint64_t revision_ = 1;
  std::uint64_t forgotten_ = 1;  // The revision before the first one in history_.
  std::uint64_t wakes_ = 0;
};

}  // namespace kredis::sandbox
