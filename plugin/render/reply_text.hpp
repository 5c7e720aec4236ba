// SPDX-License-Identifier: Apache-2.0
//
// What a Redis node answered, for people.
#pragma once

#include <string>

#include "shared/core/reply.hpp"

namespace kredis::plugin {

/// The reply on lines of its own, items of an array one below the other; no line end behind.
std::string reply_text(const core::Reply& reply);

}  // namespace kredis::plugin
