// SPDX-License-Identifier: Apache-2.0
#include "webhook/config_maps.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kredis::webhook {
namespace {

/// A ConfigMap of a cluster that is watched is read at every look, seconds apart.
constexpr std::chrono::minutes k_unused_life{2};
constexpr std::chrono::seconds k_between_clearings{10};
/// A review that names a thousand ConfigMaps must not make as many calls.
constexpr std::size_t k_queue_limit = 256;
/// Nor may it fill the memory with names of which there are none: an entry, its place in the ledger
/// and in the queue, as measured with glibc on 64 bits, and rather too many. Units: bytes.
constexpr std::size_t k_entry_bytes = 1024;
/// Who names many that are left out would fill the log as well.
constexpr auto k_between_complaints = std::chrono::seconds(10);

Ledger::Key ledger_key(const ConfigMaps::Name& name) {
  return {"ConfigMap", name.first, name.second};
}

}  // namespace

ConfigMaps::ConfigMaps(ports::KubePort& kube, Log& log, std::size_t limit)
    : kube_(kube), log_(log), ledger_(limit) {}

void ConfigMaps::start() {
  fetcher_ = std::thread([this] { run(); });
}

void ConfigMaps::join() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  came_.notify_all();
  if (fetcher_.joinable()) {
    fetcher_.join();
  }
}

void ConfigMaps::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, k_between_clearings, [this] { return stopping_ || !wanted_.empty(); });
    while (!stopping_ && !wanted_.empty()) {
      const Name name = std::move(wanted_.front());
      wanted_.pop_front();
      fetch(lock, name);
    }
    forget_unused();
  }
}

void ConfigMaps::fetch(std::unique_lock<std::mutex>& lock, const Name& name) {
  lock.unlock();
  const auto got = kube_.get({{"v1", "configmaps"}, name.first, name.second});
  lock.lock();
  if (!got && got.error().code != ErrorCode::not_found) {
    log_.write(LogLevel::debug, "cannot read a ConfigMap", got.error());
  }
  take(name, got);
  came_.notify_all();
}

void ConfigMaps::take(const Name& name, const Result<Json>& got) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return;  // It went meanwhile.
  }
  Entry& entry = found->second;
  ++entry.tries;
  entry.queued = false;
  if (!got && got.error().code != ErrorCode::not_found) {
    return;  // Asked again when somebody wants it again.
  }
  entry.known = true;
  entry.version = got ? text_at(*got, "/metadata/resourceVersion") : std::string{};
  // The watch may have told of a version while this one was on its way.
  entry.stale = !entry.newest.empty() && entry.newest != entry.version;
  entry.object = got ? std::make_shared<const Json>(without_ballast(*got)) : nullptr;
  charge(name, entry);
  relieve();
}

void ConfigMaps::charge(const Name& name, const Entry& entry) {
  // The name stands here, in the ledger three times, and in the queue.
  ledger_.set(ledger_key(name),
              k_entry_bytes + 5 * (name.first.size() + name.second.size()) +
                  (entry.object ? memory_of(*entry.object) : 0));
}

/// One whose content is left out counts as known: it is not asked for again until it changes, or
/// it would be fetched at every look. Where names alone are too many, whole entries go.
void ConfigMaps::relieve() {
  while (const auto key = ledger_.excess()) {
    const Name name{std::get<1>(*key), std::get<2>(*key)};
    Entry& entry = entries_[name];
    if (entry.object) {
      entry.object = nullptr;
      charge(name, entry);
    } else {
      ledger_.set(*key, 0);
      entries_.erase(name);
    }
    ++left_out_;
    if (ports::Clock::now() < next_complaint_) {
      continue;
    }
    next_complaint_ = ports::Clock::now() + k_between_complaints;
    log_.write(LogLevel::warning,
               "a ConfigMap is left out, as there is too much to keep",
               Json{{"namespace", name.first}, {"name", name.second}});
  }
}

void ConfigMaps::want(const Name& name, Entry& entry) {
  if (!entry.queued && wanted_.size() < k_queue_limit) {
    entry.queued = true;
    wanted_.push_back(name);
    wake_.notify_all();
  }
}

ConfigMaps::Object ConfigMaps::find(std::string_view namespace_,
                                    std::string_view name,
                                    ports::Deadline until) {
  const Name key{namespace_, name};
  std::unique_lock lock(mutex_);
  const auto [place, is_new] = entries_.try_emplace(key);
  place->second.used = ports::Clock::now();
  if (is_new) {
    charge(key, place->second);
    relieve();
  }
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return nullptr;  // Its namespace names too many.
  }
  Entry& entry = found->second;
  if (entry.known && !entry.stale) {
    return entry.object;
  }
  want(key, entry);
  const std::uint64_t tries = entry.tries;
  const auto is_decided = [&] {
    const auto now = entries_.find(key);
    return stopping_ || now == entries_.end() || now->second.tries != tries || !now->second.queued;
  };
  came_.wait_until(lock, until, is_decided);
  const auto now = entries_.find(key);
  return now != entries_.end() ? now->second.object : nullptr;
}

void ConfigMaps::changed(const Name& name, const std::string& version) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return;  // Nobody reads it.
  }
  Entry& entry = found->second;
  entry.newest = version;
  entry.list = list_;
  if (version.empty()) {
    entry.object = nullptr;
    entry.version.clear();
    entry.known = true;
    entry.stale = false;
    charge(name, entry);
  } else if (version != entry.version) {
    entry.stale = true;
    want(name, entry);
  }
}

void ConfigMaps::begin_list() {
  const std::lock_guard lock(mutex_);
  ++list_;
}

/// What was asked for while the list was under way may be younger than the list: it is looked at
/// again, and only then gone.
void ConfigMaps::end_list() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, entry] : entries_) {
    if (entry.list != list_) {
      entry.stale = true;
      entry.newest.clear();
      entry.list = list_;
    }
  }
}

void ConfigMaps::forget_unused() {
  const auto now = ports::Clock::now();
  std::erase_if(entries_, [&](const auto& each) {
    const bool unused = !each.second.queued && now - each.second.used > k_unused_life;
    if (unused) {
      ledger_.set(ledger_key(each.first), 0);
    }
    return unused;
  });
}

std::size_t ConfigMaps::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const auto& each) {
        return each.second.object != nullptr;
      }));
}

std::size_t ConfigMaps::bytes() const {
  const std::lock_guard lock(mutex_);
  return ledger_.bytes();
}

}  // namespace kredis::webhook
