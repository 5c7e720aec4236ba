// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/names.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace kredis::sandbox::api {
namespace {

constexpr std::string_view k_dns_label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view k_dns_1035_rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view k_dns_subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view k_label_value_rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

constexpr std::size_t k_max_label = 63;
constexpr std::size_t k_max_subdomain = 253;

bool is_lower_or_digit(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

bool is_alphanumeric(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0; }

bool is_name_part(std::string_view text) {
  return !text.empty() && text.size() <= k_max_label && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char letter) {
           return is_alphanumeric(letter) || letter == '-' || letter == '_' || letter == '.';
         });
}

std::string too_long(std::size_t limit) {
  return "must be no more than " + std::to_string(limit) + " characters";
}

enum class NameRule { label, label_1035, subdomain, path_segment };

NameRule rule_of(std::string_view kind) {
  if (kind == "Namespace") {
    return NameRule::label;
  }
  if (kind == "Service") {
    return NameRule::label_1035;
  }
  const bool role = kind.ends_with("Role") || kind.ends_with("RoleBinding");
  return role ? NameRule::path_segment : NameRule::subdomain;
}

}  // namespace

const std::string_view k_qualified_name_rule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
    "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const std::string_view k_config_key_rule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
    "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= k_max_label && is_lower_or_digit(text.front()) &&
         is_lower_or_digit(text.back()) && std::all_of(text.begin(), text.end(), [](char letter) {
           return is_lower_or_digit(letter) || letter == '-';
         });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > k_max_subdomain || text.empty()) {
    return false;
  }
  for (;;) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, end);
    if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back()) ||
        !std::all_of(part.begin(), part.end(), [](char letter) {
          return is_lower_or_digit(letter) || letter == '-';
        })) {
      return false;
    }
    if (end == text.size()) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return is_name_part(text);
  }
  std::string prefix(text.substr(0, slash));
  std::transform(prefix.begin(), prefix.end(), prefix.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return is_dns_subdomain(prefix) && is_name_part(text.substr(slash + 1));
}

bool is_config_key(std::string_view text) {
  return !text.empty() && text.size() <= k_max_subdomain && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char letter) {
           return is_alphanumeric(letter) || letter == '-' || letter == '_' || letter == '.';
         });
}

std::string name_problem(std::string_view kind, std::string_view name) {
  switch (rule_of(kind)) {
    case NameRule::label:
      return name.size() > k_max_label ? too_long(k_max_label)
             : is_dns_label(name)      ? ""
                                       : std::string(k_dns_label_rule);
    case NameRule::label_1035:
      return name.size() > k_max_label ? too_long(k_max_label)
             : is_dns_label(name) && std::isdigit(static_cast<unsigned char>(name[0])) == 0
                 ? ""
                 : std::string(k_dns_1035_rule);
    case NameRule::subdomain:
      return name.size() > k_max_subdomain ? too_long(k_max_subdomain)
             : is_dns_subdomain(name)      ? ""
                                           : std::string(k_dns_subdomain_rule);
    case NameRule::path_segment:
      break;
  }
  return name.find_first_of("/%") == std::string_view::npos ? "" : "may not contain '/' or '%'";
}

std::string label_problem(std::string_view key, std::string_view value) {
  if (!is_qualified_name(key)) {
    return std::string(k_qualified_name_rule);
  }
  if (value.size() > k_max_label) {
    return too_long(k_max_label);
  }
  return value.empty() || is_name_part(value) ? "" : std::string(k_label_value_rule);
}

Cause required(std::string field, std::string_view detail) {
  return {"FieldValueRequired",
          "Required value" + (detail.empty() ? "" : ": " + std::string(detail)),
          std::move(field)};
}

Cause invalid_value(std::string field, const Json& value, const std::string& rule) {
  return {"FieldValueInvalid", "Invalid value: " + value.dump() + ": " + rule, std::move(field)};
}

Cause not_supported(std::string field,
                    const std::string& value,
                    const std::vector<std::string>& supported) {
  std::string list;
  for (const std::string& entry : supported) {
    list += (list.empty() ? "\"" : ", \"") + entry + "\"";
  }
  return {"FieldValueNotSupported",
          "Unsupported value: " + Json(value).dump() + ": supported values: " + list,
          std::move(field)};
}

}  // namespace kredis::sandbox::api
