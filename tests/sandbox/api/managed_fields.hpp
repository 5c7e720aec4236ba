// SPDX-License-Identifier: Apache-2.0
//
// Who set which field (metadata.managedFields), and server-side apply, which is built on it. Pure.
#pragma once

#include <string>

#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// Who writes, as managedFields records it.
struct Manager {
  std::string name;
  std::string subresource = {};
  std::string time = {};  ///< "2026-01-31T12:00:00Z".
};

enum class OnConflict { refuse, take_over };

/// Joins `applied` into `live` (null when the object is new): what this manager applied before and
/// applies no longer goes, what others set stays.
/// Errors: 409 that lists each field which another manager set to something else.
ApiResult<Json> server_side_apply(const ResourceInfo& info,
                                  const Json& live,
                                  const Json& applied,
                                  const Manager& manager,
                                  OnConflict on_conflict);

/// Records that `manager` changed `before` into `after` by anything but an apply.
void track_update(const ResourceInfo& info,
                  const Json& before,
                  Json& after,
                  const Manager& manager);

}  // namespace kredis::sandbox::api
