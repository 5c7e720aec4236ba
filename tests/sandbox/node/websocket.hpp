// SPDX-License-Identifier: Apache-2.0
//
// The server's end of a WebSocket: the handshake, the channels of `channel.k8s.io`, and plain bytes
// for what is tunnelled inside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sandbox/node/channels.hpp"
#include "tests/sandbox/node/websocket_frames.hpp"

namespace kredis::sandbox {

bool wants_websocket(const StreamRequest& request);

/// Answers the upgrade with the first of the client's subprotocols that is among `ours`.
/// Errors: invalid_argument, before anything was written, when there is none.
Result<std::string> accept_websocket(const StreamRequest& request,
                                     ByteStream& stream,
                                     const std::vector<std::string>& ours);

/// Channels as v4 and v5 have them: the first byte of a message is the channel's number, and in v5
/// channel 255 closes the one whose number follows.
std::unique_ptr<Channels> make_websocket_channels(ByteStream& stream);

/// The stream of bytes that binary messages carry.
std::unique_ptr<ByteStream> make_websocket_tunnel(ByteStream& stream);

}  // namespace kredis::sandbox
