// SPDX-License-Identifier: Apache-2.0
//
// From the bytes of a request to the JSON of a review, strictly: what two readers could understand
// differently (a key that is there twice), or what is made to exhaust us, is not read at all.
#pragma once

#include <cstddef>
#include <string_view>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"

namespace kredis::webhook {

/// Deeper than any object of Kubernetes, and flat enough for recursion over it.
inline constexpr std::size_t k_depth_limit = 100;
/// Values of all kinds; the largest StatefulSet that fits into etcd has a few ten thousand.
inline constexpr std::size_t k_value_limit = 200'000;

/// `managedFields` is left out: no rule reads it, and it is a third of most reviews.
/// Errors: invalid_argument (not JSON, not UTF-8, a key twice, too deep, too many values).
Result<Json> read_review(std::string_view text);

}  // namespace kredis::webhook
