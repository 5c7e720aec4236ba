// SPDX-License-Identifier: Apache-2.0
//
// Reading HTTP/1.1 requests and answers from a TLS stream. The only place that includes
// Boost.Beast.
#pragma once

#include "tests/sandbox/api/http_server.hpp"

namespace kredis::sandbox::api {

/// Waits for the next request of a kept-alive connection.
/// Errors: unreachable (the client left or idled too long), invalid_argument (what came is no
/// HTTP), unsafe (the body is too large).
Result<HttpRequest> read_request(TlsStream& stream);

struct HttpAnswer {
  int code = 0;
  std::string body;
};

/// Reads the answer to a request that was sent as a client.
/// Errors: unreachable, timeout, protocol.
Result<HttpAnswer> read_answer(TlsStream& stream, std::chrono::milliseconds at_most);

}  // namespace kredis::sandbox::api
