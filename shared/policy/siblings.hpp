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

/// The name of its cluster that a workload's own labels say; empty where they say none.
std::string cluster_label_of(const Json& workload);

/// Whether the pods of both have a label in common that tells something of them.
bool share_label(const Subject& subject, const Json& other);

/// The other workloads of the subject's cluster: those with its label; those that start from its
/// ConfigMap and share a headless Service or a label with it; without any ConfigMap, those that
/// share a headless Service.
std::vector<const Json*> siblings_of(const Subject& subject);

/// How many pods they are, the subject's own among them.
std::int64_t pods_together(const Subject& subject, const std::vector<const Json*>& siblings);

/// What all of their selectors have in common; the subject's own where there is no other.
std::map<std::string, std::string> common_labels(const Subject& subject,
                                                 const std::vector<const Json*>& siblings);

}  // namespace kredis::policy
