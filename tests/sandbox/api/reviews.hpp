// SPDX-License-Identifier: Apache-2.0
//
// Questions that clients put to the server: may I, may he, what may I, whose token is this, who am
// I.
#pragma once

#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/rbac.hpp"

namespace kredis::sandbox::api {

/// Fills in the `status` of a review that `who` sent.
ApiResult<Json> answer_review(const Rbac& rbac,
                              const Authenticator& authenticator,
                              const ResourceInfo& info,
                              const Identity& who,
                              const Json& review);

}  // namespace kredis::sandbox::api
