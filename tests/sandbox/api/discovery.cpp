// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/discovery.hpp"

#include <set>

#include "tests/sandbox/api/resources.hpp"

namespace kredis::sandbox::api {
namespace {

Json verbs_of(const ResourceInfo& info) {
  if (info.storage == Storage::virtual_) {
    return {"create"};
  }
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

Json subresource_verbs(std::string_view subresource) {
  if (subresource == "eviction" || subresource == "binding" || subresource == "token") {
    return Json::array({"create"});
  }
  if (subresource == "log") {
    return Json::array({"get"});
  }
  if (subresource == "exec" || subresource == "attach" || subresource == "portforward") {
    return {"create", "get"};
  }
  return {"get", "patch", "update"};
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return result;
}

Json subresource_entry(const ResourceInfo& info, std::string_view subresource) {
  Json entry = {{"name", std::string(info.resource) + "/" + std::string(subresource)},
                {"singularName", ""},
                {"namespaced", info.scope == Scope::namespaced},
                {"kind", info.kind},
                {"verbs", subresource_verbs(subresource)}};
  if (subresource == "scale") {
    entry["group"] = "autoscaling";
    entry["version"] = "v1";
    entry["kind"] = "Scale";
  } else if (subresource == "eviction") {
    entry["group"] = "policy";
    entry["version"] = "v1";
    entry["kind"] = "Eviction";
  } else if (subresource == "token") {
    entry["group"] = "authentication.k8s.io";
    entry["version"] = "v1";
    entry["kind"] = "TokenRequest";
  }
  return entry;
}

// "all" is what `kubectl get all` shows.
bool in_all(std::string_view kind) {
  static const std::set<std::string_view> kinds = {"Pod",
                                                   "ReplicationController",
                                                   "Service",
                                                   "DaemonSet",
                                                   "Deployment",
                                                   "ReplicaSet",
                                                   "StatefulSet",
                                                   "Job",
                                                   "CronJob"};
  return kinds.contains(kind);
}

void append_resource(Json& list, const ResourceInfo& info) {
  Json entry = {{"name", info.resource},
                {"singularName", lower(info.kind)},
                {"namespaced", info.scope == Scope::namespaced},
                {"kind", info.kind},
                {"verbs", verbs_of(info)}};
  if (!info.short_names.empty()) {
    entry["shortNames"] = split_commas(info.short_names);
  }
  if (in_all(info.kind)) {
    entry["categories"] = {"all"};
  }
  list.push_back(std::move(entry));
  for (const std::string_view subresource : split_commas(info.subresources)) {
    list.push_back(subresource_entry(info, subresource));
  }
}

Json resource_list(std::string_view group, std::string_view version) {
  Json list = Json::array();
  for (const ResourceInfo& info : resources()) {
    if (info.group == group && info.version == version) {
      append_resource(list, info);
    }
  }
  const std::string group_version =
      (group.empty() ? "" : std::string(group) + "/") + std::string(version);
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group_version},
          {"resources", std::move(list)}};
}

// In the order of the table, so that the core's relatives come first.
std::vector<std::string_view> groups() {
  std::vector<std::string_view> names;
  for (const ResourceInfo& info : resources()) {
    if (!info.group.empty() && (names.empty() || names.back() != info.group)) {
      names.push_back(info.group);
    }
  }
  return names;
}

Json group_entry(std::string_view group) {
  const Json version = {{"groupVersion", std::string(group) + "/v1"}, {"version", "v1"}};
  return {{"name", group}, {"versions", Json::array({version})}, {"preferredVersion", version}};
}

Json group_list() {
  Json entries = Json::array();
  for (const std::string_view group : groups()) {
    entries.push_back(group_entry(group));
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(entries)}};
}

Json version_document(const std::string& server_version) {
  const std::size_t dot = server_version.find('.');
  const std::string minor = server_version.substr(dot + 1, server_version.rfind('.') - dot - 1);
  return {{"major", "1"},
          {"minor", minor},
          {"gitVersion", server_version},
          {"gitCommit", ""},
          {"gitTreeState", "clean"},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", ""},
          {"compiler", "gc"},
          {"platform", "linux/amd64"}};
}

}  // namespace

std::optional<Json> discovery_document(std::string_view path, const std::string& server_version) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (path == "/version") {
    return version_document(server_version);
  }
  if (path == "/api") {
    return Json{{"kind", "APIVersions"},
                {"versions", Json::array({"v1"})},
                {"serverAddressByClientCIDRs", Json::array()}};
  }
  if (path == "/api/v1") {
    return resource_list("", "v1");
  }
  if (path == "/apis") {
    return group_list();
  }
  for (const std::string_view group : groups()) {
    const std::string root = "/apis/" + std::string(group);
    if (path == root) {
      Json entry = group_entry(group);
      entry["kind"] = "APIGroup";
      entry["apiVersion"] = "v1";
      return entry;
    }
    if (path == root + "/v1") {
      return resource_list(group, "v1");
    }
  }
  return std::nullopt;
}

}  // namespace kredis::sandbox::api
