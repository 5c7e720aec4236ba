// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/stateful_set.hpp"

#include <algorithm>
#include <utility>

#include "tests/sandbox/controllers/ownership.hpp"
#include "tests/sandbox/controllers/pod_template.hpp"
#include "tests/sandbox/controllers/revisions.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_stateful_set_controller = "statefulset-controller";

std::string claim_name(const Json& claim, const Json& set, std::int64_t ordinal) {
  return name_of(claim) + "-" + name_of(set) + "-" + std::to_string(ordinal);
}

Objects numbered_pods(Context& context, const Json& set) {
  return owned_by(
      context, set, "", "pods", [&](const Json& pod) { return ordinal_of(set, pod) >= 0; });
}

void create_member(Context& context,
                   const Json& set,
                   const Objects& revisions,
                   const StatefulSetStep& step) {
  for (Json& claim : stateful_claims(set, step.ordinal)) {
    const Key key = key_of("", "persistentvolumeclaims", claim);
    const Object existing = context.store.get(key);
    if (existing != nullptr && is_terminating(*existing)) {
      return;  // The old claim must be gone first.
    }
    if (existing == nullptr && context.store.create(key, std::move(claim))) {
      record_event(
          context,
          set,
          {Severity::normal,
           "SuccessfulCreate",
           "create Claim " + key.name + " Pod " + name_of(set) + "-" +
               std::to_string(step.ordinal) + " in StatefulSet " + name_of(set) + " success",
           k_stateful_set_controller});
    }
  }
  const Json& kept = revision_template(revisions, step.revision);
  Json pod = stateful_pod(
      set, kept.is_null() ? at(set, "spec.template") : kept, step.ordinal, step.revision);
  create_pod(context, set, std::move(pod), k_stateful_set_controller);
}

void remove_member(Context& context, const Json& set, std::int64_t ordinal) {
  const std::string name = name_of(set) + "-" + std::to_string(ordinal);
  request_deletion(context.store, {"", "pods", namespace_of(set), name}, context.now);
  record_event(context,
               set,
               {Severity::normal,
                "SuccessfulDelete",
                "delete Pod " + name + " in StatefulSet " + name_of(set) + " successful",
                k_stateful_set_controller});
}

// persistentVolumeClaimRetentionPolicy: a claim that is to go with the set is owned by it; one that
// is to go when scaled in is owned by its condemned pod, so that garbage collection takes it.
void own_claims(Context& context, const Json& set, const Objects& pods) {
  const bool with_set =
      text_at(set, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted") == "Delete";
  const bool with_pod =
      text_at(set, "spec.persistentVolumeClaimRetentionPolicy.whenScaled") == "Delete";
  if (!with_set && !with_pod) {
    return;
  }
  const std::int64_t first = number_at(set, "spec.ordinals.start");
  const std::int64_t last = first + number_at(set, "spec.replicas", 1);
  for (const Object& pod : pods) {
    const std::int64_t ordinal = ordinal_of(set, *pod);
    const bool condemned = ordinal < first || ordinal >= last;
    Json owners = Json::array();
    if (condemned && with_pod) {
      owners.push_back(controller_reference(*pod));
    } else if (with_set) {
      owners.push_back(controller_reference(set));
    }
    for (const Json& claim : stateful_claims(set, ordinal)) {
      update_status(context.store, key_of("", "persistentvolumeclaims", claim), [&](Json& changed) {
        changed["metadata"]["ownerReferences"] = owners;
      });
    }
  }
}

void reconcile_one(Context& context, const Json& set) {
  const Objects revisions = sync_revisions(context, set);
  const std::string update_revision = revision_name(set);
  Objects pods = numbered_pods(context, set);
  own_claims(context, set, pods);
  const StatefulSetPlan plan = plan_stateful_set(set, pods, update_revision, context.now);
  context.call_again_at(plan.due);
  for (const StatefulSetStep& step : plan.steps) {
    if (step.kind == StatefulSetStep::Kind::create) {
      create_member(context, set, revisions, step);
    } else {
      remove_member(context, set, step.ordinal);
    }
  }
  pods = numbered_pods(context, set);
  update_status(context.store, key_of("apps", "statefulsets", set), [&](Json& changed) {
    // Only the generation that was looked at is answered for; the next pass sees a newer one.
    if (at(changed, "metadata.generation") == at(set, "metadata.generation")) {
      changed["status"] = stateful_set_status(changed, pods, update_revision, context.now);
    }
  });
}

}  // namespace

std::vector<Json> stateful_claims(const Json& set, std::int64_t ordinal) {
  std::vector<Json> claims;
  for (const Json& claim_template : at(set, "spec.volumeClaimTemplates")) {
    Json claim = claim_template;
    claim["apiVersion"] = "v1";
    claim["kind"] = "PersistentVolumeClaim";
    claim["metadata"].erase("creationTimestamp");
    claim["metadata"]["name"] = claim_name(claim_template, set, ordinal);
    claim["metadata"]["namespace"] = namespace_of(set);
    const Json& labels = at(set, "spec.selector.matchLabels");
    for (auto label = labels.begin(); label != labels.end(); ++label) {
      claim["metadata"]["labels"][label.key()] = label.value();
    }
    claim["metadata"]["finalizers"] = {"kubernetes.io/pvc-protection"};
    if (!claim["spec"].contains("volumeMode")) {
      claim["spec"]["volumeMode"] = "Filesystem";
    }
    claim["status"] = {{"phase", "Pending"}};
    claims.push_back(std::move(claim));
  }
  return claims;
}

Json stateful_pod(const Json& set,
                  const Json& pod_template,
                  std::int64_t ordinal,
                  const std::string& revision) {
  const std::string name = name_of(set) + "-" + std::to_string(ordinal);
  Json pod = pod_from_template(pod_template, set, name);
  Json& labels = pod["metadata"]["labels"];
  labels["statefulset.kubernetes.io/pod-name"] = name;
  labels["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);
  labels["controller-revision-hash"] = revision;
  Json& spec = pod["spec"];
  spec["hostname"] = name;
  if (!text_at(set, "spec.serviceName").empty()) {
    spec["subdomain"] = text_at(set, "spec.serviceName");
  }
  // A claim takes the place of a volume of the same name.
  Json volumes = Json::array();
  const Json& claims = at(set, "spec.volumeClaimTemplates");
  for (const Json& claim : claims) {
    volumes.push_back(
        {{"name", name_of(claim)},
         {"persistentVolumeClaim", {{"claimName", claim_name(claim, set, ordinal)}}}});
  }
  for (const Json& volume : at(spec, "volumes")) {
    const bool replaced = std::any_of(claims.begin(), claims.end(), [&](const Json& claim) {
      return name_of(claim) == text_at(volume, "name");
    });
    if (!replaced) {
      volumes.push_back(volume);
    }
  }
  if (!volumes.empty()) {
    spec["volumes"] = std::move(volumes);
  }
  return pod;
}

void reconcile_stateful_sets(Context& context) {
  for (const Object& set : context.store.list("apps", "statefulsets")) {
    if (!is_terminating(*set)) {
      reconcile_one(context, *set);
    }
  }
}

}  // namespace kredis::sandbox
