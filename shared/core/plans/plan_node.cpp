// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_node.hpp"

#include <algorithm>
#include <map>

#include "shared/core/text.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {
namespace {

Plan one_stage(std::string title, std::vector<Step> steps) {
  Plan plan;
  if (!steps.empty()) {
    plan.stages.push_back({.title = std::move(title), .steps = std::move(steps)});
  }
  return plan;
}

Result<const Member*> member_named(const ClusterView& view, const std::string& pod) {
  if (const Member* member = view.by_pod(pod)) {
    return member;
  }
  std::vector<std::string> names;
  for (const Member& member : view.members) {
    names.push_back(member.pod.name);
  }
  return Error::not_found("cluster " + view.name + " has no pod " + quoted(pod))
      .with_hint("it has " + list_of(names));
}

Result<const Member*> answering(const ClusterView& view, const std::string& pod) {
  KREDIS_TRY(const Member* member, member_named(view, pod));
  if (member->self() == nullptr) {
    return Error::unreachable("pod " + pod + " does not answer")
        .with_hint("see why: " + kubectl_command(view, "describe pod " + pod));
  }
  return member;
}

/// Every node that anybody knows, once.
std::map<NodeId, const Node*> known_nodes(const ClusterView& view) {
  std::map<NodeId, const Node*> known;
  for (const Member& member : view.members) {
    for (const Node& node : member.view ? member.view->nodes() : std::vector<Node>{}) {
      known.try_emplace(node.id, nullptr);
    }
  }
  for (auto& [id, node] : known) {
    for (const Member& member : view.members) {
      const Node* seen = member.view ? member.view->find(id) : nullptr;
      const bool better =
          seen != nullptr && (node == nullptr || seen->slots.size() > node->slots.size());
      node = better ? seen : node;
    }
  }
  return known;
}

Result<const Node*> node_with_id(const ClusterView& view, const std::string& start) {
  const Node* found = nullptr;
  for (const auto& [id, node] : known_nodes(view)) {
    if (start.empty() || !id.to_text().starts_with(start)) {
      continue;
    }
    if (found != nullptr) {
      return Error::invalid_argument("several nodes have an id that begins with " + quoted(start))
          .with_hint("give more of it");
    }
    found = node;
  }
  if (found == nullptr) {
    return Error::not_found("no pod of cluster " + view.name + " knows a node " + quoted(start))
        .with_hint("see whom they know: " + status_command(view));
  }
  return found;
}

// forget

/// Who is not asked now tells the others again, once the minute is over in which they do not
/// listen.
Status check_all_answer(const ClusterView& view) {
  for (const Member& member : view.members) {
    if (member.self() == nullptr && member.pod.running) {
      return Error::unreachable("pod " + member.pod.name +
                                " does not answer, and would tell the others of the node again")
          .with_hint("see why: " + kubectl_command(view, "describe pod " + member.pod.name));
    }
  }
  return {};
}

Status check_forgettable(const ClusterView& view, const Node& node) {
  const std::string id = node.id.short_text();
  if (const Member* member = view.by_id(node.id)) {
    return Error::unsafe("node " + id + " is pod " + member->pod.name + ", which answers")
        .with_hint("take it out first: " + redis_command(view, "node reset") + " --pod " +
                   member->pod.name);
  }
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self != nullptr && self->master == node.id) {
      const std::string way = redis_command(view, "failover") + " --takeover --pod ";
      return Error::unsafe("pod " + member.pod.name + " is a replica of node " + id +
                           ", and may have its data")
          .with_hint("let it take over: " + way + member.pod.name);
    }
  }
  if (const auto missing = missing_pods(view)) {
    return Error::unreachable(missing->what + ", and may be node " + id)
        .with_hint("wait for it, or see why: " + missing->see);
  }
  return {};
}

Result<Plan> plan_forget(const ClusterView& view, const std::string& start) {
  KREDIS_TRY(const Node* node, node_with_id(view, start));
  KREDIS_CHECK(check_forgettable(view, *node));
  KREDIS_CHECK(check_all_answer(view));
  const bool gone = node->flags.fail || node->flags.noaddr;
  const std::string id = node->id.short_text();
  std::string cost;
  if (!node->slots.empty()) {
    cost = "slots " + node->slots.to_text() + " are node " + id +
           "'s: what was stored in them is given up, and init gives them out anew, empty";
  } else if (!gone) {
    cost = "node " + id + " lives at " + node->address.ip + ", and is shut out for a minute";
  }
  std::vector<Step> steps;
  for (const Member& member : view.members) {
    if (member.view && member.view->find(node->id) != nullptr) {
      steps.push_back({.what = Forget{.pod = member.pod.name, .node = node->id},
                       .reason = gone ? "the node is gone" : "it is to be no part of the cluster",
                       .risk = !node->slots.empty() ? Risk::data
                               : gone               ? Risk::none
                                                    : Risk::availability,
                       .cost = cost});
    }
  }
  return one_stage("Forget node " + id, std::move(steps));
}

// meet

/// A link to an old address may still be dialled, and then counts as one.
bool knows_place(const Member& viewer, const Member& other) {
  const Node* seen = viewer.view ? viewer.view->find(other.self()->id) : nullptr;
  return reaches(viewer, other) && seen->address.ip == expected_ip(other.pod);
}

Result<Plan> plan_meet(const ClusterView& view, const std::string& pod) {
  KREDIS_TRY(const Member* member, answering(view, pod));
  std::vector<Step> steps;
  for (const Member& viewer : view.members) {
    if (&viewer != member && viewer.self() != nullptr && !knows_place(viewer, *member)) {
      steps.push_back({.what = Meet{.pod = viewer.pod.name, .other = pod},
                       .reason = viewer.pod.name + " does not reach it where it is"});
    }
  }
  return one_stage("Introduce " + pod, std::move(steps));
}

// replicate

/// What `member` has that nobody else has, by its own words: a master's slots or keys.
Status check_may_follow(const ClusterView& view, const Member& member) {
  const Node& self = *member.self();
  const std::int64_t keys = member.server ? member.server->keys : 0;
  if (self.role == Role::replica || (self.slots.empty() && keys == 0)) {
    return {};
  }
  if (!self.slots.empty()) {
    return Error::unsafe("pod " + member.pod.name + " is the master of slots " +
                         self.slots.to_text())
        .with_hint("let a replica take its place first: " + redis_command(view, "failover") +
                   " --master " + member.pod.name);
  }
  return Error::unsafe("pod " + member.pod.name + " is a master with " + counted(keys, "key") +
                       ", which would go")
      .with_hint("keep them elsewhere, then empty it: " + redis_command(view, "node reset") +
                 " --pod " + member.pod.name);
}

/// Whether the master that `member` follows now has no other replica that answers.
bool is_last_copy(const ClusterView& view, const Member& member) {
  const Node& self = *member.self();
  return self.master && std::ranges::none_of(view.members, [&](const Member& other) {
           const Node* node = other.self();
           return &other != &member && node != nullptr && node->master == self.master;
         });
}

Result<const Member*> master_of(const ClusterView& view, const std::string& name) {
  const Member* master = view.by_pod(name);
  if (master == nullptr) {
    KREDIS_TRY(const Node* node, node_with_id(view, name));
    master = view.by_node(*node);
  }
  if (master == nullptr || master->self() == nullptr) {
    return Error::unreachable("master " + name + " does not answer")
        .with_hint("see who is master of what: " + status_command(view));
  }
  if (master->self()->role != Role::master || master->self()->slots.empty()) {
    return Error::unsafe("pod " + master->pod.name + " is no master with slots")
        .with_hint("see who is: " + status_command(view));
  }
  return master;
}

Result<Plan> plan_replicate(const ClusterView& view, const NodeWish& wish) {
  KREDIS_TRY(const Member* member, answering(view, wish.pod));
  KREDIS_TRY(const Member* master, master_of(view, wish.master));
  if (member == master) {
    return Error::invalid_argument("a node cannot follow itself")
        .with_hint("give another pod to --master");
  }
  KREDIS_CHECK(check_may_follow(view, *member));
  const bool strays = dials_old_address(*member, *master);
  if (member->self()->master == master->self()->id && !strays) {
    return Plan{};
  }
  const bool last = !strays && is_last_copy(view, *member);
  const Member* before = last ? view.by_id(*member->self()->master) : nullptr;
  const std::string left = before == nullptr ? "its master" : "pod " + before->pod.name;
  Step step{
      .what =
          Replicate{.pod = wish.pod, .master_pod = master->pod.name, .master = master->self()->id},
      .reason = strays ? "it looks for " + master->pod.name + " at " + member->server->master_host
                       : "a copy of the slots of " + master->pod.name,
      .risk = last ? Risk::availability : Risk::none};
  step.cost = last ? left + " is left without a replica" : "";
  return one_stage("Attach " + wish.pod, {step});
}

// reset

/// Whether the others take `member` for the owner of slots, where it is.
bool serves(const ClusterView& view, const Member& member) {
  const Topology* agreed = view.agreed();
  const Node* seen = agreed == nullptr ? nullptr : agreed->find(member.self()->id);
  const bool is_there = seen != nullptr && (seen->address.ip == member.pod.ip ||
                                            seen->address.ip == member.pod.announced_ip);
  return is_there && !seen->slots.empty() && agreed->nodes().size() > 1;
}

/// Another pod that says it is the same node; null when there is none.
const Member* twin_of(const ClusterView& view, const Member& member) {
  const auto twin = std::ranges::find_if(view.members, [&](const Member& other) {
    return &other != &member && other.self() != nullptr && other.self()->id == member.self()->id;
  });
  return twin == view.members.end() ? nullptr : &*twin;
}

Status check_resettable(const ClusterView& view, const Member& member) {
  const std::string& pod = member.pod.name;
  if (twin_of(view, member) == nullptr && serves(view, member)) {
    return Error::unsafe("pod " + pod + " serves slots " + member.self()->slots.to_text())
        .with_hint("let a replica take its place first: " + redis_command(view, "failover") +
                   " --master " + pod);
  }
  const auto strays = strays_of(view);
  if (std::ranges::find(strays, &member, &SeenNode::member) != strays.end()) {
    return Error::unsafe("pod " + pod + " may have the only copy of slots " +
                         member.self()->slots.to_text())
        .with_hint("introduce it to the others: " + redis_command(view, "node meet") + " --pod " +
                   pod);
  }
  if (!member.server) {
    return Error::unreachable("pod " + pod + " does not say how many keys it has")
        .with_hint("docs/rbac.md lists the commands that the login needs");
  }
  if (member.server->connected_replicas > 0) {
    return Error::unsafe("pod " + pod + " has replicas, which would be emptied with it")
        .with_hint("give them another master first: " + redis_command(view, "node replicate"));
  }
  return {};
}

Result<Plan> plan_reset(const ClusterView& view, const std::string& pod) {
  KREDIS_TRY(const Member* member, answering(view, pod));
  KREDIS_CHECK(check_resettable(view, *member));
  const std::int64_t keys = member->server->keys;
  const bool is_master = member->server->role == Role::master;
  if (member->view->nodes().size() == 1 && member->self()->slots.empty() && keys == 0) {
    return Plan{};
  }
  Step step{.what = Reset{.pod = pod, .kind = ResetKind::hard, .empties = is_master && keys > 0},
            .reason = "it is to have no part in the cluster as it is"};
  if (const Member* twin = twin_of(view, *member)) {
    const std::int64_t kept = twin->server ? twin->server->keys : 0;
    step.risk = Risk::data;
    step.cost = "the " + counted(keys, "key") + " on pod " + pod + " go; pod " + twin->pod.name +
                ", the same node, has " + counted(kept, "key");
  } else if (is_master && keys > 0) {
    step.risk = Risk::data;
    step.cost = "the " + counted(keys, "key") + " on pod " + pod + " go";
  } else if (is_last_copy(view, *member)) {
    step.risk = Risk::availability;
    step.cost = "its master is left without a replica";
  }
  return one_stage("Empty " + pod, {step});
}

// claim

Result<Plan> plan_claim(const ClusterView& view, const NodeWish& wish) {
  KREDIS_TRY(const Member* member, answering(view, wish.pod));
  if (member->self()->role != Role::master) {
    return Error::unsafe("pod " + wish.pod + " is a replica, and owns no slots")
        .with_hint("see who is master: " + status_command(view));
  }
  for (const Member& other : view.members) {
    const Node* self = other.self();
    if (self == nullptr && other.pod.running) {
      return Error::unreachable("pod " + other.pod.name + " does not answer, and may own slots " +
                                wish.slots.to_text())
          .with_hint("see why: " + kubectl_command(view, "describe pod " + other.pod.name));
    }
    const SlotSet theirs = self == nullptr ? SlotSet{} : self->slots.shared_with(wish.slots);
    if (self != nullptr && &other != member && !theirs.empty()) {
      return Error::unsafe("pod " + other.pod.name + " owns slots " + theirs.to_text())
          .with_hint("slots that have an owner are moved with their keys, not claimed");
    }
  }
  const SlotSet lacking = wish.slots.without(member->self()->slots);
  if (lacking.empty()) {
    return Plan{};
  }
  return one_stage(
      "Claim slots " + lacking.to_text(),
      {{.what = ClaimSlots{.pod = wish.pod, .node = member->self()->id, .slots = lacking},
        .reason = "no node says that they are its own"}});
}

}  // namespace

Result<Plan> plan_node(const ClusterView& view, const NodeWish& wish) {
  switch (wish.what) {
    case NodeWish::What::forget:
      return plan_forget(view, wish.id);
    case NodeWish::What::meet:
      return plan_meet(view, wish.pod);
    case NodeWish::What::replicate:
      return plan_replicate(view, wish);
    case NodeWish::What::reset:
      return plan_reset(view, wish.pod);
    case NodeWish::What::claim:
      return plan_claim(view, wish);
  }
  return Plan{};
}

std::string node_missing(const ClusterView& view, const NodeWish& wish) {
  const Member* member = view.by_pod(wish.pod);
  if (wish.what == NodeWish::What::meet && member != nullptr && member->self() != nullptr) {
    for (const Member& viewer : view.members) {
      if (&viewer != member && viewer.self() != nullptr && !reaches(viewer, *member)) {
        return viewer.pod.name + " does not reach " + wish.pod + " yet";
      }
    }
  }
  if (wish.what == NodeWish::What::replicate && member != nullptr) {
    const bool copies = !member->server || !member->server->master_link_up;
    return copies ? wish.pod + " makes its first copy" : "";
  }
  if (wish.what == NodeWish::What::claim) {
    for (const auto& [owner, slots] : denied_slots(view)) {
      if (owner == member) {
        return "not all nodes show the slots as " + wish.pod + "'s yet";
      }
    }
    return view.all_agree() ? "" : "the nodes do not agree yet";
  }
  return {};
}

}  // namespace kredis::core
