// SPDX-License-Identifier: Apache-2.0
//
// WebSockets to the API server, over the same TLS, credentials and proxy as every other call.
// Opening one waits; afterwards a background thread moves its bytes.
// https://www.rfc-editor.org/rfc/rfc6455
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"
#include "shared/kube/connection.hpp"
#include "shared/kube/http.hpp"

namespace kredis::kube {

/// Longer messages are refused; an API server sends at most some 32 KiB at a time.
inline constexpr std::size_t k_message_limit_bytes = 4U << 20U;

/// Serves any number of WebSockets with one thread. Destroying it ends them all. Threads: any.
class WebSocketLoop {
 public:
  struct Impl;
  WebSocketLoop();
  ~WebSocketLoop();

 private:
  friend class WebSocket;
  std::unique_ptr<Impl> impl_;
};

/// What is made of the messages from the server. The loop's thread calls it.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// Takes the next piece of a message and returns what of it the local socket gets.
  virtual std::string_view take(std::string_view piece) = 0;
  /// The message is whole; false ends the WebSocket.
  virtual bool end_message() = 0;
  /// The WebSocket ends, and not in good order.
  virtual void fail(const std::string& why) = 0;
};

/// Threads: one at a time.
class WebSocket {
 public:
  struct Impl;
  /// `loop` must live longer.
  explicit WebSocket(WebSocketLoop& loop);
  ~WebSocket();

  /// Sends `request` with what asks for a WebSocket added, and returns all that was answered. The
  /// answer may be a refusal: ask `is_open`. May be called again then.
  /// Errors: those of the connection.
  Result<std::string> shake_hands(Connection& connection,
                                  const HttpRequest& request,
                                  Deadline deadline);
  bool is_open() const;

  /// From now on the loop's thread gives to `local` what `sink` says, and sends what comes from
  /// there as messages that begin with `channel`. When one end closes, the other is closed, too.
  /// Requires: is_open, and the connection of shake_hands.
  Status relay(std::unique_ptr<Connection> connection,
               Socket local,
               char channel,
               std::unique_ptr<MessageSink> sink);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kredis::kube
