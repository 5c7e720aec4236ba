// SPDX-License-Identifier: Apache-2.0
//
// Any bytes from a server are an HTTP head, a chunked body and WebSocket frames, or one clear
// error.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "shared/kube/http.hpp"
#include "shared/kube/websocket_frame.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto head = kredis::kube::parse_http_head(bytes);
  bool silent_failure = !head && head.error().message.empty();

  kredis::kube::ChunkDecoder chunks;
  std::string body;
  const auto used = chunks.feed(bytes, body);
  silent_failure |= !used && used.error().message.empty();
  // Decoding never makes more of its input.
  silent_failure |= used && (*used > size || body.size() > size);

  kredis::kube::FrameDecoder frames;
  frames.feed(bytes);
  auto frame = frames.next();
  while (frame && *frame) {
    silent_failure |= (*frame)->payload.size() > size;
    frame = frames.next();
  }
  silent_failure |= !frame && frame.error().message.empty();
  return silent_failure ? (std::abort(), 1) : 0;
}
