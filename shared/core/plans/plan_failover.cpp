// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_failover.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/running_jobs.hpp"

namespace kredis::core {
namespace {

/// A replica this close counts as in step: what streams in meanwhile is no reason to prefer
/// another.
constexpr std::int64_t k_in_step_bytes = 1 << 20;

using Of = FailoverWish::Of;

std::string name_of(const SeenNode& seen) {
  return seen.member == nullptr ? "node " + seen.node->id.short_text() : seen.member->pod.name;
}

bool answers(const SeenNode& seen) {
  return seen.member != nullptr && seen.member->server.has_value() && !seen.member->trouble;
}

/// How many masters each place has, kept up to date while hand-overs are decided.
struct Spread {
  std::map<std::string, int> nodes;
  std::map<std::string, int> zones;
  int masters = 0;

  void count(const SeenNode& master, int change) {
    if (master.member != nullptr) {
      nodes[master.member->pod.domain.node] += change;
      zones[master.member->pod.domain.zone] += change;
    }
  }
  /// The lower the better: whether its place would hold half of the masters, and how many.
  auto cost(const SeenNode& replica) {
    const FailureDomain& place = replica.member->pod.domain;
    const int on_node = place.node.empty() ? 0 : nodes[place.node] + 1;
    const int in_zone = place.zone.empty() ? 0 : zones[place.zone] + 1;
    return std::tuple{2 * on_node >= masters, 2 * in_zone >= masters, on_node, in_zone};
  }
};

/// One decision: the wish, and what it is decided from.
struct Decision {
  const ClusterView& view;
  const FailoverWish& wish;
  std::vector<ShardView> shards;
  Spread spread = {};

  bool leaving(const Member& member) const {
    return (wish.of == Of::node && member.pod.domain.node == wish.name) ||
           (wish.of == Of::zone && member.pod.domain.zone == wish.name);
  }
};

/// Why `replica` cannot take over; empty when it can.
std::string unfit(const Decision& decision, const SeenNode& replica) {
  const std::string name = name_of(replica);
  if (!answers(replica)) {
    return name + " does not answer";
  }
  if (replica.node->flags.fail || replica.node->flags.pfail) {
    return name + " is failing";
  }
  if (decision.leaving(*replica.member)) {
    return name + " is there too";
  }
  if (replica.member->server->loading) {
    return name + " is loading its data";
  }
  if (decision.wish.how == TakeOver::in_step && !replica.member->server->master_link_up) {
    return name + " is not in step (its link to the master is down)";
  }
  return "";
}

/// The best replica of `shard`, or why none will do.
Result<const SeenNode*> heir_of(Decision& decision, const ShardView& shard) {
  std::vector<const SeenNode*> fit;
  std::vector<std::string> reasons;
  for (const SeenNode& replica : shard.replicas) {
    std::string reason = unfit(decision, replica);
    if (reason.empty()) {
      fit.push_back(&replica);
    } else {
      reasons.push_back(std::move(reason));
    }
  }
  if (fit.empty()) {
    return Error::unsafe(name_of(shard.master) + " (slots " + shard.master.node->slots.to_text() +
                         ") has no replica that could take over" +
                         (reasons.empty() ? "" : ": " + list_of(reasons)));
  }
  return *std::ranges::min_element(fit, {}, [&](const SeenNode* replica) {
    const auto lag = replication_lag_bytes(shard.master, *replica);
    return std::tuple{lag.value_or(k_in_step_bytes) > k_in_step_bytes,
                      decision.spread.cost(*replica),
                      lag.value_or(k_in_step_bytes),
                      replica->member->pod.ordinal};
  });
}

Error nobody_fit(const FailoverWish& wish, const std::vector<std::string>& reasons) {
  std::string text;
  for (const std::string& reason : reasons) {
    text += (text.empty() ? "" : "; ") + reason;
  }
  const bool in_step = wish.how == TakeOver::in_step;
  return Error::unsafe(text).with_hint(
      in_step ? "give each of them a replica in sync on another node (kubectl redis status shows "
                "them); --force takes one that is not in sync, and loses what it lacks"
              : "give each of them a replica that answers: kubectl redis status shows them");
}

/// The mark of a half-moved slot may be lost with the role, and keys with it.
Status check_open_slots_of(const Decision& decision, const SeenNode& master) {
  const Node* self = master.member == nullptr ? nullptr : master.member->self();
  if (decision.wish.how != TakeOver::in_step || self == nullptr) {
    return {};
  }
  // At its end an epoch that rises by a hand-over may cost writes:
  // https://github.com/valkey-io/valkey/issues/2724
  if (const auto running = job_of(decision.view, self->id)) {
    return job_runs(decision.view, *running, name_of(master) + " cannot hand over meanwhile");
  }
  if (self->open_slots.empty()) {
    return {};
  }
  return Error::unsafe("slot " + std::to_string(self->open_slots.front().slot) +
                       " is half moved on " + name_of(master) +
                       ", which cannot hand over meanwhile")
      .with_hint("let what moves it finish; where nothing does: " +
                 redis_command(decision.view, "fix") + " --only slots-open");
}

/// A planned hand-over is the master's own work, and a vote takes a majority.
Status check_master(const Decision& decision, const ShardView& shard) {
  const SeenNode& master = shard.master;
  KREDIS_CHECK(check_open_slots_of(decision, master));
  if (decision.wish.how == TakeOver::in_step && (!answers(master) || master.node->flags.fail)) {
    return Error::unsafe(name_of(master) + " does not answer, and a planned hand-over needs it")
        .with_hint(
            "--force lets a replica take over without it; writes that the replica has not "
            "received are lost");
  }
  if (decision.wish.how == TakeOver::takeover) {
    return {};
  }
  int voters = 0;
  int there = 0;
  for (const ShardView& each : decision.shards) {
    const bool votes = !each.master.node->slots.empty();
    voters += votes ? 1 : 0;
    there += votes && answers(each.master) && !each.master.node->flags.fail ? 1 : 0;
  }
  if (2 * there <= voters) {
    return Error::unsafe("only " + std::to_string(there) + " of " + std::to_string(voters) +
                         " masters answer: no majority is left to vote for a new one")
        .with_hint("bring masters back, or use --takeover, which asks for no vote");
  }
  return {};
}

HandOver hand_over_of(const ShardView& shard, const SeenNode& heir, TakeOver how) {
  HandOver made{.from = shard.master.node->id, .to = heir.node->id};
  if (shard.master.member != nullptr) {
    made.from_pod = shard.master.member->pod;
  }
  made.to_pod = heir.member->pod;
  made.slots = shard.master.node->slots;
  made.how = how;
  made.from_answers = answers(shard.master);
  made.lag_bytes = replication_lag_bytes(shard.master, heir);
  return made;
}

/// Decides for all of `shards`, and refuses all when one cannot be.
Result<std::vector<HandOver>> decide(Decision& decision, const std::vector<ShardView>& shards) {
  std::vector<HandOver> made;
  std::vector<std::string> reasons;
  for (const ShardView& shard : shards) {
    decision.spread.count(shard.master, -1);
  }
  for (const ShardView& shard : shards) {
    KREDIS_CHECK(check_master(decision, shard));
    const auto heir = heir_of(decision, shard);
    if (!heir) {
      reasons.push_back(heir.error().message);
      continue;
    }
    decision.spread.count(**heir, 1);
    made.push_back(hand_over_of(shard, **heir, decision.wish.how));
  }
  if (!reasons.empty()) {
    return nobody_fit(decision.wish, reasons);
  }
  return made;
}

Error unknown(const std::string& what, const std::set<std::string>& known) {
  return Error::not_found(what).with_hint(
      "there are: " + list_of(std::vector<std::string>(known.begin(), known.end())));
}

std::set<std::string> pods_of(const ClusterView& view) {
  std::set<std::string> names;
  for (const Member& member : view.members) {
    names.insert(member.pod.name);
  }
  return names;
}

bool is_pod(const SeenNode& seen, const std::string& pod) {
  return seen.member != nullptr && seen.member->pod.name == pod;
}

Result<std::vector<HandOver>> decide_for_pod(Decision& decision) {
  const std::string& pod = decision.wish.name;
  if (decision.view.by_pod(pod) == nullptr) {
    return unknown("cluster " + decision.view.name + " has no pod " + pod, pods_of(decision.view));
  }
  for (ShardView& shard : decision.shards) {
    if (is_pod(shard.master, pod)) {
      return decide(decision, {shard});
    }
    const auto replica = std::ranges::find_if(
        shard.replicas, [&](const SeenNode& each) { return is_pod(each, pod); });
    if (replica != shard.replicas.end()) {
      return decide(decision, {{.master = shard.master, .replicas = {*replica}}});
    }
  }
  return Error::unsafe(pod + " is neither a master with slots nor a replica")
      .with_hint("see the roles: " + status_command(decision.view) + "; init joins pods");
}

Result<std::vector<HandOver>> decide_for_master(Decision& decision) {
  const std::string& name = decision.wish.name;
  constexpr std::size_t k_shortest_id = 4;
  std::vector<ShardView> found;
  bool known = decision.view.by_pod(name) != nullptr;
  for (const ShardView& shard : decision.shards) {
    const bool by_id =
        name.size() >= k_shortest_id && shard.master.node->id.to_text().starts_with(name);
    if (is_pod(shard.master, name) || by_id) {
      found.push_back(shard);
    }
    known |= std::ranges::any_of(shard.replicas, [&](const SeenNode& replica) {
      return name.size() >= k_shortest_id && replica.node->id.to_text().starts_with(name);
    });
  }
  if (found.size() > 1) {
    return Error::invalid_argument("several masters have an id that begins with " + name)
        .with_hint("give more of it, or the pod's name");
  }
  if (found.empty() && !known) {
    std::set<std::string> masters;
    for (const ShardView& shard : decision.shards) {
      masters.insert(name_of(shard.master));
    }
    return unknown("cluster " + decision.view.name + " has no master " + name, masters);
  }
  return decide(decision, found);
}

Result<std::vector<HandOver>> decide_for_place(Decision& decision) {
  const bool node = decision.wish.of == Of::node;
  std::set<std::string> places;
  for (const Member& member : decision.view.members) {
    const std::string& place = node ? member.pod.domain.node : member.pod.domain.zone;
    if (!place.empty()) {
      places.insert(place);
    }
  }
  if (!places.contains(decision.wish.name)) {
    return unknown("cluster " + decision.view.name + " has no pods " +
                       (node ? "on node " : "in zone ") + decision.wish.name,
                   places);
  }
  std::vector<ShardView> there;
  std::ranges::copy_if(decision.shards, std::back_inserter(there), [&](const ShardView& shard) {
    return shard.master.member != nullptr && decision.leaving(*shard.master.member) &&
           !shard.master.node->slots.empty();
  });
  return decide(decision, there);
}

std::string reason_of(const HandOver& each) {
  const std::string behind =
      each.lag_bytes ? bytes_text(*each.lag_bytes) + " behind" : "how far behind is not known";
  switch (each.how) {
    case TakeOver::in_step:
      return behind + "; writes to slots " + each.slots.to_text() + " wait for a moment";
    case TakeOver::force:
      return "without " + each.from_name() + ": writes it has not received are lost (" + behind +
             ")";
    case TakeOver::takeover:
      return "without " + each.from_name() +
             " and without a vote: writes it has not received are "
             "lost (" +
             behind + ")";
  }
  return "";
}

const Node* seen_by(const Member& viewer, const NodeId& id) {
  return viewer.view ? viewer.view->find(id) : nullptr;
}

/// What clients may lose by a hand-over that does not wait for the master.
std::string cost_of(const HandOver& each) {
  if (each.how == TakeOver::in_step) {
    return {};
  }
  std::string cost =
      each.to_pod.name + " takes over slots " + each.slots.to_text() + " from " + each.from_name() +
      " without waiting for it: writes that it has not received are lost (" +
      (each.lag_bytes ? bytes_text(*each.lag_bytes) + " behind now" : "how many is not known") +
      ")";
  if (each.how == TakeOver::takeover) {
    cost +=
        "; nobody votes, so masters that do not hear of it go on accepting writes to these slots, "
        "and those are lost too when they do";
  }
  return cost;
}

}  // namespace

std::string HandOver::from_name() const {
  return from_pod.name.empty() ? "node " + from.short_text() : from_pod.name;
}

Result<std::vector<HandOver>> plan_hand_overs(const ClusterView& view, const FailoverWish& wish) {
  Decision decision{.view = view, .wish = wish, .shards = shards_of(view)};
  if (view.agreed() == nullptr) {
    return nobody_answers(view);
  }
  for (const ShardView& shard : decision.shards) {
    decision.spread.count(shard.master, 1);
    decision.spread.masters += 1;
  }
  switch (wish.of) {
    case Of::pod:
      return decide_for_pod(decision);
    case Of::master:
      return decide_for_master(decision);
    case Of::node:
    case Of::zone:
      return decide_for_place(decision);
  }
  return Error::internal("a failover of nothing");
}

Plan plan_failover(const std::vector<HandOver>& hand_overs) {
  Plan plan;
  for (const HandOver& each : hand_overs) {
    Step step{.what = Failover{.pod = each.to_pod.name,
                               .replica = each.to,
                               .master_pod = each.from_name(),
                               .master = each.from,
                               .how = each.how},
              .reason = reason_of(each),
              .risk = each.how == TakeOver::in_step ? Risk::none : Risk::data,
              .cost = cost_of(each)};
    if (each.how == TakeOver::takeover && !plan.stages.empty()) {
      plan.stages.front().steps.push_back(std::move(step));
      continue;
    }
    const std::string title = each.how == TakeOver::takeover
                                  ? "Take over without a vote"
                                  : "Hand over " + each.from_name() + " to " + each.to_pod.name;
    plan.stages.push_back({.title = title, .steps = {std::move(step)}});
  }
  return plan;
}

std::vector<HandOver> unfinished(const ClusterView& view, const std::vector<HandOver>& hand_overs) {
  std::vector<HandOver> left;
  std::ranges::copy_if(hand_overs, std::back_inserter(left), [&](const HandOver& each) {
    const Member* heir = view.by_id(each.to);
    return heir == nullptr || heir->self()->role != Role::master || heir->self()->slots.empty();
  });
  return left;
}

std::string failover_missing(const ClusterView& view, const Failover& failover) {
  const Member* heir = view.by_id(failover.replica);
  if (heir == nullptr) {
    return failover.pod + " does not answer";
  }
  if (heir->self()->role != Role::master || heir->self()->slots.empty()) {
    return failover.pod + " has not taken over from " + failover.master_pod;
  }
  for (const Member& viewer : view.members) {
    const Node* next = seen_by(viewer, failover.replica);
    if (next != nullptr && (next->role != Role::master || next->slots != heir->self()->slots)) {
      return viewer.pod.name + " does not know yet that " + failover.pod + " is master";
    }
  }
  return "";
}

std::string unsettled(const ClusterView& view, const std::vector<HandOver>& hand_overs) {
  for (const Member& member : view.members) {
    if (member.trouble) {
      return member.pod.name + " does not answer";
    }
  }
  for (const HandOver& each : hand_overs) {
    const Failover failover{.pod = each.to_pod.name,
                            .replica = each.to,
                            .master_pod = each.from_name(),
                            .master = each.from,
                            .how = each.how};
    if (std::string missing = failover_missing(view, failover); !missing.empty()) {
      return missing;
    }
    for (const Member& viewer : view.members) {
      const Node* before = seen_by(viewer, each.from);
      if (each.from_answers && before != nullptr && before->master != each.to) {
        return viewer.pod.name + " does not know yet that " + each.from_name() + " follows " +
               each.to_pod.name;
      }
    }
    for (const Member& member : view.members) {
      const Node* self = member.self();
      const bool follows = self != nullptr && self->master == each.to;
      if (follows && member.server && !member.server->master_link_up) {
        return member.pod.name + " is not in sync with " + each.to_pod.name + " yet";
      }
    }
  }
  return "";
}

}  // namespace kredis::core
