// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/field_set.hpp"

#include <algorithm>

namespace kredis::sandbox::api {
namespace {

constexpr const char* k_self = ".";

// How a value's parts are owned, seen from the field that holds it.
enum class Nature { leaf, object, map, keyed_list, set_list };

struct View {
  Nature nature = Nature::leaf;
  const ObjectType* object = nullptr;
  const Shape* element = nullptr;
  const Field* field = nullptr;
};

View view_of(const Shape& shape, const Field* field, const Json& value) {
  const bool atomic = field != nullptr && field->together == Together::atomic;
  if (atomic || value.empty()) {
    return {};
  }
  if (shape.kind == Shape::Kind::object && value.is_object() &&
      shape.object->together == Together::granular) {
    return {Nature::object, shape.object, nullptr, field};
  }
  if (shape.kind == Shape::Kind::map && value.is_object()) {
    return {Nature::map, nullptr, shape.element.get(), field};
  }
  if (shape.kind == Shape::Kind::list && value.is_array() && field != nullptr) {
    if (!field->list_keys.empty()) {
      return {Nature::keyed_list, nullptr, shape.element.get(), field};
    }
    if (field->is_set) {
      return {Nature::set_list, nullptr, shape.element.get(), field};
    }
  }
  return {};
}

// One part of a value: how FieldsV1 names it, what it holds and its shape.
struct Part {
  std::string step;
  const Json* value;
  const Shape* shape;
  const Field* field;
};

const Shape& any_shape() {
  static const Shape any;
  return any;
}

std::vector<Part> parts_of(const View& view, const Json& value) {
  std::vector<Part> parts;
  if (view.nature == Nature::object) {
    for (const auto& [name, member] : value.items()) {
      const Field* field = view.object->find(name);
      parts.push_back({"f:" + name, &member, field ? &field->shape : &any_shape(), field});
    }
  } else if (view.nature == Nature::map) {
    for (const auto& [name, member] : value.items()) {
      parts.push_back({"f:" + name, &member, view.element, nullptr});
    }
  } else if (view.nature == Nature::keyed_list) {
    for (const Json& entry : value) {
      parts.push_back(
          {"k:" + list_key_of(*view.field, entry).dump(), &entry, view.element, nullptr});
    }
  } else if (view.nature == Nature::set_list) {
    for (const Json& entry : value) {
      parts.push_back({"v:" + entry.dump(), &entry, &any_shape(), nullptr});
    }
  }
  return parts;
}

const Part* find_part(const std::vector<Part>& parts, const std::string& step) {
  const auto found =
      std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.step == step; });
  return found == parts.end() ? nullptr : &*found;
}

FieldSet collect(const Shape& shape, const Field* field, const Json& value) {
  const View view = view_of(shape, field, value);
  FieldSet set = FieldSet::object();
  for (const Part& part : parts_of(view, value)) {
    set[part.step] = collect(*part.shape, part.field, *part.value);
    if (view.nature == Nature::keyed_list) {
      set[part.step][k_self] = FieldSet::object();
    }
  }
  return set;
}

FieldSet compare(const Part& before, const Part& after) {
  const View old_view = view_of(*before.shape, before.field, *before.value);
  const View new_view = view_of(*after.shape, after.field, *after.value);
  FieldSet set = FieldSet::object();
  if (old_view.nature != new_view.nature || new_view.nature == Nature::leaf) {
    return set;
  }
  const auto old_parts = parts_of(old_view, *before.value);
  const auto new_parts = parts_of(new_view, *after.value);
  for (const Part& part : new_parts) {
    const Part* old_part = find_part(old_parts, part.step);
    if (old_part == nullptr) {
      set[part.step] = collect(*part.shape, part.field, *part.value);
      if (new_view.nature == Nature::keyed_list) {
        set[part.step][k_self] = FieldSet::object();
      }
    } else if (*old_part->value != *part.value) {
      set[part.step] = compare(*old_part, part);
    }
  }
  for (const Part& part : old_parts) {
    if (find_part(new_parts, part.step) == nullptr) {
      set[part.step] = collect(*part.shape, part.field, *part.value);
    }
  }
  return set;
}

Json merge(const Shape& shape, const Field* field, const Json& live, const Json& applied) {
  const View view = view_of(shape, field, applied);
  const View old_view = view_of(shape, field, live);
  if (view.nature == Nature::leaf && !applied.empty()) {
    return applied;
  }
  if (old_view.nature == Nature::leaf || (!live.is_null() && live.type() != applied.type())) {
    return applied;
  }
  if (view.nature == Nature::leaf) {
    return live;  // An empty granular container adds nothing.
  }
  Json result = live;
  const auto old_parts = parts_of(old_view, live);
  for (const Part& part : parts_of(view, applied)) {
    const Part* old_part = find_part(old_parts, part.step);
    Json value = old_part == nullptr
                     ? *part.value
                     : merge(*part.shape, part.field, *old_part->value, *part.value);
    if (!result.is_array()) {
      result[part.step.substr(2)] = std::move(value);
    } else if (old_part == nullptr) {
      result.push_back(std::move(value));
    } else {
      result[static_cast<std::size_t>(old_part - old_parts.data())] = std::move(value);
    }
  }
  return result;
}

// Returns whether the value itself is to go.
bool remove(const Shape& shape, const Field* field, Json& value, const FieldSet& set) {
  const View view = view_of(shape, field, value);
  if (set.empty() || view.nature == Nature::leaf) {
    return set.empty();
  }
  Json kept = value.is_array() ? Json::array() : Json::object();
  for (const Part& part : parts_of(view, value)) {
    const auto inner = set.find(part.step);
    Json member = *part.value;
    const bool goes = inner != set.end() && remove(*part.shape, part.field, member, *inner);
    if (goes) {
      continue;
    }
    if (value.is_array()) {
      kept.push_back(std::move(member));
    } else {
      kept[part.step.substr(2)] = std::move(member);
    }
  }
  value = std::move(kept);
  return value.empty() || set.contains(k_self);
}

std::string render_step(const std::string& step) {
  const std::string rest = step.substr(std::min<std::size_t>(2, step.size()));
  if (step.starts_with("f:")) {
    return "." + rest;
  }
  if (step.starts_with("v:")) {
    return "[=" + rest + "]";
  }
  std::string text;
  const Json keys = Json::parse(rest, nullptr, false);
  for (const auto& [name, value] : keys.items()) {
    text += (text.empty() ? "" : ",") + name + "=" + value.dump();
  }
  return "[" + text + "]";
}

void collect_paths(const FieldSet& set, const std::string& path, std::vector<std::string>& paths) {
  for (const auto& [step, inner] : set.items()) {
    if (step == k_self) {
      if (set.size() == 1) {
        paths.push_back(path);
      }
    } else if (inner.empty()) {
      paths.push_back(path + render_step(step));
    } else {
      collect_paths(inner, path + render_step(step), paths);
    }
  }
}

Shape shape_of(const ObjectType& type) { return {Shape::Kind::object, nullptr, &type}; }

}  // namespace

FieldSet fields_of(const ObjectType& type, const Json& object) {
  return collect(shape_of(type), nullptr, object);
}

bool is_empty(const FieldSet& set) { return !set.is_object() || set.empty(); }

FieldSet set_union(const FieldSet& left, const FieldSet& right) {
  if (is_empty(left)) {
    return is_empty(right) ? FieldSet::object() : right;
  }
  FieldSet result = left;
  for (const auto& [step, inner] : right.items()) {
    result[step] = result.contains(step) ? set_union(result[step], inner) : inner;
  }
  return result;
}

FieldSet set_intersection(const FieldSet& left, const FieldSet& right) {
  FieldSet result = FieldSet::object();
  for (const auto& [step, inner] : left.items()) {
    const auto other = right.find(step);
    if (other == right.end()) {
      continue;
    }
    FieldSet common = set_intersection(inner, *other);
    // A leaf on one side owns all of it, so the other side's finer grain is what both have.
    if (inner.empty() || other->empty()) {
      common = inner.empty() ? *other : inner;
    } else if (common.empty()) {
      continue;
    }
    result[step] = std::move(common);
  }
  return result;
}

FieldSet set_difference(const FieldSet& left, const FieldSet& right) {
  FieldSet result = FieldSet::object();
  for (const auto& [step, inner] : left.items()) {
    const auto other = right.find(step);
    if (other == right.end()) {
      result[step] = inner;
      continue;
    }
    if (inner.empty()) {
      continue;
    }
    FieldSet rest = set_difference(inner, *other);
    if (!rest.empty() && !other->empty()) {
      result[step] = std::move(rest);
    }
  }
  return result;
}

FieldSet changed_fields(const ObjectType& type, const Json& before, const Json& after) {
  const Shape shape = shape_of(type);
  const Json old_object = before.is_object() ? before : Json::object();
  if (old_object.empty()) {
    return collect(shape, nullptr, after);
  }
  return compare({"", &old_object, &shape, nullptr}, {"", &after, &shape, nullptr});
}

Json merge_fields(const ObjectType& type, const Json& live, const Json& applied) {
  return merge(shape_of(type), nullptr, live, applied);
}

void remove_fields(const ObjectType& type, Json& object, const FieldSet& set) {
  if (!is_empty(set)) {
    remove(shape_of(type), nullptr, object, set);
  }
}

std::vector<std::string> paths_of(const FieldSet& set) {
  std::vector<std::string> paths;
  collect_paths(set, "", paths);
  return paths;
}

}  // namespace kredis::sandbox::api
