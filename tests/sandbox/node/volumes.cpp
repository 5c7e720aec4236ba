// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/volumes.hpp"

#include <fstream>
#include <optional>
#include <utility>

#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const Json& item, std::int64_t otherwise) {
  return static_cast<unsigned>(number_at(item, "mode", otherwise));
}

/// A configMap or secret source, of a volume of its own or inside a projected one.
struct ObjectSource {
  std::string resource;
  std::string name;
  const Json& source;
  std::int64_t default_mode;
};

Status add_object(const ObjectSource& from, const PodFacts& facts, Payload& payload) {
  const bool optional = true_at(from.source, "optional");
  const std::string kind = from.resource == "secrets" ? "secret" : "configmap";
  const Object object = facts.find(from.resource, from.name);
  if (object == nullptr) {
    return optional ? Status{} : Error::not_found(kind + " \"" + from.name + "\" not found");
  }
  const auto data = payload_of(from.resource, *object);
  const auto items = from.source.find("items");
  if (items == from.source.end() || items->empty()) {
    for (const auto& [key, bytes] : data) {
      payload[key] = {bytes, static_cast<unsigned>(from.default_mode)};
    }
    return {};
  }
  for (const Json& item : *items) {
    const auto found = data.find(text_at(item, "key"));
    if (found != data.end()) {
      payload[text_at(item, "path")] = {found->second, mode_of(item, from.default_mode)};
    } else if (!optional) {
      return Error::not_found("references non-existent " +
                              std::string(kind == "secret" ? "secret" : "config") +
                              " key: " + text_at(item, "key"));
    }
  }
  return {};
}

const Json& container_named(const Json& pod, const std::string& name) {
  static const Json k_none = Json::object();
  for (const char* list : {"spec.containers", "spec.initContainers"}) {
    for (const Json& container : at(pod, list)) {
      if (text_at(container, "name") == name) {
        return container;
      }
    }
  }
  return k_none;
}

Status add_downward(const Json& source,
                    const PodFacts& facts,
                    std::int64_t default_mode,
                    Payload& payload) {
  for (const Json& item : source.value("items", Json::array())) {
    PayloadFile file{.bytes = {}, .mode = mode_of(item, default_mode)};
    if (const auto field = item.find("fieldRef"); field != item.end()) {
      KREDIS_TRY(file.bytes, pod_field(facts, text_at(*field, "fieldPath")));
    } else if (const auto resource = item.find("resourceFieldRef"); resource != item.end()) {
      KREDIS_TRY(file.bytes,
                 resource_field(container_named(facts.pod, text_at(*resource, "containerName")),
                                *resource));
    }
    payload[text_at(item, "path")] = std::move(file);
  }
  return {};
}

Status add_token(const Json& source, std::int64_t mode, const PodFacts& facts, Payload& payload) {
  const std::string account = text_at(facts.pod, "spec.serviceAccountName");
  const std::string name = account.empty() ? "default" : account;
  if (!facts.token_of) {
    return Error::internal("failed to fetch token: nobody gives tokens to " + name);
  }
  payload[text_at(source, "path")] = {facts.token_of(namespace_of(facts.pod), name),
                                      static_cast<unsigned>(mode)};
  return {};
}

Status add_projected(const Json& projected, const PodFacts& facts, Payload& payload) {
  const std::int64_t mode = number_at(projected, "defaultMode", 0644);
  for (const Json& source : projected.value("sources", Json::array())) {
    if (const auto map = source.find("configMap"); map != source.end()) {
      KREDIS_CHECK(add_object({"configmaps", text_at(*map, "name"), *map, mode}, facts, payload));
    }
    if (const auto secret = source.find("secret"); secret != source.end()) {
      KREDIS_CHECK(
          add_object({"secrets", text_at(*secret, "name"), *secret, mode}, facts, payload));
    }
    if (const auto downward = source.find("downwardAPI"); downward != source.end()) {
      KREDIS_CHECK(add_downward(*downward, facts, mode, payload));
    }
    if (const auto token = source.find("serviceAccountToken"); token != source.end()) {
      KREDIS_CHECK(add_token(*token, mode, facts, payload));
    }
  }
  return {};
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_normal().lexically_relative(folder.lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

// A node's own disk. The nodes are only names, so each has a folder that stands for its disk; what
// the provisioner made inside the state folder is taken as it is.
fs::path on_node(const std::string& path, const PodFacts& facts, const VolumePlace& place) {
  if (is_inside(path, place.state_dir)) {
    return path;
  }
  const fs::path relative = fs::path(path).lexically_normal().relative_path();
  return place.state_dir / "nodes" / text_at(facts.pod, "spec.nodeName") / "disk" / relative;
}

fs::path on_nfs(const Json& nfs, const VolumePlace& place) {
  const fs::path relative = fs::path(text_at(nfs, "path")).lexically_normal().relative_path();
  return place.state_dir / "nfs" / text_at(nfs, "server") / relative;
}

Result<fs::path> made(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return Error::internal("cannot make " + folder.string() + ": " + error.message());
  }
  return folder;
}

Result<fs::path> host_path(const Json& source, const PodFacts& facts, const VolumePlace& place) {
  const fs::path path = on_node(text_at(source, "path"), facts, place);
  const std::string type = text_at(source, "type");
  std::error_code ignored;
  if ((type == "Directory" || type == "File") && !fs::exists(path, ignored)) {
    return Error::not_found("hostPath type check failed: " + text_at(source, "path") +
                            " is not a " + (type == "File" ? "file" : "directory"));
  }
  if (type == "FileOrCreate" && !fs::exists(path, ignored)) {
    KREDIS_CHECK(made(path.parent_path()));
    std::ofstream create(path);
    return path;
  }
  return fs::is_regular_file(path, ignored) ? Result<fs::path>(path) : made(path);
}

Result<fs::path> claimed(const std::string& claim_name,
                         const PodFacts& facts,
                         const Store& store,
                         const VolumePlace& place) {
  const std::string quoted = "persistentvolumeclaim \"" + claim_name + "\"";
  const Object claim =
      store.get({"", "persistentvolumeclaims", namespace_of(facts.pod), claim_name});
  if (claim == nullptr) {
    return Error::not_found(quoted + " not found");
  }
  const Object volume =
      store.get({"", "persistentvolumes", "", text_at(*claim, "spec.volumeName")});
  if (volume == nullptr) {
    return Error::not_found(quoted + " is not bound to a volume");
  }
  const Json& spec = at(*volume, "spec");
  if (const auto nfs = spec.find("nfs"); nfs != spec.end()) {
    return made(on_nfs(*nfs, place));
  }
  for (const char* kind : {"hostPath", "local"}) {
    if (const auto source = spec.find(kind); source != spec.end()) {
      return made(on_node(text_at(*source, "path"), facts, place));
    }
  }
  return made(place.state_dir / "volumes" / name_of(*volume));
}

Result<fs::path> sub_path(const fs::path& folder, const std::string& relative) {
  const fs::path target = (folder / relative).lexically_normal();
  if (!is_inside(target, folder) && target != folder) {
    return Error::invalid_argument("subPath \"" + relative + "\" leads out of its volume");
  }
  std::error_code ignored;
  return fs::exists(target, ignored) ? Result<fs::path>(fs::canonical(target, ignored))
                                     : made(target);
}

}  // namespace

bool is_payload_volume(const Json& volume) {
  return volume.contains("configMap") || volume.contains("secret") ||
         volume.contains("projected") || volume.contains("downwardAPI");
}

Result<Payload> payload_of_volume(const Json& volume, const PodFacts& facts) {
  Payload payload;
  if (const auto map = volume.find("configMap"); map != volume.end()) {
    KREDIS_CHECK(add_object(
        {"configmaps", text_at(*map, "name"), *map, number_at(*map, "defaultMode", 0644)},
        facts,
        payload));
  } else if (const auto secret = volume.find("secret"); secret != volume.end()) {
    KREDIS_CHECK(add_object({"secrets",
                             text_at(*secret, "secretName"),
                             *secret,
                             number_at(*secret, "defaultMode", 0644)},
                            facts,
                            payload));
  } else if (const auto projected = volume.find("projected"); projected != volume.end()) {
    KREDIS_CHECK(add_projected(*projected, facts, payload));
  } else if (const auto downward = volume.find("downwardAPI"); downward != volume.end()) {
    KREDIS_CHECK(
        add_downward(*downward, facts, number_at(*downward, "defaultMode", 0644), payload));
  } else {
    return Error::invalid_argument("volume \"" + text_at(volume, "name") +
                                   "\" holds no files of ours");
  }
  return payload;
}

Result<fs::path> set_up_volume(const Json& volume,
                               const PodFacts& facts,
                               const Store& store,
                               const VolumePlace& place) {
  const fs::path own = place.pod_dir / "volumes" / text_at(volume, "name");
  if (is_payload_volume(volume)) {
    KREDIS_TRY(const Payload payload, payload_of_volume(volume, facts));
    KREDIS_CHECK(write_atomic_folder(own, payload));
    return own;
  }
  if (const auto claim = volume.find("persistentVolumeClaim"); claim != volume.end()) {
    return claimed(text_at(*claim, "claimName"), facts, store, place);
  }
  if (volume.contains("ephemeral")) {
    return claimed(name_of(facts.pod) + "-" + text_at(volume, "name"), facts, store, place);
  }
  if (const auto path = volume.find("hostPath"); path != volume.end()) {
    return host_path(*path, facts, place);
  }
  if (const auto nfs = volume.find("nfs"); nfs != volume.end()) {
    return made(on_nfs(*nfs, place));
  }
  return made(own);  // emptyDir, which is also what a volume without a source is.
}

Result<std::vector<Mount>> mounts_of(const Json& container,
                                     const Json& pod,
                                     const Environment& environment,
                                     const std::map<std::string, fs::path>& volumes) {
  std::vector<Mount> mounts;
  for (const Json& entry : container.value("volumeMounts", Json::array())) {
    const std::string name = text_at(entry, "name");
    const auto volume = volumes.find(name);
    if (volume == volumes.end()) {
      return Error::invalid_argument("pod \"" + name_of(pod) + "\" has no volume \"" + name + "\"");
    }
    const std::string relative = entry.contains("subPathExpr")
                                     ? expand(text_at(entry, "subPathExpr"), environment)
                                     : text_at(entry, "subPath");
    Mount mount{.source = volume->second, .target = text_at(entry, "mountPath")};
    if (!relative.empty()) {
      KREDIS_TRY(mount.source, sub_path(volume->second, relative));
    }
    mount.access = true_at(entry, "readOnly") ? Access::read_only : Access::writable;
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace kredis::sandbox
