// SPDX-License-Identifier: Apache-2.0
#include "shared/core/node.hpp"

#include <algorithm>

namespace kredis::core {

Result<NodeId> NodeId::parse(std::string_view text) {
  constexpr std::size_t k_digits = 40;
  const bool valid = text.size() == k_digits && std::ranges::all_of(text, [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
  if (!valid) {
    return Error::invalid_argument("\"" + std::string{text.substr(0, 64)} +
                                   "\" is not a node id (40 hexadecimal digits)");
  }
  return NodeId{std::string{text}};
}

}  // namespace kredis::core
