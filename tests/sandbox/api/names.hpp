// SPDX-License-Identifier: Apache-2.0
//
// Rules for names, labels and keys, and the causes a refusal lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

extern const std::string_view k_qualified_name_rule;
extern const std::string_view k_config_key_rule;

/// Empty when the name is fine for that kind, else the rule it breaks.
std::string name_problem(std::string_view kind, std::string_view name);
/// Empty when the label is fine, else the rule it breaks.
std::string label_problem(std::string_view key, std::string_view value);
bool is_dns_label(std::string_view text);
bool is_dns_subdomain(std::string_view text);
bool is_qualified_name(std::string_view text);
bool is_config_key(std::string_view text);

Cause required(std::string field, std::string_view detail = {});
Cause invalid_value(std::string field, const Json& value, const std::string& rule);
Cause not_supported(std::string field,
                    const std::string& value,
                    const std::vector<std::string>& supported);

}  // namespace kredis::sandbox::api
