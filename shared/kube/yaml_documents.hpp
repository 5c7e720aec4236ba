// SPDX-License-Identifier: Apache-2.0
//
// Manifests as people write them: several YAML documents in one text, JSON among them, with the
// place of every value, so that what is wrong can be shown where it stands.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"

namespace kredis::kube {

/// Both count from 1.
struct TextPlace {
  int line = 1;
  int column = 1;
  friend auto operator<=>(const TextPlace&, const TextPlace&) = default;
};

struct YamlDocument {
  Json value;
  std::map<std::string, TextPlace> places;  ///< By JSON pointer: where the key or the item begins.
  int first_line = 1;
};

/// Reads all documents; empty ones are left out. Values are as kubectl reads them.
/// Errors: invalid_argument with the line, for text that is no YAML, a key that is written twice,
/// or a document that is too large or too deep.
Result<std::vector<YamlDocument>> parse_yaml_documents(std::string_view text);

/// The place of the value, or of the closest thing around it that is there.
TextPlace place_of(const YamlDocument& document, std::string_view pointer);

}  // namespace kredis::kube
