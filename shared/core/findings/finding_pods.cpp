// SPDX-License-Identifier: Apache-2.0
//
// Findings about what Kubernetes says of the pods.
#include <map>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {
namespace {

/// Probes of a pod that has just started fail for a moment; that is no trouble yet.
constexpr std::int64_t k_first_seconds = 60;

bool is_starting(const Pod& pod) {
  return pod.running && pod.restarts == 0 && pod.age_seconds < k_first_seconds;
}

/// The scheduler's words. The StatefulSet made the pod while the claim before was still going, and
/// makes the next claim only when it looks at the pod again.
bool waits_for_a_claim_that_is_gone(const Pod& pod) {
  return pod.owner.starts_with("statefulset/") && !pod.running &&
         pod.trouble.find("persistentvolumeclaim \"") != std::string::npos &&
         pod.trouble.find("\" not found") != std::string::npos;
}

}  // namespace

void check_kubernetes_nodes(const Examined& cluster, Findings& found) {
  std::map<std::string, std::vector<std::string>> pods_on;
  std::map<std::string, std::string> troubles;
  for (const Member& member : cluster.view.members) {
    if (!member.pod.node_trouble.empty()) {
      pods_on[member.pod.domain.node].push_back(member.pod.name);
      troubles[member.pod.domain.node] = member.pod.node_trouble;
    }
  }
  for (const auto& [node, pods] : pods_on) {
    add(found,
        "kubernetes-node-lost",
        "Kubernetes node " + node + " is not ready (" + troubles[node] + "); it has " +
            list_of(pods),
        shows("kubectl describe node " + node));
  }
}

void check_pods(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const Pod& pod = member.pod;
    if ((pod.running && pod.ready) || !pod.node_trouble.empty()) {
      continue;
    }
    const std::string why = pod.trouble.empty() ? "" : ": " + pod.trouble;
    if (pod.ending) {
      add(found,
          "pod-not-running",
          "pod " + pod.name + " is being deleted",
          shows(cluster.kubectl("get pod " + pod.name), "what makes it makes it anew"),
          Severity::warning);
    } else if (is_starting(pod)) {
      add(found,
          "pod-not-ready",
          "pod " + pod.name + " started " + std::to_string(pod.age_seconds) +
              " s ago and is not ready yet",
          shows(cluster.kubectl("describe pod " + pod.name), "wait a minute"),
          Severity::info);
    } else if (pod.running) {
      add(found,
          "pod-not-ready",
          "pod " + pod.name + " is not ready" + why,
          shows(cluster.kubectl("describe pod " + pod.name)));
    } else if (waits_for_a_claim_that_is_gone(pod)) {
      add(found,
          "pod-not-running",
          "pod " + pod.name + " is not running" + why,
          mends(cluster.kubectl("delete pod " + pod.name)));
    } else {
      add(found,
          "pod-not-running",
          "pod " + pod.name + " is not running" + why,
          shows(cluster.kubectl("describe pod " + pod.name)));
    }
  }
}

void check_pod_count(const Examined& cluster, Findings& found) {
  const Shape& shape = cluster.view.shape;
  const std::size_t wanted = std::size_t{shape.masters} * (std::size_t{1} + shape.replicas);
  const std::size_t present = cluster.view.members.size();
  if (const auto missing = missing_pods(cluster.view)) {
    add(found, "pods-missing", missing->what, shows(missing->see));
    return;
  }
  if (shape.inferred || present >= wanted) {
    return;
  }
  add(found,
      "pods-missing",
      std::to_string(present) + " pods are there, and " + std::to_string(shape.masters) +
          " masters with " + std::to_string(shape.replicas) + " replicas each need " +
          std::to_string(wanted),
      mends(cluster.kubectl("scale " + cluster.workload() +
                            " --replicas=" + std::to_string(wanted))));
}

}  // namespace kredis::core
