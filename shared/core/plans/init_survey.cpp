// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/init_survey.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "shared/core/text.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {
namespace {

using Survey = std::vector<InitMember>;
using Index = std::map<NodeId, std::size_t>;

Status check_answered(const ClusterView& view, const Member& member) {
  const std::string& pod = member.pod.name;
  if (member.server && member.server->loading) {
    return Error::unreachable("pod " + pod + " is still loading its data")
        .with_hint("wait until it is ready and run the same command again");
  }
  if (member.trouble) {
    const Error& cause = *member.trouble;
    return Error::unreachable("pod " + pod + " did not answer: " + cause.message)
        .with_hint(cause.hint.empty()
                       ? "look at the pod: " + kubectl_command(view, "describe pod " + pod)
                       : cause.hint);
  }
  if (member.self() == nullptr) {
    return Error::unreachable("pod " + pod + " did not say which node of the cluster it is")
        .with_hint("check that its redis.conf has \"cluster-enabled yes\"");
  }
  return {};
}

/// How many nodes it knows for certain, itself included.
std::size_t settled_nodes(const Topology& topology) {
  std::size_t settled = 0;
  for (const Node& node : topology.nodes()) {
    settled += node.flags.handshake ? 0U : 1U;
  }
  return settled;
}

bool is_alone(const Topology& topology) { return settled_nodes(topology) <= 1; }

/// Keys would be lost, or mixed in, where a node outside the cluster holds them.
Status check_keys(const ClusterView& view, const Member& member) {
  const std::int64_t keys = member.server ? member.server->keys : 0;
  const Node& self = *member.self();
  const bool outside = is_alone(*member.view) || (self.role == Role::master && self.slots.empty());
  if (keys == 0 || !outside) {
    return {};
  }
  return Error::unsafe("pod " + member.pod.name + " holds " + counted(keys, "key") +
                       " and is not part of the cluster")
      .with_hint("keep the data elsewhere, then empty the node: " +
                 redis_command(view, "node reset") + " --pod " + member.pod.name);
}

Error stranger_error(const ClusterView& view, const Member& member, const Node& stranger) {
  const std::string id = stranger.id.short_text();
  const std::string role = stranger.slots.empty()
                               ? "the master of pod " + member.pod.name
                               : "the owner of slots " + stranger.slots.to_text();
  if (const auto missing = missing_pods(view)) {
    return Error::unreachable(missing->what + ", and may be node " + id + ", " + role)
        .with_hint("wait for it, or see why: " + missing->see);
  }
  if (stranger.flags.fail || stranger.flags.pfail || stranger.flags.noaddr) {
    return Error::unsafe("node " + id + ", " + role + ", is gone: no pod of cluster " + view.name +
                         " is that node")
        .with_hint(
            "bring the pod back with the claim that holds its data; where that is lost for "
            "good: " +
            redis_command(view, "node forget") + " --id " + id);
  }
  if (is_away(view, stranger.id)) {
    return Error::unreachable("node " + id + ", " + role + ", is away, and no pod of cluster " +
                              view.name + " is that node")
        .with_hint(
            "run the same command again once the others have given it up, which takes "
            "them cluster-node-timeout");
  }
  const NodeAddress& at = stranger.address;
  return Error::unsafe("pod " + member.pod.name + " belongs to another cluster: it knows node " +
                       id + " at " + at.ip + ":" + std::to_string(at.port) + ", " + role +
                       ", and no pod of cluster " + view.name + " is that node")
      .with_hint("if its data may go, take it out of that cluster: " +
                 redis_command(view, "node reset") + " --pod " + member.pod.name);
}

bool is_address_of_a_member(const ClusterView& view, const std::string& ip) {
  return std::any_of(view.members.begin(), view.members.end(), [&](const Member& member) {
    return member.pod.ip == ip || member.pod.announced_ip == ip ||
           (member.self() != nullptr && member.self()->address.ip == ip);
  });
}

/// Whether `member` has met `node`, none of ours, a moment ago: what slots that one serves reaches
/// it a second later.
bool has_just_met(const ClusterView& view, const Member& member, const Node& node) {
  const NodeFlags& flags = node.flags;
  if (flags.fail || flags.pfail || flags.noaddr || is_address_of_a_member(view, node.address.ip)) {
    return false;
  }
  return flags.handshake
             ? is_alone(*member.view)
             : settled_nodes(*member.view) == 2 && node.link_connected && node.role == Role::master;
}

Error joining_error(const ClusterView& view, const Member& member, const NodeAddress& at) {
  return Error::unsafe("pod " + member.pod.name + " has just met the node at " + at.ip + ":" +
                       std::to_string(at.port) + ", which is no pod of cluster " + view.name)
      .with_hint("wait a few seconds and run the command again; if it is to stay on its own: " +
                 redis_command(view, "node reset") + " --pod " + member.pod.name);
}

/// A node that is none of ours but matters: it serves slots, may serve some, or one of our pods
/// replicates it.
Status check_strangers(const ClusterView& view, const InitMember& entry, const Index& index) {
  for (const Node& node : entry.member->view->nodes()) {
    if (index.contains(node.id)) {
      continue;
    }
    const bool matters = !node.slots.empty() || entry.self->master == node.id;
    if (matters && !node.flags.handshake) {
      return stranger_error(view, *entry.member, node);
    }
    if (has_just_met(view, *entry.member, node)) {
      return joining_error(view, *entry.member, node.address);
    }
  }
  return {};
}

Status check_open_slots(const ClusterView& view, const Member& member) {
  const Node& self = *member.self();
  if (self.open_slots.empty()) {
    return {};
  }
  const std::string slot = std::to_string(self.open_slots.front().slot);
  return Error::unsafe("slot " + slot + " is half moved on pod " + member.pod.name)
      .with_hint("let what moves it finish; where nothing does: " + redis_command(view, "fix") +
                 " --only slots-open");
}

Result<Index> index_by_id(const ClusterView& view, const Survey& survey) {
  Index index;
  for (std::size_t i = 0; i < survey.size(); ++i) {
    const auto [other, is_new] = index.try_emplace(survey[i].self->id, i);
    if (!is_new) {
      return Error::unsafe("pods " + survey[other->second].member->pod.name + " and " +
                           survey[i].member->pod.name + " both say they are node " +
                           survey[i].self->id.short_text())
          .with_hint("one of them started from a copy of the other's volume; see which: " +
                     status_command(view));
    }
  }
  return index;
}

/// Nobody may think that a member owns more than the member says it does.
Status check_claims(const ClusterView& view,
                    const InitMember& viewer,
                    const Survey& survey,
                    const Index& index) {
  for (const Node& node : viewer.member->view->nodes()) {
    const auto owner = index.find(node.id);
    if (owner == index.end()) {
      continue;
    }
    const SlotSet stale = node.slots.without(survey[owner->second].self->slots);
    if (!stale.empty()) {
      return Error::unsafe("pod " + viewer.member->pod.name + " thinks that pod " +
                           survey[owner->second].member->pod.name + " serves slots " +
                           stale.to_text() + ", and that pod says it does not")
          .with_hint("wait a few seconds and run the command again; if it stays: " +
                     status_command(view));
    }
  }
  return {};
}

/// Each slot may have one owner among the members.
Status check_owners(const ClusterView& view, const Survey& survey) {
  SlotSet taken;
  for (const InitMember& entry : survey) {
    const SlotSet twice = entry.self->slots.shared_with(taken);
    if (!twice.empty()) {
      return Error::unsafe("slots " + twice.to_text() + " are served by pod " +
                           entry.member->pod.name + " and by another pod at the same time")
          .with_hint("these pods are parts of different clusters; see which: " +
                     status_command(view));
    }
    taken.insert(entry.self->slots);
  }
  return {};
}

void find_roles(Survey& survey, const Index& index) {
  for (InitMember& entry : survey) {
    entry.anchor = entry.anchor || !entry.self->slots.empty();
  }
  for (InitMember& entry : survey) {
    if (entry.self->role != Role::replica || !entry.self->master) {
      continue;
    }
    const auto master = index.find(*entry.self->master);
    // A replica of a replica does not stay one: Redis would attach it elsewhere by itself.
    if (master != index.end() && survey[master->second].self->role == Role::master) {
      entry.replica_of = master->second;
      survey[master->second].anchor = true;
    }
  }
}

}  // namespace

Result<std::vector<InitMember>> survey_for_init(const ClusterView& view) {
  Survey survey;
  for (const Member& member : view.members) {
    KREDIS_CHECK(check_answered(view, member));
    survey.push_back(InitMember{.member = &member, .self = member.self()});
  }
  KREDIS_TRY(const Index index, index_by_id(view, survey));
  for (const InitMember& entry : survey) {
    KREDIS_CHECK(check_strangers(view, entry, index));
    KREDIS_CHECK(check_keys(view, *entry.member));
    KREDIS_CHECK(check_open_slots(view, *entry.member));
  }
  KREDIS_CHECK(check_owners(view, survey));
  for (const InitMember& entry : survey) {
    KREDIS_CHECK(check_claims(view, entry, survey, index));
  }
  find_roles(survey, index);
  return survey;
}

}  // namespace kredis::core
