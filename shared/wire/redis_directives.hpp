// SPDX-License-Identifier: Apache-2.0
//
// The names that redis.conf knows in Redis 6.2 to 8 and Valkey 7.2 to 9, with the type of the value
// where there is one. Which of them a cluster of ours may set is redis_conf.cpp's matter.
#pragma once

#include <string>
#include <string_view>

namespace kredis::wire {

enum class ValueKind {
  boolean,  ///< yes or no
  number,   ///< a whole number, negative ones too
  memory,   ///< 100mb
  choice,   ///< one of DirectiveType::choices
  word,     ///< exactly one value of any kind
  words,    ///< any number of values
};

struct DirectiveType {
  ValueKind kind = ValueKind::words;
  std::string_view choices = {};  ///< Separated by "|".
};

/// Finds a name in lower case; null when no version knows it. Names with a dot and those of the
/// modules that Redis 8 brings along are known without a type.
const DirectiveType* find_directive(std::string_view name);

/// The known name that looks most like `name`; empty when none comes near.
std::string nearest_directive(std::string_view name);

}  // namespace kredis::wire
