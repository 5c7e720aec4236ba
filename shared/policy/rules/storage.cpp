// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/storage.hpp"

#include <algorithm>
#include <vector>

#include "shared/policy/memory.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/subject.hpp"
#include "shared/wire/quantity.hpp"

namespace kredis::policy {
namespace {

/// A mount that holds data, and what is behind it.
struct DataMount {
  const Json* mount;
  std::string path;
  const Json* volume;  ///< Of the pod; null for a claim template.
};

/// These volumes are filled from the API and mounted read-only: none holds data of Redis.
bool holds_data(const Json& volume) {
  return std::ranges::none_of(
      std::vector<const char*>{"configMap", "secret", "projected", "downwardAPI"},
      [&](const char* kind) { return volume.contains(kind); });
}

/// The mounts that may hold data; /tmp and the like do not.
std::vector<DataMount> data_mounts(const Subject& subject) {
  std::vector<DataMount> mounts;
  const Json& list = items(member(subject.container(), {"volumeMounts"}));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string name = text(member(list[i], {"name"}));
    const std::string folder = text(member(list[i], {"mountPath"}));
    const Json& volume = subject.volume(name);
    // Where a read-only root needs a writable folder; emptyDir is right for those.
    const bool scratch =
        folder.starts_with("/tmp") || folder.starts_with("/run") || folder.starts_with("/var/run");
    const bool known = volume.is_object() || !subject.claim_template(name).is_null();
    if (known && !scratch && (!volume.is_object() || holds_data(volume))) {
      mounts.push_back({&list[i],
                        joined(subject.container_path() + "/volumeMounts", i),
                        volume.is_object() ? &volume : nullptr});
    }
  }
  return mounts;
}

/// `create --ephemeral` sets it, so that what is meant is not reported at each update.
bool is_meant_ephemeral(const Subject& subject) {
  return subject.annotation(k_storage_annotation) == k_ephemeral;
}

/// Whether the data's mounts lead to a volume of that kind; says where.
void report_volumes(const Subject& subject,
                    Report& report,
                    const char* kind,
                    const std::string& wanted,
                    const std::string& message) {
  const Json& volumes = items(member(subject.pod(), {"volumes"}));
  for (const DataMount& each : data_mounts(subject)) {
    for (std::size_t i = 0; each.volume != nullptr && i < volumes.size(); ++i) {
      // With subPathExpr each pod has a folder of its own there.
      const bool apart = kind == std::string_view("persistentVolumeClaim") &&
                         text(member(*each.mount, {"subPathExpr"})).find("$(") != std::string::npos;
      if (&volumes[i] == each.volume && each.volume->contains(kind) && !apart) {
        report.objection(joined(joined(Subject::pod_path() + "/volumes", i), kind),
                         shown((*each.volume)[kind]),
                         wanted,
                         message);
      }
    }
  }
}

bool is_on_volume(const Subject& subject, std::string_view path) {
  const Json& mount = subject.mount_of(path);
  const auto mounts = data_mounts(subject);
  return std::ranges::any_of(mounts, [&](const DataMount& each) { return each.mount == &mount; });
}

std::string where_said(const Subject& subject, std::string_view key) {
  const auto setting = subject.setting(key);
  return setting && !setting->path.empty() ? setting->path
                                           : subject.container_path() + "/volumeMounts";
}

/// The API server refuses nearly every change to the spec of a StatefulSet that exists, claim
/// templates included: a patch there would turn a sound update into a refused one.
bool may_add_template(const Subject& subject) {
  const Json* before = subject.around().before;
  return subject.kind() == k_stateful_set &&
         (before == nullptr || !subject.claim_template(k_data_volume).is_null());
}

}  // namespace

void check_data_volume(const Subject& subject, Report& report) {
  if (subject.container().is_object() && data_mounts(subject).empty()) {
    report.objection(subject.container_path() + "/volumeMounts",
                     shown(member(subject.container(), {"volumeMounts"})),
                     "a claim mounted " + (subject.data_dir().empty() ? "where Redis writes"
                                                                      : "at " + subject.data_dir()),
                     "no volume holds the data: it is gone with the container");
  }
}

void patch_data_volume(const Subject& subject, Patch& patch) {
  // Where Redis writes has to be known: a claim beside it keeps nothing.
  if (!subject.container().is_object() || !data_mounts(subject).empty() ||
      subject.data_dir().empty() || !may_add_template(subject)) {
    return;
  }
  const Json& templates = items(member(subject.object(), {"spec", "volumeClaimTemplates"}));
  const Json& written = member(subject.object(), {"spec", "volumeClaimTemplates"});
  std::string name(k_data_volume);
  // The API server will refuse a list that is none, and say so better.
  if (!written.is_null() && !written.is_array()) {
    return;
  }
  // One template that no container mounts is most likely meant for the data. Of several nobody
  // knows.
  if (templates.size() == 1) {
    name = text(member(templates[0], {"metadata", "name"}));
  } else if (subject.claim_template(k_data_volume).is_null()) {
    patch.add("/spec/volumeClaimTemplates/-",
              {{"metadata", {{"name", k_data_volume}}},
               {"spec",
                {{"accessModes", {"ReadWriteOnce"}},
                 {"resources", {{"requests", {{"storage", k_default_size}}}}}}}});
  }
  if (!name.empty()) {
    patch.add(subject.container_path() + "/volumeMounts/-",
              {{"name", name}, {"mountPath", subject.data_dir()}});
  }
}

void check_no_empty_dir(const Subject& subject, Report& report) {
  if (!is_meant_ephemeral(subject)) {
    report_volumes(subject,
                   report,
                   "emptyDir",
                   "a claim template; or the annotation kubectl-redis.dev/storage: ephemeral",
                   "the data is deleted with the pod");
  }
}

/// One pod may well name its claim: each Deployment of the Service & Deployment layout does.
void check_no_shared_claim(const Subject& subject, Report& report) {
  if (number(member(subject.object(), {"spec", "replicas"})).value_or(1) > 1) {
    report_volumes(subject,
                   report,
                   "persistentVolumeClaim",
                   "a claim template, which gives each pod its own",
                   "all pods share one claim, and overwrite each other's files");
  }
}

void check_no_host_path(const Subject& subject, Report& report) {
  report_volumes(subject,
                 report,
                 "hostPath",
                 "a claim template",
                 "the data stays on the node when the pod goes elsewhere");
}

void check_writable(const Subject& subject, Report& report) {
  for (const DataMount& each : data_mounts(subject)) {
    if (is_true(member(*each.mount, {"readOnly"}))) {
      report.objection(each.path + "/readOnly",
                       "true",
                       "false",
                       "Redis cannot write to the data volume, and does not start");
    }
  }
}

void check_dir_inside(const Subject& subject, Report& report) {
  const std::string dir = subject.data_dir();
  if (dir.empty() || data_mounts(subject).empty() || is_on_volume(subject, dir)) {
    return;
  }
  report.objection(where_said(subject, "dir"),
                   "dir " + shown(dir),
                   "dir " + text(member(*data_mounts(subject).front().mount, {"mountPath"})),
                   "Redis writes its data beside the volume: it is gone with the container");
}

void check_nodes_file_inside(const Subject& subject, Report& report) {
  const auto file = subject.setting("cluster-config-file");
  if (data_mounts(subject).empty() || !file || !file->known) {
    return;
  }
  // Redis changes into `dir` as it reads that line (config.c), so a relative name lies below it.
  const bool whole = file->first().starts_with('/');
  const std::string path = whole ? file->first() : subject.data_dir() + "/" + file->first();
  if ((whole || !subject.data_dir().empty()) && !is_on_volume(subject, path)) {
    report.objection(where_said(subject, "cluster-config-file"),
                     "cluster-config-file " + shown(file->first()),
                     "cluster-config-file " +
                         text(member(*data_mounts(subject).front().mount, {"mountPath"})) +
                         "/nodes.conf",
                     "the node forgets who it is with each restart");
  }
}

void check_access_mode(const Subject& subject, Report& report) {
  const Json& templates = items(member(subject.object(), {"spec", "volumeClaimTemplates"}));
  for (std::size_t i = 0; i < templates.size(); ++i) {
    const Json& modes = items(member(templates[i], {"spec", "accessModes"}));
    const bool writes = std::ranges::any_of(
        modes, [](const Json& mode) { return text(mode).starts_with("ReadWrite"); });
    if (!modes.empty() && !writes) {
      report.objection(joined("/spec/volumeClaimTemplates", i) + "/spec/accessModes",
                       shown(modes),
                       "[ReadWriteOnce]",
                       "the volume can only be read, and Redis does not start");
    }
  }
}

void check_volume_size(const Subject& subject, Report& report) {
  const auto memory = max_memory(subject);
  const Json& templates = items(member(subject.object(), {"spec", "volumeClaimTemplates"}));
  for (std::size_t i = 0; memory && i < templates.size(); ++i) {
    const Json& size = member(templates[i], {"spec", "resources", "requests", "storage"});
    const auto bytes = wire::parse_byte_quantity(text(size));
    // Halved, not doubled: a large maxmemory would overflow.
    if (bytes && *bytes / 2 < *memory) {
      report.objection(joined("/spec/volumeClaimTemplates", i) + "/spec/resources/requests/storage",
                       shown(size),
                       "twice the maxmemory of " + std::to_string(*memory) + " bytes",
                       "a rewrite of the append-only file may fill the volume");
    }
  }
}

}  // namespace kredis::policy
