// SPDX-License-Identifier: Apache-2.0
//
// The cluster as the rules see it: copies of the objects that they compare, kept current by
// watches, so that no review ever waits for a call to the API server.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "shared/policy/review.hpp"
#include "shared/ports/kube_port.hpp"
#include "webhook/log.hpp"

namespace kredis::webhook {

/// Threads: any.
class Snapshot {
 public:
  using Object = std::shared_ptr<const Json>;

  /// Keeps those kinds current until it is destroyed. The port must be cancelled before that, or
  /// its watches end on their own first.
  Snapshot(ports::KubePort& kube, Log& log);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  void start();
  /// Requires: the port's calls have been cancelled.
  void join();

  Object find(std::string_view kind, std::string_view namespace_, std::string_view name) const;
  std::vector<Object> list(std::string_view kind, std::string_view namespace_) const;
  /// The same in all namespaces.
  std::vector<Object> all(std::string_view kind) const;
  /// The value of a label of a namespace; nullopt when it has none or nobody knows it.
  std::optional<std::string> namespace_label(std::string_view namespace_,
                                             std::string_view label) const;
  /// Whether every kind has been listed once.
  bool is_complete() const;
  /// How long ago it last heard of the kind that has been silent longest. A watch that lives is
  /// heard of once a minute; zero before the first look.
  std::chrono::duration<double> age() const;
  std::size_t size() const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // Kind, namespace, name.

  void follow(const ports::ResourceType& type, std::size_t place);
  void take_all(std::string_view kind, const Json& items);
  void take(const ports::WatchEvent& event);
  static Key key_of(const Json& object);
  void hear(std::size_t place);

  ports::KubePort& kube_;
  Log& log_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // Guards objects_.
  std::map<Key, Object> objects_;
  std::atomic<unsigned> listed_{0};                         // A bit a kind.
  std::array<std::atomic<ports::Clock::rep>, 16> heard_{};  // By kind, as listed_.
  std::vector<std::thread> followers_;
};

/// One review's look at a snapshot. What it has given out stays until it goes.
class View {
 public:
  explicit View(const Snapshot& snapshot) : snapshot_(snapshot) {}
  ~View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  policy::Surroundings surroundings();

 private:
  const Snapshot& snapshot_;
  std::vector<Snapshot::Object> held_;
};

}  // namespace kredis::webhook
