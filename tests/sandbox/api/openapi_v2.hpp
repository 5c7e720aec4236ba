// SPDX-License-Identifier: Apache-2.0
//
// The OpenAPI 2 document in protobuf (gnostic's openapi.v2.Document), as kubectl before 1.27 reads
// it: the patch operation of each kind with its parameters, and no types, so that such a kubectl
// uses those built into it.
#pragma once

#include <string>

namespace kredis::sandbox::api {

std::string openapi_v2_protobuf();

}  // namespace kredis::sandbox::api
