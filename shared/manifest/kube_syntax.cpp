// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/kube_syntax.hpp"

#include <algorithm>

#include "shared/core/text.hpp"

namespace kredis::manifest {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }

/// One part of a DNS name; the first may begin with a digit, other than a Service's name.
bool is_dns_part(std::string_view text) {
  const auto is_end = [](char c) { return is_lower(c) || is_digit(c); };
  return !text.empty() && text.size() <= 63 && is_end(text.front()) && is_end(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return is_end(c) || c == '-'; });
}

}  // namespace

bool is_dns_label(std::string_view text) { return is_dns_part(text) && is_lower(text.front()); }

bool is_dns_subdomain(std::string_view text) {
  return text.size() <= 253 && std::ranges::all_of(core::split(text, '.'), is_dns_part);
}

bool is_label_value(std::string_view text) {
  return text.empty() || (text.size() <= 63 && is_alphanumeric(text.front()) &&
                          is_alphanumeric(text.back()) && std::ranges::all_of(text, [](char c) {
                            return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
                          }));
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view name = slash == text.npos ? text : text.substr(slash + 1);
  return (slash == text.npos || is_dns_subdomain(text.substr(0, slash))) && !name.empty() &&
         is_label_value(name);
}

}  // namespace kredis::manifest
