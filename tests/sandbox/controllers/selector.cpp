// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/selector.hpp"

#include <algorithm>
#include <string>

#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {
namespace {

bool compares(const std::string& op, const std::string& actual, const Json& values) {
  if (!values.is_array() || values.size() != 1) {
    return false;
  }
  const auto left = quantity(Json(actual));
  const auto right = quantity(values[0]);
  return left && right && (op == "Gt" ? *left > *right : *left < *right);
}

bool matches_expression(const Json& expression, const Json& labels) {
  const std::string op = text_at(expression, "operator");
  const std::string key = text_at(expression, "key");
  const Json& values = at(expression, "values");
  const bool present = labels.is_object() && labels.contains(key);
  const std::string actual = present ? labels.at(key).get<std::string>() : std::string{};
  const bool listed = present && values.is_array() &&
                      std::find(values.begin(), values.end(), actual) != values.end();
  if (op == "In") {
    return listed;
  }
  if (op == "NotIn") {
    return !listed;
  }
  if (op == "Exists") {
    return present;
  }
  if (op == "DoesNotExist") {
    return !present;
  }
  return present && compares(op, actual, values);
}

bool matches_expressions(const Json& expressions, const Json& labels) {
  return std::all_of(expressions.begin(), expressions.end(), [&](const Json& expression) {
    return matches_expression(expression, labels);
  });
}

}  // namespace

bool matches_map(const Json& selector, const Json& labels) {
  if (!selector.is_object()) {
    return true;
  }
  for (auto pair = selector.begin(); pair != selector.end(); ++pair) {
    const auto found = labels.is_object() ? labels.find(pair.key()) : labels.end();
    if (found == labels.end() || *found != *pair) {
      return false;
    }
  }
  return true;
}

bool matches_selector(const Json& selector, const Json& labels) {
  return selector.is_object() && matches_map(at(selector, "matchLabels"), labels) &&
         matches_expressions(at(selector, "matchExpressions"), labels);
}

bool matches_node_term(const Json& term, const Json& node) {
  const Json fields{{"metadata.name", name_of(node)}};
  return matches_expressions(at(term, "matchExpressions"), at(node, "metadata.labels")) &&
         matches_expressions(at(term, "matchFields"), fields);
}

bool matches_node_terms(const Json& terms, const Json& node) {
  return std::any_of(
      terms.begin(), terms.end(), [&](const Json& term) { return matches_node_term(term, node); });
}

}  // namespace kredis::sandbox
