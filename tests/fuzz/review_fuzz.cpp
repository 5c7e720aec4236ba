// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either a review, which gets an answer to both questions, or one clear error; and
// what is read is what another reader finds in the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/policy/review.hpp"
#include "webhook/decision.hpp"
#include "webhook/review_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void leave_out_managed_fields(kredis::Json& value) {
  if (value.is_object()) {
    value.erase("managedFields");
  }
  if (value.is_structured()) {
    for (kredis::Json& each : value) {
      leave_out_managed_fields(each);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kredis;
  constexpr std::size_t k_longest_warning = 120;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto body = webhook::read_review(text);
  if (!body) {
    return body.error().message.empty() ? std::abort(), 1 : 0;
  }
  Json other = Json::parse(text);
  leave_out_managed_fields(other);
  if (*body != other) {
    std::abort();
  }
  const auto review = webhook::parse_review(std::move(*body));
  if (!review) {
    return review.error().message.empty() ? std::abort(), 1 : 0;
  }
  const webhook::Policy rules{
      .mutate = &policy::mutate, .validate = &policy::validate, .silence = &policy::silence_on};
  for (const auto endpoint : {webhook::Endpoint::mutate, webhook::Endpoint::validate}) {
    for (const auto level :
         {webhook::Level::enforce, webhook::Level::warn, webhook::Level::audit}) {
      webhook::Review taken = *review;
      const auto decision = webhook::decide(taken, endpoint, level, rules, {});
      const Json answer = Json::parse(webhook::answer_of(*review, decision));
      const bool allowed = answer.at("response").at("allowed").get<bool>();
      if (!allowed && level != webhook::Level::enforce) {
        std::abort();
      }
      for (const auto& warning : decision.warnings) {
        if (warning.size() > k_longest_warning) {
          std::abort();
        }
      }
    }
  }
  return 0;
}
