// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/finding_kinds.hpp"

#include <algorithm>
#include <iterator>

namespace kredis::core {
namespace {

using enum Severity;

constexpr FindingKind k_kinds[] = {
    {.id = "kubernetes-node-lost",
     .severity = error,
     .title = "A Kubernetes node is not ready",
     .why = "Its kubelet stopped reporting. Pods there may run on unseen, or be gone; a StatefulSet"
            " makes none of them anew until Kubernetes is told that the node is gone for good.",
     .data = "Masters there are replaced by their replicas. What those had not received is lost if"
             " the node does not come back.",
     .mend = "Bring the node back. Where it is gone for good, delete the Node object, or taint it"
             " node.kubernetes.io/out-of-service=nodeshutdown:NoExecute: its pods are then made"
             " anew."},
    {.id = "clusters-merged",
     .severity = error,
     .title = "Two clusters have become one",
     .why = "A node of one met a node of the other: a recycled address, a copied nodes.conf, or"
            " CLUSTER MEET to the wrong place. For each slot the higher epoch won, and the masters"
            " of the other cluster became replicas.",
     .data = "What the masters that lost had stored is overwritten by their new masters' data."
             " Clients of both read and write one set of keys.",
     .mend = "Stop the clients of both, keep a copy of each master (BGSAVE), then empty the pods of"
             " one cluster (kubectl redis node reset), forget them in the other (kubectl redis node"
             " forget), make the one anew (kubectl redis init) and restore its data."},
    {.id = "twin-node",
     .severity = error,
     .title = "Two pods say that they are the same node",
     .why = "One of them started from a copy of the other's volume. The others talk to whichever"
            " came last.",
     .data = "Both may have taken writes as that node. The copy is behind from the moment it was"
             " made.",
     .mend =
         "The remedy empties the one that started last, after asking, where it holds no more than"
         " the other; init then gives it a place. Else see which is newer, and keep what both"
         " have."},
    {.id = "not-initialised",
     .severity = error,
     .title = "The pods are no cluster yet",
     .why = "Redis runs in cluster mode, and no node has slots. Clients get CLUSTERDOWN.",
     .data = "Nothing is stored yet.",
     .mend = "init makes one cluster of the pods."},
    {.id = "no-majority",
     .severity = error,
     .title = "The majority of masters is away",
     .why =
         "A replica takes over only by the votes of most masters, so none does. With"
         " cluster-require-full-coverage the whole cluster stops, and on the side of the minority"
         " in any case.",
     .data =
         "It is where it was, in the pods that are away. A replica that takes over without a vote"
         " loses what it had not received.",
     .mend = "Bring one of the masters back. Where it is lost, failover --takeover lets a replica"
             " take its place without a vote, after asking."},
    {.id = "slots-uncovered",
     .severity = error,
     .title = "Nobody serves some slots",
     .why = "No node says that it owns them. Clients get CLUSTERDOWN for them, and for all others"
            " with cluster-require-full-coverage.",
     .data = "Whatever was stored in them is gone or with a node that was forgotten.",
     .mend =
         "Where a volume with their data still exists, bring its pod back first. fix counts their"
         " keys on every pod, gives the slots to the one that has them, after asking, and those of"
         " which nobody has a key to the masters that have fewest."},
    {.id = "slots-denied",
     .severity = error,
     .title = "The owner of slots says that it does not own them",
     .why =
         "Nodes redirect clients in a circle: each says that another one has the slot. It comes of"
         " CLUSTER SETSLOT or DELSLOTS that reached one node only.",
     .data = "Keys of these slots, if there are any, cannot be reached.",
     .mend = "The remedy has the node that most others name take the slots, with an epoch above all"
             " others."},
    {.id = "slots-failed",
     .severity = error,
     .title = "A master failed and no replica took over",
     .why = "It had no replica, or none in step, or no majority could vote.",
     .data = "It is in the volume of the pod that is away. Without that volume it is lost.",
     .mend = "Bring the pod back. Where its volume is gone for good, node forget gives the node up,"
             " after asking, and init gives its slots out anew, empty."},
    {.id = "slots-open",
     .severity = warning,
     .title = "A slot is half moved",
     .why =
         "A move of slots is running, or ended in the middle. Commands on several keys of the slot"
         " get TRYAGAIN.",
     .data =
         "The keys of the slot are on both nodes. Where a mark is left on one side only, a restart"
         " may delete keys (Valkey since 8, Redis since 8.4).",
     .mend =
         "Wait for the move that is running. One that ended is finished by fix, whoever began it:"
         " on with it where both ends agree or the target has keys, back to the owner else, and"
         " no key of two values goes unasked."},
    {.id = "keys-astray",
     .severity = error,
     .title = "A pod has keys that no client finds",
     .why = "They are of slots that are another master's, and nothing marks them as half moved."
            " Where both masters of a half-moved slot are replaced by their replicas, the marks are"
            " lost (Redis, and Valkey before 8); a master that is replaced as a slot has just"
            " arrived may leave copies.",
     .data = "Some may be the only copy, others older than what the owner has. A restart of the pod"
             " may delete them (Valkey since 8, Redis since 8.4).",
     .mend = "fix marks the slots again and brings the keys to their owner. Those that the owner"
             " has with another value stay where they are until you say which of the two goes. Only"
             " doctor and fix look for them."},
    {.id = "keys-uncounted",
     .severity = warning,
     .title = "Whether a pod has keys that no client finds is not known",
     .why = "It answered, but not when doctor or fix asked for the number of keys in slots that are"
            " not its own: it hung, the time to ask was over, or the user may not run CLUSTER"
            " COUNTKEYSINSLOT or INFO.",
     .data = "None is lost by it. Keys of another master's slots may be there.",
     .mend = "Ask again, with a longer --timeout; let the Redis user run the two commands."},
    {.id = "slots-moving",
     .severity = info,
     .title = "The servers move slots themselves",
     .why =
         "A job of CLUSTER MIGRATESLOTS (Valkey) or CLUSTER MIGRATION (Redis) runs. Whoever began"
         " it may be gone; the servers go on. Clients are served by the source until all slots of"
         " the job change over at once, when writes to them wait for a moment.",
     .data =
         "Nothing is lost by waiting. A hand-over or a restart of one of the two meanwhile makes"
         " the job fail, and at its very end may cost writes.",
     .mend =
         "Wait for it. Our verbs that move slots wait for it, too, and go on then; fix, hand-overs"
         " and restarts are refused meanwhile. The command of the remedy ends it: nothing of it"
         " has moved then."},
    {.id = "views-disagree",
     .severity = warning,
     .title = "Not all nodes see the same cluster",
     .why =
         "Gossip takes a few seconds after each change; if it stays, nodes do not reach each other"
         " on the bus port. An error when they differ on who serves which slots.",
     .data = "While two nodes claim a slot, writes may go to the one that loses it.",
     .mend =
         "Look again after a few seconds; fix introduces nodes that do not know each other, and has"
         " all of them name the owner with the higher epoch, once its keys are together."},
    {.id = "cluster-state-fail",
     .severity = error,
     .title = "Nodes say that the cluster is down",
     .why = "All slots have an owner, and still these nodes answer CLUSTERDOWN: they do not reach"
            " most masters, or came back a moment ago.",
     .data = "None is lost by it.",
     .mend = "Wait for the node time-out; if it stays, the bus port is blocked."},
    {.id = "pod-not-running",
     .severity = error,
     .title = "A pod does not run",
     .why =
         "It waits for a node, an image or a volume, crashes, or is being deleted. The message says"
         " what Kubernetes says.",
     .data = "It is in the pod's volume, and its shard has a copy less while it is away.",
     .mend = "See the pod's events and its server's last words."},
    {.id = "pod-not-ready",
     .severity = warning,
     .title = "A pod runs and is not ready",
     .why = "Its readiness probe fails. Services that go by readiness leave it out.",
     .data = "None is lost by it.",
     .mend = "See the pod's events. One that has just started is told as info."},
    {.id = "pods-missing",
     .severity = warning,
     .title = "Fewer pods than the cluster was made with",
     .why = "The workload was scaled down, or never came up in full; or a pod has gone, and the one"
            " in its place is not there yet.",
     .data = "Some shard has fewer copies than it should. No node is taken for gone while the"
             " workload is to make a pod that may be it.",
     .mend = "The remedy scales the workload to what the shape asks for, or shows what keeps it"
             " from making the pod."},
    {.id = "no-answer",
     .severity = error,
     .title = "A pod does not answer",
     .why =
         "Redis in it did not answer this look: it is frozen, busy, refuses the login, or cannot be"
         " reached. What it holds is unknown, not gone.",
     .data = "Unknown while it is silent.",
     .mend = "The remedy says what the error hints at."},
    {.id = "info-refused",
     .severity = warning,
     .title = "A pod does not say how it is",
     .why = "The login may not run INFO (an ACL, a renamed command). Copies, memory and persistence"
            " of this pod are unknown.",
     .data = "Unknown.",
     .mend = "Give the login the commands that docs/rbac.md lists."},
    {.id = "loading",
     .severity = warning,
     .title = "A pod loads its data",
     .why =
         "It reads its append-only file or snapshot after a start, and answers LOADING meanwhile.",
     .data = "None is lost by it.",
     .mend = "Wait. A gigabyte takes some ten seconds."},
    {.id = "only-copy-outside",
     .severity = error,
     .title = "A pod that the cluster does not know holds slots",
     .why =
         "By its own view it is the master of slots that no node of the cluster serves: the others"
         " forgot it, or it came back from an older volume.",
     .data = "It may hold the only copy of these slots. Deleting the pod or its claim loses it.",
     .mend = "The remedy introduces it to the others again; it then serves its slots as before."},
    {.id = "address-stale",
     .severity = warning,
     .title = "Nodes know a pod by an address that does not reach it",
     .why = "The pod came back with another address, and these nodes have not heard of it.",
     .data = "None is lost by it, but replicas at the old address do not follow.",
     .mend = "The remedy introduces the pod at its new address."},
    {.id = "ghost-node",
     .severity = warning,
     .title = "Nodes remember one that is gone",
     .why = "A pod came back without its nodes.conf, as a new node. The old one still counts as a"
            " replica that failed. An error when it owns slots.",
     .data = "Without slots it held only a copy. With slots, see slots-failed.",
     .mend = "init forgets it on all pods at once; one that owns slots is given up by node forget,"
             " after asking."},
    {.id = "foreign-node",
     .severity = warning,
     .title = "The cluster knows a living node that is no pod of it",
     .why =
         "A node elsewhere takes part: in another namespace, outside of Kubernetes, or of another"
         " cluster that is about to merge.",
     .data = "It gets every change of the cluster, and may take slots.",
     .mend = "See whose it is. It is never forgotten on our word."},
    {.id = "pod-outside",
     .severity = warning,
     .title = "A pod has no part in the cluster",
     .why = "It knows no other node: it came up without nodes.conf, or was reset.",
     .data = "Its shard has a copy less.",
     .mend = "init takes it in as the replica that is missing."},
    {.id = "replica-astray",
     .severity = warning,
     .title = "A replica follows nobody who serves",
     .why = "Its master became a replica itself, was forgotten, or is gone and had no slots.",
     .data = "Some shard has a copy less.",
     .mend = "fix makes it the replica of the master that lacks one, by placement."},
    {.id = "master-without-slots",
     .severity = warning,
     .title = "A master serves nothing",
     .why = "It met the others and was given neither slots nor a master.",
     .data = "None is lost by it.",
     .mend = "init gives it a place."},
    {.id = "no-masterauth",
     .severity = error,
     .title = "Servers want a password that their replicas do not have",
     .why =
         "requirepass is set and masterauth is not, so that no replica can log in to its master.",
     .data = "There is one copy of each shard, in the masters alone, whatever the tree looks like.",
     .mend = "init gives the running servers the password as masterauth; put masterauth into"
             " redis.conf too, or a restart takes it away."},
    {.id = "node-timeout-short",
     .severity = warning,
     .title = "Nodes take others for lost within a second",
     .why =
         "cluster-node-timeout is below 1,000 ms, as init sets it while it forms a cluster: a slow"
         " command, a fork or a busy machine is then a failover.",
     .data = "Each failover may lose the writes that were not copied yet.",
     .mend =
         "It is set again on all nodes; pods made by create do so by themselves within a minute."},
    {.id = "no-replica",
     .severity = warning,
     .title = "A master has no replica",
     .why = "Nothing takes its place when it fails.",
     .data = "Its slots have one copy.",
     .mend =
         "init attaches a pod that is free; else scale the workload first, or re-attach one of a"
         " master that has several."},
    {.id = "replicas-uneven",
     .severity = info,
     .title = "Replicas are spread unevenly",
     .why = "One master has at least two more than another.",
     .data = "The poorer shard survives fewer failures.",
     .mend = "The remedy re-attaches one; it copies the data of its new master anew."},
    {.id = "replica-link-down",
     .severity = warning,
     .title = "A replica does not follow its master",
     .why = "It is not connected: the first copy is under way, the login is refused, or the network"
            " is.",
     .data = "Its copy grows old, and it will not be elected beyond the validity factor.",
     .mend = "Its log says what the link failed of."},
    {.id = "replica-no-failover",
     .severity = warning,
     .title = "A replica never takes over",
     .why = "cluster-replica-no-failover is set on it.",
     .data = "It holds a copy, but nothing serves its shard when the master fails.",
     .mend = "The remedy allows it on the running server; say so in redis.conf, too."},
    {.id = "replication-lag",
     .severity = warning,
     .title = "A replica is far behind",
     .why = "More than 16 MiB of its master's writes have not reached it.",
     .data = "They are lost if the master fails now.",
     .mend = "Watch whether it catches up; give it more CPU or network if not."},
    {.id = "one-node",
     .severity = warning,
     .title = "All pods run on one Kubernetes node",
     .why = "There is no other node, or nothing spreads the pods.",
     .data = "All copies are lost with that node's disks.",
     .mend = "Add nodes, then move the pods one by one."},
    {.id = "replica-on-masters-node",
     .severity = warning,
     .title = "A replica runs beside its master",
     .why = "The scheduler put both on the same Kubernetes node.",
     .data = "Both copies fail with that node.",
     .mend = "The remedy moves the replica: it is made anew elsewhere, where its volume allows."},
    {.id = "replica-in-masters-zone",
     .severity = info,
     .title = "A replica runs in its master's zone",
     .why = "There are several zones, and this pair shares one.",
     .data = "Both copies fail with that zone.",
     .mend = "Spread the workload's pods over topology.kubernetes.io/zone."},
    {.id = "majority-on-one-node",
     .severity = warning,
     .title = "One Kubernetes node holds the majority of masters",
     .why = "When it fails, nobody can vote replicas in, and the cluster stops. Info where fewer"
            " nodes than that make it unavoidable.",
     .data = "None is lost, if replicas are elsewhere.",
     .mend = "The remedy hands a master over to a replica elsewhere."},
    {.id = "masters-uneven",
     .severity = info,
     .title = "Masters pile up on a Kubernetes node",
     .why =
         "After failovers one node has more masters than it would have if replicas elsewhere took"
         " over.",
     .data = "None is lost by it; that node has more load, and more slots stop when it fails.",
     .mend = "The remedy hands masters over to replicas elsewhere, one by one, in step."},
    {.id = "majority-on-one-zone",
     .severity = info,
     .title = "One zone holds the majority of masters",
     .why = "When it fails, the cluster stops until a replica is told to take over.",
     .data = "None is lost, if replicas are elsewhere.",
     .mend = "Spread masters over three zones."},
    {.id = "node-holds-last-copy",
     .severity = warning,
     .title = "One Kubernetes node holds the last copies of slots",
     .why = "Replicas of these slots do not follow, so what is on that node is all there is.",
     .data = "Lost with that node's disks.",
     .mend = "See which replicas do not follow, and why."},
    {.id = "snapshots-fail",
     .severity = error,
     .title = "Redis cannot write to its disk",
     .why =
         "The last snapshot or the append-only file could not be written (disk full, rights), and"
         " Redis refuses writes (MISCONF) unless stop-writes-on-bgsave-error is off.",
     .data = "What is on disk grows old; a restart would go back to it.",
     .mend = "Make room on the volume, or mend its rights, then save once: that ends the refusal."},
    {.id = "memory-full",
     .severity = error,
     .title = "A server is full",
     .why = "It uses all of maxmemory and may evict nothing, so that it refuses writes (OOM).",
     .data = "None is lost; nothing new is stored.",
     .mend = "The remedy raises maxmemory as far as the pod's limit has room for; else delete keys,"
             " allow eviction, or give the pods more memory."},
    {.id = "too-few-replicas-to-write",
     .severity = error,
     .title = "A master refuses writes for want of replicas",
     .why = "min-replicas-to-write asks for more replicas in step than it has (NOREPLICAS).",
     .data = "None is lost: that is what the setting is for.",
     .mend =
         "Bring the replicas back. The remedy asks for as many as there are, which gives up some"
         " of the safety."},
    {.id = "no-persistence",
     .severity = warning,
     .title = "Nothing is kept on disk",
     .why = "Neither the append-only file nor snapshots are on.",
     .data = "A restart loses the data, and a restarted master empties its replicas; pods made by"
             " create let a replica take over first.",
     .mend = "The remedy switches the append-only file on in the running servers; say so in"
             " redis.conf, too."},
    {.id = "maxmemory-over-limit",
     .severity = error,
     .title = "maxmemory is above the container's limit",
     .why = "The kernel kills Redis before it would evict or refuse.",
     .data = "Killed between two fsyncs, it loses up to a second of writes.",
     .mend =
         "The remedy sets maxmemory to three quarters of the limit; say so in redis.conf, too."},
    {.id = "fork-headroom",
     .severity = warning,
     .title = "Memory is too full for a snapshot",
     .why =
         "A snapshot or rewrite forks; pages that change meanwhile are copied, up to half as much"
         " again.",
     .data = "The kernel may kill Redis while it saves.",
     .mend = "The remedy gives the containers more memory, which restarts the pods one by one."},
    {.id = "maxmemory-headroom",
     .severity = warning,
     .title = "maxmemory leaves too little for a snapshot",
     .why = "It is above three quarters of the limit.",
     .data = "The kernel may kill Redis while it saves, once it is full.",
     .mend =
         "The remedy sets maxmemory to three quarters of the limit; say so in redis.conf, too."},
    {.id = "mixed-versions",
     .severity = warning,
     .title = "The pods run different versions",
     .why = "A roll-out is under way or stuck.",
     .data = "An older replica may not read what a newer master sends.",
     .mend = "Finish the roll-out."},
    {.id = "few-masters",
     .severity = warning,
     .title = "Fewer than three masters",
     .why = "When one fails no majority is left to vote its replica in.",
     .data = "None is lost, but it stays unserved.",
     .mend = "Make the cluster with at least three masters."},
    {.id = "even-masters",
     .severity = info,
     .title = "An even number of masters",
     .why = "It survives no more failures at once than one fewer would.",
     .data = "None is lost by it.",
     .mend = "Prefer an odd number."},
};

}  // namespace

std::span<const FindingKind> finding_kinds() noexcept { return k_kinds; }

const FindingKind* find_finding_kind(std::string_view id) noexcept {
  const auto* found = std::ranges::find(k_kinds, id, &FindingKind::id);
  return found == std::end(k_kinds) ? nullptr : found;
}

}  // namespace kredis::core
