// SPDX-License-Identifier: Apache-2.0
//
// Which objects belong to a workload. Those that its selector means and that nobody controls, it
// adopts, as after `kubectl delete --cascade=orphan` and creating the workload anew.
#pragma once

#include <functional>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Objects of that resource, in the owner's namespace, that it controls, adopted ones included.
/// `may_adopt` narrows down what is taken in, beyond the selector.
Objects owned_by(Context& context,
                 const Json& owner,
                 const std::string& group,
                 const std::string& resource,
                 const std::function<bool(const Json&)>& may_adopt = {});

}  // namespace kredis::sandbox
