// SPDX-License-Identifier: Apache-2.0
//
// What Kubernetes accepts as a name, a label or an annotation key.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
#pragma once

#include <string_view>

namespace kredis::manifest {

/// Lower-case letters, digits and dashes, 63 at most; begins with a letter, as a Service's must.
bool is_dns_label(std::string_view text);

/// Labels that may begin with a digit, joined by dots, 253 characters at most.
bool is_dns_subdomain(std::string_view text);

/// Letters, digits, dashes, underscores and dots, 63 at most; may be empty.
bool is_label_value(std::string_view text);

/// A label's or annotation's key: a name like a label's value, after a DNS prefix and "/" or none.
bool is_qualified_name(std::string_view text);

}  // namespace kredis::manifest
