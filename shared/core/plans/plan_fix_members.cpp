// SPDX-License-Identifier: Apache-2.0
//
// Who reaches whom, who has a place in the cluster, and who is master where.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/findings/masters_spread.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/core/plans/plan_fix_parts.hpp"
#include "shared/core/plans/plan_init.hpp"
#include "shared/core/plans/plan_node.hpp"
#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

/// The shape that is there: as many masters as have slots, and as many replicas for each as the
/// pods allow.
Shape shape_as_it_is(const ClusterView& view) {
  Shape shape = view.shape;
  const auto shards = shards_of(view);
  shape.masters = static_cast<std::uint32_t>(std::ranges::count_if(
      shards, [](const ShardView& shard) { return !shard.master.node->slots.empty(); }));
  const auto pods = static_cast<std::uint32_t>(view.members.size());
  const std::uint32_t most = shape.masters == 0 ? 0 : pods / shape.masters;
  shape.replicas = std::min(shape.replicas, most == 0 ? 0 : most - 1);
  return shape;
}

bool is_idle_master(const ClusterView& view, const std::string& pod) {
  const Member* member = view.by_pod(pod);
  return member != nullptr && member->self() != nullptr && member->view->nodes().size() > 1 &&
         member->self()->role == Role::master && member->self()->slots.empty();
}

/// What of a plan that joins pods is wanted here: whom to meet, whom to follow, and then, as nobody
/// may forget the master that he follows, whom to forget. `spared` are to get slots.
Plan places_of(const Plan& joining, const std::vector<std::string>& spared) {
  Stage meet{.title = "Introduce nodes"};
  Stage follow{.title = "Attach replicas"};
  Stage forget{.title = "Forget nodes that are gone"};
  for (const Stage& stage : joining.stages) {
    for (const Step& step : stage.steps) {
      Stage* into = std::holds_alternative<Meet>(step.what)        ? &meet
                    : std::holds_alternative<Replicate>(step.what) ? &follow
                    : std::holds_alternative<Forget>(step.what)    ? &forget
                                                                   : nullptr;
      const bool stays = into == &follow && std::ranges::find(spared, pod_of(step)) != spared.end();
      if (into != nullptr && !stays) {
        into->steps.push_back(step);
      }
    }
  }
  Plan plan;
  for (Stage* stage : {&meet, &follow, &forget}) {
    if (!stage->steps.empty()) {
      plan.stages.push_back(std::move(*stage));
    }
  }
  return plan;
}

bool is_lost_to(const Member& viewer, const Member& other) {
  const Node* seen = viewer.view ? viewer.view->find(other.self()->id) : nullptr;
  return seen != nullptr && !reaches(viewer, other) && !seen->address.ip.empty() &&
         seen->address.ip != expected_ip(other.pod);
}

/// A replica of the richest shard for the poorest; null where all have as many.
struct Uneven {
  const ShardView* rich = nullptr;
  const ShardView* poor = nullptr;
};

Uneven uneven_of(const std::vector<ShardView>& shards) {
  const auto replicas = [](const ShardView& shard) { return shard.replicas.size(); };
  const auto rich = std::ranges::max_element(shards, {}, replicas);
  const auto poor = std::ranges::min_element(shards, {}, replicas);
  const bool uneven = rich != shards.end() && rich->replicas.size() > poor->replicas.size() + 1;
  return uneven ? Uneven{&*rich, &*poor} : Uneven{};
}

/// The replica that is best placed for its new master: elsewhere.
const Member* best_for(const ShardView& rich, const ShardView& poor) {
  const Member* best = nullptr;
  for (const SeenNode& replica : rich.replicas) {
    const bool answers = replica.member != nullptr && replica.member->self() != nullptr;
    const auto apart = [&](const Member* member) {
      return poor.master.member == nullptr ||
             member->pod.domain.node != poor.master.member->pod.domain.node;
    };
    if (answers && (best == nullptr || (apart(replica.member) && !apart(best)))) {
      best = replica.member;
    }
  }
  return best;
}

/// The master that lacks a replica most, elsewhere if that can be; null where none answers.
const Member* master_in_need(std::vector<ShardView>& shards, const Member& replica) {
  ShardView* best = nullptr;
  const auto need = [&](const ShardView& shard) {
    const FailureDomain& mine = replica.pod.domain;
    const FailureDomain& other = shard.master.member->pod.domain;
    return std::tuple{shard.replicas.size(), mine.node == other.node, mine.zone == other.zone};
  };
  for (ShardView& shard : shards) {
    const bool serves = !shard.master.node->slots.empty() && shard.master.member != nullptr &&
                        shard.master.member->self() != nullptr;
    if (serves && (best == nullptr || need(shard) < need(*best))) {
      best = &shard;
    }
  }
  if (best == nullptr) {
    return nullptr;
  }
  best->replicas.push_back({.node = replica.self(), .member = &replica});
  return best->master.member;
}

/// Slots that are not served, of which a replica without its master may have what is left.
SlotSet slots_in_doubt(const ClusterView& view) {
  return SlotSet::all().without(served_slots(view));
}

}  // namespace

void fix_addresses(Fixing& fixing) {
  for (const Member& member : fixing.view.members) {
    if (member.self() == nullptr) {
      continue;
    }
    const bool lost = std::ranges::any_of(fixing.view.members, [&](const Member& viewer) {
      return &viewer != &member && is_lost_to(viewer, member);
    });
    if (lost) {
      fixing.add(plan_node(fixing.view, {.what = NodeWish::What::meet, .pod = member.pod.name}));
    }
  }
}

void fix_strays(Fixing& fixing) {
  for (const SeenNode& stray : strays_of(fixing.view)) {
    fixing.add(
        plan_node(fixing.view, {.what = NodeWish::What::meet, .pod = stray.member->pod.name}));
  }
}

void fix_twins(Fixing& fixing) {
  std::map<NodeId, const Member*> first;
  for (const Member& member : fixing.view.members) {
    if (member.self() == nullptr) {
      continue;
    }
    const auto [other, is_new] = first.try_emplace(member.self()->id, &member);
    if (is_new) {
      continue;
    }
    const Member* twin = later_twin(*other->second, member);
    if (twin == nullptr) {
      fixing.refuse(Error::unsafe("pods " + other->second->pod.name + " and " + member.pod.name +
                                  " are the same node, and neither is plainly the copy")
                        .with_hint("see which is newer, keep what both have, then empty one: " +
                                   redis_command(fixing.view, "node reset") + " --pod POD"));
      continue;
    }
    fixing.add(plan_node(fixing.view, {.what = NodeWish::What::reset, .pod = twin->pod.name}));
  }
}

void fix_astray(Fixing& fixing) {
  const ClusterView& view = fixing.view;
  std::vector<ShardView> shards = shards_of(view);
  const SlotSet doubtful = slots_in_doubt(view);
  Stage stage{.title = "Attach replicas"};
  for (const Member& member : view.members) {
    if (member.self() == nullptr || !is_astray(*view.agreed(), *member.self())) {
      continue;
    }
    const NodeId* followed = member.self()->master ? &*member.self()->master : nullptr;
    const bool orphaned = followed == nullptr || view.by_id(*followed) == nullptr;
    const std::int64_t keys = member.server ? member.server->keys : 0;
    if (orphaned && keys > 0 && !doubtful.empty()) {
      fixing.refuse(Error::unsafe("pod " + member.pod.name + " has " + counted(keys, "key") +
                                  ", and may have the only copy of slots " + doubtful.to_text())
                        .with_hint("mend what is served first: " + redis_command(view, "doctor")));
      continue;
    }
    if (const Member* master = master_in_need(shards, member)) {
      Step step{.what = Replicate{.pod = member.pod.name,
                                  .master_pod = master->pod.name,
                                  .master = master->self()->id},
                .reason = "it copies nothing that is served"};
      if (orphaned && keys > 0) {
        step.risk = Risk::data;
        step.cost = "pod " + member.pod.name + "'s " + counted(keys, "key") +
                    ", a copy of a master that is gone, are replaced by those of pod " +
                    master->pod.name;
      }
      stage.steps.push_back(std::move(step));
    }
  }
  fixing.add(std::move(stage));
}

void fix_places(Fixing& fixing) {
  const Shape shape = shape_as_it_is(fixing.view);
  std::vector<std::string> spared;
  for (const Member& member : fixing.view.members) {
    const bool wanted =
        !fixing.view.shape.inferred && fixing.view.shape.masters > shape.masters + spared.size();
    if (wanted && is_idle_master(fixing.view, member.pod.name)) {
      spared.push_back(member.pod.name);
    }
  }
  if (!spared.empty()) {
    fixing.refuse(Error::conflict("the cluster is to have " +
                                  std::to_string(fixing.view.shape.masters) + " masters, and " +
                                  std::to_string(shape.masters) + " have slots")
                      .with_hint("give " + list_of(spared) +
                                 " slots: " + redis_command(fixing.view, "rebalance")));
  }
  const auto joining = plan_init(fixing.view, shape);
  fixing.add(joining ? Result<Plan>(places_of(*joining, spared)) : Result<Plan>(joining.error()));
}

void fix_replica_links(Fixing& fixing) {
  for (const ShardView& shard : shards_of(fixing.view)) {
    for (const SeenNode& replica : shard.replicas) {
      const bool strays = replica.member != nullptr && shard.master.member != nullptr &&
                          dials_old_address(*replica.member, *shard.master.member);
      if (strays) {
        fixing.add(plan_node(fixing.view,
                             {.what = NodeWish::What::replicate,
                              .pod = replica.member->pod.name,
                              .master = shard.master.member->pod.name}));
      }
    }
  }
}

void fix_no_failover(Fixing& fixing) {
  Stage stage{.title = "Let replicas take over"};
  for (const Member& member : fixing.view.members) {
    if (member.self() != nullptr && member.self()->flags.nofailover) {
      stage.steps.push_back(
          {.what = SetConfig{.pod = member.pod.name,
                             .settings = {{.name = "cluster-replica-no-failover", .value = "no"}}},
           .reason = "it never would; say so in redis.conf, too"});
    }
  }
  fixing.add(std::move(stage));
}

void fix_masterauth(Fixing& fixing) {
  if (fixing.wish.password.empty()) {
    fixing.refuse(Error::unauthorized("the password that the servers want is not known")
                      .with_hint("name the Secret that has it: --auth-secret"));
    return;
  }
  fixing.add(letting_in(fixing.view, fixing.wish.password));
}

void fix_replica_counts(Fixing& fixing) {
  const std::vector<ShardView> shards = shards_of(fixing.view);
  const Uneven uneven = uneven_of(shards);
  if (uneven.rich != nullptr && uneven.poor->master.member != nullptr) {
    if (const Member* replica = best_for(*uneven.rich, *uneven.poor)) {
      fixing.add(plan_node(fixing.view,
                           {.what = NodeWish::What::replicate,
                            .pod = replica->pod.name,
                            .master = uneven.poor->master.member->pod.name}));
    }
    return;
  }
  fix_places(fixing);
}

void fix_spread(Fixing& fixing) {
  const std::vector<ShardView> shards = shards_of(fixing.view);
  for (const BetterMaster& better : better_masters(shards)) {
    const auto hand_overs = plan_hand_overs(
        fixing.view, {.of = FailoverWish::Of::pod, .name = better.replica->pod.name});
    fixing.add(hand_overs ? Result<Plan>(plan_failover(*hand_overs))
                          : Result<Plan>(hand_overs.error()));
  }
}

}  // namespace kredis::core
