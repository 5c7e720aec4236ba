// SPDX-License-Identifier: Apache-2.0
//
// Figures as people read them: "4.2Mi", "3h12m", "1,204".
#pragma once

#include <cstdint>
#include <string>

namespace kredis::plugin {

/// Bytes with a binary unit and at most one decimal: "812", "4.2Mi".
std::string human_bytes(std::int64_t bytes);

/// Seconds as kubectl's AGE column has them: "45s", "3m12s", "5h", "12d".
std::string human_age(std::int64_t seconds);

/// Digits in groups of three: "16,384".
std::string human_count(std::int64_t number);

}  // namespace kredis::plugin
