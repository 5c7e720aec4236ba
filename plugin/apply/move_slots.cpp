// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_slots.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;
using namespace std::chrono_literals;

/// MIGRATE works in the source's main thread: a batch is what its clients wait for.
constexpr int k_keys_at_once = 100;
/// For one MIGRATE; the server counts it for each chunk that it writes or reads.
constexpr auto k_migrate_timeout = 5s;

/// One move: where its two ends are on the switchboard, and how far it is.
class Move {
 public:
  Move(const core::MoveSlots& step, Site& site, const Conduct& conduct)
      : step_(step), cluster_(*site.cluster), conduct_(conduct) {}

  Status run();

 private:
  Result<std::size_t> place_of(const std::string& pod) const;
  Result<std::vector<core::Reply>> tell(std::size_t at, const std::vector<Command>& commands);
  Status expect_ok(std::size_t at, const std::vector<Command>& commands);
  Status may_go_on(const std::string& what) const;
  Status open(std::uint32_t slot);
  Status move_keys(std::uint32_t slot);
  Status close(std::uint32_t slot);
  std::string not_shown() const;
  std::string moved_text(std::uint32_t moved) const;

  const core::MoveSlots& step_;
  observe::Cluster& cluster_;
  const Conduct& conduct_;
  std::size_t source_ = 0;
  std::size_t target_ = 0;
  core::NodeAddress address_ = {};
  std::uint64_t keys_ = 0;
};

Result<std::size_t> Move::place_of(const std::string& pod) const {
  const Member* member = cluster_.view().by_pod(pod);
  if (member == nullptr || member->self() == nullptr) {
    return Error::unreachable(pod + " does not answer, so no slots can be moved to or from it")
        .with_hint("see why: " + core::status_command(cluster_.view()));
  }
  return static_cast<std::size_t>(member - cluster_.view().members.data());
}

Result<std::vector<core::Reply>> Move::tell(std::size_t at, const std::vector<Command>& commands) {
  std::vector<std::vector<Command>> all(cluster_.view().members.size());
  all[at] = commands;
  auto answers = cluster_.switchboard().ask_each(all, conduct_.call_deadline());
  return std::move(answers[at]);
}

Status Move::expect_ok(std::size_t at, const std::vector<Command>& commands) {
  KREDIS_TRY(const auto replies, tell(at, commands));
  for (const core::Reply& reply : replies) {
    if (reply.is_error()) {
      return redis::error_of(reply, cluster_.view().members[at].pod.name);
    }
  }
  return {};
}

/// A move of thousands of slots, of which most may be empty, ends when it is to.
Status Move::may_go_on(const std::string& what) const {
  if (conduct_.is_cancelled()) {
    return conduct_.ended_while(what);
  }
  if (conduct_.now() >= conduct_.end()) {
    return Error::timeout("it took too long: " + what)
        .with_hint("run the same command again: it goes on from here");
  }
  return {};
}

/// The target first: a client that the source sends on must be let in there.
/// https://redis.io/docs/latest/commands/cluster-setslot/
Status Move::open(std::uint32_t slot) {
  const std::string number = std::to_string(slot);
  KREDIS_CHECK(
      expect_ok(target_, {{"CLUSTER", "SETSLOT", number, "IMPORTING", step_.source.to_text()}}));
  return expect_ok(source_, {{"CLUSTER", "SETSLOT", number, "MIGRATING", step_.target.to_text()}});
}

Status Move::move_keys(std::uint32_t slot) {
  const std::string number = std::to_string(slot);
  for (;;) {
    KREDIS_TRY(
        const auto listed,
        tell(source_, {{"CLUSTER", "GETKEYSINSLOT", number, std::to_string(k_keys_at_once)}}));
    if (listed.front().is_error()) {
      return redis::error_of(listed.front(), step_.pod);
    }
    if (listed.front().items.empty()) {
      return {};
    }
    // REPLACE: the slot is open here and there, so a copy at the target is one whose
    // acknowledgement was lost, and the source's is the one that was served since.
    Command migrate{"MIGRATE",
                    address_.ip,
                    std::to_string(address_.port),
                    "",
                    "0",
                    std::to_string(std::chrono::milliseconds(k_migrate_timeout).count()),
                    "REPLACE"};
    const Command login = cluster_.switchboard().login();
    migrate.insert(migrate.end(), login.begin(), login.end());
    migrate.emplace_back("KEYS");
    for (const core::Reply& key : listed.front().items) {
      migrate.push_back(key.text);
    }
    KREDIS_CHECK(expect_ok(source_, {migrate}));
    keys_ += listed.front().items.size();
    KREDIS_CHECK(may_go_on("slot " + number + " moves; it stays open until then"));
  }
}

/// Target, source, everybody else: while the source still answers for the slot nobody asks in vain.
/// A replica takes it from its master.
Status Move::close(std::uint32_t slot) {
  const Command owner{"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", step_.target.to_text()};
  KREDIS_CHECK(expect_ok(target_, {owner}));
  KREDIS_CHECK(expect_ok(source_, {owner}));
  std::vector<std::vector<Command>> others(cluster_.view().members.size());
  for (std::size_t i = 0; i < others.size(); ++i) {
    const core::Node* self = cluster_.view().members[i].self();
    if (self != nullptr && self->role == core::Role::master && i != source_ && i != target_) {
      others[i] = {owner};
    }
  }
  // Who is not reached now hears it by gossip; the look at the end waits for that.
  static_cast<void>(cluster_.switchboard().ask_each(others, conduct_.call_deadline()));
  return {};
}

std::string Move::not_shown() const {
  for (const Member& viewer : cluster_.view().members) {
    const core::Node* owner = viewer.view ? viewer.view->find(step_.target) : nullptr;
    if (viewer.view && (owner == nullptr || !step_.slots.without(owner->slots).empty())) {
      return viewer.pod.name + " does not see slots " + step_.slots.to_text() + " at " +
             step_.target_pod;
    }
  }
  return {};
}

std::string Move::moved_text(std::uint32_t moved) const {
  return std::to_string(moved) + " of " + std::to_string(step_.slots.size()) +
         " slots moved from " + step_.pod + " to " + step_.target_pod + ", " +
         std::to_string(keys_) + " keys";
}

Status Move::run() {
  cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
  KREDIS_TRY(source_, place_of(step_.pod));
  KREDIS_TRY(target_, place_of(step_.target_pod));
  const core::Node& target = *cluster_.view().members[target_].self();
  const core::Node& source = *cluster_.view().members[source_].self();
  address_ = target.address;
  const core::SlotSet left = step_.slots.without(target.slots);
  if (const core::SlotSet foreign = left.without(source.slots); !foreign.empty()) {
    return Error::conflict("slots " + foreign.to_text() + " are neither at " + step_.pod +
                           " nor at " + step_.target_pod)
        .with_hint("look again and plan anew: run the same command again");
  }
  std::uint32_t moved = step_.slots.size() - left.size();
  for (const core::SlotRange& range : left.ranges()) {
    for (std::uint32_t slot = range.first(); slot <= range.last(); ++slot) {
      KREDIS_CHECK(may_go_on(moved_text(moved)));
      KREDIS_CHECK(open(slot));
      KREDIS_CHECK(move_keys(slot));
      KREDIS_CHECK(close(slot));
      conduct_.say(moved_text(++moved));
    }
  }
  return wait_until(conduct_, 100ms, [&]() -> Result<std::string> {
    cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
    return not_shown();
  });
}

}  // namespace

Status carry_out(const core::MoveSlots& step, Site& site, const Conduct& conduct) {
  if (auto moved = Move(step, site, conduct).run(); !moved) {
    return moved.error().while_doing(core::to_text(core::Step{.what = step}));
  }
  return {};
}

}  // namespace kredis::plugin
