// SPDX-License-Identifier: Apache-2.0
//
// The patch formats other than apply: JSON patch (RFC 6902), merge patch (RFC 7386), strategic
// merge.
#pragma once

#include "tests/sandbox/api/objects.hpp"

namespace kredis::sandbox::api {

/// Errors: 400 for a patch that is none, 422 for one that does not fit the object.
ApiResult<Json> apply_patch(const ResourceInfo& info,
                            PatchKind kind,
                            const Json& live,
                            const Json& patch);

/// From a Content-Type. Errors: 415.
ApiResult<PatchKind> patch_kind_of(std::string_view media_type);

}  // namespace kredis::sandbox::api
