// SPDX-License-Identifier: Apache-2.0
//
// What is said to a Redis node and what it answers, as values. How they travel is shared/redis'
// concern. Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kredis::core {

/// A command and its arguments, for example {"CLUSTER", "NODES"}.
using Command = std::vector<std::string>;

/// One RESP2 or RESP3 reply. Maps are flattened to arrays key, value, key, value.
struct Reply {
  enum class Kind { nil, status, text, integer, real, boolean, array, error };
  Kind kind = Kind::nil;
  std::string text = {};  ///< status, text, error ("ERR ..."), and real as it was written.
  std::int64_t integer = 0;
  std::vector<Reply> items = {};

  bool is_error() const noexcept { return kind == Kind::error; }
  bool is_ok() const noexcept { return kind == Kind::status && text == "OK"; }
  /// The value of `key` in a map; null where there is none.
  const Reply* find(std::string_view key) const noexcept {
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i].text == key) {
        return &items[i + 1];
      }
    }
    return nullptr;
  }
};

}  // namespace kredis::core
