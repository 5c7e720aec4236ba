// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/streams.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace kredis::sandbox {
namespace {

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+') {
      decoded += ' ';
      continue;
    }
    unsigned byte = 0;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16).ptr ==
            text.data() + at + 3) {
      decoded += static_cast<char>(byte);
      at += 2;
      continue;
    }
    decoded += text[at];
  }
  return decoded;
}

}  // namespace

bool CaselessLess::operator()(const std::string& left, const std::string& right) const {
  return strcasecmp(left.c_str(), right.c_str()) < 0;
}

Query Query::parse(std::string_view text) {
  Pairs pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
    pairs.emplace_back(decode(pair.substr(0, equals)), decode(value));
  }
  return Query(std::move(pairs));
}

std::string Query::get(std::string_view name, std::string_view fallback) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) {
      return value;
    }
  }
  return std::string(fallback);
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) {
      values.push_back(value);
    }
  }
  return values;
}

bool Query::flag(std::string_view name) const {
  const std::string value = get(name);
  return value == "true" || value == "1";
}

bool Query::has(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) {
      return true;
    }
  }
  return false;
}

}  // namespace kredis::sandbox
