// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_slots.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "plugin/apply/databases.hpp"
#include "plugin/apply/node_steps.hpp"
#include "plugin/apply/slot_jobs.hpp"
#include "plugin/apply/slot_mover.hpp"
#include "plugin/apply/taker_epochs.hpp"
#include "shared/core/text.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::MoveSlots;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// Workers between two nodes: while the answer of one is on its way, the source works for the
/// other.
constexpr std::size_t k_workers = 2;
/// Slots that are open at once, at most, for each worker; fewer where they have many keys.
constexpr std::size_t k_most_open = 64;
constexpr std::size_t k_keys_open = 2000;
constexpr auto k_bound_for_most_open = 80us;  ///< For each slot.
/// From this average on asking for a key's size costs little beside its move.
constexpr std::int64_t k_large_on_average = 2048;
/// Below this many bytes in the whole server no key of it is worth a question for its size.
constexpr std::int64_t k_small_server = std::int64_t{32} << 20;
constexpr auto k_tick = 50ms;
constexpr auto k_epoch_tick = 10ms;
/// A node-timeout that no node is believed to be above, and one that does not say it to have.
constexpr std::chrono::milliseconds k_longest_node_timeout = 5s;
/// Waves in a row that bring nothing, where nodes are held up again and again.
constexpr int k_most_waves = 10;

/// The moves of one wave: their ends, their workers, and what is seen of them.
class Wave {
 public:
  /// `earlier`: how far the waves before it came.
  Wave(const Moves& steps, Site& site, const Conduct& conduct, const MoveCount& earlier)
      : steps_(steps), site_(site), cluster_(*site.cluster), conduct_(conduct), earlier_(earlier) {}

  Status run();
  /// How far it is, with what the waves before it did.
  MoveCount count() const;
  /// Whether it ended for an exchange that took so long that roles may have changed meanwhile.
  bool was_held_up() const {
    return std::ranges::any_of(pairs_, [](const auto& pair) { return pair->held_up.load(); });
  }
  bool brought_keys() const {
    return std::ranges::any_of(pairs_, [](const auto& pair) { return pair->keys > 0; });
  }

 private:
  Status prepare(const MoveSlots& step);
  Status look_into(MovePair& pair, std::size_t source);
  Status name_owner(std::size_t at, const core::SlotSet& slots, const core::NodeId& owner);
  Status start();
  Status look_once_more();
  std::size_t pairs_at(std::size_t end) const;  ///< That have slots to move.
  Status watch();
  Status let_close();
  void tell_others();
  std::string progress_text() const;
  ports::Deadline soon() const { return conduct_.call_deadline(); }

  const Moves& steps_;
  Site& site_;
  observe::Cluster& cluster_;
  const Conduct& conduct_;
  const MoveCount earlier_;
  std::vector<std::unique_ptr<MovePair>> pairs_ = {};
  Probes probes_ = {};
  std::vector<std::pair<std::size_t, std::size_t>> ends_ = {};  ///< Of each pair.
  std::vector<std::unique_ptr<SlotMover>> movers_ = {};
  std::uint32_t all_ = 0;
  std::uint32_t before_ = 0;  ///< Slots that had arrived already.
  steady_clock::time_point began_ = steady_clock::now();
  TakerEpochs epochs_{steps_, cluster_, conduct_};
  bool may_close_ = false;
  std::atomic<bool> stop_ = false;
};

Status Wave::prepare(const MoveSlots& step) {
  KREDIS_TRY(const MoveEnds ends, ends_of(step, cluster_.view()));
  const core::Node& source = *cluster_.view().members[ends.source].self();
  const core::Node& target = *cluster_.view().members[ends.target].self();
  all_ += step.slots.size();
  before_ += step.slots.size() - ends.left.size();
  // A run before this one may have ended between the two ends of a slot.
  core::SlotSet claimed = source.slots;
  for (const core::OpenSlot& open : source.open_slots) {
    claimed.insert(core::one_slot(open.slot));
  }
  KREDIS_CHECK(name_owner(
      ends.source, step.slots.shared_with(target.slots).shared_with(claimed), step.target));
  // Who has a slot marked as importing hears of no new owner, and takes no key of one without any.
  const core::Node* seen = cluster_.view().members[ends.target].view->find(step.source);
  KREDIS_CHECK(name_owner(ends.target,
                          seen == nullptr ? core::SlotSet{} : ends.left.without(seen->slots),
                          step.source));
  auto pair = std::make_unique<MovePair>(
      MoveEnd{.pod = step.pod, .id = step.source, .address = source.address},
      MoveEnd{.pod = step.target_pod, .id = step.target, .address = target.address},
      cluster_.switchboard().login(),
      site_.limits,
      steps_.size());
  const std::vector<std::uint32_t> numbers = ends.left.numbers();
  pair->left.assign(numbers.begin(), numbers.end());
  KREDIS_CHECK(look_into(*pair, ends.source));
  pairs_.push_back(std::move(pair));
  ends_.emplace_back(ends.source, ends.target);
  return {};
}

Status Wave::name_owner(std::size_t at, const core::SlotSet& slots, const core::NodeId& owner) {
  KREDIS_TRY(const auto replies,
             cluster_.switchboard().ask_one(
                 at, setslot_commands(slots.numbers(), {"NODE", owner.to_text()}), soon()));
  for (const core::Reply& reply : replies) {
    if (reply.is_error()) {
      return redis::error_of(reply, cluster_.view().members[at].pod.name);
    }
  }
  return {};
}

/// Which databases it has, how much it holds, and so how many slots may be open at once.
Status Wave::look_into(MovePair& pair, std::size_t source) {
  KREDIS_TRY(const auto replies,
             cluster_.switchboard().ask_one(
                 source, {{"INFO", "keyspace"}, {"INFO", "memory"}, {"DBSIZE"}}, soon()));
  std::int64_t held = k_small_server;
  pair.databases = databases_in(replies[0].text);
  for (const std::string_view line : core::split_lines(replies[1].text)) {
    constexpr std::string_view k_used = "used_memory_dataset:";
    if (line.starts_with(k_used)) {
      held = core::to_number<std::int64_t>(line.substr(k_used.size())).value_or(held);
    }
  }
  pair.sized = held >= k_small_server || site_.limits.bytes_per_second.has_value();
  pair.large_on_average =
      held / std::max<std::int64_t>(1, replies[2].integer) >= k_large_on_average;
  const std::uint32_t slots = cluster_.view().members[source].self()->slots.size();
  const std::size_t per_slot =
      static_cast<std::size_t>(replies[2].integer) / std::max<std::uint32_t>(1, slots) + 1;
  // Opening and listing takes a while, too: for a low bound fewer at once.
  const auto open = std::clamp<std::size_t>(
      static_cast<std::size_t>(site_.limits.max_latency / k_bound_for_most_open), 4, k_most_open);
  pair.chunk = std::clamp<std::size_t>(k_keys_open / per_slot, 1, open);
  return {};
}

Status Wave::start() {
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    if (pairs_[i]->left.empty()) {
      continue;
    }
    for (std::size_t worker = 0; worker < k_workers; ++worker) {
      KREDIS_TRY(auto source, cluster_.switchboard().open(ends_[i].first, soon()));
      KREDIS_TRY(auto target, cluster_.switchboard().open(ends_[i].second, soon()));
      movers_.push_back(
          std::make_unique<SlotMover>(*pairs_[i], std::move(source), std::move(target)));
    }
    for (const std::size_t end : {ends_[i].first, ends_[i].second}) {
      KREDIS_CHECK(probes_.add(cluster_, end, soon()));
    }
  }
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    pairs_[i]->pace.begin(
        std::max(probes_.usual(ends_[i].first), probes_.usual(ends_[i].second)),
        k_workers * std::max(pairs_at(ends_[i].first), pairs_at(ends_[i].second)));
  }
  return {};
}

std::size_t Wave::pairs_at(std::size_t end) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const bool is_there = ends_[i].first == end || ends_[i].second == end;
    count += is_there && !pairs_[i]->left.empty() ? 1U : 0U;
  }
  return count;
}

/// The others hear it in the background; who is not reached now hears it by gossip, and the look at
/// the end waits for that. A replica takes it from its master.
void Wave::tell_others() {
  std::vector<std::vector<Command>> commands(cluster_.view().members.size());
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    std::vector<std::uint32_t> arrived;
    {
      const std::lock_guard lock(pairs_[i]->mutex);
      arrived.swap(pairs_[i]->arrived);
    }
    for (std::size_t at = 0; at < commands.size(); ++at) {
      const core::Node* self = cluster_.view().members[at].self();
      if (self == nullptr || self->role != core::Role::master || at == ends_[i].first ||
          at == ends_[i].second) {
        continue;
      }
      const auto owners = setslot_commands(arrived, {"NODE", pairs_[i]->target.id.to_text()});
      commands[at].insert(commands[at].end(), owners.begin(), owners.end());
    }
  }
  static_cast<void>(cluster_.switchboard().ask_each(commands, soon()));
}

MoveCount Wave::count() const {
  const bool is_first = earlier_.all == 0;
  MoveCount count{.slots = before_,
                  .all = all_,
                  .before = is_first ? before_ : earlier_.before,
                  .keys = earlier_.keys,
                  .bytes = earlier_.bytes,
                  .time = earlier_.time + (steady_clock::now() - began_),
                  .worst = std::max(earlier_.worst, probes_.worst())};
  for (const auto& pair : pairs_) {
    count.slots += pair->slots;
    count.keys += pair->keys;
    count.bytes += pair->bytes;
  }
  return count;
}

std::string Wave::progress_text() const {
  std::string large;
  for (const auto& pair : pairs_) {
    const std::lock_guard lock(pair->mutex);
    large = pair->large.empty() ? large : "; large key " + pair->large;
  }
  return to_text(count()) + large;
}

/// Keys may go before all have heard of the takers' epochs, but no slot.
Status Wave::let_close() {
  if (!may_close_) {
    KREDIS_TRY(may_close_, epochs_.are_heard());
    for (const auto& pair : pairs_) {
      pair->may_close = may_close_;
    }
  }
  return {};
}

/// Until all workers are done, or one fails, or somebody ends it.
Status Wave::watch() {
  std::vector<Status> ends(movers_.size());
  std::mutex mutex;
  std::condition_variable one_ended;
  std::size_t running = movers_.size();
  std::vector<std::jthread> threads;
  threads.reserve(movers_.size());
  for (std::size_t i = 0; i < movers_.size(); ++i) {
    threads.emplace_back([&, i] {
      ends[i] = movers_[i]->run([&] { return stop_.load(); });
      if (!ends[i]) {
        stop_ = true;
      }
      const std::lock_guard lock(mutex);
      --running;
      one_ended.notify_one();
    });
  }
  std::optional<Error> ended;
  const auto stop_for = [&](std::optional<Error> why) {
    ended = stop_ ? ended : std::move(why);
    stop_ = stop_ || ended;
  };
  const auto all_ended = [&] {
    if (const Status may = let_close(); !may) {
      stop_for(may.error());
    }
    std::unique_lock lock(mutex);
    return one_ended.wait_for(
        lock, may_close_ ? k_tick : k_epoch_tick, [&] { return running == 0; });
  };
  while (!all_ended()) {
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      pairs_[i]->felt = std::max(probes_.now(ends_[i].first), probes_.now(ends_[i].second)).count();
    }
    tell_others();
    conduct_.say(progress_text());
    stop_for(is_to_end(conduct_, progress_text()));
  }
  threads.clear();
  tell_others();
  conduct_.say(progress_text());
  for (const Status& end : ends) {
    KREDIS_CHECK(end);
  }
  return ended ? Status(*ended) : Status{};
}

Status Wave::run() {
  cluster_.ask(observe::Ask::topology, soon());
  KREDIS_CHECK(epochs_.raise());
  for (const MoveSlots* step : steps_) {
    KREDIS_CHECK(prepare(*step));
  }
  if (const auto ended = is_to_end(conduct_, progress_text())) {
    return *ended;
  }
  KREDIS_CHECK(start());
  KREDIS_CHECK(look_once_more());
  return watch();
}

/// All that went before took time, in which a replica may have taken a place. From here on the
/// workers hear from both ends before a node could be given up.
Status Wave::look_once_more() {
  const auto now = steady_clock::now();
  cluster_.ask(observe::Ask::topology, soon());
  for (const MoveSlots* step : steps_) {
    KREDIS_CHECK(ends_of(*step, cluster_.view()));
  }
  std::chrono::milliseconds shortest = k_longest_node_timeout;
  for (const auto& value : cluster_.switchboard().ask_setting("cluster-node-timeout", soon())) {
    const auto number = core::to_number<std::int64_t>(value.value_or(""));
    shortest = std::min(shortest, std::chrono::milliseconds(number.value_or(shortest.count())));
  }
  for (const auto& pair : pairs_) {
    pair->seen = now;
    pair->held_up_after = shortest * 4 / 5;
  }
  return {};
}

/// One wave; another look and another wave where a node was held up, which finds out who is master
/// now.
Status run_waves(const Moves& steps, Site& site, const Conduct& conduct) {
  MoveCount so_far;
  for (int in_vain = 0;;) {
    Wave wave(steps, site, conduct, so_far);
    const Status moved = wave.run();
    so_far = wave.count();
    in_vain = wave.brought_keys() ? 0 : in_vain + 1;
    if (moved || !wave.was_held_up() || in_vain == k_most_waves || conduct.is_cancelled()) {
      return moved;
    }
    conduct.say(moved.error().message + ": looking anew");
  }
}

/// In which no node both takes and gives: it would raise its epoch as it takes, also for a slot
/// that it is just giving away, and win it back without its keys.
std::vector<Moves> in_one_direction(const Moves& steps) {
  std::vector<Moves> groups;
  for (const MoveSlots* step : steps) {
    const auto fits = [&](const Moves& group) {
      return std::ranges::none_of(group, [&](const MoveSlots* other) {
        return other->target == step->source || other->source == step->target;
      });
    };
    const auto group = std::ranges::find_if(groups, fits);
    (group == groups.end() ? groups.emplace_back() : *group).push_back(step);
  }
  return groups;
}

/// Those of one way, which do not mix on a node, and then the maps of all.
Status run_ways(const Moves& steps, Site& site, const Conduct& conduct) {
  Moves classic;
  Moves atomic;
  for (const MoveSlots* step : steps) {
    (step->way == core::MoveWay::atomic ? atomic : classic).push_back(step);
  }
  if (!atomic.empty()) {
    KREDIS_CHECK(run_slot_jobs(atomic, *site.cluster, conduct));
  }
  for (const Moves& group : in_one_direction(classic)) {
    KREDIS_CHECK(run_waves(group, site, conduct));
  }
  return wait_until_owned(steps, *site.cluster, conduct);
}

}  // namespace

Status carry_out(const Moves& steps, Site& site, const Conduct& conduct) {
  if (auto moved = run_ways(steps, site, conduct); !moved) {
    Error error = moved.error();
    for (const MoveSlots* step : steps) {
      error = error.while_doing(core::to_text(core::Step{.what = *step}));
    }
    return error;
  }
  return {};
}

}  // namespace kredis::plugin
