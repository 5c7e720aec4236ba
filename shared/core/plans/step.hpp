// SPDX-License-Identifier: Apache-2.0
//
// Steps that change a cluster, as values: what is said to one Redis node, and what is asked of
// Kubernetes. Planning is pure; plugin/apply carries steps out and looks again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "shared/core/node.hpp"
#include "shared/core/object_name.hpp"
#include "shared/core/slot_set.hpp"

namespace kredis::core {

/// CLUSTER MEET: `pod` introduces itself to `other`.
struct Meet {
  std::string pod;
  std::string other;
};
/// CLUSTER ADDSLOTSRANGE (ADDSLOTS before 7.0) on `pod`.
struct AddSlots {
  std::string pod;
  SlotSet slots;
};
/// CLUSTER SET-CONFIG-EPOCH on a node that is still alone. Saves the nodes from settling collisions
/// themselves; refused by a node that another one has met meanwhile, and that refusal is harmless.
struct SetEpoch {
  std::string pod;
  std::uint64_t epoch;
};
/// CLUSTER BUMPEPOCH: `pod` takes an epoch above all others, so that its claims on slots win.
struct BumpEpoch {
  std::string pod;
};
/// CLUSTER REPLICATE: `pod` becomes a replica of the node with id `master`.
struct Replicate {
  std::string pod;
  std::string master_pod;
  NodeId master;
};

/// How a replica takes its master's place.
/// https://redis.io/docs/latest/commands/cluster-failover/
enum class TakeOver {
  in_step,   ///< The master holds writes until the replica has them all: nothing is lost.
  force,     ///< Without the master, by a vote: what the replica has not received is lost.
  takeover,  ///< Without the master and without a vote.
};
/// CLUSTER FAILOVER on `pod`: the node `replica` takes over from the node `master`.
struct Failover {
  std::string pod;
  NodeId replica;
  std::string master_pod;
  NodeId master;
  TakeOver how = TakeOver::in_step;
};
/// CLUSTER FORGET: `pod` strikes the node from its list, and for a minute takes nobody's word that
/// it exists.
struct Forget {
  std::string pod;
  NodeId node;
  std::string node_pod = {};  ///< Whose pod runs it, or empty.
};

enum class ResetKind { soft, hard };
/// CLUSTER RESET: `pod` leaves its cluster. A master that holds keys refuses, and is emptied to get
/// past that only where `empties` says so, which is a risk for data.
struct Reset {
  std::string pod;
  ResetKind kind = ResetKind::soft;
  bool empties = false;
  /// FLUSHALL behind it: a replica's memory is empty then, and what it copied is still on its
  /// volume. Functions go, too.
  bool clears = false;
};
/// CLUSTER SETSLOT NODE on `pod`, the node `node`, for slots that nobody owns but the others think
/// somebody does; then BUMPEPOCH, so that they believe it.
struct ClaimSlots {
  std::string pod;
  NodeId node;
  SlotSet slots;
};
/// CLUSTER SETSLOT STABLE on `pod`: the marks of half-moved slots go, and keys stay where they are.
/// Only for slots of which a pod that does not own them has no key: a restart without the mark
/// deletes such keys (Valkey since 8, Redis since 8.4).
struct StabiliseSlots {
  std::string pod;
  SlotSet slots;
};
/// CLUSTER SETSLOT NODE on `pod`: its map names the node `node` for slots that this one says it
/// owns.
struct AssignSlots {
  std::string pod;
  std::string node_pod;
  NodeId node;
  SlotSet slots;
};

/// One setting of a server. The value of a secret is never shown.
struct Setting {
  std::string name;
  std::string value;
  bool secret = false;
};
/// CONFIG SET on `pod`, one after the other.
struct SetConfig {
  std::string pod;
  std::vector<Setting> settings;
};
/// Gives `pod` the function libraries of another master in place of its own: functions do not move
/// with slots, and clients call them wherever their keys are.
/// https://redis.io/docs/latest/commands/function-restore/
struct CopyFunctions {
  std::string pod;
  std::string from_pod;
};
/// How slots move.
enum class MoveWay {
  classic,  ///< Key by key, by MIGRATE, as every server can.
  atomic,   ///< By a job that the servers run themselves; then all slots of it change at once.
};
/// Moves slots with all their keys from one master to another.
/// https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/
struct MoveSlots {
  std::string pod;  ///< That gives.
  NodeId source;
  std::string target_pod;
  NodeId target;
  SlotSet slots;
  MoveWay way = MoveWay::classic;
  std::string why = {};  ///< Why that way: "both are Valkey 9.1"; empty where nobody chose.
};
/// Brings the keys of `slots` that `pod` has without being their owner to the owner, and then takes
/// the marks away. Of a key that both have, the owner's value stays: the same value goes from
/// `pod`, another one only where `drops` says so.
struct ReturnKeys {
  std::string pod;
  std::string owner_pod;
  NodeId owner;
  SlotSet slots;
  bool drops = false;
};

/// Server-side apply of an object.
struct ApplyObject {
  ObjectName object;
  std::string json;         ///< The object as a text, since the core knows no JSON.
  std::string before = {};  ///< What was there when it was planned; empty when nothing was.
};
/// Sets the number of a workload's pods, through its /scale; together with annotations, which say
/// what shape that number is for, in one change of the workload.
struct ScaleWorkload {
  ObjectName workload;
  std::uint32_t replicas = 0;
  std::map<std::string, std::string> annotations = {};
};
/// Deletes a pod, which its workload makes anew, and waits until the cluster is whole with the next
/// one.
struct RestartPod {
  std::string pod;
};
enum class Cascade { background, foreground };
/// Whether the webhook's guards are told that a deletion is meant.
enum class Guarded { as_any, told };
/// Deletes an object. What is gone already is fine.
struct DeleteObject {
  ObjectName object;  ///< With its uid, so that no namesake goes.
  Cascade cascade = Cascade::background;
  Guarded guard = Guarded::as_any;
};

/// As many pods as a workload is to have are ready.
struct PodsReady {
  std::string namespace_;
  std::string label_selector;
  std::uint32_t count = 0;
  std::string workload = {};  ///< What makes the pods; empty when nothing does.
};
/// A workload's controller has seen its newest shape and replaced every pod of an older one.
struct RolledOut {
  ObjectName workload;
};
/// An object is no longer there.
struct Gone {
  ObjectName object;
};
/// An object has a value, of whatever kind, at this place.
struct FieldSet {
  ObjectName object;
  std::string pointer;  ///< RFC 6901.
  std::string meaning;  ///< "the API server trusts the webhook", for people.
};
/// Every pod is ready and in step, and all nodes serve and agree.
struct ClusterWhole {};

using State = std::variant<PodsReady, RolledOut, Gone, FieldSet, ClusterWhole>;
/// Changes nothing; holds up what follows until the state is seen.
struct WaitFor {
  State state;
};

using StepKind = std::variant<Meet,
                              AddSlots,
                              SetEpoch,
                              BumpEpoch,
                              Replicate,
                              Failover,
                              Forget,
                              Reset,
                              ClaimSlots,
                              StabiliseSlots,
                              AssignSlots,
                              SetConfig,
                              CopyFunctions,
                              MoveSlots,
                              ReturnKeys,
                              ApplyObject,
                              ScaleWorkload,
                              RestartPod,
                              DeleteObject,
                              WaitFor>;

/// Whether a kind is a command to one node, which are told together and looked for afterwards.
/// Every other kind is carried out on its own, and waits for the one before.
template <typename Kind>
inline constexpr bool is_node_command =
    std::is_same_v<Kind, Meet> || std::is_same_v<Kind, AddSlots> ||
    std::is_same_v<Kind, SetEpoch> || std::is_same_v<Kind, BumpEpoch> ||
    std::is_same_v<Kind, Replicate> || std::is_same_v<Kind, Failover> ||
    std::is_same_v<Kind, Forget> || std::is_same_v<Kind, Reset> ||
    std::is_same_v<Kind, ClaimSlots> || std::is_same_v<Kind, StabiliseSlots> ||
    std::is_same_v<Kind, AssignSlots> || std::is_same_v<Kind, SetConfig>;

/// What a step may take away from the users of a cluster; consent is asked by the worst of a plan.
enum class Risk {
  none,
  availability,  ///< Some slots may be without a master for a while.
  data,          ///< Something that was acknowledged may be lost.
};

struct Step {
  StepKind what;
  std::string reason = {};  ///< Why; for --dry-run and the log.
  Risk risk = Risk::none;
  std::string cost = {};  ///< What it may take away, in a sentence; empty without a risk.
};

/// For std::visit over StepKind or State: one function a kind, so that a new kind which a place
/// does not know fails to compile there.
template <typename... Functions>
struct Overload : Functions... {
  using Functions::operator()...;
};
/// The rule of C++20, said for compilers that do not know it yet (clang before 17).
template <typename... Functions>
Overload(Functions...) -> Overload<Functions...>;

/// "meet redis-app-1 redis-app-0", for people.
std::string to_text(const Step& step);
/// "6 pods are ready", for people.
std::string to_text(const State& state);
/// "none", "availability" or "data".
std::string to_text(Risk risk);

/// The pod that `step` is carried out on; empty where it is none.
std::string pod_of(const Step& step);

}  // namespace kredis::core
