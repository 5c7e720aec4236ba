// SPDX-License-Identifier: Apache-2.0
//
// Label and field selectors, as text in a query and as LabelSelector objects in a spec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

/// `a=b,c!=d,e in (f,g),h notin (i),j,!k`. An empty selector matches everything.
class LabelSelector {
 public:
  /// Errors: invalid_argument, with Kubernetes' own text.
  static Result<LabelSelector> parse(std::string_view text);
  /// From `{"matchLabels": {}, "matchExpressions": []}`; null matches nothing, {} everything.
  static LabelSelector from_object(const Json& selector);

  bool matches(const Json& labels) const;

 private:
  enum class Operator { in, not_in, exists, not_exists, nothing };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  static Result<Requirement> parse_requirement(std::string_view text);
  static bool holds(const Requirement& requirement, const Json& labels);

  std::vector<Requirement> requirements_;
};

/// `metadata.name=a,status.phase!=Running`: any path of plain fields.
class FieldSelector {
 public:
  /// Errors: invalid_argument.
  static Result<FieldSelector> parse(std::string_view text);
  bool matches(const Json& object) const;

 private:
  enum class Operator { equal, not_equal };
  struct Requirement {
    std::vector<std::string> path;
    Operator op;
    std::string value;
  };
  std::vector<Requirement> requirements_;
};

/// The labels of an object, {} when it has none.
const Json& labels_of(const Json& object);

}  // namespace kredis::sandbox::api
