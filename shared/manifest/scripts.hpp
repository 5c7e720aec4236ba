// SPDX-License-Identifier: Apache-2.0
//
// The scripts that run in the pods, as the files in scripts/ hold them; embedded by the build.
#pragma once

#include <span>
#include <string_view>

namespace kredis::manifest {

struct Script {
  std::string_view name;  ///< Its key in the ConfigMap and its file name in /etc/redis.
  std::string_view text;
};

std::span<const Script> scripts() noexcept;

}  // namespace kredis::manifest
