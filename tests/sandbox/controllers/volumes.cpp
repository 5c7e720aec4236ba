// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/volumes.hpp"

#include <algorithm>
#include <system_error>

#include "tests/sandbox/controllers/bootstrap.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_volume_controller = "persistentvolume-controller";
constexpr const char* k_claim_protection = "kubernetes.io/pvc-protection";
constexpr const char* k_selected_node = "volume.kubernetes.io/selected-node";

Key claim_key(const std::string& in, const std::string& name) {
  return {"", "persistentvolumeclaims", in, name};
}
Key volume_key(const std::string& name) { return {"", "persistentvolumes", "", name}; }

bool refers_to(const Json& volume, const Json& claim) {
  const std::string uid = text_at(volume, "spec.claimRef.uid");
  return text_at(volume, "spec.claimRef.name") == name_of(claim) &&
         text_at(volume, "spec.claimRef.namespace") == namespace_of(claim) &&
         (uid.empty() || uid == uid_of(claim));
}

bool is_free(const Json& volume) { return at(volume, "spec.claimRef").is_null(); }

void put_binding(Context& context, const Json& claim, const std::string& volume_name) {
  Json capacity;
  Json modes;
  update_status(context.store, volume_key(volume_name), [&](Json& volume) {
    volume["spec"]["claimRef"] = {{"apiVersion", "v1"},
                                  {"kind", "PersistentVolumeClaim"},
                                  {"name", name_of(claim)},
                                  {"namespace", namespace_of(claim)},
                                  {"uid", uid_of(claim)}};
    volume["status"]["phase"] = "Bound";
    capacity = at(volume, "spec.capacity");
    modes = at(volume, "spec.accessModes");
  });
  update_status(context.store, key_of("", "persistentvolumeclaims", claim), [&](Json& changed) {
    changed["spec"]["volumeName"] = volume_name;
    changed["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes";
    changed["status"]["phase"] = "Bound";
    changed["status"]["capacity"] = capacity;
    changed["status"]["accessModes"] = modes;
  });
}

Json make_volume(const Context& context, const Json& claim, const Json& storage_class) {
  const std::string name = "pvc-" + uid_of(claim);
  const auto path = context.options.state_dir / "volumes" / name;
  Json volume{
      {"apiVersion", "v1"},
      {"kind", "PersistentVolume"},
      {"metadata",
       {{"name", name},
        {"annotations", {{"pv.kubernetes.io/provisioned-by", k_provisioner}}},
        {"finalizers", {"kubernetes.io/pv-protection"}}}},
      {"spec",
       {{"capacity", {{"storage", at(claim, "spec.resources.requests.storage")}}},
        {"accessModes", at(claim, "spec.accessModes")},
        {"volumeMode", "Filesystem"},
        {"persistentVolumeReclaimPolicy",
         text_at(storage_class, "reclaimPolicy").empty() ? "Delete"
                                                         : text_at(storage_class, "reclaimPolicy")},
        {"storageClassName", name_of(storage_class)},
        {"hostPath", {{"path", path.string()}, {"type", "DirectoryOrCreate"}}}}},
      {"status", {{"phase", "Available"}}}};
  return volume;
}

void note_once(Context& context, const Json& claim, const char* reason, const std::string& text) {
  const std::string marker = std::string("kubectl-redis.dev/sandbox-told-") + reason;
  if (!annotation_of(claim, marker).empty()) {
    return;
  }
  update_status(context.store, key_of("", "persistentvolumeclaims", claim), [&](Json& changed) {
    changed["metadata"]["annotations"][marker] = "yes";
  });
  record_event(context, claim, {Severity::normal, reason, text, k_volume_controller});
}

void provision(Context& context, const Json& claim, const Json& storage_class) {
  const bool waits = text_at(storage_class, "volumeBindingMode") == "WaitForFirstConsumer";
  if (waits && annotation_of(claim, k_selected_node).empty()) {
    note_once(context,
              claim,
              "WaitForFirstConsumer",
              "waiting for first consumer to be created before binding");
    return;
  }
  if (text_at(storage_class, "provisioner") != k_provisioner) {
    note_once(context,
              claim,
              "ExternalProvisioning",
              "Waiting for a volume to be created either by the external provisioner '" +
                  text_at(storage_class, "provisioner") +
                  "' or manually by the system administrator.");
    return;
  }
  const Json volume = make_volume(context, claim, storage_class);
  std::error_code error;
  std::filesystem::create_directories(text_at(volume, "spec.hostPath.path"), error);
  if (error) {
    record_event(context,
                 claim,
                 {Severity::warning, "ProvisioningFailed", error.message(), k_volume_controller});
    return;
  }
  ensure(context.store, key_of("", "persistentvolumes", volume), volume);
  put_binding(context, claim, name_of(volume));
  record_event(context,
               claim,
               {Severity::normal,
                "ProvisioningSucceeded",
                "Successfully provisioned volume " + name_of(volume),
                k_volume_controller});
}

// Without a class of its own a claim gets the default one. "" asks for no class at all.
std::string class_of(Context& context, const Json& claim) {
  if (at(claim, "spec.storageClassName").is_string()) {
    return text_at(claim, "spec.storageClassName");
  }
  for (const Object& candidate : context.store.list("storage.k8s.io", "storageclasses")) {
    if (annotation_of(*candidate, "storageclass.kubernetes.io/is-default-class") == "true") {
      update_status(context.store, key_of("", "persistentvolumeclaims", claim), [&](Json& changed) {
        changed["spec"]["storageClassName"] = name_of(*candidate);
      });
      return name_of(*candidate);
    }
  }
  return {};
}

void bind_claim(Context& context, const Json& listed) {
  const std::string class_name = class_of(context, listed);
  const Object claim = context.store.get(key_of("", "persistentvolumeclaims", listed));
  if (claim == nullptr) {
    return;
  }
  const Object storage_class =
      context.store.get({"storage.k8s.io", "storageclasses", "", class_name});
  // A class that waits for its first consumer binds to no volume, made by hand or not, before that.
  const bool early = storage_class != nullptr &&
                     text_at(*storage_class, "volumeBindingMode") == "WaitForFirstConsumer" &&
                     annotation_of(*claim, k_selected_node).empty() &&
                     text_at(*claim, "spec.volumeName").empty();
  const std::string volume =
      early ? "" : choose_volume(*claim, context.store.list("", "persistentvolumes"));
  if (!volume.empty()) {
    put_binding(context, *claim, volume);
  } else if (storage_class != nullptr && text_at(*claim, "spec.volumeName").empty()) {
    provision(context, *claim, *storage_class);
  } else {
    note_once(context,
              *claim,
              "FailedBinding",
              class_name.empty() || storage_class != nullptr
                  ? "no persistent volumes available for this claim and no storage class is set"
                  : "storageclass.storage.k8s.io \"" + class_name + "\" not found");
  }
}

bool claim_in_use(Context& context, const Json& claim) {
  for (const Object& pod : context.store.list("", "pods", namespace_of(claim))) {
    for (const Json& volume : at(*pod, "spec.volumes")) {
      if (text_at(volume, "persistentVolumeClaim.claimName") == name_of(claim) &&
          !pod_is_finished(*pod)) {
        return true;
      }
    }
  }
  return false;
}

void reconcile_claim(Context& context, const Json& claim) {
  const Key key = key_of("", "persistentvolumeclaims", claim);
  if (is_terminating(claim)) {
    if (!claim_in_use(context, claim)) {
      update_status(
          context.store, key, [](Json& changed) { remove_finalizer(changed, k_claim_protection); });
    }
    return;
  }
  if (text_at(claim, "status.phase") == "Bound") {
    if (context.store.get(volume_key(text_at(claim, "spec.volumeName"))) == nullptr) {
      update_status(context.store, key, [](Json& changed) { changed["status"]["phase"] = "Lost"; });
    }
    return;
  }
  update_status(context.store, key, [](Json& changed) {
    add_finalizer(changed, k_claim_protection);
    if (text_at(changed, "status.phase").empty()) {
      changed["status"]["phase"] = "Pending";
    }
  });
  bind_claim(context, claim);
}

void reclaim(Context& context, const Json& volume) {
  const bool goes = text_at(volume, "spec.persistentVolumeReclaimPolicy") == "Delete";
  const Key key = volume_key(name_of(volume));
  if (!goes) {
    update_status(
        context.store, key, [](Json& changed) { changed["status"]["phase"] = "Released"; });
    return;
  }
  if (annotation_of(volume, "pv.kubernetes.io/provisioned-by") == k_provisioner) {
    std::error_code ignored;
    std::filesystem::remove_all(text_at(volume, "spec.hostPath.path"), ignored);
  }
  static_cast<void>(context.store.remove(key));
}

void reconcile_volume(Context& context, const Json& volume) {
  const Json& reference = at(volume, "spec.claimRef");
  const Object claim =
      context.store.get(claim_key(text_at(reference, "namespace"), text_at(reference, "name")));
  const std::string uid = text_at(reference, "uid");
  const bool claimed = claim != nullptr && (uid.empty() || uid == uid_of(*claim));
  if (!claimed && !uid.empty()) {
    reclaim(context, volume);
    return;
  }
  update_status(context.store, volume_key(name_of(volume)), [&](Json& changed) {
    if (is_terminating(changed) && !claimed) {
      changed["metadata"].erase("finalizers");
    } else if (!claimed) {
      changed["status"]["phase"] = "Available";
    }
  });
}

}  // namespace

bool volume_fits(const Json& volume, const Json& claim) {
  const std::string named = text_at(claim, "spec.volumeName");
  if (is_terminating(volume) || (!is_free(volume) && !refers_to(volume, claim)) ||
      (!named.empty() && named != name_of(volume))) {
    return false;
  }
  const Json& offered = at(volume, "spec.accessModes");
  const Json& wanted = at(claim, "spec.accessModes");
  const bool modes = std::all_of(wanted.begin(), wanted.end(), [&](const Json& mode) {
    return std::find(offered.begin(), offered.end(), mode) != offered.end();
  });
  const Json& selector = at(claim, "spec.selector");
  return modes &&
         text_at(volume, "spec.storageClassName") == text_at(claim, "spec.storageClassName") &&
         quantity_at(volume, "spec.capacity.storage") >=
             quantity_at(claim, "spec.resources.requests.storage") &&
         (selector.is_null() || matches_selector(selector, at(volume, "metadata.labels")));
}

std::string choose_volume(const Json& claim, const Objects& volumes) {
  const Json* best = nullptr;
  for (const Object& volume : volumes) {
    if (!volume_fits(*volume, claim)) {
      continue;
    }
    if (refers_to(*volume, claim)) {
      return name_of(*volume);
    }
    if (best == nullptr || quantity_at(*volume, "spec.capacity.storage") <
                               quantity_at(*best, "spec.capacity.storage")) {
      best = volume.get();
    }
  }
  return best == nullptr ? std::string{} : name_of(*best);
}

void reconcile_volumes(Context& context) {
  for (const Object& claim : context.store.list("", "persistentvolumeclaims")) {
    reconcile_claim(context, *claim);
  }
  for (const Object& volume : context.store.list("", "persistentvolumes")) {
    reconcile_volume(context, *volume);
  }
}

}  // namespace kredis::sandbox
