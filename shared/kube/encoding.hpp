// SPDX-License-Identifier: Apache-2.0
//
// Text encodings that HTTP, WebSocket and kubeconfig need: base64 and percent-encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kredis::kube {

/// Encodes bytes as base64 with padding (RFC 4648, section 4).
std::string base64_encode(std::string_view bytes);

/// Decodes base64, ignoring white space; nothing for anything that is not base64.
std::optional<std::string> base64_decode(std::string_view text);

/// Escapes everything but RFC 3986's unreserved characters, so that the text is one path segment
/// or one query value.
std::string percent_encode(std::string_view text);

/// Undoes percent-encoding; nothing for a broken escape.
std::optional<std::string> percent_decode(std::string_view text);

/// Compares names of header fields and the like. ASCII only, no locale.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Shortens foreign text for an error message: printable, one line, at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace kredis::kube
