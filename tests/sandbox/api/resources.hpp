// SPDX-License-Identifier: Apache-2.0
//
// The table of what the API server serves: one row a kind. Discovery, routing, OpenAPI and
// authorisation all read it, so a new kind is a new row and nothing else.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tests/sandbox/store.hpp"

namespace kredis::sandbox::api {

enum class Scope { cluster, namespaced };

/// What can be done with a kind beyond create, get, list, watch, update, patch and delete.
enum class Storage {
  stored,   ///< Lives in the store.
  virtual_  ///< A question: created, answered, never kept (SelfSubjectAccessReview).
};

struct ResourceInfo {
  std::string_view group;
  std::string_view version;
  std::string_view resource;  ///< Plural.
  std::string_view kind;
  std::string_view schema;  ///< Its type in kubernetes.schema.
  Scope scope = Scope::namespaced;
  std::string_view short_names = {};   ///< Separated by commas.
  std::string_view subresources = {};  ///< Separated by commas.
  Storage storage = Storage::stored;

  /// "v1" or "apps/v1".
  std::string api_version() const;
  Key key(const std::string& namespace_, const std::string& name) const;
  bool has_subresource(std::string_view name) const;
};

std::span<const ResourceInfo> resources();

/// Null when nothing of that name is served.
const ResourceInfo* find_resource(std::string_view group,
                                  std::string_view version,
                                  std::string_view resource);
const ResourceInfo* find_resource(std::string_view group, std::string_view resource);
const ResourceInfo* find_kind(std::string_view api_version, std::string_view kind);

/// Splits "a,b" into its parts; an empty text has none.
std::vector<std::string_view> split_commas(std::string_view text);

}  // namespace kredis::sandbox::api
