// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_scale.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "shared/core/open_slots.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/core/plans/plan_slots.hpp"
#include "shared/core/plans/scale_model.hpp"

namespace kredis::core {
namespace {

std::vector<SlotHolder>::iterator holder_of(std::vector<SlotHolder>& holders,
                                            const Member* member) {
  return std::ranges::find_if(holders, [&](const SlotHolder& each) {
    return member != nullptr && each.node == member->self()->id;
  });
}

/// The stages, in the order in which nothing is ever without the copies that it had.
class ScaleStages {
 public:
  ScaleStages(const ClusterView& view, const ScaleModel& model, const ScaleWish& wish)
      : view_(view), model_(model), wish_(wish) {}
  Result<Plan> make();

 private:
  Stage resets() const;
  Stage meetings() const;
  Stage functions() const;
  Stage attachments(bool of_new) const;
  void add_hand_overs();
  Status add_moves();
  Status add_open_slots(std::vector<SlotHolder>& holders);
  std::vector<SlotHolder> holders() const;
  Stage departures() const;
  bool is_ghost(const Node& node) const;
  Stage migration(const std::string& value, const std::string& reason) const;

  void add(Stage stage) {
    if (!stage.steps.empty()) {
      plan_.stages.push_back(std::move(stage));
    }
  }
  const std::string& pod(std::size_t node) const { return model_.nodes[node].member->pod.name; }
  const NodeId& id(std::size_t node) const { return model_.nodes[node].self->id; }
  bool is_newcomer(std::size_t node) const {
    return std::ranges::find(model_.newcomers, node) != model_.newcomers.end();
  }
  /// Who has the slots of the master `node` now, before any hand-over.
  std::size_t today(std::size_t node) const {
    for (const ScaleShard& shard : model_.shards) {
      if (!shard.dissolved && shard.heir == node) {
        return shard.master;
      }
    }
    return node;
  }
  bool is_heir(std::size_t node) const { return today(node) != node; }

  const ClusterView& view_;
  const ScaleModel& model_;
  const ScaleWish& wish_;
  Plan plan_ = {};
};

/// A replica that is to be a master has to be empty, and knows nobody afterwards.
Stage ScaleStages::resets() const {
  Stage stage{.title = "Free the replicas that become masters"};
  for (const std::size_t node : model_.newcomers) {
    if (model_.nodes[node].self->role == Role::replica) {
      const auto& master = model_.nodes[node].replica_of;
      stage.steps.push_back({.what = Reset{.pod = pod(node)},
                             .reason = "it is to be a master",
                             .risk = Risk::availability,
                             .cost = (master ? pod(*master) : "its master") +
                                     " has a copy less of its slots from now on"});
    }
  }
  return stage;
}

Stage ScaleStages::meetings() const {
  Stage stage{.title = "Introduce the new nodes"};
  for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
    const bool leaves_a_master = is_newcomer(i) && model_.nodes[i].self->role == Role::replica;
    if (model_.nodes[i].leaving || (model_.nodes[i].known && !leaves_a_master)) {
      continue;
    }
    for (std::size_t j = 0; j < model_.nodes.size(); ++j) {
      const bool both_new = !model_.nodes[j].known && j < i;
      if (i != j && !both_new) {
        stage.steps.push_back({.what = Meet{.pod = pod(i), .other = pod(j)},
                               .reason = "these nodes do not know each other"});
      }
    }
  }
  return stage;
}

/// Before it has any slot: the functions of the master that has the most libraries.
Stage ScaleStages::functions() const {
  const auto libraries = [&](std::size_t node) -> std::int64_t {
    const auto& server = model_.nodes[node].member->server;
    return server ? server->libraries.value_or(0) : 0;
  };
  Stage stage{.title = "Give the new masters the functions of the others"};
  const auto fullest = std::ranges::max_element(
      model_.shards, {}, [&](const ScaleShard& shard) { return libraries(shard.master); });
  for (const std::size_t node : model_.newcomers) {
    if (fullest != model_.shards.end() && libraries(fullest->master) != libraries(node)) {
      stage.steps.push_back(
          {.what = CopyFunctions{.pod = pod(node), .from_pod = pod(fullest->master)},
           .reason = "clients call them where their keys are"});
    }
  }
  return stage;
}

/// New nodes copy before anything else moves; replicas that others gave up move last.
Stage ScaleStages::attachments(bool of_new) const {
  Stage stage{.title = of_new ? "Attach the new replicas" : "Give the replicas their masters"};
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (const ScaleShard& shard : model_.shards) {
    const bool follows = model_.nodes[shard.heir].replica_of == shard.master;
    if (of_new && !shard.dissolved && shard.heir != shard.master && !follows) {
      pairs.emplace_back(shard.heir, shard.master);
    }
  }
  for (const auto& [replica, master] : model_.master_of) {
    const std::size_t follow = today(master);
    const bool is_new = !model_.nodes[replica].replica_of && !model_.nodes[replica].has_slots() &&
                        model_.nodes[replica].self->role == Role::master;
    if (is_new == of_new && model_.nodes[replica].replica_of != follow) {
      pairs.emplace_back(replica, of_new ? follow : master);
    }
  }
  for (const auto& pair : pairs) {
    stage.steps.push_back({.what = Replicate{.pod = pod(pair.first),
                                             .master_pod = pod(pair.second),
                                             .master = id(pair.second)},
                           .reason = "a copy of the slots of " + pod(pair.second)});
  }
  return stage;
}

void ScaleStages::add_hand_overs() {
  for (const ScaleShard& shard : model_.shards) {
    if (!shard.dissolved && shard.heir != shard.master) {
      add({.title = "Hand masters over to pods that stay",
           .steps = {{.what = Failover{.pod = pod(shard.heir),
                                       .replica = id(shard.heir),
                                       .master_pod = pod(shard.master),
                                       .master = id(shard.master)},
                      .reason = pod(shard.master) + " leaves"}}});
    }
  }
}

/// As they will be after the hand-overs.
std::vector<SlotHolder> ScaleStages::holders() const {
  std::vector<SlotHolder> all;
  for (const ScaleShard& shard : model_.shards) {
    const std::size_t holder = shard.dissolved ? shard.master : shard.heir;
    all.push_back({.pod = pod(holder),
                   .node = id(holder),
                   .slots = model_.nodes[shard.master].self->slots,
                   .weight = shard.dissolved ? 0.0 : 1.0});
  }
  for (const std::size_t node : model_.newcomers) {
    all.push_back({.pod = pod(node), .node = id(node)});
  }
  return all;
}

/// What a run before this one left half-moved goes on in the same direction, before anything else
/// is decided. Errors: unsafe (a slot is on its way where this wish would not bring it).
Status ScaleStages::add_open_slots(std::vector<SlotHolder>& holders) {
  const auto share = k_slot_count / wish_.masters;
  std::vector<MoveSlots> moves;
  for (const OpenMove& open : open_moves(view_)) {
    const auto from = holder_of(holders, open.from);
    const auto to = holder_of(holders, open.to);
    const bool is_there = from != holders.end() && to != holders.end();
    const bool has_arrived = is_there && open.has_arrived();
    const bool fits =
        is_there && to->weight > 0 && from->slots.contains(open.slot) &&
        (from->weight == 0 || (from->slots.size() > share && to->slots.size() <= share));
    if (!has_arrived && !fits) {
      if (!open.given) {
        continue;  // The end that gives tells; a mark at the other alone moves nothing.
      }
      return Error::unsafe("slot " + std::to_string(open.slot) + " is open on " +
                           open.from->pod.name + ", by somebody else's hand")
          .with_hint("let whoever moves it finish; or, if nobody does, mend it: kubectl redis fix");
    }
    const SlotSet slot = one_slot(open.slot);
    from->slots.erase(slot);
    to->slots.insert(slot);
    add_move(moves,
             {.pod = from->pod,
              .source = from->node,
              .target_pod = to->pod,
              .target = to->node,
              .slots = slot});
  }
  for (Stage& stage : stages_of(std::move(moves), "a run before this one began it")) {
    add(std::move(stage));
  }
  return {};
}

/// To set off on all that give their last slot: they would follow the taker, and copy all of it.
Stage ScaleStages::migration(const std::string& value, const std::string& reason) const {
  Stage stage{.title = "Keep replicas where they are meanwhile"};
  for (const ScaleNode& node : model_.nodes) {
    if (wish_.migrating.contains(node.member->pod.name)) {
      stage.steps.push_back(
          {.what =
               SetConfig{.pod = node.member->pod.name,
                         .settings = {{.name = "cluster-allow-replica-migration", .value = value}}},
           .reason = reason});
    }
  }
  return stage;
}

Status ScaleStages::add_moves() {
  add(close_stale_marks(view_));
  std::vector<SlotHolder> all = holders();
  KREDIS_CHECK(add_open_slots(all));
  KREDIS_TRY(std::vector<MoveSlots> moves, moves_to_shares(all));
  KREDIS_CHECK(choose_ways(view_, wish_.way, moves));
  const bool empties =
      std::ranges::any_of(model_.shards, [](const ScaleShard& shard) { return shard.dissolved; });
  if (empties) {
    add(migration("no", "a master without slots would become a replica by itself"));
  }
  for (Stage& stage : stages_of(std::move(moves), "every master has its share")) {
    add(std::move(stage));
  }
  return {};
}

/// Forgotten by all and reset at once: who is only forgotten introduces itself again, and who is
/// only reset is taken for a pod that lost its place.
Stage ScaleStages::departures() const {
  Stage stage{.title = "Take the nodes that leave out of the cluster"};
  for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
    if (!model_.nodes[i].leaving) {
      continue;
    }
    for (std::size_t j = 0; j < model_.nodes.size(); ++j) {
      if (!model_.nodes[j].leaving && model_.nodes[j].member->view->find(id(i)) != nullptr) {
        stage.steps.push_back({.what = Forget{.pod = pod(j), .node = id(i), .node_pod = pod(i)},
                               .reason = pod(i) + " leaves"});
      }
    }
    stage.steps.push_back(
        {.what = Reset{.pod = pod(i), .kind = ResetKind::hard, .clears = true},
         .reason = "so that it neither introduces itself again nor comes back with old data"});
  }
  for (const ScaleNode& viewer : model_.nodes) {
    for (const Node& node : viewer.member->view->nodes()) {
      if (!viewer.leaving && is_ghost(node)) {
        stage.steps.push_back({.what = Forget{.pod = viewer.member->pod.name, .node = node.id},
                               .reason = "no pod is this node, and it has no slots"});
      }
    }
  }
  return stage;
}

/// A node that is lost, and that no pod is: as one that was reset before everybody forgot it.
bool ScaleStages::is_ghost(const Node& node) const {
  const bool lost =
      node.flags.fail || node.flags.pfail || node.flags.noaddr || !node.link_connected;
  return lost && !node.flags.handshake && node.slots.empty() &&
         std::ranges::none_of(model_.nodes,
                              [&](const ScaleNode& each) { return each.self->id == node.id; });
}

Result<Plan> ScaleStages::make() {
  add(resets());
  add(meetings());
  add(functions());
  add(attachments(true));
  add_hand_overs();
  KREDIS_CHECK(add_moves());
  add(attachments(false));
  add(departures());
  return std::move(plan_);
}

std::string mebibytes(double bytes) {
  return std::to_string(std::llround(bytes / (1 << 20))) + " MiB";
}

/// What of the data of masters that go would come to each that stays must fit there.
Status check_memory(const ClusterView& view, const ScaleModel& model) {
  double moving = 0;
  std::size_t stay = model.newcomers.size();
  for (const ScaleShard& shard : model.shards) {
    const auto& server = model.nodes[shard.master].member->server;
    moving += shard.dissolved && server ? static_cast<double>(server->used_memory_bytes) : 0.0;
    stay += shard.dissolved ? 0U : 1U;
  }
  for (const ScaleShard& shard : model.shards) {
    const Member& heir = *model.nodes[shard.heir].member;
    if (shard.dissolved || !heir.server || moving == 0) {
      continue;
    }
    const auto& now = model.nodes[shard.master].member->server;
    const double then =
        moving / static_cast<double>(stay) + static_cast<double>(now ? now->used_memory_bytes : 0);
    const std::int64_t most = heir.server->max_memory_bytes > 0 ? heir.server->max_memory_bytes
                                                                : heir.pod.memory_limit_bytes;
    if (most > 0 && then > static_cast<double>(most)) {
      return Error::unsafe(std::to_string(stay) + " masters are too few for the data of cluster " +
                           view.name + ": " + heir.pod.name + " would hold about " +
                           mebibytes(then) + ", and its " +
                           (heir.server->max_memory_bytes > 0 ? "maxmemory" : "memory limit") +
                           " is " + mebibytes(static_cast<double>(most)))
          .with_hint("ask for more masters, or give each more memory first");
    }
  }
  return {};
}

/// What keeps a node from being told anything; empty when nothing does.
std::string keeps_waiting(const Member& member) {
  if (member.self() == nullptr || !member.server) {
    return member.pod.name + " does not answer";
  }
  if (member.server->loading) {
    return member.pod.name + " loads its data";
  }
  const bool copies = member.server->role == Role::replica && !member.server->master_link_up;
  return copies ? member.pod.name + " copies from its master" : "";
}

/// What nodes have to agree on: those that leave may be forgotten by some already, and who has a
/// slot marked believes nobody about its owner.
std::uint64_t what_stays(const Member& viewer,
                         const std::set<NodeId>& staying,
                         const SlotSet& open) {
  std::vector<Node> seen = viewer.view->nodes();
  for (Node& node : seen) {
    node.slots.erase(open);
  }
  std::erase_if(seen,
                [&](const Node& node) { return !staying.contains(node.id) && node.slots.empty(); });
  return Topology(std::move(seen)).signature();
}

std::set<NodeId> staying_ids(const ClusterView& view, const ScaleWish& wish) {
  std::set<NodeId> ids;
  for (const Member& member : view.members) {
    if (member.self() != nullptr && !wish.leaving.contains(member.pod.name)) {
      ids.insert(member.self()->id);
    }
  }
  return ids;
}

Status check_numbers(const ClusterView& view, const ScaleWish& wish, std::size_t now) {
  constexpr std::uint32_t k_fewest = 3;
  if (wish.masters > k_slot_count) {
    return Error::invalid_argument("a cluster cannot have more masters than slots, 16384");
  }
  if (wish.masters == 0 || (wish.masters < k_fewest && wish.masters < now)) {
    return Error::invalid_argument("cluster " + view.name + " needs at least 3 masters, not " +
                                   std::to_string(wish.masters))
        .with_hint("with fewer, no majority is left when one fails; ask for 3 or more");
  }
  return {};
}

}  // namespace

Status check_scale(const ClusterView& view, const ScaleWish& wish) {
  if (view.agreed() == nullptr) {
    return nobody_answers(view);
  }
  KREDIS_TRY(const std::vector<ScaleNode> nodes, survey_for_scale(view, wish));
  ScaleModel model{.nodes = nodes};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].has_slots()) {
      model.shards.push_back({.master = i, .heir = i});
    }
  }
  KREDIS_CHECK(check_numbers(view, wish, model.shards.size()));
  // The same share of the data comes to each that stays, whoever that is.
  for (std::size_t i = wish.masters; i < model.shards.size(); ++i) {
    model.shards[i].dissolved = true;
  }
  return check_memory(view, model);
}

Result<Plan> plan_scale(const ClusterView& view, const ScaleWish& wish) {
  KREDIS_TRY(const ScaleModel model, roles_for_scale(view, wish));
  KREDIS_CHECK(check_numbers(view, wish, model.shards.size()));
  KREDIS_CHECK(check_memory(view, model));
  return ScaleStages(view, model, wish).make();
}

std::string not_ready_to_take(const ClusterView& view, const Stage& stage) {
  for (const Step& step : stage.steps) {
    const auto* move = std::get_if<MoveSlots>(&step.what);
    const Member* taker = move == nullptr ? nullptr : view.by_pod(move->target_pod);
    if (taker != nullptr && taker->cluster && !taker->cluster->state_ok) {
      return taker->pod.name + " sees the cluster as failed";
    }
  }
  return {};
}

std::string not_settled(const ClusterView& view, const ScaleWish& wish) {
  SlotSet open;
  for (const OpenMove& each : open_moves(view)) {
    // Of two that say it is theirs one is about to hear that it is not.
    open.insert(owners_of(view, each.slot).size() == 1 ? one_slot(each.slot) : SlotSet{});
  }
  const std::set<NodeId> staying = staying_ids(view, wish);
  const Member* first = nullptr;
  for (const Member& member : view.members) {
    if (wish.leaving.contains(member.pod.name) &&
        (member.self() == nullptr ? member.pod.ending : member.self()->slots.empty())) {
      continue;
    }
    if (std::string text = keeps_waiting(member); !text.empty()) {
      return text;
    }
    if (member.pod.ip.empty()) {  // Through a tunnel it answers before Kubernetes says where it is.
      return member.pod.name + " has no address yet";
    }
    if (member.view->nodes().size() == 1) {
      continue;  // It is new, and nobody has met it.
    }
    if (!serves_nobody(member) && member.cluster && !member.cluster->state_ok) {
      return member.pod.name + " sees the cluster as failed";
    }
    if (first != nullptr && first->view->signature() != member.view->signature() &&
        what_stays(*first, staying, open) != what_stays(member, staying, open)) {
      return member.pod.name + " and " + first->pod.name +
             " do not agree on who is master of what yet";
    }
    first = &member;
  }
  return {};
}

}  // namespace kredis::core
