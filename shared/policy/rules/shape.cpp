// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/shape.hpp"

#include "shared/core/text.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/siblings.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// A replica is voted in by size / 2 + 1 of the masters that have slots (cluster.c): of two
/// masters, the one that is left has no majority.
constexpr std::int64_t k_fewest_masters = 3;

/// Of this workload and of those that make one cluster with it.
std::int64_t pod_count(const Subject& subject) {
  return pods_together(subject, siblings_of(subject));
}

std::int64_t own_pod_count(const Subject& subject) { return pods_together(subject, {}); }

/// One name for all workloads of a cluster, where they are several: the one that is given already,
/// else what their labels have in common.
std::string common_name(const Subject& subject) {
  const auto siblings = siblings_of(subject);
  if (!siblings.empty()) {
    for (const Json* each : siblings) {
      if (const std::string name = cluster_label_of(*each); !name.empty()) {
        return name;
      }
    }
    const auto labels = common_labels(subject, siblings);
    for (const char* key : {"app.kubernetes.io/instance", "app", "app.kubernetes.io/name"}) {
      if (const auto found = labels.find(key); found != labels.end()) {
        return found->second;
      }
    }
    const std::string service = text(member(subject.object(), {"spec", "serviceName"}));
    return service.empty() ? subject.config_file().object : service;
  }
  return subject.cluster();
}

std::optional<std::int64_t> annotated(const Subject& subject, std::string_view key) {
  return number_in(subject.annotation(key));
}

std::string annotation_path(std::string_view key) { return joined("/metadata/annotations", key); }

}  // namespace

void check_node_count(const Subject& subject, Report& report) {
  const auto masters = annotated(subject, k_masters_annotation);
  const auto replicas = annotated(subject, k_replicas_annotation);
  const std::int64_t pods = pod_count(subject);
  // So that the product does not overflow. No cluster has more than 16384 masters anyway.
  constexpr std::int64_t k_absurd = 100'000;
  if (!masters || !replicas || pods == 0 || *masters < 0 || *masters > k_absurd || *replicas < 0 ||
      *replicas > k_absurd || pods == *masters * (1 + *replicas)) {
    return;
  }
  report.objection("/spec/replicas",
                   std::to_string(pods),
                   std::to_string(*masters * (1 + *replicas)),
                   std::to_string(*masters) + " masters with " + std::to_string(*replicas) +
                       " replicas each, as the annotations say, are not " + std::to_string(pods) +
                       " pods");
}

void check_three_nodes(const Subject& subject, Report& report) {
  const std::int64_t pods = pod_count(subject);
  const bool said = !member(subject.object(), {"spec", "replicas"}).is_null();
  if (own_pod_count(subject) != 0 && pods < k_fewest_masters) {
    report.objection("/spec/replicas",
                     said ? std::to_string(pods) : "nothing (" + std::to_string(pods) + ")",
                     "6, or 3 without replicas",
                     "a Redis Cluster needs three masters to vote on failures");
  }
}

/// The annotation `replicas: 0` says that it is meant.
void check_replicas_for_all(const Subject& subject, Report& report) {
  const std::int64_t pods = pod_count(subject);
  if (pods >= k_fewest_masters && pods < 2 * k_fewest_masters &&
      !annotated(subject, k_replicas_annotation)) {
    report.objection("/spec/replicas",
                     std::to_string(pods),
                     "6",
                     "some master has no replica: its slots are lost with its node");
  }
}

void check_master_count(const Subject& subject, Report& report) {
  const std::string value = subject.annotation(k_masters_annotation);
  if (!value.empty() && annotated(subject, k_masters_annotation).value_or(0) < k_fewest_masters) {
    report.objection(annotation_path(k_masters_annotation),
                     shown(value),
                     "a number from 3",
                     "a Redis Cluster needs three masters to vote on failures");
  }
}

void check_odd_masters(const Subject& subject, Report& report) {
  const auto masters = annotated(subject, k_masters_annotation);
  if (masters && *masters > k_fewest_masters && *masters % 2 == 0) {
    report.objection(annotation_path(k_masters_annotation),
                     std::to_string(*masters),
                     std::to_string(*masters + 1),
                     "an even number of masters survives no more losses than one less");
  }
}

void check_parallel(const Subject& subject, Report& report) {
  const Json& policy = member(subject.object(), {"spec", "podManagementPolicy"});
  if (text(policy) != "Parallel") {
    report.objection("/spec/podManagementPolicy",
                     shown(policy),
                     "Parallel",
                     "pods start one after the other, so a cold start is slow and one bad pod "
                     "stops the rest");
  }
}

void check_governing_service(const Subject& subject, Report& report) {
  const std::string name = text(member(subject.object(), {"spec", "serviceName"}));
  // The rule does not run blind (WhenBlind::passes), so what is not found is not there.
  const Json* service = subject.look_up("Service", name);
  if (service != nullptr && text(member(*service, {"spec", "clusterIP"})) == "None") {
    return;
  }
  report.objection("/spec/serviceName",
                   name.empty() ? "nothing" : shown(name),
                   "the name of a Service with clusterIP: None",
                   service == nullptr
                       ? "the Service that gives the pods their names is not there"
                       : "the Service that gives the pods their names is not headless");
}

void check_retention(const Subject& subject, Report& report) {
  for (const char* when : {"whenScaled", "whenDeleted"}) {
    const Json& policy =
        member(subject.object(), {"spec", "persistentVolumeClaimRetentionPolicy", when});
    if (text(policy) == "Delete") {
      report.objection(joined("/spec/persistentVolumeClaimRetentionPolicy", when),
                       "Delete",
                       "Retain",
                       "claims are deleted with their pods, and the data with them");
    }
  }
}

void check_labels(const Subject& subject, Report& report) {
  const auto labels = texts(member(subject.object(), {"metadata", "labels"}));
  for (const std::string_view key : {k_article_label, k_cluster_label, k_instance_label}) {
    if (labels.contains(std::string(key))) {
      return;
    }
  }
  report.objection(joined("/metadata/labels", k_cluster_label),
                   "nothing",
                   common_name(subject),
                   "no label says which cluster this workload is");
}

/// Only the workload's own labels: those of the selector are immutable, and a change of the
/// template's would restart every pod.
void patch_labels(const Subject& subject, Patch& patch) {
  const auto labels = texts(member(subject.object(), {"metadata", "labels"}));
  const bool labelled = labels.contains(std::string(k_article_label)) ||
                        labels.contains(std::string(k_instance_label));
  const std::string name = common_name(subject);
  if (!labelled && !name.empty()) {
    patch.add(joined("/metadata/labels", k_cluster_label), name);
  }
}

void check_one_pod(const Subject& subject, Report& report) {
  if (own_pod_count(subject) > 1) {
    report.objection("/spec/replicas",
                     std::to_string(own_pod_count(subject)),
                     "1, and a Deployment for each node",
                     "several pods would be the same node of the cluster");
  }
}

/// Two servers on one volume would write one nodes.conf; Redis locks that file and the second ends,
/// over and over (clusterLockConfig() in cluster.c).
void check_recreate(const Subject& subject, Report& report) {
  const Json& type = member(subject.object(), {"spec", "strategy", "type"});
  if (text(type) != "Recreate") {
    report.objection("/spec/strategy/type",
                     shown(type),
                     "Recreate",
                     "a new pod would start beside the old one, on the same volume");
  }
}

}  // namespace kredis::policy
