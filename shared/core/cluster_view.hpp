// SPDX-License-Identifier: Apache-2.0
//
// A cluster as Kubernetes and EVERY one of its nodes see it, joined. What `observe` returns and
// what planning, findings, survival and every screen read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/core/error.hpp"
#include "shared/core/slot_job.hpp"
#include "shared/core/topology.hpp"

namespace kredis::core {

/// What can fail together: a Kubernetes node, inside a zone. Empty where unknown.
struct FailureDomain {
  std::string node;
  std::string zone;
  friend auto operator<=>(const FailureDomain&, const FailureDomain&) = default;
};

/// A pod of the cluster as Kubernetes reports it.
struct Pod {
  std::string name;
  std::string uid = {};  ///< Of this life of the pod.
  int ordinal = 0;       ///< Within the workload; the order in which placement prefers pods.
  FailureDomain domain = {};
  std::string ip = {};            ///< Pod address; empty until it has one.
  std::string announced_ip = {};  ///< What it should announce when that is not its own address.
  int port = 6379;
  std::string container = {};  ///< The one that runs Redis.
  std::string owner = {};      ///< What makes it, as kubectl takes it: "statefulset/redis-app".
  std::map<std::string, std::string> labels = {};
  bool ready = false;
  bool running = false;
  bool ending = false;     ///< It was told to go.
  bool keeps_data = true;  ///< A volume outlives it; else its data goes with it.
  int restarts = 0;
  std::int64_t age_seconds = 0;
  std::int64_t memory_limit_bytes = 0;  ///< 0 when there is no limit.
  std::string trouble = {};  ///< Why it is not running or not ready, in one line; empty when well.
  std::string node_trouble = {};  ///< Why its Kubernetes node is not ready; empty when it is.
};

/// One pod and what its Redis says. `trouble` is set when Redis could not be asked.
struct Member {
  Pod pod;
  std::optional<Topology> view = {};
  std::optional<ClusterInfo> cluster = {};
  std::optional<ServerInfo> server = {};
  std::optional<Error> trouble = {};
  std::vector<SlotJob> jobs = {};  ///< Moves that it answers for and that run; where it was asked.
  /// Keys of slots that are neither its own nor open on it, by slot; where they were counted.
  std::map<std::uint32_t, std::int64_t> stray_keys = {};
  std::optional<Error> stray_trouble = {};  ///< Why they could not be counted.

  /// The node's own id; null when it did not answer.
  const Node* self() const noexcept { return view ? view->myself() : nullptr; }
};

struct Shape {
  std::uint32_t masters = 0;
  std::uint32_t replicas = 0;  ///< Per master.
  bool inferred = false;       ///< No annotation said so; guessed from what runs.
};

/// How a look at a cluster was asked for, so that the commands which follow from it reach the same
/// one. Each part begins with a space where it is not empty, and is quoted for a shell.
struct Call {
  std::string cluster = {};  ///< " shop", or " -l 'app in (a, b)'"; empty for the view's name.
  std::string kube = {};     ///< " -n web --context blue", which kubectl takes, too.
  std::string access = {};   ///< " --auth-secret pw", which is ours alone.
};

/// A Service that clients may come in by.
struct ClientService {
  std::string name = {};
  std::string address = {};  ///< "redis-access-service.default.svc:6379".
  std::string type = {};     ///< "ClusterIP", "NodePort", "LoadBalancer" or "Headless".
  std::string pod = {};      ///< Where it leads to one only.
  int node_port = 0;         ///< On every Kubernetes node; 0 where there is none.
  std::vector<std::string> external = {};  ///< A load balancer's addresses, with the port.
};

/// How clients connect.
struct Connect {
  std::vector<ClientService> services = {};  ///< The first is the best.
  std::string auth_secret = {};              ///< Empty where there is no password, or no Secret.
  std::string auth_key = {};  ///< Of the password in it; empty where it is not known.
  bool tls = false;
};

/// Somebody changes the cluster right now, as the Lease of changes says.
struct Change {
  std::string doing = {};  ///< "kubectl redis scale shop".
  std::string who = {};    ///< "jane@workstation/4242".
  std::string since = {};  ///< RFC 3339.
  /// The last that was said of it: "120 of 500 slots moved, ... 9 s left".
  std::string progress = {};
};

struct ClusterView {
  std::string name;
  std::string namespace_;
  std::string made_by = {};  ///< "create", what else labels say ("Helm"), or "others".
  Call call = {};
  Connect connect = {};
  std::optional<Change> change = {};
  Shape shape;
  std::vector<Member> members;  ///< In ordinal order.
  /// How many pods each workload is to have beyond those that there are; none of them is 0.
  std::map<std::string, std::size_t> missing_pods = {};

  const Member* by_id(const NodeId& id) const noexcept;
  /// The pod that runs `node`: by id, or, for a pod that did not answer, by the announced address
  /// or hostname.
  const Member* by_node(const Node& node) const noexcept;
  const Member* by_pod(const std::string& pod) const noexcept;
  /// The view that most members share (by signature; ties: the lowest ordinal). Null when no one
  /// answered.
  const Topology* agreed() const noexcept;
  /// Whether all members answered and share one view.
  bool all_agree() const;
};

/// The members by whom they know, a group for each cluster that serves slots. One that knows of no
/// slots is in none.
std::vector<std::vector<const Member*>> clusters_in(const ClusterView& view);

/// "kubectl redis VERB shop -n web ...": one of ours for that cluster, as this look was called.
std::string redis_command(const ClusterView& view, const std::string& verb);
/// "kubectl WHAT -n web ...".
std::string kubectl_command(const ClusterView& view, const std::string& what);
/// One command of Redis on one pod: "kubectl redis cli shop --pod shop-0 -n web -- PING". It logs
/// in by itself, and ends with another status than 0 where Redis refuses.
std::string redis_cli_command(const ClusterView& view,
                              const std::string& pod,
                              const std::string& command);
/// The same on every pod.
std::string redis_cli_on_all_command(const ClusterView& view, const std::string& command);
/// The command that shows `view`, for hints.
std::string status_command(const ClusterView& view);

/// Why there is no agreed view: what befell the first pod, as it was told. Requires: nobody
/// answered.
Error nobody_answers(const ClusterView& view);

/// A node of the agreed view with the pod that runs it; `member` is null when no pod is that node.
struct SeenNode {
  const Node* node = nullptr;
  const Member* member = nullptr;
};

/// A master that serves slots or has replicas, and those replicas.
struct ShardView {
  SeenNode master;
  std::vector<SeenNode> replicas = {};
};

/// The shards of the agreed view, by their masters' ordinals (those without a pod first). The
/// pointers lead into `view`.
std::vector<ShardView> shards_of(const ClusterView& view);

/// The nodes that say of themselves that they are masters of slots which the agreed view gives to
/// nobody: what they hold, no one else may have. The pointers lead into `view`.
std::vector<SeenNode> strays_of(const ClusterView& view);

/// Where others should know a pod: where it is told to announce itself, else its own address.
const std::string& expected_ip(const Pod& pod);

/// Whether `viewer` is connected to `other`, which answered us. A link counts as connected while it
/// is still being dialled: so what the viewer holds for gone it does not reach.
bool reaches(const Member& viewer, const Member& other);

/// Whether a replica without a link looks for its master where that no longer is: a server whose
/// master came back at another address does not always notice, and then tries the old one for ever.
bool dials_old_address(const Member& replica, const Member& master);

/// Whether a master is there, with its data and its vote: it did not fail, its pod, if known, runs,
/// and it answers us or the nodes that do.
bool is_there(const SeenNode& master) noexcept;

/// Whether clients get answers from a master: it is there and does not itself say that the cluster
/// is down.
bool is_serving(const SeenNode& master) noexcept;

/// Slots that no node says are its own, though some node's view gives them to one that answers:
/// that node sends clients there, and init cannot give them out. By the pod that they are given to.
std::vector<std::pair<const Member*, SlotSet>> denied_slots(const ClusterView& view);

/// Slots that no node says are its own and no view gives to anybody: none that a stray or a denied
/// owner explains.
SlotSet uncovered_slots(const ClusterView& view);

/// The slots that clients get answers for.
SlotSet served_slots(const ClusterView& view);

/// How many bytes of its master's stream a replica still lacks, never below 0; nullopt when one of
/// the two did not answer.
std::optional<std::int64_t> replication_lag_bytes(const SeenNode& master, const SeenNode& replica);

}  // namespace kredis::core
