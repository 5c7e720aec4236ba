// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/decode.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>

namespace kredis::sandbox::api {
namespace {

// Objects nested deeper than this are hostile; Kubernetes' own types stay far below.
constexpr int k_max_depth = 100;

class Decoder {
 public:
  explicit Decoder(std::vector<std::string>& unknown) : unknown_(unknown) {}

  Json object(const ObjectType& type, const Json& sent, const std::string& path) {
    Json result = Json::object();
    for (const auto& [name, value] : sent.items()) {
      const std::string place = path.empty() ? name : path + "." + name;
      const Field* field = type.find(name);
      if (field == nullptr) {
        unknown_.push_back(place);
      } else if (!value.is_null()) {
        result[name] = shaped(field->shape, value, place);
      }
    }
    return result;
  }

  const std::string& failure() const { return failure_; }

 private:
  Json shaped(const Shape& shape, const Json& value, const std::string& path) {
    switch (shape.kind) {
      case Shape::Kind::object:
        return value.is_object() ? object(*shape.object, value, path)
                                 : wrong(value, path, "object");
      case Shape::Kind::list:
        return value.is_array() ? list(*shape.element, value, path) : wrong(value, path, "array");
      case Shape::Kind::map:
        return value.is_object() ? map(*shape.element, value, path) : wrong(value, path, "map");
      case Shape::Kind::string:
      case Shape::Kind::bytes:
      case Shape::Kind::time:
      case Shape::Kind::micro_time:
        return value.is_string() ? value : wrong(value, path, "string");
      case Shape::Kind::integer:
        return value.is_number_integer() ? value : wrong(value, path, "integer");
      case Shape::Kind::number:
        return value.is_number() ? value : wrong(value, path, "number");
      case Shape::Kind::boolean:
        return value.is_boolean() ? value : wrong(value, path, "bool");
      case Shape::Kind::quantity:
        return value.is_number()   ? Json(value.dump())
               : value.is_string() ? value
                                   : wrong(value, path, "resource.Quantity");
      case Shape::Kind::int_or_string:
        return value.is_number_integer() || value.is_string() ? value
                                                              : wrong(value, path, "intstr");
      case Shape::Kind::any:
        break;
    }
    return value;
  }

  Json list(const Shape& element, const Json& sent, const std::string& path) {
    Json result = Json::array();
    for (std::size_t at = 0; at < sent.size(); ++at) {
      result.push_back(shaped(element, sent[at], path + "[" + std::to_string(at) + "]"));
    }
    return result;
  }

  Json map(const Shape& element, const Json& sent, const std::string& path) {
    Json result = Json::object();
    for (const auto& [name, value] : sent.items()) {
      if (!value.is_null()) {
        result[name] = shaped(element, value, path + "." + name);
      }
    }
    return result;
  }

  Json wrong(const Json& value, const std::string& path, std::string_view wanted) {
    if (failure_.empty()) {
      failure_ = "json: cannot unmarshal " + std::string(value.type_name()) +
                 " into Go struct field " + path + " of type " + std::string(wanted);
    }
    return nullptr;
  }

  std::vector<std::string>& unknown_;
  std::string failure_;
};

bool too_deep(const std::string& body) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < body.size(); ++at) {
    const char letter = body[at];
    if (in_text) {
      at += letter == '\\' ? 1 : 0;
      in_text = letter != '"';
    } else if (letter == '"') {
      in_text = true;
    } else if (letter == '{' || letter == '[') {
      if (++depth > k_max_depth) {
        return true;
      }
    } else if (letter == '}' || letter == ']') {
      --depth;
    }
  }
  return false;
}

Json scalar_from_yaml(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") {  // Quoted: text, whatever it looks like.
    return text;
  }
  if (text.empty() || text == "~" || text == "null") {
    return nullptr;
  }
  if (text == "true" || text == "false") {
    return text == "true";
  }
  std::int64_t integer = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, integer).ptr == end) {
    return integer;
  }
  double number = 0;
  if (std::from_chars(text.data(), end, number).ptr == end) {
    return number;
  }
  return text;
}

Json from_yaml(const YAML::Node& node, int depth) {
  if (depth > k_max_depth) {
    throw YAML::Exception(node.Mark(), "nested too deeply");
  }
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) {
      object[entry.first.Scalar()] = from_yaml(entry.second, depth + 1);
    }
    return object;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& entry : node) {
      list.push_back(from_yaml(entry, depth + 1));
    }
    return list;
  }
  return node.IsScalar() ? scalar_from_yaml(node) : Json(nullptr);
}

}  // namespace

ApiResult<Decoded> decode(const ResourceInfo& info, const Json& sent) {
  Decoded decoded;
  const ObjectType* type = find_type(info.schema);
  if (type == nullptr) {
    return internal_error("no schema for " + std::string(info.kind));
  }
  Decoder decoder(decoded.unknown_fields);
  decoded.object = decoder.object(*type, sent, "");
  if (!decoder.failure().empty()) {
    return bad_request(std::string(info.kind) + " in version \"" + std::string(info.version) +
                       "\" cannot be handled as a " + std::string(info.kind) + ": " +
                       decoder.failure());
  }
  return decoded;
}

ApiResult<Json> parse_body(std::string_view media_type, const std::string& body) {
  const bool yaml = media_type.find("yaml") != std::string_view::npos;
  try {
    if (!yaml || body.starts_with('{')) {
      if (too_deep(body)) {
        return bad_request("couldn't parse the body: nested too deeply");
      }
      return Json::parse(body);
    }
    return from_yaml(YAML::Load(body), 0);
  } catch (const Json::exception& problem) {
    return bad_request("couldn't get version/kind; json parse error: " +
                       std::string(problem.what()));
  } catch (const YAML::Exception& problem) {
    return bad_request("error decoding YAML: " + std::string(problem.what()));
  }
}

}  // namespace kredis::sandbox::api
