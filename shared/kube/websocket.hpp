// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket to the API server, over the same TLS, credentials and proxy as every other call.
// Opening waits; afterwards nothing does, so that one thread can serve many.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/kube/rest.hpp"
#include "shared/kube/websocket_frame.hpp"

namespace kredis::kube {

/// Threads: one at a time.
class WebSocket {
 public:
  /// Sends `call` with the upgrade headers and one of `protocols` to choose from.
  /// Errors: those of any call; protocol when the server will not speak WebSocket.
  static Result<std::unique_ptr<WebSocket>> open(RestClient& rest,
                                                 Call call,
                                                 const std::string& protocols,
                                                 Deadline deadline);

  /// Queues one binary message.
  void send(std::string_view payload);
  /// Queues the farewell; nothing may be sent afterwards.
  void close();

  /// Writes what is queued, as far as the socket takes it.
  Status flush();
  /// Reads what has arrived and appends the whole messages in it to `messages`.
  Status receive(std::vector<std::string>& messages);

  std::size_t queued_bytes() const { return output_.size(); }
  /// Whether the far side has said goodbye or hung up.
  bool is_ended() const { return is_ended_; }
  /// Whether bytes wait that no poll of `fd` would show.
  bool has_pending() const { return connection_->has_pending(); }
  int fd() const { return connection_->fd(); }
  /// The subprotocol that the server chose.
  const std::string& protocol() const { return protocol_; }

 private:
  WebSocket(std::unique_ptr<Connection> connection, std::string protocol)
      : connection_(std::move(connection)), protocol_(std::move(protocol)) {}
  void queue(Opcode opcode, std::string_view payload);
  Status take_frames(std::vector<std::string>& messages);
  Status take_data(Frame frame, std::vector<std::string>& messages);

  std::unique_ptr<Connection> connection_;
  std::string protocol_;
  FrameDecoder decoder_;
  std::string output_;
  std::string fragments_;
  bool is_in_message_ = false;
  bool is_closing_ = false;
  bool is_ended_ = false;
};

}  // namespace kredis::kube
