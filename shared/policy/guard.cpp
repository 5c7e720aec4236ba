// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/inquiry.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "shared/core/findings/survival.hpp"
#include "shared/core/text.hpp"
#include "shared/policy/json_access.hpp"
#include "shared/policy/names.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// There is always a way out: a guard that is wrong about a cluster must not block its mending.
constexpr std::string_view k_way_out =
    "kubectl-redis.dev/allow-delete: \"true\" on the workload, when it is meant";

/// Controllers and kubelets carry out what was decided before; holding them up mends nothing. A
/// kubelet is system:node:NAME, a controller a service account of kube-system, or
/// system:kube-controller-manager where it has no credentials of its own.
bool is_controller(std::string_view user) {
  constexpr std::array<std::string_view, 4> k_controllers{
      "system:node:", "system:serviceaccount:kube-system:", "system:kube-", "system:apiserver"};
  return std::ranges::any_of(k_controllers,
                             [user](std::string_view start) { return user.starts_with(start); });
}

/// Deletes what an owner leaves behind, and nobody has been asked about that before.
bool is_garbage_collector(std::string_view user) {
  return user == "system:serviceaccount:kube-system:generic-garbage-collector";
}

/// Pods are not always numbered from 0 (Kubernetes docs, StatefulSets, "Start ordinal").
std::int64_t first_ordinal(const Json& workload) {
  return number(member(workload, {"spec", "ordinals", "start"})).value_or(0);
}

/// "redis-app-12" of redis-app is 12; nothing for any other name.
std::optional<std::int64_t> ordinal_in(std::string_view name, const std::string& prefix) {
  return name.starts_with(prefix) ? number_in(name.substr(prefix.size())) : std::nullopt;
}

}  // namespace

namespace guarded {

bool is_annotated(const Json& object, std::string_view key) {
  return text(member(object, {"metadata", "annotations", key})) == "true";
}

bool is_allowed(const Json& object) { return is_annotated(object, k_allow_delete_annotation); }

bool is_leaving(const Json& object) {
  return !member(object, {"metadata", "deletionTimestamp"}).is_null();
}

std::int64_t replicas_of(const Json& object, std::int64_t otherwise) {
  return number(member(object, {"spec", "replicas"})).value_or(otherwise);
}

std::string name_of(const Json& object) { return text(member(object, {"metadata", "name"})); }

bool is_stateful_set(const Json& workload) { return kind_of(workload) == k_stateful_set; }

bool is_pod_of(std::string_view pod, const Json& workload) {
  const std::string prefix = name_of(workload) + "-";
  if (is_stateful_set(workload)) {
    return ordinal_in(pod, prefix).has_value();
  }
  // A Deployment's pods are NAME-<replica set>-<random>.
  return pod.starts_with(prefix) && std::ranges::count(pod.substr(prefix.size()), '-') == 1;
}

/// A Deployment names its claim among the volumes; only a StatefulSet has templates.
bool has_claims(const Json& workload) {
  const Json& volumes = items(member(workload, {"spec", "template", "spec", "volumes"}));
  return !items(member(workload, {"spec", "volumeClaimTemplates"})).empty() ||
         std::ranges::any_of(volumes, [](const Json& each) {
           return !member(each, {"persistentVolumeClaim"}).is_null();
         });
}

}  // namespace guarded

namespace {

using guarded::has_claims;
using guarded::is_allowed;
using guarded::is_annotated;
using guarded::is_leaving;
using guarded::is_pod_of;
using guarded::is_stateful_set;
using guarded::name_of;
using guarded::replicas_of;

}  // namespace

const Json* Inquiry::workload_where(const std::function<bool(const Json&)>& fits) const {
  if (around_.blind()) {
    return nullptr;
  }
  for (const char* kind : {"StatefulSet", "Deployment"}) {
    for (const Json* each : around_.list(kind, act_.namespace_name)) {
      if (fits(*each) && is_redis_cluster(*each, around_)) {
        return each;
      }
    }
  }
  return nullptr;
}

/// Whether there is anything to guard.
bool Inquiry::concerns(const Json* workload) {
  const bool is_ours = workload != nullptr && is_redis_cluster(*workload, around_);
  answer_.ignored = is_ours && is_annotated(*workload, k_ignore_annotation);
  answer_.concerned = is_ours && !answer_.ignored;
  return answer_.concerned;
}

/// Whether the cluster is seen well enough to judge by.
bool Inquiry::looks(const Json& workload) {
  sight_ = look_ ? look_(workload) : Sight{};
  // An older view may be from before a failover or a reshard: it has slots on the wrong pods.
  const bool seen =
      sight_.view && sight_.age_seconds <= k_oldest_view && sight_.view->agreed() != nullptr;
  if (seen) {
    answer_.age_seconds = sight_.age_seconds;
  }
  return seen;
}

void Inquiry::refuse(
    const char* id, const Json& object, std::string path, std::string found, std::string message) {
  if (is_allowed(object)) {
    answer_.overridden = true;
    return;
  }
  answer_.objection = Objection{.rule = id,
                                .severity = RuleSeverity::error,
                                .path = std::move(path),
                                .found = std::move(found),
                                .wanted = std::string(k_way_out),
                                .message = std::move(message)};
}

void Inquiry::warn(const char* id, std::string found, std::string wanted, std::string message) {
  answer_.objection = Objection{.rule = id,
                                .severity = RuleSeverity::warning,
                                .path = "/metadata/name",
                                .found = std::move(found),
                                .wanted = std::move(wanted),
                                .message = std::move(message)};
}

void Inquiry::blind(const char* id) {
  warn(id,
       std::string(act_.name),
       "a look first: kubectl redis status",
       "the cluster cannot be seen now, so nothing keeps it from a loss");
}

void Inquiry::scaling() {
  if (act_.subresource != "scale") {
    judge_scaling(act_.before, act_.object);
    return;
  }
  // The review of `/scale` brings a Scale, which names the workload and holds nothing of it.
  const Json* workload = workload_where([this](const Json& each) {
    return name_of(each) == act_.name && is_stateful_set(each) == (act_.resource == "statefulsets");
  });
  if (workload != nullptr) {
    Json after = *workload;
    after["spec"]["replicas"] = replicas_of(act_.object, 0);
    judge_scaling(*workload, after);
  }
}

/// Which nodes lie on pods that `after` does not want.
void Inquiry::judge_scaling(const Json& workload, const Json& after) {
  const bool scale = act_.subresource == "scale";
  const std::int64_t first = first_ordinal(after);
  const std::int64_t pods = replicas_of(after);
  const std::int64_t before = replicas_of(act_.before, scale ? 0 : 1);
  if ((pods >= before && first == first_ordinal(workload)) || !concerns(&workload)) {
    return;
  }
  if (!looks(workload)) {
    blind("RG001");
    return;
  }
  core::SlotSet slots;
  std::int64_t members = 0;
  for (const core::ShardView& shard : core::shards_of(*sight_.view)) {
    std::vector<core::SeenNode> nodes = shard.replicas;
    nodes.push_back(shard.master);
    for (const core::SeenNode& each : nodes) {
      // A StatefulSet ends its highest ordinals first (Kubernetes docs, "Deployment and Scaling
      // Guarantees"). A Deployment may end any of its pods, so each counts as one that goes.
      const bool stays = each.member == nullptr || !is_pod_of(each.member->pod.name, workload) ||
                         (is_stateful_set(workload) && each.member->pod.ordinal >= first &&
                          each.member->pod.ordinal < first + pods);
      if (!stays) {
        ++members;
        slots.insert(each.node->id == shard.master.node->id ? each.node->slots : core::SlotSet{});
      }
    }
  }
  const std::string found = pods < before
                                ? std::to_string(pods) + " instead of " + std::to_string(before)
                                : "ordinals from " + std::to_string(first);
  if (!slots.empty()) {
    refuse("RG001",
           // The annotation may be there already, or come with this very update.
           scale || is_allowed(act_.before) ? workload : act_.object,
           "/spec/replicas",
           found,
           std::to_string(slots.size()) + " slots are on pods that would go; move them away first");
  } else if (members > 0) {
    // Replicas take no data with them, so this is no refusal. But until CLUSTER FORGET the others
    // gossip about them and go on trying to connect.
    warn("RG001",
         found,
         "the nodes forgotten first",
         std::to_string(members) +
             " pods that go are still nodes of the cluster, which goes on seeking them");
    answer_.objection->path = "/spec/replicas";
  }
}

void Inquiry::departure(const char* id) {
  const Json* workload =
      workload_where([this](const Json& each) { return is_pod_of(act_.name, each); });
  // What passed RG004 may be taken apart.
  if (is_leaving(act_.before) || !concerns(workload) || is_leaving(*workload)) {
    return;
  }
  judge_departure(id, *workload, {std::string(act_.name)});
}

void Inquiry::judge_departure(const char* id,
                              const Json& workload,
                              const std::set<std::string>& pods) {
  if (!looks(workload)) {
    blind(id);
    return;
  }
  std::set<std::string> gone = sight_.leaving;
  // `kubectl drain` repeats an eviction until the pod is gone.
  if (pods.size() == 1 && gone.erase(*pods.begin()) > 0) {
    return;  // Asked for before, and allowed then.
  }
  // Pods on their way out count as gone already: two evictions a moment apart must not take both
  // copies.
  const Json& allowing = is_allowed(act_.before) ? act_.before : workload;
  if (interrupts_move(allowing, pods, "/metadata/name", std::string(act_.name))) {
    return;
  }
  const core::Loss loss = core::loss_of(*sight_.view, pods, gone);
  if (loss.survived()) {
    return;
  }
  // Only an eviction's caller understands "not yet" (429, Kubernetes docs, API-initiated Eviction);
  // a DELETE would just fail with it.
  answer_.again_later = act_.subresource == "eviction";
  const std::string who = std::string(act_.name);
  refuse(id,
         allowing,
         "/metadata/name",
         who,
         loss.slots.empty()
             ? "without " + who + " no majority of masters is left"
             : who + " holds the last copy of " + std::to_string(loss.slots.size()) + " slots");
}

/// A cluster that was seen to serve no slot and to hold no key has nothing to lose. In all other
/// cases claims count as data, and keys do where there are no claims.
bool Inquiry::holds_data(const Json& workload) {
  const bool seen = looks(workload);
  std::int64_t keys = 0;
  bool serves = false;
  for (const core::Member& each : seen ? sight_.view->members : std::vector<core::Member>{}) {
    keys = std::max(keys, each.server ? each.server->keys : 0);
    serves = serves || (each.self() != nullptr && !each.self()->slots.empty());
  }
  return (!seen || serves || keys > 0) && (has_claims(workload) || keys > 0);
}

/// kubectl deletes a workload first, and its pods are then deleted by controllers, who pass: this
/// is the last moment to ask.
void Inquiry::workload_deletion() {
  if (is_leaving(act_.before) || !concerns(&act_.before) || !holds_data(act_.before)) {
    return;
  }
  refuse("RG004",
         act_.before,
         "/metadata/annotations/kubectl-redis.dev~1allow-delete",
         "nothing",
         name_of(act_.before) + " holds a cluster's data; delete it with: kubectl redis delete");
}

/// A claim says nothing of its pod. One of a template is known by its name
/// (TEMPLATE-WORKLOAD-ORDINAL), one of a Deployment by the volume that names it.
Inquiry::ClaimUse Inquiry::use_of_claim() const {
  ClaimUse use;
  use.workload = workload_where([&](const Json& each) {
    for (const Json& claim : items(member(each, {"spec", "volumeClaimTemplates"}))) {
      const auto ordinal = ordinal_in(act_.name, name_of(claim) + "-" + name_of(each) + "-");
      if (ordinal) {
        use.pod = name_of(each) + "-" + std::to_string(*ordinal);
        use.wanted = *ordinal < first_ordinal(each) + replicas_of(each);
        return true;
      }
    }
    const Json& volumes = items(member(each, {"spec", "template", "spec", "volumes"}));
    use.wanted = replicas_of(each) > 0;
    return std::ranges::any_of(volumes, [this](const Json& volume) {
      return text(member(volume, {"persistentVolumeClaim", "claimName"})) == act_.name;
    });
  });
  return use;
}

bool Inquiry::is_used(const ClaimUse& use) {
  // A workload that is being deleted has passed RG004; its claims may follow.
  if (is_leaving(act_.before) || !concerns(use.workload) || is_leaving(*use.workload)) {
    return false;
  }
  const bool seen = looks(*use.workload);
  const core::Member* member = seen ? sight_.view->by_pod(use.pod) : nullptr;
  // A pod may be scaled in and its node not forgotten yet: its claim is still all that there is of
  // the node. A view of one node alone is a node that has joined nobody.
  const bool is_node =
      member != nullptr && member->self() != nullptr && sight_.view->agreed()->nodes().size() > 1;
  return use.wanted || is_node;
}

void Inquiry::claim_deletion() {
  const ClaimUse use = use_of_claim();
  if (is_used(use)) {
    refuse("RG005",
           is_allowed(act_.before) ? act_.before : *use.workload,
           "/metadata/name",
           std::string(act_.name),
           "the claim holds the data of a node that is still wanted");
  }
}

void Inquiry::ask_of_removal() {
  const bool workload = act_.resource == "statefulsets" || act_.resource == "deployments";
  const bool claim = act_.resource == "persistentvolumeclaims";
  if (is_controller(act_.user) && !(is_garbage_collector(act_.user) && (workload || claim))) {
    return;
  }
  if (act_.resource == "pods") {
    departure("RG003");
  } else if (workload) {
    workload_deletion();
  } else if (claim) {
    claim_deletion();
  } else if (act_.resource == "replicasets") {
    replica_set();
  } else if (act_.resource == "namespaces") {
    namespace_deletion();
  } else {
    part_deletion();
  }
}

void Inquiry::ask_of_update() {
  const bool scale = act_.subresource == "scale";
  const bool workload = act_.resource == "statefulsets" || act_.resource == "deployments";
  if (scale && workload) {
    scaling();
  } else if (workload && act_.subresource.empty()) {
    workload_change();
  } else if (is_controller(act_.user)) {
    return;
  } else if (act_.resource == "replicasets" && (scale || act_.subresource.empty())) {
    replica_set();
  } else if (!act_.subresource.empty()) {
    return;
  } else if (act_.resource == "pods") {
    pod_change();
  } else if (act_.resource == "persistentvolumeclaims") {
    claim_change();
  } else {
    part_change();
  }
}

void Inquiry::ask() {
  // Evictions are judged whoever asks, controllers included: who evicts must expect a refusal.
  if (act_.resource == "pods" && act_.subresource == "eviction" && act_.operation == "CREATE") {
    departure("RG002");
  } else if (act_.operation == "UPDATE" && !is_leaving(act_.object)) {
    ask_of_update();
  } else if (act_.operation == "DELETE" && act_.subresource.empty()) {
    ask_of_removal();
  }
}

GuardAnswer Inquiry::answer() {
  ask();
  // An object that is taken out of every rule was let go by nobody but its annotation.
  if (answer_.concerned && is_annotated(act_.before, k_ignore_annotation)) {
    return {.ignored = true};
  }
  return std::move(answer_);
}

GuardAnswer guard(const Act& act, const Surroundings& around, const Look& look) {
  return Inquiry(act, around, look).answer();
}

std::string cluster_of(const Json& workload) { return Subject(workload, Surroundings{}).cluster(); }

}  // namespace kredis::policy
