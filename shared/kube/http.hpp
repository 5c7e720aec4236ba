// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 as a client speaks it to an API server: one request, one answer, whole or as a stream.
// https://www.rfc-editor.org/rfc/rfc9112
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/kube/connection.hpp"

namespace kredis::kube {

inline constexpr std::size_t k_http_head_limit_bytes = 256U << 10U;
inline constexpr std::size_t k_http_body_limit_bytes = 256U << 20U;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string target;
  Headers headers = {};
  std::string body = {};

  /// The bytes to send; a Content-Length is added where there is a body.
  std::string to_text() const;
};

struct HttpHead {
  int status = 0;
  std::string reason = {};  ///< As the server worded it, or empty.
  Headers headers = {};

  /// First value of the header, or nothing. Names are compared without regard to case.
  std::optional<std::string> header(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
};

/// Takes one answer out of bytes as they come, however they are cut. Use once.
class HttpReader {
 public:
  struct Impl;
  /// The method of the request decides whether a body follows.
  explicit HttpReader(std::string_view method);
  ~HttpReader();

  /// Takes the next bytes. Errors: protocol; nothing may be fed afterwards.
  Status feed(std::string_view bytes);
  /// Says that no more will come.
  /// Errors: unreachable when that is before the first byte or within the body; protocol.
  Status end();

  bool has_head() const;
  bool is_finished() const;
  const HttpHead& head() const;
  /// What has arrived of the body since the last time.
  std::string take_body();
  /// Whether something came after the answer.
  bool has_rest() const;
  /// Whether another request may follow on the same connection.
  bool keeps_alive() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// One exchange over a connection. Use once; then the connection is free if `is_reusable`.
class HttpExchange {
 public:
  explicit HttpExchange(Connection& connection) : connection_(connection) {}

  Status send(const HttpRequest& request, Deadline deadline);
  /// In place of `send`: somebody else sent a GET and has read `bytes` of the answer already.
  Status take_over(std::string_view bytes);
  /// Errors: unreachable when the connection ends before the first byte; protocol.
  Result<HttpHead> read_head(Deadline deadline);
  /// Appends the next piece of the body; false at its end. Call after read_head.
  Result<bool> read_some(std::string& body, Deadline deadline);
  Result<std::string> read_body(Deadline deadline);

  bool is_reusable() const { return reader_ && reader_->keeps_alive(); }
  /// Whether bytes came that do not belong to the answer.
  bool has_rest() const { return reader_ && reader_->has_rest(); }

 private:
  Status fill(Deadline deadline);

  Connection& connection_;
  std::unique_ptr<HttpReader> reader_;
};

}  // namespace kredis::kube
