// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either a kubeconfig or one clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/kube/access.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kredis::kube;  // NOLINT(google-build-using-namespace): one function.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A folder without files: what the text points to must not exist.
  const auto config = parse_kubeconfig(text, "/nonexistent/kubeconfig");
  if (!config) {
    if (config.error().message.empty() || config.error().hint.empty()) {
      std::abort();
    }
    return 0;
  }
  const Kubeconfig merged = merge_kubeconfigs(*config, *config);
  if (merged.contexts.size() != config->contexts.size()) {
    std::abort();
  }
  for (const auto& [name, context] : merged.contexts) {
    KubeOptions options;
    options.context = name;
    const auto access = resolve_access(merged, options);
    if (!access && access.error().message.empty()) {
      std::abort();
    }
  }
  return 0;
}
