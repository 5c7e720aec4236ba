// SPDX-License-Identifier: Apache-2.0
//
// Defaults of a pod's spec, shared by pods and by every template.
#pragma once

#include <string>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

void default_pod_spec(Json& spec);
/// Fills in `template.spec` of a workload's spec.
void default_pod_template(Json& workload_spec);
/// Guaranteed, Burstable or BestEffort.
std::string qos_class(const Json& spec);

}  // namespace kredis::sandbox::api
