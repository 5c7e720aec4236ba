// SPDX-License-Identifier: Apache-2.0
//
// The ConfigMaps that somebody reads, and no others: fetched when first asked for, kept as long as
// they are asked for, fetched again when a watch of their names tells of another version. What
// nobody mounts costs nothing, however large it is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "shared/ports/clock.hpp"
#include "shared/ports/kube_port.hpp"
#include "webhook/kept.hpp"
#include "webhook/log.hpp"

namespace kredis::webhook {

/// Threads: any.
class ConfigMaps {
 public:
  using Object = std::shared_ptr<const Json>;
  using Name = std::pair<std::string, std::string>;  // Namespace, name.

  /// All must outlive it. Units of `limit`: bytes.
  ConfigMaps(ports::KubePort& kube, Log& log, std::size_t limit);
  ~ConfigMaps() { join(); }
  ConfigMaps(const ConfigMaps&) = delete;
  ConfigMaps& operator=(const ConfigMaps&) = delete;

  void start();
  /// Requires: the port's calls have been cancelled.
  void join();

  /// The ConfigMap, or null where there is none, it is left out, or it did not come until `until`.
  /// An older version is better than none.
  Object find(std::string_view namespace_, std::string_view name, ports::Deadline until);
  /// What the watch of names tells. An empty version: it is gone.
  void changed(const Name& name, const std::string& version);
  /// A list begins: what it does not name until `end_list` is gone.
  void begin_list();
  void end_list();

  std::size_t size() const;
  std::size_t bytes() const;
  /// How often one was left out since the start, as it was too much.
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Entry {
    Object object = {};
    std::string version = {};  // Of `object`.
    std::string newest = {};   // As the watch told; empty while it told nothing.
    bool known = false;        // What `object` says was true once.
    bool stale = true;
    bool queued = false;
    std::uint64_t tries = 0;
    std::uint64_t list = 0;  // The last one that named it.
    ports::Deadline used = {};
  };

  void run();
  void fetch(std::unique_lock<std::mutex>& lock, const Name& name);
  void take(const Name& name, const Result<Json>& got);
  void want(const Name& name, Entry& entry);
  void charge(const Name& name, const Entry& entry);
  void relieve();
  void forget_unused();

  ports::KubePort& kube_;
  Log& log_;
  mutable std::mutex mutex_;      // Guards what follows.
  std::condition_variable wake_;  // Of the fetching thread.
  std::condition_variable came_;  // Something was fetched.
  bool stopping_ = false;
  std::uint64_t list_ = 0;
  std::map<Name, Entry> entries_;
  std::deque<Name> wanted_;
  Ledger ledger_;
  ports::Deadline next_complaint_ = {};
  std::atomic<std::uint64_t> left_out_{0};
  std::thread fetcher_;
};

}  // namespace kredis::webhook
