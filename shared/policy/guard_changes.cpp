// SPDX-License-Identifier: Apache-2.0
//
// Changes by which something goes though nobody deletes it.
#include <algorithm>
#include <array>
#include <utility>

#include "shared/policy/inquiry.hpp"
#include "shared/policy/json_access.hpp"
#include "shared/policy/names.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace guarded {

std::string gained_owner(const Json& before, const Json& after) {
  const Json& old = items(member(before, {"metadata", "ownerReferences"}));
  for (const Json& owner : items(member(after, {"metadata", "ownerReferences"}))) {
    const bool known = std::ranges::any_of(old, [&](const Json& each) {
      return text(member(each, {"uid"})) == text(member(owner, {"uid"}));
    });
    if (!known) {
      return text(member(owner, {"kind"})) + " " + text(member(owner, {"name"}));
    }
  }
  return {};
}

std::string data_place(const Json& workload, const Surroundings& around) {
  const Subject subject(workload, around);
  const std::string dir = subject.data_dir();
  const Json& mount = subject.mount_of(dir);
  const std::string name = text(member(mount, {"name"}));
  if (name.empty()) {
    return {};
  }
  const std::string& root = text(member(mount, {"mountPath"}));
  const std::string inside = text(member(mount, {"subPath"})) +
                             text(member(mount, {"subPathExpr"})) +
                             dir.substr(std::min(root.size(), dir.size()));
  const std::string where = inside.empty() ? std::string{} : " at " + inside;
  if (!subject.claim_template(name).is_null()) {
    return "claim " + name + where;
  }
  const Json& volume = subject.volume(name);
  const std::string& claim = text(member(volume, {"persistentVolumeClaim", "claimName"}));
  if (!claim.empty()) {
    return "claim " + claim + where;
  }
  // Any other kind is told by its own words: two nfs volumes are two places.
  for (const auto& each : volume.items()) {
    if (each.key() != "name" && volume.is_object()) {
      return each.key() == "emptyDir" ? each.key() : each.key() + " " + shown(each.value()) + where;
    }
  }
  return name;
}

bool is_lasting(std::string_view place) {
  return !place.empty() && !place.starts_with("emptyDir") && !place.starts_with("ephemeral");
}

}  // namespace guarded

namespace {

/// The policy that a change sets to Delete, which it was not; empty where there is none.
std::string new_retention(const Json& before, const Json& after) {
  for (const char* when : {"whenDeleted", "whenScaled"}) {
    const auto policy = [when](const Json& object) {
      return text(member(object, {"spec", "persistentVolumeClaimRetentionPolicy", when}));
    };
    if (policy(after) == "Delete" && policy(before) != "Delete") {
      return when;
    }
  }
  return {};
}

bool is_owned(const Json& pod) {
  return std::ranges::any_of(
      items(member(pod, {"metadata", "ownerReferences"})),
      [](const Json& each) { return is_true(member(each, {"controller"})); });
}

bool is_chosen(const Json& workload, const Json& pod) {
  return selects(member(workload, {"spec", "selector"}),
                 texts(member(pod, {"metadata", "labels"})));
}

bool has_earlier_end(const Json& before, const Json& after) {
  const auto end = [](const Json& pod) {
    return number(member(pod, {"spec", "activeDeadlineSeconds"})).value_or(k_largest_number);
  };
  return end(after) < end(before);
}

/// Kubernetes lets an image of a pod that runs be changed; its container is then begun anew.
bool has_other_image(const Json& before, const Json& after) {
  const Json& old = items(member(before, {"spec", "containers"}));
  const Json& now = items(member(after, {"spec", "containers"}));
  for (std::size_t i = 0; i < std::min(old.size(), now.size()); ++i) {
    if (text(member(old[i], {"image"})) != text(member(now[i], {"image"}))) {
      return true;
    }
  }
  return false;
}

/// How a change takes a pod from its workload, or ends it; empty where it does neither.
std::string end_of_pod(const Json& workload, const Json& before, const Json& after) {
  if (const std::string owner = guarded::gained_owner(before, after); !owner.empty()) {
    return "it gains the owner " + owner;
  }
  if (is_chosen(workload, before) && !is_chosen(workload, after)) {
    return "it loses a label that its workload selects by";
  }
  if (is_owned(before) && !is_owned(after)) {
    return "it loses its owner";
  }
  if (has_earlier_end(before, after)) {
    return "it gets an earlier activeDeadlineSeconds";
  }
  return has_other_image(before, after) ? "it gets another image" : "";
}

}  // namespace

void Inquiry::pod_change() {
  const Json* workload =
      workload_where([this](const Json& each) { return guarded::is_pod_of(act_.name, each); });
  std::string how = workload == nullptr ? "" : end_of_pod(*workload, act_.before, act_.object);
  if (how.empty()) {
    return;
  }
  departure("RG003");
  if (answer_.objection) {
    answer_.objection->found = std::move(how);
  }
}

void Inquiry::claim_change() {
  const std::string owner = guarded::gained_owner(act_.before, act_.object);
  const ClaimUse use = owner.empty() ? ClaimUse{} : use_of_claim();
  if (is_used(use)) {
    refuse("RG005",
           guarded::is_allowed(act_.object) ? act_.object : *use.workload,
           "/metadata/ownerReferences",
           owner,
           "the claim of a node that is wanted would go with an owner");
  }
}

/// Whether it restarts all pods while slots move, and was refused for that.
bool Inquiry::rolls_out() {
  const auto template_of = [](const Json& each) { return member(each, {"spec", "template"}); };
  if (template_of(act_.before) == template_of(act_.object) || !looks(act_.before)) {
    return false;
  }
  const Json& allowing = guarded::is_allowed(act_.before) ? act_.before : act_.object;
  answer_.concerned =
      interrupts_move(
          allowing, {}, "/spec/template", "another template, so that every pod restarts") ||
      answer_.overridden;
  return answer_.concerned;
}

void Inquiry::workload_change() {
  const bool is_ours = concerns(&act_.before);
  const std::string owner = guarded::gained_owner(act_.before, act_.object);
  const std::string before = is_ours ? guarded::data_place(act_.before, around_) : std::string{};
  const std::string after = is_ours ? guarded::data_place(act_.object, around_) : std::string{};
  const std::string retention = new_retention(act_.before, act_.object);
  const bool is_lost = is_ours && !is_redis_cluster(act_.object, around_);
  const bool is_moved = guarded::is_lasting(before) && before != after;
  const bool takes_data = !owner.empty() || !retention.empty() || is_lost || is_moved;
  if (is_ours && !takes_data && rolls_out()) {
    return;
  }
  // An update as any other is no guard's matter.
  answer_.concerned = is_ours && takes_data;
  if (answer_.concerned && holds_data(act_.before)) {
    const Json& allowing = guarded::is_allowed(act_.before) ? act_.before : act_.object;
    const std::string name = guarded::name_of(act_.before);
    if (!owner.empty()) {
      refuse("RG004",
             allowing,
             "/metadata/ownerReferences",
             owner,
             name + " holds a cluster's data, and would go with an owner");
    } else if (is_lost) {
      refuse("RG004",
             allowing,
             "/metadata/labels",
             "nothing that says so",
             name + " would not be known as a Redis Cluster any more, nor be guarded");
    } else if (is_moved) {
      refuse("RG006",
             allowing,
             "/spec/template/spec/volumes",
             after.empty() ? "nothing" : after,
             "the data is on " + before + ", and every pod would start without it");
    } else {
      refuse("RG006",
             allowing,
             "/spec/persistentVolumeClaimRetentionPolicy/" + retention,
             "Delete",
             "claims that hold the cluster's data would be deleted on the way");
    }
  }
  if (is_ours && !answer_.objection) {
    scaling();
  }
}

}  // namespace kredis::policy
