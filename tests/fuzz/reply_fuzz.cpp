// SPDX-License-Identifier: Apache-2.0
//
// Any bytes from a Redis server are replies within bounds or one clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/redis/reply_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kredis::redis::ReplyReader reader({.bytes = 1U << 16U, .elements = 1'000, .depth = 8});
  const auto fed = reader.feed({reinterpret_cast<const char*>(data), size});
  bool silent_failure = !fed && fed.error().message.empty();
  if (fed) {
    auto reply = reader.next();
    while (reply && *reply) {
      reply = reader.next();
    }
    silent_failure |= !reply && reply.error().message.empty();
  }
  return silent_failure ? (std::abort(), 1) : 0;
}
