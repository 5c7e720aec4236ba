// SPDX-License-Identifier: Apache-2.0
//
// Many numbered channels over one upgraded connection: what exec and port-forward see of WebSocket
// and SPDY. Both ends of a channel may be closed on their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "tests/sandbox/api/streams.hpp"

namespace kredis::sandbox {

struct ChannelEvent {
  enum class Kind {
    opened,  ///< The client made a channel; `headers` say what for. Never comes over WebSocket.
    data,
    half_closed,  ///< The client sends nothing more on it.
    reset,        ///< The client wants nothing more of it.
  };
  Kind kind;
  std::uint32_t channel;
  std::string bytes = {};
  Headers headers = {};
};

/// Threads: one at a time.
class Channels {
 public:
  virtual ~Channels() = default;
  /// What came, waiting for it at most `at_most`; empty when that is over.
  /// Errors: unreachable (the connection has ended), protocol.
  virtual Result<std::vector<ChannelEvent>> read(std::chrono::milliseconds at_most) = 0;
  virtual Status write(std::uint32_t channel, std::string_view bytes) = 0;
  /// Says that nothing more comes on the channel.
  virtual Status close_channel(std::uint32_t channel) = 0;
  /// Says goodbye; the stream itself stays open, so that what was written can still arrive.
  virtual void close() = 0;
  /// For poll(2), once `has_buffered` is false.
  virtual int fd() const = 0;
  virtual bool has_buffered() const = 0;
};

/// Says goodbye and waits a moment for the client to go, because a socket that is closed while
/// something in it is unread takes what was written back.
void part(Channels& channels);

/// The channels that a client opened for one command, by what they carry.
struct CommandRoles {
  static constexpr std::uint32_t k_none = 0xffffffffU;
  std::uint32_t input = k_none;
  std::uint32_t output = k_none;
  std::uint32_t errors = k_none;
  std::uint32_t status = k_none;
  std::uint32_t resize = k_none;
};

}  // namespace kredis::sandbox
