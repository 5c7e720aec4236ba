// SPDX-License-Identifier: Apache-2.0
//
// The table of the guards.
#include <algorithm>
#include <array>

#include "shared/core/text.hpp"
#include "shared/policy/guard.hpp"

namespace kredis::policy {
namespace {

/// No guard refuses just because it cannot see. A webhook that is blind at the wrong moment would
/// keep people from mending the very cluster that is down. RG004 and RG005 refuse when blind, as
/// the objects alone tell that data is at stake.
constexpr std::array k_guards{
    Guard{
        .id = "RG001",
        .title = "Scaling in takes no slots away",
        .on = "UPDATE of statefulsets, deployments, replicasets and their scale",
        .why =
            "Pods that go with slots take them out of the cluster: clients get errors for those keys, and "
            "the others go on seeking nodes that never come back. Slots are moved first, and the nodes "
            "forgotten; then fewer pods are asked for. Another first ordinal takes pods away, too.",
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
        .on = "DELETE of pods and replicasets; UPDATE of pods",
        .why =
            "The pod of a master without a replica in step takes its slots offline; when it keeps its "
            "data in itself, for good. It goes as surely when its ReplicaSet does, when it gains an owner "
            "that is none, loses the label that its workload selects by, or gets a deadline or another "
            "image. What the cluster's own controllers delete passes.",
        .when_blind =
            "passes with a warning: deleting a pod that hangs is how clusters are mended"},
    Guard{
        .id = "RG004",
        .title = "A workload that holds data is deleted on purpose only",
        .on = "DELETE and UPDATE of statefulsets and deployments",
        .why =
            "kubectl delete -f takes a cluster with its data away without a question. So does an owner: "
            "what gains one goes with it, and at once where there is no such owner; what owned it before "
            "is deleted by the garbage collector, which is judged here like anybody. A workload that is "
            "no longer known as a Redis Cluster is not guarded afterwards. The annotation "
            "kubectl-redis.dev/allow-delete: \"true\" says that it is meant; kubectl redis delete asks and "
            "then sets it.",
        .when_blind = "goes by the object alone: with claims it is refused without the annotation"},
    Guard{
        .id = "RG005",
        .title = "No claim of a node is deleted while the node is wanted",
        .on = "DELETE and UPDATE of persistentvolumeclaims",
        .why =
            "Kubernetes keeps a deleted claim until its pod ends, and then the data is gone, and the "
            "node's identity with it: it comes back empty, as a stranger. A claim that gains an owner "
            "goes with it.",
        .when_blind = "goes by the workload alone: a claim that it would use again is refused"},
    Guard{
        .id = "RG006",
        .title = "What the data lies on is not exchanged",
        .on = "UPDATE of statefulsets and deployments",
        .why =
            "Another volume under the data folder (an emptyDir, another claim), or another folder, makes "
            "every pod start empty at its next restart, one after the other. A retention policy of Delete "
            "has claims deleted with the workload or when it is scaled in.",
        .when_blind = "goes by the objects alone: where there are claims it is refused"},
    Guard{
        .id = "RG007",
        .title = "What running pods mount, are found by or held by stays",
        .on = "DELETE and UPDATE of configmaps, services and poddisruptionbudgets",
        .why =
            "Without its ConfigMap no pod starts again; without the governing Service no pod has a name; "
            "without a budget a drain takes as many as it likes. The last budget, the governing Service "
            "and a mounted ConfigMap stay as long as the workload wants pods; for any other Service of "
            "the pods there is a warning.",
        .when_blind = "goes by the objects alone"},
    Guard{
        .id = "RG008",
        .title = "A namespace that holds a cluster's data is deleted on purpose only",
        .on = "DELETE of namespaces",
        .why =
            "All that is in a namespace goes with it, claims included, by controllers that ask nobody. "
            "The annotation kubectl-redis.dev/allow-delete: \"true\" on the namespace, or on each of its "
            "workloads, says that it is meant.",
        .when_blind = "goes by the workloads alone: with claims it is refused"},
    Guard{
        .id = "RG009",
        .title = "A shard whose slots are moving stays as it is",
        .on = "CREATE of pods/eviction, DELETE and UPDATE of pods, UPDATE of pod templates",
        .why =
            "A master that restarts in the middle of a move leaves the keys of one slot on both sides, and "
            "a replica that takes over knows nothing of it: clients get errors until somebody mends that. "
            "An eviction is refused as by a budget (429), so that a drain goes on when the slots are there. "
            "Slots that nobody moves any more are closed with kubectl redis fix.",
        .when_blind = "passes: RG002 and RG003 warn"}};

}  // namespace

std::span<const Guard> guards() noexcept { return k_guards; }

const Guard* find_guard(std::string_view id) noexcept {
  const auto* const found = std::ranges::find_if(
      k_guards, [id](const Guard& each) { return core::to_lower(each.id) == core::to_lower(id); });
  return found == k_guards.end() ? nullptr : found;
}

}  // namespace kredis::policy
