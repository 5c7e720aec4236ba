// SPDX-License-Identifier: Apache-2.0
//
// What a rule's check and patch write to: objections under the rule's name, and a JSON Patch that
// only adds. For the files of this layer.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

class Report {
 public:
  Report(const Rule& rule, std::vector<Objection>& objections)
      : rule_(rule), objections_(objections) {}

  /// Says what is wrong at `path`.
  void objection(std::string path, std::string found, std::string wanted, std::string message);

 private:
  const Rule& rule_;
  std::vector<Objection>& objections_;
};

/// Grows a JSON Patch and the object that it makes, in step and in rounds: until a round is settled
/// the object stays as it was, so that every rule of a round sees the same.
class Patch {
 public:
  explicit Patch(Json object) : object_(std::move(object)) {}

  /// Says whose additions follow.
  void begin(std::string_view rule) { rule_ = rule; }

  /// Adds `value` at `path`, with the parents that are missing, as one operation. Nothing happens
  /// where something is there already, or where a parent is of another type. "-" as the last key
  /// adds to the end of a list.
  void add(std::string path, Json value) {
    added_.push_back({rule_, std::move(path), std::move(value)});
  }
  /// Ends a round: carries out what was added, in that order. Whether the object is another now.
  bool settle();

  /// The rules that made the object another one.
  const std::set<std::string_view>& rules() const noexcept { return rules_; }

  const Json& object() const& noexcept { return object_; }
  Json object() && noexcept { return std::move(object_); }
  const Json& operations() const& noexcept { return operations_; }
  Json operations() && noexcept { return std::move(operations_); }

 private:
  struct Addition {
    std::string_view rule;
    std::string path;
    Json value;
  };

  void carry_out(std::string_view path, Json value);

  std::string_view rule_;
  std::set<std::string_view> rules_;
  std::vector<Addition> added_;
  Json object_;
  Json operations_ = Json::array();
};

}  // namespace kredis::policy
