// SPDX-License-Identifier: Apache-2.0
//
// Where an object or a collection lives below the API server's address.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
#pragma once

#include <string>
#include <string_view>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::kube {

/// Errors: invalid_argument for a path that cannot exist, such as a name with a slash.
Result<std::string> resource_url(const ports::ResourcePath& path);

/// A query string that grows; empty values are left out.
class Query {
 public:
  Query& add(std::string_view key, std::string_view value);
  /// "?a=b&c=d", or nothing.
  const std::string& to_text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace kredis::kube
