// SPDX-License-Identifier: Apache-2.0
#include "shared/core/error.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kredis::core {

const CodeTraits& traits(ErrorCode code) noexcept {
  const auto* row = std::find_if(k_code_traits.begin(),
                                 k_code_traits.end(),
                                 [code](const CodeTraits& each) { return each.code == code; });
  assert(row != k_code_traits.end());
  return *row;
}

Error Error::invalid_argument(std::string message) {
  return {ErrorCode::invalid_argument, std::move(message)};
}
Error Error::not_found(std::string message) { return {ErrorCode::not_found, std::move(message)}; }
Error Error::unauthorized(std::string message) {
  return {ErrorCode::unauthorized, std::move(message)};
}
Error Error::unreachable(std::string message) {
  return {ErrorCode::unreachable, std::move(message)};
}
Error Error::timeout(std::string message) { return {ErrorCode::timeout, std::move(message)}; }
Error Error::conflict(std::string message) { return {ErrorCode::conflict, std::move(message)}; }
Error Error::unsafe(std::string message) { return {ErrorCode::unsafe, std::move(message)}; }
Error Error::cancelled(std::string message) { return {ErrorCode::cancelled, std::move(message)}; }
Error Error::protocol(std::string message) { return {ErrorCode::protocol, std::move(message)}; }
Error Error::internal(std::string message) { return {ErrorCode::internal, std::move(message)}; }

Error Error::with_hint(std::string text) const {
  Error copy = *this;
  copy.hint = std::move(text);
  return copy;
}

Error Error::while_doing(std::string activity) const {
  Error copy = *this;
  copy.context.push_back(std::move(activity));
  return copy;
}

}  // namespace kredis::core
