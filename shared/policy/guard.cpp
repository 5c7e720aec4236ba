// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/guard.hpp"

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

/// No guard refuses just because it cannot see. A webhook that is blind at the wrong moment would
/// keep people from mending the very cluster that is down. RG004 and RG005 refuse when blind, as
/// the objects alone tell that data is at stake.
constexpr std::array k_guards{
    Guard{
        .id = "RG001",
        .title = "Scaling in takes no slots away",
        .on = "UPDATE of statefulsets, deployments and their scale",
        .why =
            "Pods that go with slots take them out of the cluster: clients get errors for those keys, and "
            "the others go on seeking nodes that never come back. Slots are moved first, and the nodes "
            "forgotten; then fewer pods are asked for.",
        .when_blind =
            "passes with a warning: the claims keep the data, and scaling out brings it back"},
    Guard{
        .id = "RG002",
        .title = "No eviction takes a slot's last copy or the majority",
        .on = "CREATE of pods/eviction",
        .why =
            "A drain evicts pod after pod, and a budget only counts pods. Refused as by a budget (429), "
            "kubectl drain asks again until a replica is in step, and goes on then.",
        .when_blind =
            "passes with a warning: a node must be drained while a cluster is broken, too"},
    Guard{
        .id = "RG003",
        .title = "No deletion of a pod takes a slot's last copy or the majority",
        .on = "DELETE of pods",
        .why =
            "The pod of a master without a replica in step takes its slots offline; when it keeps its "
            "data in itself, for good. What the cluster's own controllers delete passes.",
        .when_blind =
            "passes with a warning: deleting a pod that hangs is how clusters are mended"},
    Guard{
        .id = "RG004",
        .title = "A workload that holds data is deleted on purpose only",
        .on = "DELETE of statefulsets and deployments",
        .why =
            "kubectl delete -f takes a cluster with its data away without a question. The annotation "
            "kubectl-redis.dev/allow-delete: \"true\" says that it is meant; kubectl redis delete asks and "
            "then sets it.",
        .when_blind = "goes by the object alone: with claims it is refused without the annotation"},
    Guard{
        .id = "RG005",
        .title = "No claim of a node is deleted while the node is wanted",
        .on = "DELETE of persistentvolumeclaims",
        .why =
            "Kubernetes keeps a deleted claim until its pod ends, and then the data is gone, and the "
            "node's identity with it: it comes back empty, as a stranger.",
        .when_blind = "goes by the workload alone: a claim that it would use again is refused"}};

/// There is always a way out: a guard that is wrong about a cluster must not block its mending.
constexpr std::string_view k_way_out =
    "kubectl-redis.dev/allow-delete: \"true\" on the workload, when it is meant";

bool is_annotated(const Json& object, std::string_view key) {
  return text(member(object, {"metadata", "annotations", key})) == "true";
}

bool is_allowed(const Json& object) { return is_annotated(object, k_allow_delete_annotation); }

bool is_leaving(const Json& object) {
  return !member(object, {"metadata", "deletionTimestamp"}).is_null();
}

/// Controllers and kubelets carry out what was decided before; holding them up mends nothing. A
/// kubelet is system:node:NAME, a controller a service account of kube-system, or
/// system:kube-controller-manager where it has no credentials of its own.
bool is_controller(std::string_view user) {
  constexpr std::array<std::string_view, 4> k_controllers{
      "system:node:", "system:serviceaccount:kube-system:", "system:kube-", "system:apiserver"};
  return std::ranges::any_of(k_controllers,
                             [user](std::string_view start) { return user.starts_with(start); });
}

/// `otherwise` stands for an absent number: 1 for a workload, which is its default, but 0 for an
/// autoscaling/v1 Scale, whose zero the API server leaves out.
std::int64_t replicas_of(const Json& object, std::int64_t otherwise = 1) {
  return number(member(object, {"spec", "replicas"})).value_or(otherwise);
}

/// Pods are not always numbered from 0 (Kubernetes docs, StatefulSets, "Start ordinal").
std::int64_t first_ordinal(const Json& workload) {
  return number(member(workload, {"spec", "ordinals", "start"})).value_or(0);
}

std::string name_of(const Json& object) { return text(member(object, {"metadata", "name"})); }

bool is_stateful_set(const Json& workload) { return kind_of(workload) == k_stateful_set; }

/// "redis-app-12" of redis-app is 12; nothing for any other name.
std::optional<std::int64_t> ordinal_in(std::string_view name, const std::string& prefix) {
  return name.starts_with(prefix) ? number_in(name.substr(prefix.size())) : std::nullopt;
}

/// By the name: an Eviction carries neither labels nor owner references of its pod.
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

/// One question, and what is needed to answer it.
class Inquiry {
 public:
  Inquiry(const Act& act, const Surroundings& around, const Look& look)
      : act_(act), around_(around), look_(look) {}

  GuardAnswer answer();

 private:
  void scaling();
  void departure(const char* id);
  void workload_deletion();
  void claim_deletion();

  bool concerns(const Json* workload);
  bool looks(const Json& workload);
  const Json* workload_where(const std::function<bool(const Json&)>& fits) const;
  /// An error, unless an annotation of `object` allows it.
  void refuse(
      const char* id, const Json& object, std::string path, std::string found, std::string message);
  void blind(const char* id);

  const Act& act_;
  const Surroundings& around_;
  const Look& look_;
  Sight sight_;
  GuardAnswer answer_;
};

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
  answer_.concerned = workload != nullptr && is_redis_cluster(*workload, around_) &&
                      !is_annotated(*workload, k_ignore_annotation);
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

void Inquiry::blind(const char* id) {
  answer_.objection =
      Objection{.rule = id,
                .severity = RuleSeverity::warning,
                .path = "/metadata/name",
                .found = std::string(act_.name),
                .wanted = "a look first: kubectl redis status",
                .message = "the cluster cannot be seen now, so nothing keeps it from a loss"};
}

void Inquiry::scaling() {
  const bool scale = act_.subresource == "scale";
  const std::int64_t before = replicas_of(act_.before, scale ? 0 : 1);
  const std::int64_t after = replicas_of(act_.object, scale ? 0 : 1);
  // The review of `/scale` brings a Scale, which names the workload and holds nothing of it.
  const Json* workload = scale ? workload_where([this](const Json& each) {
    return name_of(each) == act_.name && is_stateful_set(each) == (act_.resource == "statefulsets");
  })
                               : &act_.before;
  if (after >= before || !concerns(workload)) {
    return;
  }
  if (!looks(*workload)) {
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
      const bool stays = each.member == nullptr || !is_pod_of(each.member->pod.name, *workload) ||
                         (is_stateful_set(*workload) &&
                          each.member->pod.ordinal < first_ordinal(*workload) + after);
      if (!stays) {
        ++members;
        slots.insert(each.node->id == shard.master.node->id ? each.node->slots : core::SlotSet{});
      }
    }
  }
  const std::string found = std::to_string(after) + " instead of " + std::to_string(before);
  if (!slots.empty()) {
    refuse("RG001",
           // The annotation may be there already, or come with this very update.
           scale || is_allowed(act_.before) ? *workload : act_.object,
           "/spec/replicas",
           found,
           std::to_string(slots.size()) + " slots are on pods that would go; move them away first");
  } else if (members > 0) {
    // Replicas take no data with them, so this is no refusal. But until CLUSTER FORGET the others
    // gossip about them and go on trying to connect.
    answer_.objection = Objection{
        .rule = "RG001",
        .severity = RuleSeverity::warning,
        .path = "/spec/replicas",
        .found = found,
        .wanted = "the nodes forgotten first",
        .message = std::to_string(members) +
                   " pods that go are still nodes of the cluster, which goes on seeking them"};
  }
}

void Inquiry::departure(const char* id) {
  const Json* workload =
      workload_where([this](const Json& each) { return is_pod_of(act_.name, each); });
  if (is_leaving(act_.before) || !concerns(workload)) {
    return;
  }
  if (!looks(*workload)) {
    blind(id);
    return;
  }
  const std::string pod(act_.name);
  std::set<std::string> gone = sight_.leaving;
  // `kubectl drain` repeats an eviction until the pod is gone.
  if (gone.erase(pod) > 0) {
    return;  // Asked for before, and allowed then.
  }
  // Pods on their way out count as gone already: two evictions a moment apart must not take both
  // copies.
  const core::Loss loss = core::loss_of(*sight_.view, {pod}, gone);
  if (loss.survived()) {
    return;
  }
  // Only an eviction's caller understands "not yet" (429, Kubernetes docs, API-initiated Eviction);
  // a DELETE would just fail with it.
  answer_.again_later = act_.subresource == "eviction";
  refuse(id,
         is_allowed(act_.before) ? act_.before : *workload,
         "/metadata/name",
         pod,
         loss.slots.empty()
             ? "without " + pod + " no majority of masters is left"
             : pod + " holds the last copy of " + std::to_string(loss.slots.size()) + " slots");
}

/// kubectl deletes a workload first, and its pods are then deleted by controllers, who pass: this
/// is the last moment to ask.
void Inquiry::workload_deletion() {
  if (is_leaving(act_.before) || !concerns(&act_.before)) {
    return;
  }
  const bool seen = looks(act_.before);
  std::int64_t keys = 0;
  bool serves = false;
  for (const core::Member& each : seen ? sight_.view->members : std::vector<core::Member>{}) {
    keys = std::max(keys, each.server ? each.server->keys : 0);
    serves = serves || (each.self() != nullptr && !each.self()->slots.empty());
  }
  // A cluster that was seen to serve no slot and to hold no key has nothing to lose. In all other
  // cases claims count as data, and keys do where there are no claims.
  const bool holds = seen && !serves && keys == 0 ? false : has_claims(act_.before) || keys > 0;
  if (holds) {
    refuse("RG004",
           act_.before,
           "/metadata/annotations/kubectl-redis.dev~1allow-delete",
           "nothing",
           name_of(act_.before) + " holds a cluster's data; delete it with: kubectl redis delete");
  }
}

void Inquiry::claim_deletion() {
  std::string pod;
  bool wanted = false;
  // A claim says nothing of its pod. One of a template is known by its name
  // (TEMPLATE-WORKLOAD-ORDINAL), one of a Deployment by the volume that names it.
  const Json* workload = workload_where([&](const Json& each) {
    for (const Json& claim : items(member(each, {"spec", "volumeClaimTemplates"}))) {
      const auto ordinal = ordinal_in(act_.name, name_of(claim) + "-" + name_of(each) + "-");
      if (ordinal) {
        pod = name_of(each) + "-" + std::to_string(*ordinal);
        wanted = *ordinal < first_ordinal(each) + replicas_of(each);
        return true;
      }
    }
    const Json& volumes = items(member(each, {"spec", "template", "spec", "volumes"}));
    wanted = replicas_of(each) > 0;
    return std::ranges::any_of(volumes, [this](const Json& volume) {
      return text(member(volume, {"persistentVolumeClaim", "claimName"})) == act_.name;
    });
  });
  // A workload that is being deleted has passed RG004; its claims may follow.
  if (is_leaving(act_.before) || !concerns(workload) || is_leaving(*workload)) {
    return;
  }
  const bool seen = looks(*workload);
  const core::Member* member = seen ? sight_.view->by_pod(pod) : nullptr;
  // A pod may be scaled in and its node not forgotten yet: its claim is still all that there is of
  // the node. A view of one node alone is a node that has joined nobody.
  const bool is_node =
      member != nullptr && member->self() != nullptr && sight_.view->agreed()->nodes.size() > 1;
  if (wanted || is_node) {
    refuse("RG005",
           is_allowed(act_.before) ? act_.before : *workload,
           "/metadata/name",
           std::string(act_.name),
           "the claim holds the data of a node that is still wanted");
  }
}

GuardAnswer Inquiry::answer() {
  // Evictions are judged whoever asks, controllers included: who evicts must expect a refusal.
  const bool workload = act_.resource == "statefulsets" || act_.resource == "deployments";
  const bool deletes = act_.operation == "DELETE" && !is_controller(act_.user) &&
                       !is_annotated(act_.before, k_ignore_annotation);
  if (workload && act_.operation == "UPDATE" &&
      (act_.subresource.empty() || act_.subresource == "scale")) {
    scaling();
  } else if (act_.resource == "pods" && act_.subresource == "eviction" &&
             act_.operation == "CREATE") {
    departure("RG002");
  } else if (deletes && act_.subresource.empty()) {
    if (act_.resource == "pods") {
      departure("RG003");
    } else if (workload) {
      workload_deletion();
    } else if (act_.resource == "persistentvolumeclaims") {
      claim_deletion();
    }
  }
  return std::move(answer_);
}

}  // namespace

std::span<const Guard> guards() noexcept { return k_guards; }

const Guard* find_guard(std::string_view id) noexcept {
  const auto* const found = std::ranges::find_if(
      k_guards, [id](const Guard& each) { return core::to_lower(each.id) == core::to_lower(id); });
  return found == k_guards.end() ? nullptr : found;
}

GuardAnswer guard(const Act& act, const Surroundings& around, const Look& look) {
  return Inquiry(act, around, look).answer();
}

std::string cluster_of(const Json& workload) { return Subject(workload, Surroundings{}).cluster(); }

}  // namespace kredis::policy
