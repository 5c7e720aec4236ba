// SPDX-License-Identifier: Apache-2.0
//
// Bytes to core::Reply with hiredis's parser, within bounds: a server must not be able to make us
// recurse or allocate without end. https://redis.io/docs/latest/develop/reference/protocol-spec/
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "shared/core/result.hpp"
#include "shared/ports/redis_port.hpp"

struct redisReader;

namespace kredis::redis {

/// What one pipeline's replies may amount to. CLUSTER NODES of a thousand nodes takes some 200 KB.
struct ReplyBounds {
  std::size_t bytes = 64U * 1024 * 1024;
  std::size_t elements = 1'000'000;
  int depth = 32;
};

/// What all replies that are in memory at once may amount to, over all connections of the process:
/// a thousand nodes that each stay within ReplyBounds are too much together. A cluster of a
/// thousand nodes takes 200 MB. Units: bytes.
inline constexpr std::size_t k_all_replies_bytes = 512U * 1024 * 1024;

/// Sets another limit for all. Threads: any.
void limit_all_replies(std::size_t bytes) noexcept;
/// What they amount to now. Threads: any.
std::size_t all_replies_bytes() noexcept;

class ReplyReader {
 public:
  explicit ReplyReader(ReplyBounds bounds = {});
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Starts counting anew, for the next pipeline. What came before counts among all until then.
  void restart();
  /// Errors: protocol (over the bounds, its own or those of all).
  Status feed(std::string_view bytes);
  /// The next whole reply; none while it is incomplete. RESP3 pushes are dropped.
  /// Errors: protocol (not RESP, or over the bounds). The reader is of no use afterwards.
  Result<std::optional<core::Reply>> next();

 private:
  struct State;
  struct FreeReader {
    void operator()(redisReader* reader) const noexcept;
  };
  std::unique_ptr<State> state_;
  std::unique_ptr<redisReader, FreeReader> reader_;
};

}  // namespace kredis::redis
