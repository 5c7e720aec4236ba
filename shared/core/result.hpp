// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or an Error. A thin skin over tl::expected so that an Error converts by itself
// and a dropped result is a warning.
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "shared/core/error.hpp"

namespace kredis::core {

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  // NOLINTNEXTLINE(google-explicit-constructor): `return Error::not_found(...)` is the point.
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

/// A result that only says whether it went well.
using Status = Result<void>;

}  // namespace kredis::core

namespace kredis {
using core::Error;
using core::ErrorCode;
using core::ExitStatus;
using core::Result;
using core::Status;
}  // namespace kredis

#define KREDIS_CONCAT_(a, b) a##b
#define KREDIS_CONCAT(a, b) KREDIS_CONCAT_(a, b)

/// Declares `declaration` from a Result, or returns its error from the enclosing function.
#define KREDIS_TRY(declaration, ...)                                   \
  auto KREDIS_CONCAT(kredis_result_, __LINE__) = (__VA_ARGS__);        \
  if (!KREDIS_CONCAT(kredis_result_, __LINE__)) {                      \
    return std::move(KREDIS_CONCAT(kredis_result_, __LINE__)).error(); \
  }                                                                    \
  declaration = std::move(*KREDIS_CONCAT(kredis_result_, __LINE__))

/// Returns the error of a Status from the enclosing function, if it has one.
#define KREDIS_CHECK(...)                                     \
  do {                                                        \
    if (auto kredis_status = (__VA_ARGS__); !kredis_status) { \
      return std::move(kredis_status).error();                \
    }                                                         \
  } while (false)
