// SPDX-License-Identifier: Apache-2.0
//
// The cluster as the rules see it: copies of the objects that they compare, kept current by
// watches, so that no review waits for a call to the API server. Only a ConfigMap that nobody has
// read yet is waited for, and not for long.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
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
#include "webhook/config_maps.hpp"
#include "webhook/kept.hpp"
#include "webhook/log.hpp"

namespace kredis::webhook {

/// How much a snapshot may keep. Units: bytes. Half of the 128 MiB that `install` gives the webhook
/// is for what it does meanwhile.
struct KeptLimits {
  std::size_t objects = 32U << 20U;
  std::size_t config_maps = 16U << 20U;
};

/// Threads: any.
class Snapshot {
 public:
  using Object = std::shared_ptr<const Json>;

  /// Keeps those kinds current until it is destroyed. The port must be cancelled before that, or
  /// its watches end on their own first.
  Snapshot(ports::KubePort& kube, Log& log, KeptLimits limits = {});
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  void start();
  /// Requires: the port's calls have been cancelled.
  void join();

  /// Any kind but ConfigMap.
  Object find(std::string_view kind, std::string_view namespace_, std::string_view name) const;
  /// Waits until `until` for one that nobody has asked for lately.
  Object config_map(std::string_view namespace_,
                    std::string_view name,
                    ports::Deadline until) const;
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
  /// What is kept takes so much. Units: bytes.
  std::size_t bytes() const;
  /// How often an object was left out since the start, as it was too much.
  std::uint64_t left_out() const { return left_out_ + config_maps_->left_out(); }

 private:
  using Key = Ledger::Key;
  struct Kept {
    Object object;
    std::uint64_t watch;  // That told of it last.
  };

  void follow(std::size_t place);
  void take(std::size_t place, const ports::WatchEvent& event);
  void take_config_map(const ports::WatchEvent& event);
  void keep(const Key& key, const Json& object, std::uint64_t watch);
  void forget(const Key& key);
  void relieve();
  void end_list(std::size_t place);
  void hear(std::size_t place);

  ports::KubePort& kube_;
  Log& log_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<ConfigMaps> config_maps_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::map<Key, Kept> objects_;
  Ledger ledger_;
  std::atomic<std::uint64_t> left_out_{0};
  ports::Deadline next_complaint_ = {};
  std::array<std::uint64_t, 16> watches_{};                 // Begun so far, by kind; each its own.
  std::atomic<unsigned> listed_{0};                         // A bit a kind.
  std::array<std::atomic<ports::Clock::rep>, 16> heard_{};  // By kind, as listed_.
  std::vector<std::thread> followers_;
};

/// One review's look at a snapshot. What it has given out stays until it goes.
class View {
 public:
  /// For all ConfigMaps together that have to be fetched first, it waits so long.
  explicit View(const Snapshot& snapshot,
                std::chrono::milliseconds patience = std::chrono::seconds(1))
      : snapshot_(snapshot), until_(ports::Clock::now() + patience) {}
  ~View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  policy::Surroundings surroundings();

 private:
  const Snapshot& snapshot_;
  const ports::Deadline until_;
  std::vector<Snapshot::Object> held_;
};

}  // namespace kredis::webhook
