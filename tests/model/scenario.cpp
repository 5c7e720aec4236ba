// SPDX-License-Identifier: Apache-2.0
#include "tests/model/scenario.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/operations/fix/mend.hpp"
#include "plugin/operations/scale/change_nodes.hpp"
#include "plugin/operations/slots/plan_moves.hpp"
#include "shared/core/key_slot.hpp"
#include "tests/model/plugin_run.hpp"
#include "tests/model/world.hpp"

namespace kredis::model {
namespace {

using plugin::Conduct;
using namespace std::chrono_literals;

constexpr int k_most_runs = 40;
constexpr std::uint64_t k_most_calls = 100'000;
/// From this call on nothing more goes wrong.
constexpr std::uint64_t k_calm_from = 500;
constexpr int k_writes = 300;
constexpr int k_most_mends = 6;

/// For each slot a word whose slot it is.
const std::vector<std::string>& tags() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> found(core::k_slot_count);
    std::size_t left = found.size();
    for (int i = 0; left > 0; ++i) {
      const std::string word = std::to_string(i);
      std::string& place = found[core::key_slot(word)];
      left -= place.empty() ? 1U : 0U;
      place = place.empty() ? word : place;
    }
    return found;
  }();
  return all;
}

std::string key_in(std::uint32_t slot, std::uint64_t number) {
  return fmt::format("{{{}}}:{}", tags()[slot], number);
}

enum class Verb { rebalance, reshard, scale_in, scale_out, fix };
constexpr std::array k_verb_names{"rebalance", "reshard", "scale in", "scale out", "fix"};

class Scenario {
 public:
  Scenario(std::uint64_t seed, Telling telling)
      : turns_([this](std::size_t count) { return static_cast<std::size_t>(world_.below(count)); }),
        world_(turns_, seed) {
    world_.verbose = telling == Telling::yes;
  }
  Outcome run();

 private:
  // What there is.
  void choose();
  void make_cluster();
  void fill();
  void plan_faults();
  void leave_open(std::uint32_t slot);
  // What is done.
  void play();
  void before_call(PluginRun& run);
  Status attempt(PluginRun& run);
  Status do_verb(plugin::Site& site, const Conduct& conduct);
  Status do_fix(plugin::Site& site, const Conduct& conduct);
  void write_now_and_then();
  void settle();
  std::string judge_goal();
  std::string master_now(const std::string& pod);
  ModelNode& any_node() { return world_.nodes[world_.below(world_.nodes.size())]; }
  ModelNode& node(const std::string& pod) {
    return *std::ranges::find(world_.nodes, pod, &ModelNode::pod);
  }
  core::ClusterView pods() const;

  Turns turns_;
  World world_;
  Verb verb_ = Verb::rebalance;
  std::size_t masters_ = 3;
  int replicas_ = 0;
  core::SlotSet played_ = {};  ///< Slots that will move.
  std::vector<std::uint32_t> played_slots_ = {};
  core::ScaleWish wish_ = {};
  core::FixWish fix_wish_ = {};
  bool mends_ = false;  ///< The next run is of `fix`, as an error advised.
  std::multimap<std::uint64_t, std::function<void(PluginRun&)>> faults_ = {};
  std::uint64_t calls_ = 0;
  int writes_ = 0;
  Outcome outcome_ = {};
};

void Scenario::choose() {
  static constexpr std::array k_loss{0.0, 0.0, 0.003, 0.02};
  constexpr std::array k_verbs{Verb::rebalance, Verb::reshard, Verb::scale_in, Verb::fix};
  verb_ = k_verbs[world_.below(k_verbs.size())];
  if (verb_ == Verb::scale_in && world_.chance(0.03)) {
    verb_ = Verb::scale_out;
  }
  masters_ = 3 + world_.below(2);
  replicas_ = static_cast<int>(world_.below(3)) == 0 ? 0 : 1;
  world_.manners = {.valkey = world_.chance(0.3),
                    .deletes_strays = world_.chance(0.5),
                    .large = world_.chance(0.2),
                    .crowded = world_.chance(0.5) ? 1 : 20'000,
                    .bus_delay = world_.chance(0.2) ? Time(2s) : Time(5ms),
                    .broken_calls = k_loss[world_.below(4)],
                    .broken_migrates = k_loss[world_.below(4)] * 5};
}

/// Even shares, but for the slots that are to move, which lie elsewhere.
void Scenario::make_cluster() {
  const bool in = verb_ == Verb::scale_in;
  const std::size_t holders = masters_ + (in ? 1 : 0);
  std::vector<core::SlotSet> shares(holders);
  const auto runs = core::even_slots(static_cast<std::uint32_t>(masters_));
  for (std::size_t i = 0; i < masters_; ++i) {
    shares[i].insert(runs[i]);
  }
  const std::size_t heap = in ? masters_ : world_.below(masters_);
  const std::uint64_t count = 1 + world_.below(world_.chance(0.3) ? 150 : 25);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t from = (heap + 1 + world_.below(masters_ - 1)) % holders;
    const auto& ranges = shares[from % masters_].ranges();
    const core::SlotRange& range = ranges[world_.below(ranges.size())];
    const core::SlotSet slot = core::one_slot(
        world_.chance(0.7)
            ? range.last()
            : range.first() + static_cast<std::uint32_t>(world_.below(range.size())));
    if (from % masters_ == heap) {
      continue;
    }
    shares[from % masters_].erase(slot);
    shares[heap].insert(slot);
    played_.insert(slot);
  }
  if (verb_ == Verb::scale_out) {
    played_.insert(*core::SlotRange::make(4000, 4090));
  }
  played_slots_ = played_.numbers();
  const std::size_t members = holders * (1 + static_cast<std::size_t>(replicas_));
  const std::size_t more = verb_ == Verb::scale_out ? 1 + static_cast<std::size_t>(replicas_) : 0;
  for (std::size_t i = 0; i < members + more; ++i) {
    world_.add(fmt::format("redis-app-{}", i), fmt::format("10.0.0.{}", i + 1));
  }
  world_.form(shares, replicas_);
  wish_ = {.masters = static_cast<std::uint32_t>(masters_ + (more > 0 ? 1 : 0)),
           .replicas = static_cast<std::uint32_t>(replicas_)};
  for (ModelNode& each : world_.nodes) {
    if (world_.chance(0.3)) {
      each.settings["cluster-allow-replica-migration"] = "yes";
      wish_.migrating.insert(each.pod);
    }
    const std::size_t shard = each.place % holders;
    if (in && shard == heap) {
      wish_.leaving.insert(each.pod);
    }
  }
}

void Scenario::fill() {
  for (const std::uint32_t slot : played_slots_) {
    const std::uint64_t keys =
        world_.chance(0.3) ? 0 : 1 + world_.below(world_.chance(0.1) ? 40 : 4);
    for (std::uint64_t i = 0; i < keys; ++i) {
      world_.add_key(key_in(slot, i),
                     world_.chance(0.3) ? 1'000'000 + static_cast<std::int64_t>(i) : 0);
    }
  }
  for (std::uint32_t i = 0; i < 20; ++i) {
    world_.add_key(key_in(i * 800 + 13, 0), 0);
  }
  if (verb_ == Verb::fix) {
    for (const std::uint32_t slot : played_slots_) {
      if (world_.chance(0.5)) {
        leave_open(slot);
      }
    }
  }
}

/// As a move, or several, that ended anywhere.
void Scenario::leave_open(std::uint32_t slot) {
  ModelNode& from = *world_.of_ident(world_.nodes.front().owner[slot]);
  ModelNode& to = world_.nodes[world_.below(masters_)];
  if (&from == &to) {
    return;
  }
  to.importing[slot] = from.id;
  from.migrating[slot] = to.id;
  const KeysOfSlot keys = from.keys[slot];
  for (const auto& [key, value] : keys) {
    if (world_.chance(0.6)) {
      to.keys[slot][key] = value;
      if (world_.chance(0.8)) {
        from.keys[slot].erase(key);
      }
    }
  }
  if (world_.chance(0.25)) {
    from.migrating.erase(slot);
  } else if (world_.chance(0.2) && to.keys[slot].empty()) {
    to.importing.erase(slot);
  }
  for (ModelNode& each : world_.nodes) {
    if (!each.is_master()) {
      each.keys = world_.of_ident(each.self().master)->keys;
      if (world_.manners.valkey) {
        each.migrating = world_.of_ident(each.self().master)->migrating;
        each.importing = world_.of_ident(each.self().master)->importing;
      }
    }
  }
}

void Scenario::plan_faults() {
  const auto some = [&](std::uint64_t most, const std::function<void(PluginRun&)>& what) {
    for (std::uint64_t i = world_.below(most + 1); i > 0; --i) {
      faults_.emplace(1 + world_.below(world_.chance(0.5) ? 40 : 200), what);
    }
  };
  some(3, [](PluginRun& run) { run.kill(); });
  some(1, [](PluginRun& run) { run.interrupt(); });
  some(2, [this](PluginRun&) {
    world_.pause(any_node(), turns_.now() + world_.between(50'000, 12'000'000));
  });
  some(2, [this](PluginRun&) {
    world_.kill(any_node(), turns_.now() + world_.between(500'000, 20'000'000));
  });
  some(1, [this](PluginRun&) { world_.fail_over(any_node()); });
}

core::ClusterView Scenario::pods() const {
  core::ClusterView view{.name = "redis", .namespace_ = "default", .made_by = "create"};
  view.shape = {.masters = static_cast<std::uint32_t>(masters_),
                .replicas = static_cast<std::uint32_t>(replicas_)};
  for (const ModelNode& each : world_.nodes) {
    core::Member member;
    member.pod = {.name = each.pod, .ordinal = static_cast<int>(each.place), .ip = each.host};
    member.pod.owner = "statefulset/redis-app";
    member.pod.container = "redis";
    member.pod.domain = {.node = fmt::format("node-{}", each.place),
                         .zone = fmt::format("zone-{}", each.place % 3)};
    member.pod.running = true;
    member.pod.ready = true;
    view.members.push_back(std::move(member));
  }
  return view;
}

std::string Scenario::master_now(const std::string& pod) {
  ModelNode* now = &node(pod);
  for (int i = 0; i < 5 && !now->is_master(); ++i) {
    ModelNode* next = world_.of_ident(now->self().master);
    now = next == nullptr ? now : next;
  }
  return now->pod;
}

Status Scenario::do_fix(plugin::Site& site, const Conduct& conduct) {
  const auto agree = [](const core::Plan&) { return Status{}; };
  KREDIS_TRY(const plugin::Mended mended,
             plugin::mend(site, {.wish = fix_wish_, .agree = agree}, conduct));
  for (const core::Refusal& refusal : mended.refused) {
    world_.trace([&] { return "refused: " + refusal.why.message + "; " + refusal.why.hint; });
    // As somebody would who reads which of the two values is the one that is served.
    const std::string word = "--accept-loss ";
    const std::size_t at = refusal.why.hint.find(word);
    if (at != std::string::npos) {
      fix_wish_.accept_loss.push_back(refusal.why.hint.substr(at + word.size()));
      return Error::unsafe("refused: " + refusal.why.message);
    }
  }
  return mended.refused.empty() ? Status{} : Status(mended.refused.front().why);
}

Status Scenario::do_verb(plugin::Site& site, const Conduct& conduct) {
  if (mends_ || verb_ == Verb::fix) {
    return do_fix(site, conduct);
  }
  observe::Cluster& cluster = *site.cluster;
  cluster.ask(observe::Ask::everything, conduct.call_deadline());
  if (verb_ == Verb::scale_in || verb_ == Verb::scale_out) {
    KREDIS_CHECK(core::check_scale(cluster.view(), wish_));
    return plugin::NodeChange(site, wish_, conduct).run();
  }
  plugin::SlotsWish wish = plugin::Rebalance{.wish = {.threshold_percent = 0}};
  if (verb_ == Verb::reshard) {
    wish = core::ReshardWish{.to = {master_now("redis-app-1")}, .slots = played_};
  }
  KREDIS_CHECK(plugin::finish_half_moved(site, conduct));
  KREDIS_TRY(auto moves, plugin::plan_moves(cluster, wish, conduct));
  return plugin::apply_plan(site, plugin::plan_of(std::move(moves), "asked for"), conduct);
}

Status Scenario::attempt(PluginRun& run) {
  observe::Cluster cluster(run, pods());
  plugin::Site site{.cluster = &cluster};
  const Conduct conduct{.deadline = std::chrono::steady_clock::now() + 3min,
                        .cancelled = [&run] { return run.is_interrupted(); }};
  return do_verb(site, conduct);
}

void Scenario::before_call(PluginRun& run) {
  if (++calls_ == k_calm_from) {
    world_.manners.broken_calls = 0;
    world_.manners.broken_migrates = 0;
  }
  if (calls_ == k_most_calls) {
    world_.violate("it sends commands without end");
    run.kill();
  }
  for (auto fault = faults_.begin(); fault != faults_.end() && fault->first <= calls_;) {
    const auto what = fault->second;
    fault = faults_.erase(fault);
    what(run);
  }
}

void Scenario::write_now_and_then() {
  if (++writes_ > k_writes) {
    return;
  }
  const std::uint32_t slot = played_slots_[world_.below(played_slots_.size())];
  world_.client_writes(key_in(slot, world_.below(5)));
  turns_.at(turns_.now() + world_.between(2'000, 80'000), [this] { write_now_and_then(); });
}

/// Nothing more goes wrong, all processes are there again, and news has gone round.
void Scenario::settle() {
  faults_.clear();
  world_.manners.broken_calls = 0;
  world_.manners.broken_migrates = 0;
  world_.manners.bus_delay = 5ms;
  writes_ = k_writes;
  Time until = turns_.now();
  for (const ModelNode& each : world_.nodes) {
    until = std::max(until, each.paused_until);
  }
  turns_.sleep_until(until + 30s);
}

std::string Scenario::judge_goal() {
  std::vector<std::size_t> shares;
  for (const ModelNode& each : world_.nodes) {
    const std::size_t slots = each.is_master() ? each.self().slots.count() : 0;
    if (wish_.leaving.contains(each.pod) && std::ranges::count(each.seen, true, &Seen::known) > 1) {
      return each.pod + " has not left";
    }
    if (slots > 0) {
      shares.push_back(slots);
    }
  }
  if (verb_ == Verb::reshard) {
    const Slots& there = node(master_now("redis-app-1")).self().slots;
    const bool all =
        std::ranges::all_of(played_slots_, [&](std::uint32_t slot) { return there[slot]; });
    return all ? "" : "not all slots have arrived";
  }
  if (verb_ == Verb::fix) {
    return "";
  }
  const auto [least, most] = std::ranges::minmax(shares);
  const bool scales = verb_ == Verb::scale_in || verb_ == Verb::scale_out;
  return (!scales || shares.size() == wish_.masters) && most - least <= (scales ? 1 : 2)
             ? ""
             : fmt::format("{} masters have from {} to {} slots", shares.size(), least, most);
}

void Scenario::play() {
  Status done;
  for (; outcome_.runs < k_most_runs && world_.violation.empty();) {
    ++outcome_.runs;
    PluginRun run(world_, [this](PluginRun& each) { before_call(each); });
    done = attempt(run);
    if (done && run.is_alive() && !std::exchange(mends_, false)) {
      break;
    }
    if (!done) {
      world_.trace([&] { return "ENDS: " + done.error().message + "; " + done.error().hint; });
      const std::string& hint = done.error().hint;
      mends_ = run.is_alive() &&
               (hint.find(" fix") != std::string::npos ||
                hint.find("mend it first") != std::string::npos || outcome_.runs % 8 == 0);
    } else {
      done = Error::conflict("the plugin died");
    }
    turns_.sleep_until(turns_.now() + world_.between(100'000, 15'000'000));
  }
  settle();
  // What was dead as the command ended may have come back with marks, or slots, of its own.
  for (int i = 0; done && world_.violation.empty() && i < k_most_mends; ++i) {
    const std::string open = world_.not_whole();
    if (open.empty() && judge_goal().empty()) {
      break;
    }
    world_.trace([&] { return "AFTERWARDS: " + (open.empty() ? judge_goal() : open); });
    PluginRun run(world_, [this](PluginRun& each) { before_call(each); });
    mends_ = !open.empty();
    done = attempt(run);
    if (!done) {
      world_.trace([&] { return "ENDS: " + done.error().message + "; " + done.error().hint; });
    }
    done = done || i + 1 < k_most_mends ? Status{} : done;
    turns_.sleep_until(turns_.now() + 5s);
  }
  outcome_.wrong = world_.violation;
  if (outcome_.wrong.empty() && !done) {
    outcome_.wrong = fmt::format(
        "after {} runs: {} ({})", outcome_.runs, done.error().message, done.error().hint);
  }
  outcome_.wrong = outcome_.wrong.empty() ? world_.not_whole() : outcome_.wrong;
  outcome_.wrong = outcome_.wrong.empty() ? judge_goal() : outcome_.wrong;
  world_.end();
}

Outcome Scenario::run() {
  choose();
  make_cluster();
  fill();
  plan_faults();
  outcome_.verb = k_verb_names[static_cast<std::size_t>(verb_)];
  world_.begin();
  write_now_and_then();
  turns_.run([this] { play(); });
  outcome_.hash = world_.hash;
  outcome_.calls = calls_;
  return std::move(outcome_);
}

}  // namespace

Outcome run_scenario(std::uint64_t seed, Telling telling) {
  try {
    return Scenario(seed, telling).run();
  } catch (const std::exception& error) {
    return {.wrong = error.what()};
  }
}

}  // namespace kredis::model
