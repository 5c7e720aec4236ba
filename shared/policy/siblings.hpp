// SPDX-License-Identifier: Apache-2.0
//
// The workloads that make one cluster together: leaders and followers, one for each zone, one for
// each node.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shared/policy/subject.hpp"

namespace kredis::policy {

/// The other workloads of the subject's cluster: those with its label, or that start from its
/// ConfigMap and share a Service with it.
std::vector<const Json*> siblings_of(const Subject& subject);

/// How many pods they are, the subject's own among them.
std::int64_t pods_together(const Subject& subject, const std::vector<const Json*>& siblings);

/// What all of their selectors have in common; the subject's own where there is no other.
std::map<std::string, std::string> common_labels(const Subject& subject,
                                                 const std::vector<const Json*>& siblings);

}  // namespace kredis::policy
