// SPDX-License-Identifier: Apache-2.0
//
// SPDY/3.1 frames, the older of kubectl's two ways into a pod. Pure, but that headers are
// compressed with a memory that spans the connection, in each direction.
// https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"
#include "tests/sandbox/api/streams.hpp"

namespace kredis::sandbox {

struct SpdyFrame {
  enum class Type : std::uint16_t {
    data = 0,
    syn_stream = 1,
    syn_reply = 2,
    rst_stream = 3,
    settings = 4,
    ping = 6,
    goaway = 7,
    headers = 8,
    window_update = 9,
  };
  Type type = Type::data;
  std::uint32_t stream = 0;  ///< Of a ping: its id.
  bool last = false;         ///< FLAG_FIN.
  Headers headers = {};
  std::string data = {};
};

class SpdyParser {
 public:
  SpdyParser();
  ~SpdyParser();
  void feed(std::string_view bytes) { buffer_ += bytes; }
  /// The next whole frame; nothing when more bytes are needed. Unknown types come as they are.
  /// Errors: protocol (bad compression, headers or frames that are too long).
  Result<std::optional<SpdyFrame>> next();

 private:
  class Inflater;
  Result<SpdyFrame> control_frame(std::string_view frame);

  std::string buffer_;
  std::unique_ptr<Inflater> inflater_;
};

class SpdyWriter {
 public:
  SpdyWriter();
  ~SpdyWriter();
  /// The frame's bytes. Frames with headers must be sent in the order in which they were made.
  std::string bytes_of(const SpdyFrame& frame);

 private:
  class Deflater;
  std::unique_ptr<Deflater> deflater_;
};

}  // namespace kredis::sandbox
