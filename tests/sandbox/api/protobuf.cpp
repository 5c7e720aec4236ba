// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/protobuf.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <span>

#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/schema.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr std::string_view k_magic{"k8s\0", 4};
constexpr int k_max_nesting = 64;

// Thrown inside this file only, to leave the recursion.
struct BadMessage {};

enum class Wire : unsigned { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// One field of a message: its number and its value, as a number or as bytes.
struct Item {
  unsigned number = 0;
  std::uint64_t value = 0;
  std::string_view bytes = {};
};

class WireReader {
 public:
  explicit WireReader(std::string_view text) : rest_(text) {}

  bool next(Item& item) {
    if (rest_.empty()) {
      return false;
    }
    const std::uint64_t tag = varint();
    item = {static_cast<unsigned>(tag >> 3U), 0, {}};
    switch (static_cast<Wire>(tag & 7U)) {
      case Wire::varint:
        item.value = varint();
        break;
      case Wire::bytes:
        item.bytes = take(varint());
        break;
      case Wire::fixed64:
        std::memcpy(&item.value, take(8).data(), 8);
        break;
      case Wire::fixed32:
        take(4);
        break;
      default:
        throw BadMessage{};
    }
    return true;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80U) {
        return value;
      }
    }
    throw BadMessage{};
  }

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      throw BadMessage{};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
};

Item first_of(std::string_view message, unsigned number) {
  WireReader reader(message);
  for (Item item; reader.next(item);) {
    if (item.number == number) {
      return item;
    }
  }
  return {};
}

std::string text_of(std::string_view message, unsigned number) {
  return std::string(first_of(message, number).bytes);
}

// Null for the zero time, which means "none".
Json time_of(std::string_view message, const char* decimals) {
  const auto seconds = static_cast<std::time_t>(first_of(message, 1).value);
  if (seconds <= 0) {
    return nullptr;
  }
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string(text.data()) + decimals + "Z";
}

Json int_or_string(std::string_view message) {
  const bool is_text = first_of(message, 1).value == 1;
  return is_text ? Json(text_of(message, 3))
                 : Json(static_cast<std::int32_t>(first_of(message, 2).value));
}

Json decode_object(const ObjectType& type, std::string_view message, int depth);

// Null for a value that Go's encoder writes though nobody set it.
Json decode_value(const Shape& shape, const Item& item, int depth) {
  switch (shape.kind) {
    case Shape::Kind::string:
      return std::string(item.bytes);
    case Shape::Kind::bytes:
      return base64_encode(item.bytes);
    case Shape::Kind::integer:
      return static_cast<std::int64_t>(item.value);
    case Shape::Kind::boolean:
      return item.value != 0;
    case Shape::Kind::number: {
      double number = 0;
      std::memcpy(&number, &item.value, sizeof number);
      return number;
    }
    case Shape::Kind::time:
      return time_of(item.bytes, "");
    case Shape::Kind::micro_time:
      return time_of(item.bytes, ".000000");
    case Shape::Kind::quantity:
      return text_of(item.bytes, 1);
    case Shape::Kind::int_or_string:
      return int_or_string(item.bytes);
    case Shape::Kind::any:
      return Json::parse(text_of(item.bytes, 1), nullptr, false);
    case Shape::Kind::object:
      return decode_object(*shape.object, item.bytes, depth + 1);
    case Shape::Kind::list:
    case Shape::Kind::map:
      break;  // Handled by their field.
  }
  throw BadMessage{};
}

// A number that the client may have set to zero on purpose.
bool zero_means_something(const std::string& field) {
  return field == "replicas" || field == "partition" || field.ends_with("Seconds");
}

bool is_unset(const Field& field, const Json& value) {
  return value.is_null() || value.is_discarded() ||
         (value.is_string() && value.get_ref<const std::string&>().empty()) || value == false ||
         (value == 0 && field.shape.kind == Shape::Kind::integer &&
          !zero_means_something(field.name));
}

void put(Json& object, const Field& field, const Item& item, int depth) {
  if (field.shape.kind == Shape::Kind::list) {
    object[field.name].push_back(decode_value(*field.shape.element, item, depth));
  } else if (field.shape.kind == Shape::Kind::map) {
    Item value = first_of(item.bytes, 2);
    object[field.name][text_of(item.bytes, 1)] = decode_value(*field.shape.element, value, depth);
  } else if (Json value = decode_value(field.shape, item, depth); !is_unset(field, value)) {
    object[field.name] = std::move(value);
  }
}

// `path` leads from the object's own message to the one that is being read.
void decode_into(Json& object,
                 const ObjectType& type,
                 std::vector<unsigned> path,
                 std::string_view message,
                 int depth) {
  if (depth > k_max_nesting) {
    throw BadMessage{};
  }
  path.push_back(0);
  WireReader reader(message);
  for (Item item; reader.next(item);) {
    path.back() = item.number;
    for (const auto& [name, field] : type.fields) {
      if (field.protobuf == path) {
        put(object, field, item, depth);
        break;
      }
      if (field.protobuf.size() > path.size() &&
          std::equal(path.begin(), path.end(), field.protobuf.begin())) {
        decode_into(object, type, path, item.bytes, depth + 1);
        break;
      }
    }
  }
}

Json decode_object(const ObjectType& type, std::string_view message, int depth) {
  Json object = Json::object();
  decode_into(object, type, {}, message, depth);
  return object;
}

// The type of a kind; for those without a row of their own (Scale, Eviction) by its name alone.
const ObjectType* type_of(const std::string& api_version, const std::string& kind) {
  if (const ResourceInfo* info = find_kind(api_version, kind)) {
    return find_type(info->schema);
  }
  for (const auto& [name, type] : all_types()) {
    if (name.ends_with("." + kind)) {
      return &type;
    }
  }
  return nullptr;
}

}  // namespace

ApiResult<Json> decode_protobuf(std::string_view body) {
  if (!body.starts_with(k_magic)) {
    return bad_request("the body is not in Kubernetes' protobuf format");
  }
  try {
    // runtime.Unknown: type 1 (apiVersion 1, kind 2), raw 2.
    const std::string_view envelope = body.substr(k_magic.size());
    const std::string_view type_meta = first_of(envelope, 1).bytes;
    const std::string api_version = text_of(type_meta, 1);
    const std::string kind = text_of(type_meta, 2);
    const ObjectType* type = type_of(api_version, kind);
    if (type == nullptr) {
      return bad_request("no kind \"" + kind + "\" is registered for version \"" + api_version +
                         "\"");
    }
    Json object = decode_object(*type, first_of(envelope, 2).bytes, 0);
    object["apiVersion"] = api_version;
    object["kind"] = kind;
    return object;
  } catch (const BadMessage&) {
    return bad_request("the protobuf body is broken");
  }
}

}  // namespace kredis::sandbox::api
