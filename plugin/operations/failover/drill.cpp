// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/drill.hpp"

#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "plugin/operations/failover/drill_probe.hpp"
#include "shared/observe/ask_members.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Drill;
using core::DrillSight;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// What is written and read before the strike and after it healed, to compare with.
constexpr milliseconds k_calm = 1s;
/// The other nodes are asked this often who they think is master.
constexpr milliseconds k_watch_pace = 10ms;
constexpr milliseconds k_heal_pace = 100ms;

milliseconds since(steady_clock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - then);
}

/// What was seen first when. Threads: every member may be called from any thread.
class Sightings {
 public:
  explicit Sightings(steady_clock::time_point struck) : struck_(struck) {}

  void note(const DrillSight& sight) {
    const milliseconds now = since(struck_);
    const std::lock_guard lock(mutex_);
    if (sight.suspected && !times_.suspected) {
      times_.suspected = now;
    }
    if (sight.detected && !times_.detected) {
      times_.detected = now;
    }
    if (sight.heir && !heir_) {
      times_.promoted = now;
      heir_ = sight.heir;
    }
  }
  void healed() {
    const std::lock_guard lock(mutex_);
    times_.healed = since(struck_);
  }
  wire::DrillTimes times() const {
    const std::lock_guard lock(mutex_);
    return times_;
  }
  std::optional<core::NodeId> heir() const {
    const std::lock_guard lock(mutex_);
    return heir_;
  }

 private:
  steady_clock::time_point struck_;
  mutable std::mutex mutex_;
  wire::DrillTimes times_;
  std::optional<core::NodeId> heir_;
};

class DrillRun {
 public:
  DrillRun(const DrillScene& scene, const Drill& drill, ClusterView view, const Conduct& conduct)
      : scene_(scene), drill_(drill), view_(std::move(view)), conduct_(conduct) {
    book_.read(view_);
  }
  Result<DrillOutcome> run();

 private:
  Status calm_down();
  void watch(const std::stop_token& stop, Sightings& sightings);
  std::string missing(Sightings& sightings);
  Result<std::string> heal(Sightings& sightings);
  ClusterView survivors() const;

  const DrillScene& scene_;
  const Drill& drill_;
  ClusterView view_;
  const Conduct& conduct_;
  AddressBook book_;
  std::optional<observe::Switchboard> switchboard_;
  std::vector<std::string> asked_;  ///< Names and addresses that the switchboard has lines to.
};

/// Waits while the probe works undisturbed.
Status DrillRun::calm_down() {
  const auto end = conduct_.now() + k_calm;
  while (conduct_.now() < end) {
    if (conduct_.is_cancelled()) {
      return conduct_.ended_while("for the probe");
    }
    conduct_.clock->sleep_until(conduct_.now() + 20ms);
  }
  return {};
}

ClusterView DrillRun::survivors() const {
  ClusterView others = view_;
  std::erase_if(others.members,
                [&](const core::Member& member) { return member.pod.name == drill_.pod.name; });
  return others;
}

/// Asks those who stay, quickly and without the others in between, who would only hold it up.
void DrillRun::watch(const std::stop_token& stop, Sightings& sightings) {
  ClusterView others = survivors();
  observe::Switchboard switchboard(scene_.redis, observe::targets_of(others));
  while (!stop.stop_requested()) {
    observe::ask_members(switchboard, others, observe::Ask::topology, steady_clock::now() + 1s);
    sightings.note(core::sight_of(others, drill_));
    std::this_thread::sleep_for(k_watch_pace);
  }
}

/// Looks at pods and, once all are ready, at Redis; says what keeps the cluster from being whole.
std::string DrillRun::missing(Sightings& sightings) {
  if (std::string lasts = scene_.strike.lasts(); !lasts.empty()) {
    return lasts;
  }
  auto now = scene_.pods();
  if (!now) {
    return now.error().message;
  }
  if (now->members.size() != view_.members.size()) {
    return "the pod in place of " + drill_.pod.name + " is not there yet";
  }
  std::vector<std::string> where;
  for (const core::Member& member : now->members) {
    if (!member.pod.ready) {
      return member.pod.name +
             (member.pod.trouble.empty() ? " is not ready yet" : ": " + member.pod.trouble);
    }
    where.push_back(member.pod.name + " " + member.pod.ip);
  }
  if (where != asked_) {
    switchboard_.emplace(scene_.redis, observe::targets_of(*now));
    asked_ = std::move(where);
  }
  observe::ask_members(*switchboard_, *now, observe::Ask::everything, conduct_.call_deadline());
  book_.read(*now);
  sightings.note(core::sight_of(*now, drill_));
  return core::drill_missing(*now, drill_, sightings.heir());
}

/// Returns what is still missing when patience ends; an empty text when nothing is.
Result<std::string> DrillRun::heal(Sightings& sightings) {
  std::string last;
  const Status healed = wait_until(conduct_, k_heal_pace, [&]() -> Result<std::string> {
    last = missing(sightings);
    return last;
  });
  if (healed) {
    sightings.healed();
  } else if (healed.error().code != ErrorCode::timeout) {
    return healed.error();
  }
  return last;
}

Result<DrillOutcome> DrillRun::run() {
  DrillProbe probe(scene_.redis, book_, drill_.probed, scene_.run);
  conduct_.say("Write and read undisturbed for a second");
  probe.start();
  KREDIS_CHECK(calm_down());
  KREDIS_CHECK(probe.all_well());
  conduct_.say("Take " + drill_.pod.name + " away");
  const auto struck = steady_clock::now();
  probe.struck();
  KREDIS_CHECK(scene_.strike.deliver());
  Sightings sightings(struck);
  std::jthread watcher([&](const std::stop_token& stop) { watch(stop, sightings); });
  conduct_.say("Watch until the cluster is whole again");
  KREDIS_TRY(std::string missing, heal(sightings));
  watcher.request_stop();
  KREDIS_CHECK(calm_down());
  DrillOutcome outcome{.times = sightings.times(),
                       .heir = sightings.heir(),
                       .missing = std::move(missing),
                       .probe = probe.finish(steady_clock::now() + 20s)};
  for (const core::Member& member : view_.members) {
    if (outcome.heir && member.self() != nullptr && member.self()->id == *outcome.heir) {
      outcome.heir_pod = member.pod.name;
    }
  }
  return outcome;
}

}  // namespace

Result<DrillOutcome> run_drill(const DrillScene& scene,
                               const Drill& drill,
                               const ClusterView& view,
                               const Conduct& conduct) {
  return DrillRun(scene, drill, view, conduct).run();
}

}  // namespace kredis::plugin
