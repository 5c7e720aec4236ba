// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/rbac/rights.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace kredis::plugin {
namespace {

using enum Case;
using enum Reach;
using enum Weight;

constexpr std::string_view k_tunnel =
    "tunnels to Redis: get up to Kubernetes 1.34, both from 1.35 on";
constexpr std::string_view k_session_first = "kubectl from 1.31 on opens sessions with it first";
constexpr std::string_view k_rbac = "rbac.authorization.k8s.io";
constexpr std::string_view k_admission = "admissionregistration.k8s.io";
constexpr std::string_view k_grants = "grants it: the rules look these up";
constexpr std::string_view k_leases = "coordination.k8s.io";
constexpr std::string_view k_one_at_a_time = "nobody else changes the cluster meanwhile";
constexpr std::string_view k_places = "nodes' zones, for placement and what a lost node costs";

// clang-format off
constexpr std::array k_rights{
    Right{"version", "apps", "deployments", "list", "finds the webhook", goes_without, always,
          everywhere},

    Right{"status", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"status", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"status", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"status", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"status", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"status", "", "configmaps", "get", "the port and the files of such pods", goes_without,
          foreign},
    Right{"status", "", "pods", "list", "its nodes"},
    Right{"status", "", "pods/portforward", "get create", k_tunnel},
    Right{"status", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"status", "", "services", "list", "where clients connect", goes_without, statefulset},
    Right{"status", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"status", k_leases, "leases", "get", "who changes it, and how far that is", goes_without},
    Right{"status", "", "events", "list", "why a pod is not ready", goes_without},
    Right{"status", "", "nodes", "list", k_places, goes_without, always, everywhere},

    Right{"init", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"init", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"init", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"init", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"init", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"init", "", "pods", "list", "its nodes"},
    Right{"init", "", "pods/portforward", "get create", k_tunnel},
    Right{"init", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"init", "", "services", "list", "where clients connect", goes_without, statefulset},
    Right{"init", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"init", "", "configmaps", "get", "the node time-out that a killed run left short",
          goes_without},
    Right{"init", "", "nodes", "list", k_places, goes_without, always, everywhere},
    Right{"init", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"failover", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"failover", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"failover", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"failover", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"failover", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"failover", "", "configmaps", "get", "the port and the files of such pods", goes_without,
          foreign},
    Right{"failover", "", "pods", "list", "its nodes"},
    Right{"failover", "", "pods", "get delete", "the master that a drill takes away", needed, drill},
    Right{"failover", "", "pods/portforward", "get create", k_tunnel},
    Right{"failover", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"failover", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"failover", "", "nodes", "list", k_places, goes_without, always, everywhere},
    Right{"failover", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"node", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"node", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"node", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"node", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"node", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"node", "", "configmaps", "get", "the port and the files of such pods", goes_without,
          foreign},
    Right{"node", "", "pods", "list", "its nodes"},
    Right{"node", "", "pods/portforward", "get create", k_tunnel},
    Right{"node", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"node", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"node", "", "nodes", "list", k_places, goes_without, always, everywhere},
    Right{"node", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"doctor", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"doctor", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"doctor", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"doctor", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"doctor", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"doctor", "", "configmaps", "get", "the port and the files of such pods", goes_without,
          foreign},
    Right{"doctor", "", "pods", "list", "its nodes"},
    Right{"doctor", "", "pods/portforward", "get create", k_tunnel},
    Right{"doctor", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"doctor", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"doctor", "", "nodes", "list", k_places, goes_without, always, everywhere},

    Right{"create", "", "configmaps", "get create patch", "redis.conf and the pods' scripts"},
    Right{"create", "", "services", "get create patch", "the cluster's names and addresses"},
    Right{"create", "policy", "poddisruptionbudgets", "get create patch", "one pod away at a time"},
    Right{"create", "apps", "statefulsets", "get list create patch", "the pods", needed,
          statefulset},
    Right{"create", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"create", "apps", "deployments", "list", "whether it is there in the other layout", needed,
          statefulset},
    Right{"create", "apps", "deployments", "get list create patch", "the pods", needed, deployment},
    Right{"create", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"create", "", "persistentvolumeclaims", "get create patch", "a node's data", needed,
          deployment_claims},
    Right{"create", "", "persistentvolumes", "get create patch", "the volumes of --nfs-server",
          needed, nfs, everywhere},
    Right{"create", "", "pods", "list watch", "waits until they are ready"},
    Right{"create", "", "pods/portforward", "get create", k_tunnel},
    Right{"create", "", "services", "list", "where clients connect", goes_without, statefulset},
    Right{"create", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"create", "", "pods/log", "get", "the last words of a pod that crashes", goes_without},
    Right{"create", "", "events", "list", "why a pod is stuck", goes_without},
    Right{"create", "", "serviceaccounts", "get", "checks --service-account", goes_without},
    Right{"create", "scheduling.k8s.io", "priorityclasses", "get", "checks --priority-class",
          goes_without, always, everywhere},
    Right{"create", "", "resourcequotas", "list", "checks that there is room", goes_without},
    Right{"create", "", "persistentvolumeclaims", "list", "finds data that is there", goes_without},
    Right{"create", "", "namespaces", "get", "checks that it is there", goes_without, always,
          everywhere},
    Right{"create", "", "nodes", "list", k_places, goes_without, always, everywhere},
    Right{"create", "storage.k8s.io", "storageclasses", "list", "checks --storage-class",
          goes_without, always, everywhere},
    Right{"create", "", "persistentvolumes", "list", "counts free volumes", goes_without, always,
          everywhere},
    Right{"create", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"scale", "", "configmaps", "get create patch", "objects of new pods"},
    Right{"scale", "", "services", "get list create patch", "objects of new pods"},
    Right{"scale", "policy", "poddisruptionbudgets", "get list create patch", "one pod away at a time"},
    Right{"scale", "apps", "statefulsets", "get list patch", "the pods", needed, statefulset},
    Right{"scale", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"scale", "apps", "deployments", "list", "finds what goes", needed, statefulset},
    Right{"scale", "apps", "deployments", "get list create patch delete", "the pods", needed, deployment},
    Right{"scale", "", "services", "delete", "of nodes that leave", needed, deployment},
    Right{"scale", "apps", "statefulsets", "get patch", "pods that something else made", needed, foreign},
    Right{"scale", "", "persistentvolumeclaims", "get list patch", "says which data stays"},
    Right{"scale", "", "persistentvolumeclaims", "create", "a node's data", needed, deployment_claims},
    Right{"scale", "", "persistentvolumeclaims", "delete", "of pods that go", needed, purge_data},
    Right{"scale", "", "persistentvolumes", "get create patch", "the volumes of --nfs-server", needed,
          nfs, everywhere},
    Right{"scale", "", "pods", "get list watch", "its nodes; waits until they are ready, or gone"},
    Right{"scale", "", "pods/portforward", "get create", k_tunnel},
    Right{"scale", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"scale", "", "pods/log", "get", "the last words of a pod that crashes", goes_without},
    Right{"scale", "", "events", "list", "why a pod is stuck", goes_without},
    Right{"scale", "", "resourcequotas", "list", "checks that there is room", goes_without},
    Right{"scale", "", "nodes", "list", k_places, goes_without, always, everywhere},
    Right{"scale", "storage.k8s.io", "storageclasses", "list", "checks that there is storage",
          goes_without, always, everywhere},
    Right{"scale", "", "persistentvolumes", "list", "counts free volumes", goes_without, always,
          everywhere},
    Right{"scale", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"delete", "apps", "statefulsets", "list", "finds what goes"},
    Right{"delete", "apps", "deployments", "list", "finds what goes"},
    Right{"delete", "apps", "statefulsets", "get watch delete", "the pods, and waits for their end",
          needed, statefulset},
    Right{"delete", "apps", "deployments", "get watch delete", "the pods, and waits for their end",
          needed, deployment},
    Right{"delete", "apps", "statefulsets", "patch", "tells the webhook that it is meant", goes_without,
          statefulset},
    Right{"delete", "apps", "deployments", "patch", "tells the webhook that it is meant", goes_without,
          deployment},
    Right{"delete", "policy", "poddisruptionbudgets", "list delete", "goes"},
    Right{"delete", "", "services", "list delete", "goes"},
    Right{"delete", "", "configmaps", "list delete", "goes"},
    Right{"delete", "", "persistentvolumeclaims", "list", "says which data stays"},
    Right{"delete", "", "persistentvolumeclaims", "delete", "loses the data", needed, purge_data},
    Right{"delete", "", "persistentvolumes", "list", "finds volumes of --nfs-server", goes_without,
          always, everywhere},
    Right{"delete", "", "persistentvolumes", "delete", "volumes of --nfs-server", needed, nfs,
          everywhere},
    Right{"delete", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"config", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"config", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"config", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"config", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"config", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"config", "", "configmaps", "get", "redis.conf, as the pods mount it"},
    Right{"config", "", "pods", "get list delete", "its nodes; apply restarts one after the other"},
    Right{"config", "", "pods/portforward", "get create", k_tunnel},
    Right{"config", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"config", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"config", "", "nodes", "list", k_places, goes_without, always, everywhere},
    Right{"config", k_leases, "leases", "get create patch delete", k_one_at_a_time, goes_without},

    Right{"policy", "apps", "statefulsets", "list", "what is judged"},
    Right{"policy", "apps", "deployments", "list", "what is judged"},
    Right{"policy", "", "configmaps", "list", "what is judged"},
    Right{"policy", "", "services", "list", "what is judged"},
    Right{"policy", "policy", "poddisruptionbudgets", "list", "what is judged"},
    Right{"policy", "", "persistentvolumeclaims", "list", "what is judged"},

    Right{"cli", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"cli", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"cli", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"cli", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"cli", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"cli", "", "configmaps", "get", "the port and the files of such pods", goes_without,
          foreign},
    Right{"cli", "", "pods", "get list", "its nodes"},
    Right{"cli", "", "pods/exec", "create", "the session"},
    Right{"cli", "", "pods/exec", "get", k_session_first, goes_without},
    Right{"cli", "", "pods/portforward", "get create", k_tunnel},
    Right{"cli", "", "services", "list", "the addresses that nodes announce", needed, deployment},
    Right{"cli", "", "secrets", "get", "password and certificates", needed, secrets},
    Right{"cli", "", "nodes", "list", k_places, goes_without, always, everywhere},

    Right{"toolbox", "apps", "statefulsets", "list", "finds the cluster", needed, statefulset},
    Right{"toolbox", "apps", "statefulsets", "list", "finds the cluster", needed, deployment},
    Right{"toolbox", "apps", "deployments", "list", "finds the cluster", needed, deployment},
    Right{"toolbox", "apps", "statefulsets", "get", "pods that something else made", needed, foreign},
    Right{"toolbox", "apps", "deployments", "get", "pods that something else made", goes_without,
          foreign},
    Right{"toolbox", "", "configmaps", "get", "the port and the files of such pods", goes_without,
          foreign},
    Right{"toolbox", "", "pods", "get list watch create delete", "the throw-away pod"},
    Right{"toolbox", "", "pods/exec", "create", "the session"},
    Right{"toolbox", "", "pods/exec", "get", k_session_first, goes_without},
    Right{"toolbox", "", "events", "list", "why the pod is stuck", goes_without},

    Right{"webhook", "", "namespaces", "get create patch delete", "its own namespace", needed, always,
          everywhere},
    Right{"webhook", "", "namespaces", "list watch", "looks for one to prove itself in; grants it",
          needed, always, everywhere},
    Right{"webhook", "", "serviceaccounts", "get create patch delete", "who it is"},
    Right{"webhook", k_rbac, "clusterroles", "get create patch delete", "what it may read", needed,
          always, everywhere},
    Right{"webhook", k_rbac, "clusterrolebindings", "get create patch delete", "what it may read",
          needed, always, everywhere},
    Right{"webhook", k_rbac, "roles", "get create patch delete", "its own Secret"},
    Right{"webhook", k_rbac, "rolebindings", "get create patch delete", "its own Secret"},
    Right{"webhook", "networking.k8s.io", "networkpolicies", "get create patch delete",
          "who may reach it"},
    Right{"webhook", "", "services", "create patch delete", "where it is reached"},
    Right{"webhook", "policy", "poddisruptionbudgets", "create patch delete",
          "one replica away at a time"},
    Right{"webhook", "apps", "deployments", "create patch delete", "its replicas"},
    Right{"webhook", k_admission, "mutatingwebhookconfigurations", "get create patch delete",
          "leads the API server to it", needed, always, everywhere},
    Right{"webhook", k_admission, "validatingwebhookconfigurations", "get create patch delete",
          "leads the API server to it", needed, always, everywhere},
    Right{"webhook", "", "pods/portforward", "get create",
          "asks replicas for their metrics: get up to Kubernetes 1.34, both from 1.35 on", goes_without},
    Right{"webhook", "", "pods/log", "get", "the last words of a replica that crashes", goes_without},
    Right{"webhook", "", "events", "list", "why a replica is stuck", goes_without},
    Right{"webhook", "", "secrets", "create", "grants it: the webhook keeps its certificates there"},
    Right{"webhook", "", "secrets", "get patch", "grants it, and asks for new certificates", needed,
          always, own_namespace, "kubectl-redis-webhook-tls"},
    Right{"webhook", "", "configmaps", "get list watch", k_grants, needed, always, everywhere},
    Right{"webhook", "", "pods", "get list watch", k_grants, needed, always, everywhere},
    Right{"webhook", "", "services", "get list watch", k_grants, needed, always, everywhere},
    Right{"webhook", "apps", "deployments", "get list watch", k_grants, needed, always, everywhere},
    Right{"webhook", "apps", "statefulsets", "get list watch", k_grants, needed, always, everywhere},
    Right{"webhook", "apps", "statefulsets", "create", "tries a broken object, as a dry run", needed,
          always, everywhere},
    Right{"webhook", "policy", "poddisruptionbudgets", "get list watch", k_grants, needed, always,
          everywhere},
};
// clang-format on

/// Verbs that need what another one does.
struct Likeness {
  std::string_view verb;
  std::string_view like;
};
constexpr std::array k_alike{
    Likeness{"fix", "node"}, Likeness{"rebalance", "node"}, Likeness{"reshard", "node"}};

bool alike(const Right& a, const Right& b) {
  return a.group == b.group && a.resource == b.resource && a.weight == b.weight &&
         a.reach == b.reach && a.named == b.named;
}

}  // namespace

std::vector<std::string> Right::words() const {
  std::istringstream text{std::string(allowed)};
  std::vector<std::string> list;
  for (std::string word; text >> word;) {
    list.push_back(word);
  }
  return list;
}

std::vector<std::string> verbs_with_rights() {
  std::vector<std::string> verbs;
  for (const Right& right : k_rights) {
    if (std::ranges::find(verbs, right.verb) == verbs.end()) {
      verbs.emplace_back(right.verb);
    }
  }
  for (const Likeness& each : k_alike) {
    verbs.emplace_back(each.verb);
  }
  return verbs;
}

std::vector<Right> rights_of(std::string_view verb, const std::set<Case>& cases) {
  const auto other = std::ranges::find(k_alike, verb, &Likeness::verb);
  if (other != k_alike.end()) {
    return rights_of(other->like, cases);
  }
  std::vector<Right> rights;
  std::ranges::copy_if(k_rights, std::back_inserter(rights), [&](const Right& right) {
    return (verb.empty() || right.verb == verb) &&
           (right.when == always || cases.contains(right.when));
  });
  return rights;
}

std::vector<JoinedRight> joined(const std::vector<Right>& rights) {
  std::vector<JoinedRight> list;
  for (const Right& right : rights) {
    auto same = std::ranges::find_if(
        list, [&](const JoinedRight& each) { return alike(each.right, right); });
    if (same == list.end()) {
      same = list.insert(same, {right, {}, {}});
    }
    for (const std::string& word : right.words()) {
      if (std::ranges::find(same->allowed, word) == same->allowed.end()) {
        same->allowed.push_back(word);
      }
    }
    if (std::ranges::find(same->why, right.why) == same->why.end()) {
      same->why.push_back(right.why);
    }
  }
  return list;
}

}  // namespace kredis::plugin
