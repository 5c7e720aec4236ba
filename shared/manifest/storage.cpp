// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/storage.hpp"

#include "shared/manifest/names.hpp"
#include "shared/manifest/object_parts.hpp"

namespace kredis::manifest {
namespace {

Json claim_spec(const ClusterSpec& spec) {
  Json claim = {{"accessModes", {effective_access_mode(spec)}},
                {"resources", {{"requests", {{"storage", spec.size}}}}}};
  if (spec.on_nfs()) {
    // The empty class keeps the default one from making a volume before ours is bound.
    claim["storageClassName"] = "";
  } else if (spec.storage_class) {
    claim["storageClassName"] = *spec.storage_class;
  }
  return claim;
}

}  // namespace

std::string effective_access_mode(const ClusterSpec& spec) {
  return spec.access_mode.value_or(spec.on_nfs() ? "ReadWriteMany" : "ReadWriteOnce");
}

Json claim_template(const ClusterSpec& spec) {
  return {{"metadata", {{"name", k_data_volume}, {"labels", stable_labels(spec.name)}}},
          {"spec", claim_spec(spec)}};
}

std::vector<Json> claims(const ClusterSpec& spec) {
  const Names names = names_of(spec.name);
  std::vector<Json> list;
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    Json claim = namespaced_object(spec, "v1", "PersistentVolumeClaim", names.claim(ordinal));
    claim["spec"] = claim_spec(spec);
    list.push_back(std::move(claim));
  }
  return list;
}

std::vector<Json> nfs_volumes(const ClusterSpec& spec) {
  const Names names = names_of(spec.name);
  std::vector<Json> list;
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    Json volume = cluster_object(spec, "v1", "PersistentVolume", names.nfs_volume(ordinal));
    const std::string folder =
        spec.nfs_path + (spec.nfs_path.ends_with('/') ? "pv" : "/pv") + std::to_string(ordinal + 1);
    volume["spec"] = {
        {"capacity", {{"storage", spec.size}}},
        {"accessModes", {effective_access_mode(spec)}},
        {"persistentVolumeReclaimPolicy", "Retain"},
        {"claimRef", {{"namespace", spec.namespace_}, {"name", names.claim(ordinal)}}},
        {"nfs", {{"server", spec.nfs_server}, {"path", folder}}}};
    list.push_back(std::move(volume));
  }
  return list;
}

}  // namespace kredis::manifest
