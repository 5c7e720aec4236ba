// SPDX-License-Identifier: Apache-2.0
//
// What SPDY's header compression knows beforehand (SPDY/3, section 2.6.10.1).
#pragma once

#include <string>

namespace kredis::sandbox {

const std::string& spdy_dictionary();

}  // namespace kredis::sandbox
