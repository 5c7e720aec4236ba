// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/request_path.hpp"

#include <algorithm>

namespace kredis::sandbox::api {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) {
      parts.emplace_back(path.substr(0, end));
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

// `namespaces/NS/status` is about the namespace itself, `namespaces/NS/pods` about what is in it.
bool leads_into_namespace(const std::vector<std::string>& parts) {
  return parts.size() >= 3 && parts[0] == "namespaces" && parts[2] != "status" &&
         parts[2] != "finalize";
}

}  // namespace

RequestPath parse_path(std::string_view path) {
  RequestPath result;
  std::vector<std::string> parts = split(path);
  const bool core = parts.size() >= 3 && parts[0] == "api";
  const bool grouped = parts.size() >= 4 && parts[0] == "apis";
  if (!core && !grouped) {
    return result;
  }
  result.is_resource = true;
  result.group = core ? "" : parts[1];
  result.version = core ? parts[1] : parts[2];
  parts.erase(parts.begin(), parts.begin() + (core ? 2 : 3));
  if (leads_into_namespace(parts)) {
    result.target.namespace_ = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  result.resource = parts[0];
  if (parts.size() > 1) {
    result.target.name = parts[1];
  }
  if (parts.size() > 2) {
    result.target.subresource = parts[2];
  }
  if (parts.size() <= 3) {
    result.target.info = find_resource(result.group, result.version, result.resource);
  }
  return result;
}

}  // namespace kredis::sandbox::api
