// SPDX-License-Identifier: Apache-2.0
//
// Objects of any shape: an independent reader of RFC 6902 makes of a patch what we made, nothing
// that was there is changed, and completing what is complete adds nothing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "shared/policy/review.hpp"
#include "webhook/review_reader.hpp"

namespace {

using kredis::Json;

/// Whether all that `before` says, `after` says too; nulls may be filled.
bool keeps(const Json& before, const Json& after) {
  if (before.is_null()) {
    return true;
  }
  if (before.type() != after.type() || (before.is_array() && after.size() < before.size())) {
    return before == after;
  }
  if (!before.is_structured()) {
    return before == after;
  }
  for (const auto& [key, value] : before.items()) {
    const bool there = before.is_array() || after.contains(key);
    if (!there || !keeps(value, before.is_array() ? after[std::stoul(key)] : after[key])) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = kredis::webhook::read_review({reinterpret_cast<const char*>(data), size});
  if (!read) {
    return 0;
  }
  const Json& object = *read;
  const auto once = kredis::policy::mutate(object, {});
  if (object.patch(once.patch) != once.mutated || !keeps(object, once.mutated) ||
      !kredis::policy::mutate(once.mutated, {}).patch.empty()) {
    std::abort();
  }
  kredis::policy::Surroundings change;
  change.before = &object;
  kredis::policy::validate(kredis::policy::mutate(once.mutated, change).mutated, change);
  return 0;
}
