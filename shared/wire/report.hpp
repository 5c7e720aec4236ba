// SPDX-License-Identifier: Apache-2.0
//
// What every report in JSON has in common.
#pragma once

namespace kredis::wire {

/// apiVersion of the reports. Within a version fields are only ever added.
inline constexpr const char* k_report_api = "kubectl-redis.dev/v1";

}  // namespace kredis::wire
