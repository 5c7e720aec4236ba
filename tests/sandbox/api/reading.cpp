// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/reading.hpp"

#include <charconv>

#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {
namespace {

Json partial(const Json& object) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", object.value("metadata", Json::object())}};
}

// Where the next page begins: after this object, in the store's order.
struct Position {
  std::string namespace_;
  std::string name;
};

Position position_of(const Json& object) {
  return {dig_text(object, {"metadata", "namespace"}), dig_text(object, {"metadata", "name"})};
}

ApiResult<Position> parse_continue(const std::string& token) {
  const Json parsed = Json::parse(base64_decode(token).value_or(""), nullptr, false);
  if (!parsed.is_object()) {
    return bad_request("continue key is not valid: the token is broken");
  }
  return Position{dig_text(parsed, {"namespace"}), dig_text(parsed, {"name"})};
}

std::string make_continue(const Json& last) {
  const Position position = position_of(last);
  return base64_encode(Json{{"namespace", position.namespace_}, {"name", position.name}}.dump());
}

// Cuts the list to the page that was asked for and says how to go on.
ApiStatus cut_page(const HttpRequest& request, std::vector<Object>& objects, Json& metadata) {
  if (const std::string token = request.query.get("continue"); !token.empty()) {
    KREDIS_TRY(const Position after, parse_continue(token));
    std::erase_if(objects, [&](const Object& object) {
      const Position position = position_of(*object);
      return std::tie(position.namespace_, position.name) <= std::tie(after.namespace_, after.name);
    });
  }
  std::size_t limit = 0;
  const std::string text = request.query.get("limit");
  std::from_chars(text.data(), text.data() + text.size(), limit);
  if (limit > 0 && objects.size() > limit) {
    metadata["remainingItemCount"] = objects.size() - limit;
    objects.resize(limit);
    metadata["continue"] = make_continue(*objects.back());
  }
  return {};
}

}  // namespace

Presentation presentation_of(const HttpRequest& request) {
  Presentation presentation;
  const std::string accept = request.header("Accept");
  if (accept.find("as=Table") != std::string::npos) {
    presentation.form = Presentation::Form::table;
  } else if (accept.find(!request.query.get("watch").empty()
                             ? "as=PartialObjectMetadata;"
                             : "as=PartialObjectMetadata") != std::string::npos) {
    presentation.form = Presentation::Form::metadata_only;
  }
  const std::string include = request.query.get("includeObject");
  if (include == "Object") {
    presentation.include = IncludeObject::object;
  } else if (include == "None") {
    presentation.include = IncludeObject::none;
  }
  return presentation;
}

Json present(const ResourceInfo& info, const Json& object, const Presentation& presentation) {
  if (presentation.form == Presentation::Form::table) {
    const Object shared = std::make_shared<const Json>(object);
    return to_table(info,
                    {&shared, 1},
                    presentation.include,
                    {{"resourceVersion", dig_text(object, {"metadata", "resourceVersion"})}});
  }
  return presentation.form == Presentation::Form::metadata_only ? partial(object) : object;
}

bool Selection::matches(const Json& object) const {
  return labels.matches(labels_of(object)) && fields.matches(object);
}

ApiResult<Selection> selection_of(const HttpRequest& request, const Target& target) {
  auto labels = LabelSelector::parse(request.query.get("labelSelector"));
  if (!labels) {
    return bad_request(labels.error().message);
  }
  // A watch or list of one object by its path is a selection by name.
  std::string field_text = request.query.get("fieldSelector");
  if (!target.name.empty()) {
    field_text = "metadata.name=" + target.name;
  }
  auto fields = FieldSelector::parse(field_text);
  if (!fields) {
    return bad_request(fields.error().message);
  }
  return Selection{target, std::move(*labels), std::move(*fields)};
}

ApiResult<Json> list_objects(const Store& store,
                             const HttpRequest& request,
                             const Selection& selection) {
  const ResourceInfo& info = *selection.target.info;
  Store::Snapshot snapshot = store.snapshot(
      std::string(info.group), std::string(info.resource), selection.target.namespace_);
  std::erase_if(snapshot.objects,
                [&](const Object& object) { return !selection.matches(*object); });
  Json metadata = {{"resourceVersion", std::to_string(snapshot.revision)}};
  KREDIS_CHECK(cut_page(request, snapshot.objects, metadata));
  const Presentation presentation = presentation_of(request);
  if (presentation.form == Presentation::Form::table) {
    return to_table(info, snapshot.objects, presentation.include, metadata);
  }
  const bool only_metadata = presentation.form == Presentation::Form::metadata_only;
  Json items = Json::array();
  for (const Object& object : snapshot.objects) {
    Json item = only_metadata ? partial(*object) : *object;
    if (!only_metadata) {  // The list names their kind once for all.
      item.erase("kind");
      item.erase("apiVersion");
    }
    items.push_back(std::move(item));
  }
  return Json{
      {"kind", only_metadata ? "PartialObjectMetadataList" : std::string(info.kind) + "List"},
      {"apiVersion", only_metadata ? "meta.k8s.io/v1" : info.api_version()},
      {"metadata", std::move(metadata)},
      {"items", std::move(items)}};
}

}  // namespace kredis::sandbox::api
