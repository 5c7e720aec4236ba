// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/resource_url.hpp"

#include <initializer_list>

#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

/// The API server refuses the same names (path segment names; docs, "Object Names and IDs"); here
/// they could also lead the request elsewhere.
bool is_segment(std::string_view text) {
  return text != "." && text != ".." && text.find_first_of("/%") == std::string_view::npos;
}

}  // namespace

Result<std::string> resource_url(const ports::ResourcePath& path) {
  for (const std::string* each : {&path.type.plural, &path.namespace_, &path.name}) {
    if (!is_segment(*each)) {
      return Error::invalid_argument("'" + *each + "' cannot be a name in Kubernetes")
          .with_hint("names have no '/' and no '%', and are not '.' or '..'");
    }
  }
  if (path.type.plural.empty() || (path.name.empty() && !path.subresource.empty())) {
    return Error::internal("a resource path without a type or a name");
  }
  // The core group has no name and its own root: /api/v1, but /apis/apps/v1 (Kubernetes docs, "The
  // Kubernetes API").
  const bool is_core = path.type.api_version.find('/') == std::string::npos;
  std::string url = (is_core ? "/api/" : "/apis/") + path.type.api_version;
  if (!path.namespace_.empty()) {
    url += "/namespaces/" + percent_encode(path.namespace_);
  }
  url += "/" + percent_encode(path.type.plural);
  if (!path.name.empty()) {
    url += "/" + percent_encode(path.name);
  }
  return path.subresource.empty() ? url : url + "/" + path.subresource;
}

Query& Query::add(std::string_view key, std::string_view value) {
  if (!value.empty()) {
    text_ += (text_.empty() ? "?" : "&") + std::string(key) + "=" + percent_encode(value);
  }
  return *this;
}

}  // namespace kredis::kube
