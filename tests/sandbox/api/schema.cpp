// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/schema.hpp"

#include <array>
#include <sstream>
#include <utility>

#include "tests/sandbox/api/resources.hpp"

namespace kredis::sandbox::api {
namespace {

using Types = std::map<std::string, ObjectType, std::less<>>;

// The text of kubernetes.schema; CMake puts it here.
constexpr std::string_view k_schema_text =
#include "kubernetes_schema.inc"
    ;

constexpr std::array<std::pair<std::string_view, Shape::Kind>, 10> k_plain_shapes{{
    {"string", Shape::Kind::string},
    {"integer", Shape::Kind::integer},
    {"number", Shape::Kind::number},
    {"boolean", Shape::Kind::boolean},
    {"bytes", Shape::Kind::bytes},
    {"time", Shape::Kind::time},
    {"micro-time", Shape::Kind::micro_time},
    {"quantity", Shape::Kind::quantity},
    {"int-or-string", Shape::Kind::int_or_string},
    {"any", Shape::Kind::any},
}};

Shape parse_shape(Types& types, std::string_view text) {
  const auto nested = [&](std::string_view prefix) { return text.substr(prefix.size()); };
  if (text.starts_with("list:")) {
    return {Shape::Kind::list, std::make_shared<const Shape>(parse_shape(types, nested("list:")))};
  }
  if (text.starts_with("map:")) {
    return {Shape::Kind::map, std::make_shared<const Shape>(parse_shape(types, nested("map:")))};
  }
  if (text.starts_with("object:")) {
    return {Shape::Kind::object, nullptr, &types[std::string(nested("object:"))]};
  }
  for (const auto& [name, kind] : k_plain_shapes) {
    if (name == text) {
      return {kind};
    }
  }
  return {};
}

// "#2.9": number 9 in the message that number 2 inlines.
std::vector<unsigned> parse_numbers(std::string_view text) {
  std::vector<unsigned> numbers(1, 0);
  for (const char letter : text) {
    if (letter == '.') {
      numbers.push_back(0);
    } else {
      numbers.back() = numbers.back() * 10 + static_cast<unsigned>(letter - '0');
    }
  }
  return numbers;
}

void apply_trait(Field& field, std::string_view trait) {
  if (trait.starts_with('#')) {
    field.protobuf = parse_numbers(trait.substr(1));
  } else if (trait.starts_with("merge=")) {
    field.patch_merges = true;
    field.merge_key = trait.substr(6);
  } else if (trait.starts_with("keys=")) {
    for (const std::string_view key : split_commas(trait.substr(5))) {
      field.list_keys.emplace_back(key);
    }
  } else if (trait == "merge") {
    field.patch_merges = true;
  } else if (trait == "retain") {
    field.retain_keys = true;
  } else if (trait == "set") {
    field.is_set = true;
  } else if (trait == "atomic") {
    field.together = Together::atomic;
  }
}

Field parse_field(Types& types, std::istringstream& words) {
  std::string name;
  std::string shape;
  words >> name >> shape;
  Field field;
  field.required = name.ends_with('!');
  field.name = name.substr(0, name.size() - (field.required ? 1 : 0));
  field.shape = parse_shape(types, shape);
  for (std::string trait; words >> trait;) {
    apply_trait(field, trait);
  }
  return field;
}

Types parse_schema(std::string_view text) {
  Types types;
  ObjectType* current = nullptr;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (line.starts_with("type ")) {
      std::string keyword;
      std::string name;
      std::string trait;
      words >> keyword >> name >> trait;
      current = &types[name];
      current->name = name;
      current->together = trait == "atomic" ? Together::atomic : Together::granular;
    } else if (line.starts_with("  ") && current != nullptr) {
      Field field = parse_field(types, words);
      std::string name = field.name;
      current->fields.emplace(std::move(name), std::move(field));
    }
  }
  return types;
}

}  // namespace

const Field* ObjectType::find(std::string_view field) const {
  const auto found = fields.find(field);
  return found == fields.end() ? nullptr : &found->second;
}

const Types& all_types() {
  static const Types types = parse_schema(k_schema_text);
  return types;
}

const ObjectType* find_type(std::string_view name) {
  const auto found = all_types().find(name);
  return found == all_types().end() ? nullptr : &found->second;
}

bool is_associative(const Field& field) {
  return field.shape.kind == Shape::Kind::list && (field.is_set || !field.list_keys.empty());
}

Json list_key_of(const Field& field, const Json& entry) {
  Json key = Json::object();
  for (const std::string& name : field.list_keys) {
    if (entry.is_object() && entry.contains(name)) {
      key[name] = entry[name];
    } else if (name == "protocol") {
      key[name] = "TCP";
    } else if (field.list_keys.size() == 1) {
      return nullptr;
    }
  }
  return key;
}

}  // namespace kredis::sandbox::api
