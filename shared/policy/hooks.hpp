// SPDX-License-Identifier: Apache-2.0
//
// The commands of probes and hooks that patches add to a pod that has no scripts of its own: each
// is one line of shell that stands alone, as a ConfigMap that others wrote cannot be counted on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/policy/subject.hpp"

namespace kredis::policy {

/// What readiness asks of a node.
enum class ReadyWhen { answers, serves };

/// `sh -c` commands; nothing where the server cannot be asked from inside the container.
std::optional<Json> ready_command(const Subject& subject, ReadyWhen when);
std::optional<Json> loaded_command(const Subject& subject);
std::optional<Json> alive_command(const Subject& subject);
std::optional<Json> hand_over_command(const Subject& subject, std::int64_t seconds);
/// Stays behind as a loop beside the server; `services` are where it looks for the other nodes.
std::optional<Json> meet_again_command(const Subject& subject,
                                       const std::vector<std::string>& services);

}  // namespace kredis::policy
