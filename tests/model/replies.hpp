// SPDX-License-Identifier: Apache-2.0
//
// What the simulated nodes answer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "shared/core/reply.hpp"

namespace kredis::model {

inline core::Reply ok() { return {.kind = core::Reply::Kind::status, .text = "OK"}; }
inline core::Reply text(std::string what) {
  return {.kind = core::Reply::Kind::text, .text = std::move(what)};
}
inline core::Reply error(std::string what) {
  return {.kind = core::Reply::Kind::error, .text = std::move(what)};
}
inline core::Reply number(std::int64_t what) {
  return {.kind = core::Reply::Kind::integer, .integer = what};
}

}  // namespace kredis::model
