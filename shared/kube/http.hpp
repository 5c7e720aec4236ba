// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 as a client speaks it to an API server: one request, one answer, whole or as a stream.
// https://www.rfc-editor.org/rfc/rfc9112
#pragma once

#include <cstdint>
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
  Headers headers = {};

  /// First value of the header, or nothing. Names are compared without regard to case.
  std::optional<std::string> header(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
};

struct HttpAnswer {
  HttpHead head;
  std::string body;
};

/// Reads a status line and the header lines up to, but not including, the empty line.
/// Errors: protocol.
Result<HttpHead> parse_http_head(std::string_view text);

/// Finds the ends of chunks in a body that arrives piece by piece (RFC 9112, section 7.1).
class ChunkDecoder {
 public:
  /// Decodes `input` and appends the content to `output`. Returns how much input was used;
  /// less than all only after the end. Errors: protocol.
  Result<std::size_t> feed(std::string_view input, std::string& output);
  bool is_finished() const noexcept { return state_ == State::finished; }

 private:
  enum class State { size, extension, data, data_end, trailer, finished };
  Status take(char letter);

  State state_ = State::size;
  std::uint64_t left_ = 0;
  std::size_t line_bytes_ = 0;
  std::size_t digits_ = 0;
};

/// One exchange over a connection. Use once; then the connection is free if `is_reusable`.
class HttpExchange {
 public:
  explicit HttpExchange(Connection& connection) : connection_(connection) {}

  Status send(const HttpRequest& request, Deadline deadline);
  /// Errors: unreachable when the connection ends before the first byte; protocol.
  Result<HttpHead> read_head(Deadline deadline);
  /// Appends the next piece of the body; false at its end. Call after read_head.
  Result<bool> read_some(std::string& body, Deadline deadline);
  Result<std::string> read_body(Deadline deadline);

  bool has_answer_begun() const noexcept { return has_begun_; }
  bool is_reusable() const noexcept { return is_finished_ && keeps_alive_ && raw_.empty(); }
  /// Bytes after the head that are not HTTP any more, after a 101 answer.
  std::string take_rest() { return std::exchange(raw_, {}); }

 private:
  enum class Framing { none, length, chunked, until_close };
  Status choose_framing(const HttpHead& head);
  Result<bool> fill(Deadline deadline);
  void take_raw(std::string& body);

  Connection& connection_;
  std::string method_;
  std::string raw_;
  Framing framing_ = Framing::none;
  ChunkDecoder chunks_;
  std::uint64_t left_ = 0;
  bool has_begun_ = false;
  bool is_finished_ = false;
  bool keeps_alive_ = true;
};

}  // namespace kredis::kube
