// SPDX-License-Identifier: Apache-2.0
//
// What the doctor found, and what is left after mending, for people. No I/O.
#pragma once

#include <string>
#include <vector>

#include "plugin/render/status_tree.hpp"
#include "plugin/terminal/text_style.hpp"
#include "shared/wire/doctor_report.hpp"

namespace kredis::plugin {

/// Every finding, worst first: what it is, what it means, what `fix` would do or why not.
std::string render_doctor(const StatusPicture& picture,
                          const std::vector<wire::Diagnosis>& diagnoses,
                          const TextStyle& style);

/// Why it is not mended, and what would let it be.
std::string render_refusals(const std::vector<core::Refusal>& refused);

/// Findings that are left, each with its own remedy.
std::string render_left(const std::vector<core::Finding>& left);

}  // namespace kredis::plugin
