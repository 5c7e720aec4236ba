// SPDX-License-Identifier: Apache-2.0
//
// Adds to a manifest's text what a patch adds to its object, and leaves every other letter as it
// is: order, comments, quotes and line ends stay. Text in, text out.
#pragma once

#include <optional>
#include <string>

#include "shared/json/json.hpp"

namespace kredis::plugin {

/// The text of one YAML document after `patch` (RFC 6902, `add` only); nullopt where its form does
/// not allow that, such as anchors that several places share. What is returned reads as `wanted`.
std::optional<std::string> patched_yaml(const std::string& text,
                                        const Json& patch,
                                        const Json& wanted);

/// The same for JSON: its keys keep their order, and its indentation is kept.
std::optional<std::string> patched_json(const std::string& text,
                                        const Json& patch,
                                        const Json& wanted);

}  // namespace kredis::plugin
