// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/return_keys.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/databases.hpp"
#include "plugin/apply/node_steps.hpp"
#include "shared/core/text.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;
using core::Reply;
using core::ReturnKeys;
using ports::RedisConnection;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// MIGRATE of a batch works in the main thread of the source: few keys at a time.
constexpr std::size_t k_batch = 50;
/// For one exchange; the server counts it for each part that it writes or reads.
constexpr auto k_return_exchange = 60s;
constexpr auto k_until_served = 15s;

/// One step while it is carried out, on lines of its own: databases are chosen on them.
class Returning {
 public:
  Returning(const ReturnKeys& step, Site& site, const Conduct& conduct)
      : step_(step), cluster_(*site.cluster), conduct_(conduct) {}

  Status run();

 private:
  Result<std::size_t> place_of(const std::string& pod) const;
  Status wait_until_served();
  Status connect();
  Status mark();
  Status bring(std::uint32_t slot, int database);
  Status judge(const std::vector<std::string>& keys);
  Status settle();
  Result<std::vector<Reply>> tell(RedisConnection& line, const std::vector<Command>& commands);
  Status tell_source(const std::vector<Command>& commands);
  /// SETSLOT for every slot that the pod claims, and for every other one.
  std::vector<Command> setslots(const std::vector<std::string>& claimed,
                                const std::vector<std::string>& others) const;

  const ReturnKeys& step_;
  observe::Cluster& cluster_;
  const Conduct& conduct_;
  std::unique_ptr<RedisConnection> source_ = {};
  std::unique_ptr<RedisConnection> owner_ = {};
  core::NodeAddress owner_address_ = {};
  core::SlotSet claimed_ = {};  ///< The pod says that they are its own.
  std::vector<int> databases_ = {};
  std::set<std::string> held_ = {};  ///< Other values than the owner's, of the slot at hand.
  std::size_t held_in_all_ = 0;
};

Result<std::size_t> Returning::place_of(const std::string& pod) const {
  const Member* member = cluster_.view().by_pod(pod);
  if (member == nullptr || member->self() == nullptr) {
    return Error::unreachable(pod + " does not answer, so no keys can be brought to or from it")
        .with_hint("see why: " + core::status_command(cluster_.view()));
  }
  return static_cast<std::size_t>(member - cluster_.view().members.data());
}

Result<std::vector<Reply>> Returning::tell(RedisConnection& line,
                                           const std::vector<Command>& commands) {
  return line.pipeline(commands, steady_clock::now() + k_return_exchange);
}

Status Returning::tell_source(const std::vector<Command>& commands) {
  if (commands.empty()) {
    return {};
  }
  KREDIS_TRY(const auto replies, tell(*source_, commands));
  for (const Reply& reply : replies) {
    if (reply.is_error()) {
      return redis::error_of(reply, step_.pod);
    }
  }
  return {};
}

/// A node gives nothing away while it thinks that the cluster is down, as one does for a moment
/// after a slot got an owner.
Status Returning::wait_until_served() {
  return wait_until(conduct_.with_patience(k_until_served), 100ms, [&]() -> Result<std::string> {
    cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
    const Member* member = cluster_.view().by_pod(step_.pod);
    const bool serves = member != nullptr && member->cluster && member->cluster->state_ok;
    return serves ? "" : step_.pod + " says that the cluster is down";
  });
}

Status Returning::connect() {
  cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
  KREDIS_TRY(const std::size_t source, place_of(step_.pod));
  KREDIS_TRY(const std::size_t owner, place_of(step_.owner_pod));
  const core::Node& to = *cluster_.view().members[owner].self();
  if (const core::SlotSet foreign = step_.slots.without(to.slots); !foreign.empty()) {
    return Error::conflict("slots " + foreign.to_text() + " are not " + step_.owner_pod + "'s")
        .with_hint("look again and plan anew: run the same command again");
  }
  owner_address_ = to.address;
  claimed_ = step_.slots.shared_with(cluster_.view().members[source].self()->slots);
  KREDIS_TRY(source_, cluster_.switchboard().open(source, conduct_.call_deadline()));
  KREDIS_TRY(owner_, cluster_.switchboard().open(owner, conduct_.call_deadline()));
  KREDIS_TRY(const auto replies, tell(*source_, {{"INFO", "keyspace"}}));
  databases_ = databases_in(replies.front().text);
  return {};
}

std::vector<Command> Returning::setslots(const std::vector<std::string>& claimed,
                                         const std::vector<std::string>& others) const {
  std::vector<Command> commands = setslot_commands(claimed_.numbers(), claimed);
  const std::vector<Command> more =
      setslot_commands(step_.slots.without(claimed_).numbers(), others);
  commands.insert(commands.end(), more.begin(), more.end());
  return commands;
}

/// Only of an open slot does a node give keys away, and only with the mark do they outlive a
/// restart.
Status Returning::mark() {
  const std::string& owner = step_.owner.to_text();
  KREDIS_CHECK(tell_source(setslots({"MIGRATING", owner}, {"IMPORTING", owner})));
  core::SlotSet unnamed = step_.slots.without(claimed_);
  const core::Node* named = cluster_.view().by_pod(step_.pod)->view->find(step_.owner);
  unnamed.erase(named == nullptr ? core::SlotSet{} : named->slots);
  // The mark outlives this: a node that takes a slot over believes nobody else about its owner.
  return tell_source(setslot_commands(unnamed.numbers(), {"NODE", owner}));
}

/// Without REPLACE: what the owner has is what clients were served since.
Status Returning::bring(std::uint32_t slot, int database) {
  held_.clear();
  for (;;) {
    if (conduct_.is_cancelled()) {
      return conduct_.ended_while(core::to_text(core::Step{.what = step_}));
    }
    const std::string most = std::to_string(k_batch + held_.size());
    KREDIS_TRY(const auto listed,
               tell(*source_, {{"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), most}}));
    if (listed.front().is_error()) {
      return redis::error_of(listed.front(), step_.pod);
    }
    std::vector<std::string> keys;
    for (const Reply& key : listed.front().items) {
      if (!held_.contains(key.text)) {
        keys.push_back(key.text);
      }
    }
    if (keys.empty()) {
      held_in_all_ += held_.size();
      return {};
    }
    Command migrate{"MIGRATE",
                    owner_address_.ip,
                    std::to_string(owner_address_.port),
                    "",
                    std::to_string(database),
                    std::to_string(std::chrono::milliseconds(k_return_exchange).count())};
    const Command login = cluster_.switchboard().login();
    migrate.insert(migrate.end(), login.begin(), login.end());
    migrate.emplace_back("KEYS");
    migrate.insert(migrate.end(), keys.begin(), keys.end());
    KREDIS_TRY(const auto moved, tell(*source_, {migrate}));
    if (!moved.front().is_error()) {
      continue;
    }
    if (moved.front().text.find("BUSYKEY") == std::string::npos) {
      return redis::migrate_error_of(moved.front(), step_.pod, step_.owner_pod);
    }
    KREDIS_CHECK(judge(keys));
  }
}

/// Which of these keys the owner has, too, and with which value.
Status Returning::judge(const std::vector<std::string>& keys) {
  std::vector<Command> at_source;
  std::vector<Command> at_owner;
  for (const std::string& key : keys) {
    at_source.push_back({"ASKING"});
    at_source.push_back({"DUMP", key});
    at_owner.push_back({"DUMP", key});
  }
  KREDIS_TRY(const auto mine, tell(*source_, at_source));
  KREDIS_TRY(const auto theirs, tell(*owner_, at_owner));
  std::vector<Command> drops;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Reply& here = mine[2 * i + 1];
    const Reply& there = theirs[i];
    if (here.is_error() || there.is_error()) {
      return here.is_error() ? redis::error_of(here, step_.pod)
                             : redis::error_of(there, step_.owner_pod);
    }
    if (here.kind == Reply::Kind::nil || there.kind == Reply::Kind::nil) {
      continue;  // It went meanwhile, or the owner lacks it and the next MIGRATE takes it along.
    }
    if (here.text == there.text || step_.drops) {
      drops.push_back({"ASKING"});
      drops.push_back({"DEL", keys[i]});
    } else {
      held_.insert(keys[i]);
    }
  }
  return tell_source(drops);
}

Status Returning::settle() {
  if (held_in_all_ > 0) {
    const std::string which = core::counted(static_cast<std::int64_t>(held_in_all_), "key");
    return Error::unsafe(which + " of slots " + step_.slots.to_text() + " on pod " + step_.pod +
                         " have another value than at their owner, pod " + step_.owner_pod)
        .with_hint("they stay where they are; to keep the owner's and lose these: --accept-loss " +
                   step_.slots.to_text());
  }
  return tell_source(setslots({"NODE", step_.owner.to_text()}, {"STABLE"}));
}

Status Returning::run() {
  KREDIS_CHECK(connect());
  KREDIS_CHECK(mark());
  KREDIS_CHECK(wait_until_served());  // Only now: it may be down for want of this very owner.
  for (const int database : databases_) {
    if (database != 0) {
      const std::vector<Command> choose{{"SELECT", std::to_string(database)}};
      KREDIS_CHECK(tell_source(choose));
      KREDIS_TRY(const auto chosen, tell(*owner_, choose));
      if (chosen.front().is_error()) {
        return redis::error_of(chosen.front(), step_.owner_pod);
      }
    }
    for (const std::uint32_t slot : step_.slots.numbers()) {
      KREDIS_CHECK(bring(slot, database));
    }
  }
  return settle();
}

}  // namespace

Status carry_out(const ReturnKeys& step, Site& site, const Conduct& conduct) {
  if (auto done = Returning(step, site, conduct).run(); !done) {
    return done.error().while_doing(core::to_text(core::Step{.what = step}));
  }
  return {};
}

}  // namespace kredis::plugin
