// SPDX-License-Identifier: Apache-2.0
//
// An Error in its two dresses on stderr: for people, and as JSON.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/core/error.hpp"

namespace kredis::plugin {

/// The problem first, the remedy second, the activities last: most readers never need those.
std::string render_error(const core::Error& error, const TextStyle& style);

/// {"error": {"code", "message", "hint", "context"}} and a newline.
std::string render_error_json(const core::Error& error);

}  // namespace kredis::plugin
