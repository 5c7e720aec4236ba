// SPDX-License-Identifier: Apache-2.0
//
// Addresses of API servers and proxies, as kubeconfig and HTTPS_PROXY write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"

namespace kredis::kube {

struct Url {
  std::string scheme;
  std::string host;  ///< Without the brackets of an IPv6 address.
  std::uint16_t port = 0;
  std::string path;       ///< Empty, or begins with '/' and ends without one.
  std::string user_info;  ///< "name:password", decoded; never for messages.

  /// "host:port", with brackets where needed.
  std::string authority() const;
  /// The whole address without the user information.
  std::string to_text() const;
};

/// Reads "scheme://[user@]host[:port][/path]"; without a scheme, `default_scheme` applies.
/// Errors: invalid_argument.
Result<Url> parse_url(std::string_view text, std::string_view default_scheme);

/// Decides which proxy leads to `server`, as Go's net/http does; empty for none.
std::string proxy_for(const std::string& server,
                      const std::string& https_proxy,
                      const std::string& no_proxy);

}  // namespace kredis::kube
