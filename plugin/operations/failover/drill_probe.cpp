// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/drill_probe.hpp"

#include <charconv>
#include <mutex>
#include <thread>
#include <utility>

#include "shared/core/key_slot.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using ports::Deadline;
using std::chrono::steady_clock;
using wire::ProbeKind;
using namespace std::chrono_literals;

/// A client gives an operation up after this, and looks where the slot is now.
constexpr std::chrono::milliseconds k_operation = 500ms;
/// No more than one operation in this time and shard: a drill is no load test.
constexpr std::chrono::milliseconds k_pace = 1ms;
constexpr std::chrono::milliseconds k_pace_after_failure = 20ms;
/// Keys go at the end; and by themselves, should this program not live to see it.
constexpr const char* k_lifetime_seconds = "3600";
constexpr std::int64_t k_page = 10'000;

std::string reason_of(const Error& error) {
  if (error.code == ErrorCode::conflict) {
    return error.message;
  }
  return error.code == ErrorCode::timeout ? "no answer in time" : "connection lost";
}

}  // namespace

std::string drill_key(std::uint32_t slot, const std::string& run) {
  for (int i = 0;; ++i) {
    const std::string tag = std::to_string(i);
    if (core::key_slot(tag) == slot) {
      return "kubectl-redis-drill:{" + tag + "}:" + run;
    }
  }
}

/// The client of one shard, with its thread.
class DrillProbe::Prober {
 public:
  Prober(ports::RedisPort& redis,
         const AddressBook& book,
         const core::ProbedShard& shard,
         const std::string& run)
      : client_(redis, book, shard), slot_(shard.slot), key_(drill_key(shard.slot, run)) {}

  void start(steady_clock::time_point began) {
    began_ = began;
    thread_ = std::jthread([this](const std::stop_token& stop) { probe(stop); });
  }
  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) {
      thread_.join();
      const std::lock_guard lock(mutex_);
      tally_.end(since_began());
    }
  }
  Status all_well() const;
  wire::ProbeTally tally() const {
    const std::lock_guard lock(mutex_);
    return tally_;
  }
  /// How many acknowledged writes are gone. Requires: stopped.
  Result<std::int64_t> count_lost(Deadline deadline);
  Status remove(Deadline deadline) {
    const auto removed = client_.ask({{"UNLINK", key_}}, deadline);
    return removed ? Status{} : Status{removed.error()};
  }

 private:
  void probe(const std::stop_token& stop);
  Status write(Deadline deadline);
  Status read(Deadline deadline);
  wire::ProbeTime since_began() const {
    return std::chrono::duration_cast<wire::ProbeTime>(steady_clock::now() - began_);
  }

  ProbeClient client_;
  std::uint32_t slot_;
  std::string key_;
  steady_clock::time_point began_;
  std::int64_t next_ = 0;
  std::vector<std::int64_t> acknowledged_;
  mutable std::mutex mutex_;
  wire::ProbeTally tally_;
  std::string last_words_;  ///< Of the last failure, in full.
  std::jthread thread_;
};

Status DrillProbe::Prober::write(Deadline deadline) {
  const std::int64_t number = next_++;
  std::vector<Command> commands{{"RPUSH", key_, std::to_string(number)}};
  if (client_.found_anew() || number == 0) {
    // Where the key was lost it is made anew, and must not stay for ever.
    commands.push_back({"EXPIRE", key_, k_lifetime_seconds});
  }
  KREDIS_CHECK(client_.ask(commands, deadline));
  acknowledged_.push_back(number);
  return {};
}

Status DrillProbe::Prober::read(Deadline deadline) {
  KREDIS_CHECK(client_.ask({{"LINDEX", key_, "-1"}}, deadline));
  return {};
}

void DrillProbe::Prober::probe(const std::stop_token& stop) {
  client_.open(steady_clock::now() + 2s);
  for (bool writes = true; !stop.stop_requested(); writes = !writes) {
    const auto now = steady_clock::now();
    const Status done = writes ? write(now + k_operation) : read(now + k_operation);
    {
      const std::lock_guard lock(mutex_);
      if (done) {
        tally_.acknowledged(writes ? ProbeKind::write : ProbeKind::read, since_began());
      } else {
        tally_.failed(reason_of(done.error()), since_began());
        last_words_ = done.error().message;
      }
    }
    std::this_thread::sleep_until(done ? now + k_pace : steady_clock::now() + k_pace_after_failure);
  }
}

Status DrillProbe::Prober::all_well() const {
  const std::lock_guard lock(mutex_);
  if (tally_.failures() == 0 && tally_.writes() > 0 && tally_.reads() > 0) {
    return {};
  }
  return Error::unsafe("the probe cannot write and read in slot " + std::to_string(slot_) +
                       (last_words_.empty() ? " in time" : ": " + last_words_));
}

Result<std::int64_t> DrillProbe::Prober::count_lost(Deadline deadline) {
  std::vector<std::int64_t> found;
  for (std::int64_t first = 0;; first += k_page) {
    KREDIS_TRY(
        const auto replies,
        client_.ask({{"LRANGE", key_, std::to_string(first), std::to_string(first + k_page - 1)}},
                    deadline));
    const std::vector<core::Reply>& items = replies.front().items;
    for (const core::Reply& item : items) {
      std::int64_t number = -1;
      std::from_chars(item.text.data(), item.text.data() + item.text.size(), number);
      found.push_back(number);
    }
    if (static_cast<std::int64_t>(items.size()) < k_page) {
      break;
    }
  }
  return wire::count_lost(acknowledged_, std::move(found));
}

DrillProbe::DrillProbe(ports::RedisPort& redis,
                       const AddressBook& book,
                       const std::vector<core::ProbedShard>& shards,
                       const std::string& run)
    : began_(steady_clock::now()) {
  for (const core::ProbedShard& shard : shards) {
    probers_.push_back(std::make_unique<Prober>(redis, book, shard, run));
  }
}

DrillProbe::~DrillProbe() {
  stop();
  if (!removed_) {
    // All at once: the one whose node hangs uses up its time, and must not use up the others'.
    const Deadline deadline = steady_clock::now() + 1s;
    std::vector<std::jthread> removals;
    for (const auto& prober : probers_) {
      removals.emplace_back([&prober, deadline] {
        [[maybe_unused]] const Status ignored = prober->remove(deadline);  // They expire, too.
      });
    }
  }
}

void DrillProbe::start() {
  began_ = steady_clock::now();
  for (const auto& prober : probers_) {
    prober->start(began_);
  }
}

void DrillProbe::stop() {
  for (const auto& prober : probers_) {
    prober->stop();
  }
}

Status DrillProbe::all_well() const {
  for (const auto& prober : probers_) {
    KREDIS_CHECK(prober->all_well());
  }
  return {};
}

void DrillProbe::struck() {
  struck_at_ = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began_);
}

wire::ProbeResult DrillProbe::finish(Deadline deadline) {
  stop();
  wire::ProbeResult result{.struck_at = struck_at_, .lost_writes = 0};
  for (std::size_t i = 0; i < probers_.size(); ++i) {
    (i == 0 ? result.victim : result.others).add(probers_[i]->tally());
    const auto lost = probers_[i]->count_lost(deadline);
    if (lost && result.lost_writes) {
      *result.lost_writes += *lost;
    } else {
      result.lost_writes.reset();
    }
    [[maybe_unused]] const Status ignored = probers_[i]->remove(deadline);  // They expire, too.
  }
  removed_ = true;
  return result;
}

}  // namespace kredis::plugin
