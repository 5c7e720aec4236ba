// SPDX-License-Identifier: Apache-2.0
//
// The description of a cluster that somebody wants: everything `create` takes, as values. What is
// made of it is in objects.hpp, what is wrong with it in check_spec.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kredis::manifest {

/// One StatefulSet for all nodes, or a Deployment and a Service for each.
enum class Layout { statefulset, deployment };

/// The type of the Service that clients come in by.
enum class Access { cluster_ip, node_port, load_balancer };

/// What gives each pod an address for clients outside the cluster's network.
enum class External { none, node_port, load_balancer };

/// Whether two pods may share a Kubernetes node when there is no other place.
enum class AntiAffinity { preferred, required };

enum class ZoneSpread { off, on };

/// Whether the volume lives with the claim or with the pod.
enum class Storage { claim, ephemeral };

/// What the nodes tell clients to connect to. A name leads to the pod's next life, an address does
/// not; an address works for clients that cannot resolve the cluster's names.
enum class ClientEndpoint { hostname, ip };

/// Lets pods onto nodes with this taint. An empty key tolerates everything.
struct Toleration {
  std::string key = {};
  std::optional<std::string> value = {};  ///< Nothing: any value.
  std::string effect = {};                ///< Empty: every effect.
  friend bool operator==(const Toleration&, const Toleration&) = default;
};

using Pairs = std::map<std::string, std::string>;

/// A redis.conf that is there and is to stay as it is, whatever became of it by hand.
struct Kept {
  std::string redis_conf = {};
  std::string hash = {};  ///< What the pods' template says of it; empty when nothing.
};

/// Defaults are the article's, where it has one. Numbers are signed so that what a user typed can
/// be refused in the user's own words.
struct ClusterSpec {
  std::string name = "redis";
  std::string namespace_ = "default";
  int masters = 3;
  int replicas = 1;  ///< Per master.
  std::string image = "redis:8.0";

  Storage storage = Storage::claim;
  std::string size = "200M";
  std::optional<std::string> storage_class = {};
  std::optional<std::string> access_mode = {};  ///< Nothing: ReadWriteOnce, on NFS ReadWriteMany.
  std::string nfs_server = {};
  std::string nfs_path = {};  ///< The folder that holds pv1, pv2, ...

  std::string config = {};  ///< The text of the user's redis.conf.
  std::vector<std::pair<std::string, std::string>> settings = {};  ///< KEY=VALUE; after `config`.

  std::optional<Kept> kept = {};  ///< Wins over `config`, `settings` and our own lines.

  Pairs requests = {};  ///< Over the defaults cpu 100m, memory 100Mi.
  Pairs limits = {};

  AntiAffinity anti_affinity = AntiAffinity::preferred;
  ZoneSpread zone_spread = ZoneSpread::off;
  Layout layout = Layout::statefulset;
  Access access = Access::cluster_ip;
  External external = External::none;
  ClientEndpoint client_endpoint = ClientEndpoint::hostname;

  std::string auth_secret = {};  ///< A Secret with the key `password`.
  std::string tls_secret = {};   ///< A Secret with ca.crt, tls.crt and tls.key.

  Pairs labels = {};
  Pairs annotations = {};
  std::string service_account = {};
  Pairs node_selector = {};
  std::vector<Toleration> tolerations = {};
  std::string priority_class = {};

  /// Pods in all.
  int nodes() const noexcept { return masters * (1 + replicas); }
  bool on_nfs() const noexcept { return !nfs_server.empty(); }
};

}  // namespace kredis::manifest
