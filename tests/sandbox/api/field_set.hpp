// SPDX-License-Identifier: Apache-2.0
//
// Sets of fields, in the notation of metadata.managedFields (FieldsV1): `f:name` steps into a
// field, `k:{"name":"redis"}` into a list entry, `v:"value"` is an entry of a set, `.` is the entry
// itself. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sandbox/api/schema.hpp"

namespace kredis::sandbox::api {

/// A FieldsV1 tree. An empty object is a leaf: that field and all below it.
using FieldSet = Json;

/// Every field that `object` sets.
FieldSet fields_of(const ObjectType& type, const Json& object);

FieldSet set_union(const FieldSet& left, const FieldSet& right);
/// What is in both.
FieldSet set_intersection(const FieldSet& left, const FieldSet& right);
/// What is in `left` and not in `right`.
FieldSet set_difference(const FieldSet& left, const FieldSet& right);
bool is_empty(const FieldSet& set);

/// Fields whose value differs between the two objects, or that only one has.
FieldSet changed_fields(const ObjectType& type, const Json& before, const Json& after);

/// Joins `applied` into `live`: granular parts entry by entry, atomic ones whole.
Json merge_fields(const ObjectType& type, const Json& live, const Json& applied);

/// Takes the fields in `set` out of `object`; containers left empty by that go too.
void remove_fields(const ObjectType& type, Json& object, const FieldSet& set);

/// Each leaf as a path, for example `.spec.template.spec.containers[name="redis"].image`.
std::vector<std::string> paths_of(const FieldSet& set);

}  // namespace kredis::sandbox::api
