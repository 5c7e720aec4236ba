// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either manifests, which are judged and completed once and for all, or one clear
// error.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plugin/operations/lint/yaml_edit.hpp"
#include "shared/kube/yaml_documents.hpp"
#include "shared/policy/review.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto documents = kredis::kube::parse_yaml_documents(text);
  if (!documents) {
    if (documents.error().message.empty() || documents.error().hint.empty()) {
      std::abort();
    }
    return 0;
  }
  for (const auto& document : *documents) {
    const auto verdict = kredis::policy::mutate(document.value, {});
    if (document.value.patch(verdict.patch) != verdict.mutated ||
        !kredis::policy::mutate(verdict.mutated, {}).patch.empty()) {
      std::abort();
    }
    // What cannot be edited is nothing; what is edited must read as wanted, which it checks itself.
    if (documents->size() == 1 && !verdict.patch.empty()) {
      kredis::plugin::patched_yaml(std::string(text), verdict.patch, verdict.mutated);
    }
    for (const auto& objection : kredis::policy::validate(verdict.mutated, {}).objections) {
      if (kredis::kube::place_of(document, objection.path).line < 1) {
        std::abort();
      }
    }
  }
  return 0;
}
