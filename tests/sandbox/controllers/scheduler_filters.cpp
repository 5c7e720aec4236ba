// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "tests/sandbox/controllers/scheduler_parts.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

bool tolerates(const Json& toleration, const Json& taint) {
  const std::string effect = text_at(toleration, "effect");
  const std::string key = text_at(toleration, "key");
  if ((!effect.empty() && effect != text_at(taint, "effect")) ||
      (!key.empty() && key != text_at(taint, "key"))) {
    return false;
  }
  if (text_at(toleration, "operator") == "Exists") {
    return true;
  }
  return !key.empty() && text_at(toleration, "value") == text_at(taint, "value");
}

bool has_host_port_clash(const Json& pod, const Json& other) {
  for (const Json& container : at(pod, "spec.containers")) {
    for (const Json& port : at(container, "ports")) {
      const auto wanted = number_at(port, "hostPort");
      for (const Json& theirs : at(other, "spec.containers")) {
        for (const Json& taken : at(theirs, "ports")) {
          if (wanted != 0 && wanted == number_at(taken, "hostPort")) {
            return true;
          }
        }
      }
    }
  }
  return false;
}

const Json* claim_named(const Scheduling& scheduling, const std::string& name) {
  for (const Object& claim : scheduling.view.claims) {
    if (name_of(*claim) == name && namespace_of(*claim) == namespace_of(scheduling.pod)) {
      return claim.get();
    }
  }
  return nullptr;
}

bool waits_for_consumer(const Scheduling& scheduling, const Json& claim) {
  const std::string wanted = text_at(claim, "spec.storageClassName");
  return std::any_of(
      scheduling.view.classes.begin(), scheduling.view.classes.end(), [&](const Object& item) {
        return name_of(*item) == wanted &&
               text_at(*item, "volumeBindingMode") == "WaitForFirstConsumer";
      });
}

}  // namespace

double requested(const Json& pod, const std::string& resource) {
  double sum = 0;
  for (const Json& container : at(pod, "spec.containers")) {
    sum += quantity_at(container, "resources.requests." + resource);
  }
  for (const Json& container : at(pod, "spec.initContainers")) {
    sum = std::max(sum, quantity_at(container, "resources.requests." + resource));
  }
  return sum;
}

const Json* untolerated_taint(const Json& pod,
                              const Json& node,
                              const std::set<std::string>& effects) {
  const Json& tolerations = at(pod, "spec.tolerations");
  for (const Json& taint : at(node, "spec.taints")) {
    const bool tolerated =
        std::any_of(tolerations.begin(), tolerations.end(), [&](const Json& toleration) {
          return tolerates(toleration, taint);
        });
    if (effects.contains(text_at(taint, "effect")) && !tolerated) {
      return &taint;
    }
  }
  return nullptr;
}

std::optional<Refusal> refuse_by_node(const Scheduling& scheduling, const Json& node) {
  const Json& pod = scheduling.pod;
  if (true_at(node, "spec.unschedulable")) {
    return Refusal{"node(s) were unschedulable", Preemption::cannot_help};
  }
  if (const Json* taint = untolerated_taint(pod, node, {"NoSchedule", "NoExecute"})) {
    return Refusal{"node(s) had untolerated taint {" + text_at(*taint, "key") + ": " +
                       text_at(*taint, "value") + "}",
                   Preemption::cannot_help};
  }
  const Json& required =
      at(pod, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution");
  const bool selected = matches_map(at(pod, "spec.nodeSelector"), at(node, "metadata.labels"));
  if (!selected ||
      (required.is_object() && !matches_node_terms(at(required, "nodeSelectorTerms"), node))) {
    return Refusal{"node(s) didn't match Pod's node affinity/selector", Preemption::cannot_help};
  }
  const bool clash =
      std::any_of(scheduling.placed.begin(), scheduling.placed.end(), [&](const PlacedPod& placed) {
        return placed.node == &node && has_host_port_clash(pod, *placed.pod);
      });
  if (clash) {
    return Refusal{"node(s) didn't have free ports for the requested pod ports",
                   Preemption::may_help};
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_by_resources(const Scheduling& scheduling, const Json& node) {
  const auto found = scheduling.use.find(name_of(node));
  const NodeUse use = found == scheduling.use.end() ? NodeUse{} : found->second;
  if (use.pods + 1 > quantity_at(node, "status.allocatable.pods")) {
    return Refusal{"Too many pods", Preemption::may_help};
  }
  const auto lacks = [&](const char* resource, double used) -> std::optional<Refusal> {
    const double wanted = requested(scheduling.pod, resource);
    const double room = quantity_at(node, std::string("status.allocatable.") + resource);
    // Sums of tenths are not exact in binary.
    if (wanted <= 0 || used + wanted <= room * (1 + std::numeric_limits<float>::epsilon())) {
      return std::nullopt;
    }
    return Refusal{std::string("Insufficient ") + resource,
                   wanted > room ? Preemption::cannot_help : Preemption::may_help};
  };
  auto refusal = lacks("cpu", use.cpu);
  return refusal ? refusal : lacks("memory", use.memory);
}

std::optional<Refusal> refuse_by_volumes(const Scheduling& scheduling, const Json& node) {
  for (const Json* affinity : scheduling.volume_affinities) {
    if (!matches_node_terms(*affinity, node)) {
      return Refusal{"node(s) had volume node affinity conflict", Preemption::cannot_help};
    }
  }
  return std::nullopt;
}

void find_volume_affinities(Scheduling& scheduling) {
  for (const Json& volume : at(scheduling.pod, "spec.volumes")) {
    const std::string name = text_at(volume, "persistentVolumeClaim.claimName");
    const Json* claim = name.empty() ? nullptr : claim_named(scheduling, name);
    const std::string bound = claim == nullptr ? "" : text_at(*claim, "spec.volumeName");
    for (const Object& candidate : scheduling.view.volumes) {
      const Json& terms = at(*candidate, "spec.nodeAffinity.required.nodeSelectorTerms");
      if (!bound.empty() && !terms.is_null() && name_of(*candidate) == bound) {
        scheduling.volume_affinities.push_back(&terms);
      }
    }
  }
}

std::string refuse_by_claims(const Scheduling& scheduling) {
  for (const Json& volume : at(scheduling.pod, "spec.volumes")) {
    const std::string name = text_at(volume, "persistentVolumeClaim.claimName");
    if (name.empty()) {
      continue;
    }
    const Json* claim = claim_named(scheduling, name);
    if (claim == nullptr) {
      return "persistentvolumeclaim \"" + name + "\" not found";
    }
    if (is_terminating(*claim)) {
      return "persistentvolumeclaim \"" + name + "\" is being deleted";
    }
    if (text_at(*claim, "status.phase") != "Bound" && !waits_for_consumer(scheduling, *claim)) {
      return "pod has unbound immediate PersistentVolumeClaims";
    }
  }
  return {};
}

}  // namespace kredis::sandbox
