// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_init.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

#include "shared/core/plans/init_survey.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {
namespace {

using Survey = std::vector<InitMember>;

/// The roles that the members will have, as indexes into the survey.
struct Roles {
  std::vector<std::size_t> masters;              ///< In slot order.
  std::map<std::size_t, std::size_t> master_of;  ///< Replica -> master.
};

Status check_shape(const ClusterView& view, Shape shape) {
  constexpr std::uint32_t k_fewest_masters = 3;
  const std::string cluster = "cluster " + view.name;
  if (shape.masters < k_fewest_masters) {
    return Error::invalid_argument(cluster + " needs at least 3 masters, not " +
                                   std::to_string(shape.masters))
        .with_hint("with fewer, no majority is left when one fails; ask for 3 or more");
  }
  if (shape.masters > k_slot_count) {
    return Error::invalid_argument(cluster + " cannot have more masters than slots, 16384");
  }
  const std::uint64_t needed = std::uint64_t{shape.masters} * (std::uint64_t{1} + shape.replicas);
  if (view.members.size() < needed) {
    return Error::invalid_argument(std::to_string(shape.masters) + " masters with " +
                                   std::to_string(shape.replicas) + " replicas each need " +
                                   std::to_string(needed) + " pods, and " + cluster + " has " +
                                   std::to_string(view.members.size()))
        .with_hint("scale the workload to " + std::to_string(needed) +
                   " pods, or ask for fewer masters or replicas");
  }
  return {};
}

/// Slots cannot be given to more or fewer masters than hold them without moving keys, which is not
/// what init does.
Status check_masters(const ClusterView& view, const Survey& survey, Shape shape) {
  std::uint32_t anchors = 0;
  std::uint32_t free_members = 0;
  SlotSet assigned;
  for (const InitMember& entry : survey) {
    anchors += entry.anchor ? 1U : 0U;
    free_members += entry.anchor || entry.replica_of ? 0U : 1U;
    assigned.insert(entry.self->slots);
  }
  const bool too_many = anchors > shape.masters;
  const bool none_left = anchors < shape.masters &&
                         (assigned == SlotSet::all() || anchors + free_members < shape.masters);
  if (!too_many && !none_left) {
    return {};
  }
  return Error::conflict("cluster " + view.name + " has " + std::to_string(anchors) +
                         " masters already, and " + std::to_string(shape.masters) +
                         " were asked for")
      .with_hint("ask for the " + std::to_string(anchors) + " masters that it has");
}

std::vector<Candidate> candidates_of(const Survey& survey) {
  std::vector<Candidate> candidates;
  for (const InitMember& entry : survey) {
    Candidate candidate{.ordinal = entry.member->pod.ordinal, .domain = entry.member->pod.domain};
    candidate.is_master = entry.anchor;
    if (entry.replica_of) {
      candidate.replica_of = survey[*entry.replica_of].member->pod.ordinal;
    }
    candidates.push_back(candidate);
  }
  return candidates;
}

Result<Roles> roles_of(const Placement& placement, const Survey& survey) {
  std::map<int, std::size_t> index;
  for (std::size_t i = 0; i < survey.size(); ++i) {
    if (!index.emplace(survey[i].member->pod.ordinal, i).second) {
      return Error::internal("two pods have the ordinal " +
                             std::to_string(survey[i].member->pod.ordinal));
    }
  }
  Roles roles;
  for (const Placement::Shard& shard : placement.shards) {
    const std::size_t master = index.at(shard.master);
    roles.masters.push_back(master);
    for (const int replica : shard.replicas) {
      roles.master_of[index.at(replica)] = master;
    }
  }
  return roles;
}

/// Whether nobody who has a role already would get another one.
bool keeps_everyone(const Roles& roles, const Survey& survey) {
  for (std::size_t i = 0; i < survey.size(); ++i) {
    const auto replica = roles.master_of.find(i);
    if (survey[i].anchor && replica != roles.master_of.end()) {
      return false;
    }
    if (survey[i].replica_of &&
        (replica == roles.master_of.end() || replica->second != *survey[i].replica_of)) {
      return false;
    }
  }
  return true;
}

/// Completes the roles that exist where the best placement would change some of them: a cluster
/// that another hand began. Moving what is there is not init's work.
Roles complete_roles(const Roles& wished, const Survey& survey, Shape shape) {
  std::vector<std::size_t> order = wished.masters;  // Whom to make a master first.
  for (std::size_t i = 0; i < survey.size(); ++i) {
    order.push_back(i);
  }
  std::set<std::size_t> masters;
  for (std::size_t i = 0; i < survey.size(); ++i) {
    if (survey[i].anchor) {
      masters.insert(i);
    }
  }
  for (const std::size_t i : order) {
    if (masters.size() < shape.masters && !survey[i].replica_of) {
      masters.insert(i);
    }
  }
  Roles roles;
  roles.masters.assign(masters.begin(), masters.end());
  std::map<std::size_t, std::uint32_t> replicas;
  for (std::size_t i = 0; i < survey.size(); ++i) {
    if (survey[i].replica_of) {
      roles.master_of[i] = *survey[i].replica_of;
      ++replicas[*survey[i].replica_of];
    }
  }
  for (std::size_t i = 0; i < survey.size(); ++i) {
    if (masters.contains(i) || survey[i].replica_of) {
      continue;
    }
    const FailureDomain& mine = survey[i].member->pod.domain;
    const std::size_t best = *std::ranges::min_element(roles.masters, {}, [&](std::size_t master) {
      const FailureDomain& other = survey[master].member->pod.domain;
      const bool served = replicas[master] >= shape.replicas;
      return std::tuple{served, mine.node == other.node, mine.zone == other.zone, replicas[master]};
    });
    roles.master_of[i] = best;
    ++replicas[best];
  }
  return roles;
}

Placement placement_of(const Roles& roles, const Survey& survey) {
  Placement placement;
  for (const std::size_t master : roles.masters) {
    Placement::Shard shard{.master = survey[master].member->pod.ordinal};
    for (const auto& [replica, its_master] : roles.master_of) {
      if (its_master == master) {
        shard.replicas.push_back(survey[replica].member->pod.ordinal);
      }
    }
    placement.shards.push_back(std::move(shard));
  }
  return placement;
}

/// The slots that nobody serves, for the masters that should: whole runs of the even deal to new
/// masters in order, so that a run that was killed ends as it would have; what else is missing in
/// equal parts to new masters that got none, or to whoever has least.
std::map<std::size_t, SlotSet> deal_missing_slots(const Roles& roles, const Survey& survey) {
  SlotSet missing = SlotSet::all();
  std::map<std::size_t, SlotSet> dealt;
  std::deque<std::size_t> waiting;
  for (const std::size_t master : roles.masters) {
    missing.erase(survey[master].self->slots);
    if (survey[master].self->slots.empty()) {
      waiting.push_back(master);
    }
  }
  for (const SlotRange& run : even_slots(static_cast<std::uint32_t>(roles.masters.size()))) {
    SlotSet whole;
    whole.insert(run);
    if (!waiting.empty() && whole.without(missing).empty()) {
      dealt[waiting.front()] = whole;
      waiting.pop_front();
      missing.erase(whole);
    }
  }
  const auto load = [&](std::size_t master) {
    return survey[master].self->slots.size() + dealt[master].size();
  };
  const std::uint32_t fair = k_slot_count / static_cast<std::uint32_t>(roles.masters.size());
  while (!missing.empty()) {
    const std::size_t poorest = *std::ranges::min_element(roles.masters, {}, load);
    const SlotRange run = missing.ranges().front();
    const std::uint32_t room = std::max(fair - std::min(fair, load(poorest)), std::uint32_t{1});
    SlotSet part;
    part.insert(*SlotRange::make(run.first(), run.first() + std::min(room, run.size()) - 1));
    dealt[poorest].insert(part);
    missing.erase(part);
  }
  std::erase_if(dealt, [](const auto& entry) { return entry.second.empty(); });
  return dealt;
}

/// Epochs differ from the start, so that nodes need not settle collisions by themselves. Redis
/// takes one only from a node that knows no other and has none.
void add_epochs(const Roles& roles, const Survey& survey, Stage& stage) {
  std::set<std::uint64_t> used;
  for (const InitMember& entry : survey) {
    for (const Node& node : entry.member->view->nodes()) {
      used.insert(node.config_epoch);
    }
  }
  std::vector<std::size_t> order = roles.masters;
  for (const auto& [replica, master] : roles.master_of) {
    order.push_back(replica);
  }
  std::uint64_t epoch = 0;
  for (const std::size_t i : order) {
    const bool fresh = survey[i].member->view->nodes().size() == 1;
    if (!fresh || survey[i].self->config_epoch != 0) {
      continue;
    }
    do {
      ++epoch;
    } while (used.contains(epoch));
    stage.steps.push_back({.what = SetEpoch{.pod = survey[i].member->pod.name, .epoch = epoch},
                           .reason = "each node starts with an epoch of its own"});
  }
}

/// Whom each member has met and reaches where they are now.
std::vector<std::set<NodeId>> acquaintances(const Survey& survey) {
  std::vector<std::set<NodeId>> known(survey.size());
  for (std::size_t i = 0; i < survey.size(); ++i) {
    for (const Node& node : survey[i].member->view->nodes()) {
      if (!node.flags.handshake && !node.flags.noaddr && !node.flags.fail) {
        known[i].insert(node.id);
      }
    }
  }
  return known;
}

/// Every pair that lacks one another: gossip would get there too, but only after seconds.
void add_meets(const Survey& survey, Stage& stage) {
  const std::vector<std::set<NodeId>> known = acquaintances(survey);
  for (std::size_t i = 0; i < survey.size(); ++i) {
    for (std::size_t j = i + 1; j < survey.size(); ++j) {
      if (!known[i].contains(survey[j].self->id) || !known[j].contains(survey[i].self->id)) {
        stage.steps.push_back(
            {.what = Meet{.pod = survey[i].member->pod.name, .other = survey[j].member->pod.name},
             .reason = "these nodes do not know each other"});
      }
    }
  }
}

/// Nodes that failed, that no pod is and that held nothing: left behind by pods whose volumes went.
/// All members forget them at once, as any one that still knew them would tell the others again.
/// None while a pod is not there: it may be one of them.
Stage forgetting(const ClusterView& view, const Survey& survey) {
  Stage stage{.title = "Forget nodes that are gone"};
  if (missing_pods(view)) {
    return stage;
  }
  std::set<NodeId> members;
  for (const InitMember& entry : survey) {
    members.insert(entry.self->id);
  }
  for (const InitMember& entry : survey) {
    for (const Node& node : entry.member->view->nodes()) {
      const bool gone = node.flags.fail || node.flags.noaddr;
      if (gone && !node.flags.handshake && node.slots.empty() && !members.contains(node.id)) {
        stage.steps.push_back({.what = Forget{.pod = entry.member->pod.name, .node = node.id},
                               .reason = "no pod is this node, and it held no slots"});
      }
    }
  }
  return stage;
}

Stage introduction(const Roles& roles, const Survey& survey) {
  Stage stage{.title = "Give out the slots and introduce the nodes"};
  add_epochs(roles, survey, stage);
  for (const auto& [master, slots] : deal_missing_slots(roles, survey)) {
    stage.steps.push_back({.what = AddSlots{.pod = survey[master].member->pod.name, .slots = slots},
                           .reason = "nobody serves these slots"});
  }
  add_meets(survey, stage);
  return stage;
}

Stage replication(const Roles& roles, const Survey& survey) {
  Stage stage{.title = "Attach the replicas"};
  for (const auto& [replica, master] : roles.master_of) {
    const bool strays = dials_old_address(*survey[replica].member, *survey[master].member);
    if (survey[replica].replica_of != master || strays) {
      const Pod& its_master = survey[master].member->pod;
      stage.steps.push_back({.what = Replicate{.pod = survey[replica].member->pod.name,
                                               .master_pod = its_master.name,
                                               .master = survey[master].self->id},
                             .reason = "a second copy of the slots of " + its_master.name});
    }
  }
  return stage;
}

}  // namespace

Stage letting_in(const ClusterView& view, const std::string& password) {
  Stage stage{.title = "Let replicas log in to their masters"};
  for (const Member& member : view.members) {
    const bool lacks = member.server && member.server->wants_password == true &&
                       member.server->gives_password == false;
    if (lacks && !password.empty()) {
      Setting masterauth{.name = "masterauth", .value = password, .secret = true};
      stage.steps.push_back(
          {.what = SetConfig{.pod = member.pod.name, .settings = {std::move(masterauth)}},
           .reason = "it wants a password, and gives none to a master"});
    }
  }
  return stage;
}

Result<InitPlan> plan_init(const ClusterView& view, Shape shape) {
  KREDIS_CHECK(check_shape(view, shape));
  KREDIS_TRY(const Survey survey, survey_for_init(view));
  KREDIS_CHECK(check_masters(view, survey, shape));
  InitPlan plan;
  const std::vector<Candidate> candidates = candidates_of(survey);
  KREDIS_TRY(plan.placement, place(candidates, shape.masters, shape.replicas));
  KREDIS_TRY(Roles roles, roles_of(plan.placement, survey));
  if (!keeps_everyone(roles, survey)) {
    roles = complete_roles(roles, survey, shape);
    plan.placement = placement_of(roles, survey);
    plan.placement.compromises = compromises_of(plan.placement, candidates);
  }
  for (const Stage& stage :
       {forgetting(view, survey), introduction(roles, survey), replication(roles, survey)}) {
    if (!stage.steps.empty()) {
      plan.stages.push_back(stage);
    }
  }
  return plan;
}

}  // namespace kredis::core
