// SPDX-License-Identifier: Apache-2.0
//
// Reading: get, list and watch, as objects or as tables.
#pragma once

#include "tests/sandbox/api/http_server.hpp"
#include "tests/sandbox/api/objects.hpp"
#include "tests/sandbox/api/selectors.hpp"
#include "tests/sandbox/api/tables.hpp"

namespace kredis::sandbox::api {

/// How the client wants objects shown, from Accept and `includeObject`.
struct Presentation {
  enum class Form { object, table, metadata_only };
  Form form = Form::object;
  IncludeObject include = IncludeObject::metadata;
};
Presentation presentation_of(const HttpRequest& request);

/// One object in the form the client wants.
Json present(const ResourceInfo& info, const Json& object, const Presentation& presentation);

/// Which objects of a kind a list or watch is about.
struct Selection {
  Target target;
  LabelSelector labels = {};
  FieldSelector fields = {};

  bool matches(const Json& object) const;
};
/// Errors: 400 for selectors that cannot be parsed.
ApiResult<Selection> selection_of(const HttpRequest& request, const Target& target);

/// Errors: 400 for a broken `continue`.
ApiResult<Json> list_objects(const Store& store,
                             const HttpRequest& request,
                             const Selection& selection);

/// Streams changes until the client leaves, its time is up or the server stops.
/// Errors: 400; later problems are sent as ERROR events.
ApiStatus watch_objects(const Store& store,
                        const HttpRequest& request,
                        const Selection& selection,
                        Exchange& exchange);

}  // namespace kredis::sandbox::api
