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

class ReplyReader {
 public:
  explicit ReplyReader(ReplyBounds bounds = {});
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Starts counting anew, for the next pipeline.
  void restart();
  /// Errors: protocol (over the bounds).
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
