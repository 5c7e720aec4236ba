// SPDX-License-Identifier: Apache-2.0
//
// Looking into objects whose types nobody checked: what is absent or of another type reads as null,
// empty or nothing, and never throws. JSON pointers (RFC 6901) as text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "shared/json/json.hpp"

namespace kredis::policy {

/// The member under those keys, one inside the other; a null when one is missing.
const Json& member(const Json& value, std::initializer_list<std::string_view> keys);

/// What a pointer leads to; a null when it leads nowhere.
const Json& at_path(const Json& value, std::string_view path);

/// An array as it is, anything else as an empty one.
const Json& items(const Json& value);

/// A text, of `value`; empty when it is none.
const std::string& text(const Json& value);

/// No number of ours is larger, either way: so what rules add and multiply does not overflow.
inline constexpr std::int64_t k_largest_number = 1'000'000'000'000'000;

/// A whole number up to that; also one in a text, as annotations and redis.conf hold it.
std::optional<std::int64_t> number_in(std::string_view text);
std::optional<std::int64_t> number(const Json& value);

/// Whether it is the boolean true.
bool is_true(const Json& value);

/// The members of a map of texts; others are left out.
std::map<std::string, std::string> texts(const Json& value);

/// "/metadata/annotations" and "a/b" make "/metadata/annotations/a~1b".
std::string joined(std::string_view path, std::string_view key);
std::string joined(std::string_view path, std::size_t index);

/// The value on one short line, for people; "nothing" for null.
std::string shown(const Json& value);

/// Whether a LabelSelector matches; an empty or absent one matches nothing here, as a rule that
/// asks wants to know whether somebody chose these pods.
bool selects(const Json& selector, const std::map<std::string, std::string>& labels);

}  // namespace kredis::policy
