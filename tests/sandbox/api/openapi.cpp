// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/openapi.hpp"

#include <set>

#include "tests/sandbox/api/openapi_v2.hpp"
#include "tests/sandbox/api/resources.hpp"
#include "tests/sandbox/api/schema.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr std::string_view k_v3_root = "/openapi/v3";

class Components {
 public:
  Json reference(const ObjectType& type) {
    if (seen_.insert(type.name).second) {
      schemas_[type.name] = nullptr;  // Filled in below; types may refer to themselves.
      schemas_[type.name] = describe(type);
    }
    return {{"$ref", "#/components/schemas/" + type.name}};
  }

  Json& schemas() { return schemas_; }

 private:
  Json describe(const ObjectType& type) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const auto& [name, field] : type.fields) {
      properties[name] = describe(field);
      if (field.required) {
        required.push_back(name);
      }
    }
    Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) {
      schema["required"] = std::move(required);
    }
    return schema;
  }

  Json describe(const Field& field) {
    Json schema = describe(field.shape);
    if (schema.contains("$ref")) {  // What stands beside a reference must be in an allOf.
      schema = {{"allOf", Json::array({schema})}, {"default", Json::object()}};
    }
    if (field.patch_merges) {
      schema["x-kubernetes-patch-strategy"] = field.retain_keys ? "merge,retainKeys" : "merge";
      if (!field.merge_key.empty()) {
        schema["x-kubernetes-patch-merge-key"] = field.merge_key;
      }
    }
    if (!field.list_keys.empty()) {
      schema["x-kubernetes-list-type"] = "map";
      schema["x-kubernetes-list-map-keys"] = field.list_keys;
    } else if (field.is_set) {
      schema["x-kubernetes-list-type"] = "set";
    } else if (field.together == Together::atomic && field.shape.kind == Shape::Kind::list) {
      schema["x-kubernetes-list-type"] = "atomic";
    }
    return schema;
  }

  Json describe(const Shape& shape) {
    switch (shape.kind) {
      case Shape::Kind::object:
        return reference(*shape.object);
      case Shape::Kind::list:
        return {{"type", "array"}, {"items", describe(*shape.element)}};
      case Shape::Kind::map:
        return {{"type", "object"}, {"additionalProperties", describe(*shape.element)}};
      case Shape::Kind::integer:
        return {{"type", "integer"}};
      case Shape::Kind::number:
        return {{"type", "number"}};
      case Shape::Kind::boolean:
        return {{"type", "boolean"}};
      case Shape::Kind::int_or_string:
        return {{"x-kubernetes-int-or-string", true}};
      case Shape::Kind::quantity:
      case Shape::Kind::bytes:
      case Shape::Kind::time:
      case Shape::Kind::micro_time:
      case Shape::Kind::string:
        return {{"type", "string"}};
      case Shape::Kind::any:
        break;
    }
    return {{"type", "object"}};
  }

  std::set<std::string> seen_;
  Json schemas_ = Json::object();
};

std::string path_of(const ResourceInfo& info) {
  const std::string root =
      info.group.empty() ? "/api/v1/" : "/apis/" + std::string(info.group) + "/v1/";
  const std::string space = info.scope == Scope::namespaced ? "namespaces/{namespace}/" : "";
  return root + space + std::string(info.resource) + "/{name}";
}

Json kind_of(const ResourceInfo& info) {
  return {{"group", info.group}, {"version", info.version}, {"kind", info.kind}};
}

// The operations by which kubectl finds out which parameters the server understands.
Json path_item(const ResourceInfo& info, const Json& reference) {
  Json parameters = Json::array();
  for (const char* name : {"dryRun", "fieldManager", "fieldValidation", "force"}) {
    parameters.push_back({{"name", name}, {"in", "query"}, {"schema", {{"type", "string"}}}});
  }
  const Json answer = {
      {"200",
       {{"description", "OK"}, {"content", {{"application/json", {{"schema", reference}}}}}}}};
  Json body = Json::object();
  for (const char* type : {"application/apply-patch+yaml",
                           "application/json-patch+json",
                           "application/merge-patch+json",
                           "application/strategic-merge-patch+json"}) {
    body[type] = {{"schema", {{"type", "object"}}}};
  }
  const Json read = {{"responses", answer},
                     {"x-kubernetes-action", "get"},
                     {"x-kubernetes-group-version-kind", kind_of(info)}};
  const Json patch = {{"parameters", parameters},
                      {"requestBody", {{"content", body}}},
                      {"responses", answer},
                      {"x-kubernetes-action", "patch"},
                      {"x-kubernetes-group-version-kind", kind_of(info)}};
  return {{"get", read}, {"patch", patch}};
}

Json v3_document(std::string_view group) {
  Components components;
  Json paths = Json::object();
  for (const ResourceInfo& info : resources()) {
    const ObjectType* type = find_type(info.schema);
    if (info.group != group || type == nullptr) {
      continue;
    }
    const Json reference = components.reference(*type);
    components.schemas()[type->name]["x-kubernetes-group-version-kind"] =
        Json::array({kind_of(info)});
    paths[path_of(info)] = path_item(info, reference);
  }
  return {{"openapi", "3.0.0"},
          {"info", {{"title", "Kubernetes"}, {"version", "sandbox"}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", std::move(components.schemas())}}}};
}

Json v3_index() {
  Json paths = Json::object();
  for (const ResourceInfo& info : resources()) {
    const std::string name =
        info.group.empty() ? "api/v1" : "apis/" + std::string(info.group) + "/v1";
    paths[name] = {{"serverRelativeURL", std::string(k_v3_root) + "/" + name + "?hash=1"}};
  }
  return {{"paths", std::move(paths)}};
}

std::optional<Json> v3_at(std::string_view path) {
  if (path == k_v3_root) {
    return v3_index();
  }
  for (const ResourceInfo& info : resources()) {
    const std::string place = std::string(k_v3_root) + (info.group.empty() ? "/api/v1" : "/apis/") +
                              std::string(info.group) + (info.group.empty() ? "" : "/v1");
    if (path == place) {
      return v3_document(info.group);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<OpenApiDocument> openapi_document(const HttpRequest& request) {
  if (request.path == "/openapi/v2") {
    const bool protobuf = request.header("Accept").find("protobuf") != std::string::npos;
    return protobuf ? OpenApiDocument{"application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
                                      openapi_v2_protobuf()}
                    : OpenApiDocument{"application/json",
                                      R"({"swagger":"2.0","info":{"title":"Kubernetes",)"
                                      R"("version":"sandbox"},"paths":{},"definitions":{}})"};
  }
  if (const auto document = v3_at(request.path)) {
    return OpenApiDocument{"application/json", document->dump()};
  }
  return std::nullopt;
}

}  // namespace kredis::sandbox::api
