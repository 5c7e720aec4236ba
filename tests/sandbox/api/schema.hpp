// SPDX-License-Identifier: Apache-2.0
//
// What the server knows of Kubernetes' types, read once from schema/kubernetes.schema: fields,
// their types, and how lists merge. Decoding, both kinds of merge, field ownership and OpenAPI are
// driven by it. How a request uses it is elsewhere.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

struct ObjectType;

/// The shape of a value. `element` is set for lists and maps, `object` for objects.
struct Shape {
  enum class Kind {
    string,
    integer,
    number,
    boolean,
    bytes,       ///< Base64 in JSON.
    time,        ///< "2026-01-31T12:00:00Z".
    micro_time,  ///< The same with six decimals.
    quantity,
    int_or_string,
    any,
    list,
    map,
    object
  };
  Kind kind = Kind::any;
  std::shared_ptr<const Shape> element = nullptr;
  const ObjectType* object = nullptr;
};

/// How a list or map belongs together when several parties write it.
enum class Together {
  granular,  ///< Each entry has its own owner.
  atomic     ///< One owner for all of it.
};

struct Field {
  std::string name;
  Shape shape;
  bool required = false;
  std::vector<unsigned> protobuf = {};  ///< Its field number, behind those of inlined messages.
  bool patch_merges = false;            ///< Strategic merge joins the list instead of replacing it.
  std::string merge_key = {};           ///< Empty for lists of plain values.
  bool retain_keys = false;
  std::vector<std::string> list_keys = {};  ///< Server-side apply: what tells entries apart.
  bool is_set = false;
  Together together = Together::granular;
};

struct ObjectType {
  std::string name;
  Together together = Together::granular;
  std::map<std::string, Field, std::less<>> fields = {};

  /// Null for a field that Kubernetes does not have.
  const Field* find(std::string_view field) const;
};

/// Null when there is no such type. The types live as long as the program.
const ObjectType* find_type(std::string_view name);
const std::map<std::string, ObjectType, std::less<>>& all_types();

/// True for lists whose entries are told apart by keys or by their value.
bool is_associative(const Field& field);
/// The entry's key fields, with `protocol` defaulted to TCP as Kubernetes does; null when one is
/// missing.
Json list_key_of(const Field& field, const Json& entry);

}  // namespace kredis::sandbox::api
