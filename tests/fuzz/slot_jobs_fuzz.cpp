// SPDX-License-Identifier: Apache-2.0
//
// Whatever a server lists as its moves of slots is jobs or one clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/redis/reply_reader.hpp"
#include "shared/wire/slot_jobs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kredis::redis::ReplyReader reader({.bytes = 1U << 16U, .elements = 1'000, .depth = 8});
  if (!reader.feed({reinterpret_cast<const char*>(data), size})) {
    return 0;
  }
  for (auto reply = reader.next(); reply && *reply; reply = reader.next()) {
    const auto jobs = kredis::wire::parse_slot_jobs(**reply);
    if (!jobs && jobs.error().message.empty()) {
      std::abort();
    }
  }
  return 0;
}
