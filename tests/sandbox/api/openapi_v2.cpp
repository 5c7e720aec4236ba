// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/openapi_v2.hpp"

#include <cstdint>
#include <string_view>

#include "tests/sandbox/api/resources.hpp"

namespace kredis::sandbox::api {
namespace {

// Field numbers from gnostic's OpenAPIv2.proto.
namespace document {
constexpr unsigned k_swagger = 1, k_info = 2, k_paths = 8;
}
namespace info_message {
constexpr unsigned k_title = 1, k_version = 2;
}
constexpr unsigned k_named_path = 2;                            // Paths.path
constexpr unsigned k_name = 1, k_value = 2;                     // NamedPathItem, NamedAny
constexpr unsigned k_patch = 8;                                 // PathItem.patch
constexpr unsigned k_parameters = 8, k_extension = 13;          // Operation
constexpr unsigned k_parameter = 1;                             // ParametersItem.parameter
constexpr unsigned k_non_body = 2;                              // Parameter.non_body_parameter
constexpr unsigned k_query = 3;                                 // NonBodyParameter
constexpr unsigned k_in = 2, k_parameter_name = 4, k_type = 6;  // QueryParameterSubSchema
constexpr unsigned k_yaml = 2;                                  // Any.yaml

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80U) {
    out += static_cast<char>(static_cast<unsigned char>(value | 0x80U));
    value >>= 7U;
  }
  out += static_cast<char>(value);
}

// A text or an embedded message: both are length-delimited.
std::string field(unsigned number, std::string_view content) {
  std::string out;
  append_varint(out, number << 3U | 2U);
  append_varint(out, content.size());
  return out.append(content);
}

std::string query_parameter(std::string_view name) {
  const std::string schema =
      field(k_in, "query") + field(k_parameter_name, name) + field(k_type, "string");
  return field(k_parameters, field(k_parameter, field(k_non_body, field(k_query, schema))));
}

std::string patch_operation(const ResourceInfo& info) {
  std::string operation;
  for (const char* name : {"dryRun", "fieldManager", "fieldValidation", "force"}) {
    operation += query_parameter(name);
  }
  const std::string kind = "group: \"" + std::string(info.group) +
                           "\"\nkind: " + std::string(info.kind) +
                           "\nversion: " + std::string(info.version) + "\n";
  return operation + field(k_extension,
                           field(k_name, "x-kubernetes-group-version-kind") +
                               field(k_value, field(k_yaml, kind)));
}

}  // namespace

std::string openapi_v2_protobuf() {
  std::string paths;
  for (const ResourceInfo& info : resources()) {
    const std::string path = "/" + info.api_version() + "/" + std::string(info.resource);
    const std::string item = field(k_patch, patch_operation(info));
    paths += field(k_named_path, field(k_name, path) + field(k_value, item));
  }
  return field(document::k_swagger, "2.0") +
         field(document::k_info,
               field(info_message::k_title, "Kubernetes") +
                   field(info_message::k_version, "sandbox")) +
         field(document::k_paths, paths);
}

}  // namespace kredis::sandbox::api
