// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/environment.hpp"

#include <array>
#include <cmath>
#include <cstdint>

#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {
namespace {

std::string kind_of(const std::string& resource) {
  return resource == "secrets" ? "secret" : "configmap";
}

// "metadata.labels['app']" -> the label's name; empty for any other path.
std::string subscript(const std::string& path, std::string_view prefix) {
  if (!path.starts_with(prefix) || !path.ends_with("']")) {
    return {};
  }
  return path.substr(prefix.size(), path.size() - prefix.size() - 2);
}

Result<std::string> key_value(const PodFacts& facts,
                              const std::string& resource,
                              const Json& reference,
                              bool* absent) {
  const std::string name = text_at(reference, "name");
  const std::string key = text_at(reference, "key");
  const bool optional = true_at(reference, "optional");
  const Object object = facts.find(resource, name);
  if (object == nullptr) {
    *absent = true;
    return optional ? Result<std::string>("")
                    : Error::not_found(kind_of(resource) + " \"" + name + "\" not found");
  }
  const auto payload = payload_of(resource, *object);
  if (const auto found = payload.find(key); found != payload.end()) {
    return found->second;
  }
  *absent = true;
  return optional ? Result<std::string>("")
                  : Error::not_found("couldn't find key " + key + " in " +
                                     (resource == "secrets" ? "Secret " : "ConfigMap ") +
                                     namespace_of(facts.pod) + "/" + name);
}

Status add_all_of(const Json& source, const PodFacts& facts, Environment& environment) {
  for (const auto& [field, resource] : std::array<std::pair<const char*, std::string>, 2>{
           {{"configMapRef", "configmaps"}, {"secretRef", "secrets"}}}) {
    const auto reference = source.find(field);
    if (reference == source.end()) {
      continue;
    }
    const std::string name = text_at(*reference, "name");
    const Object object = facts.find(resource, name);
    if (object == nullptr) {
      if (!true_at(*reference, "optional")) {
        return Error::not_found(kind_of(resource) + " \"" + name + "\" not found");
      }
      continue;
    }
    for (const auto& [key, value] : payload_of(resource, *object)) {
      environment[text_at(source, "prefix") + key] = value;
    }
  }
  return {};
}

Result<std::string> value_from(const Json& from,
                               const Json& container,
                               const PodFacts& facts,
                               bool* absent) {
  if (const auto field = from.find("fieldRef"); field != from.end()) {
    return pod_field(facts, text_at(*field, "fieldPath"));
  }
  if (const auto field = from.find("resourceFieldRef"); field != from.end()) {
    return resource_field(container, *field);
  }
  if (const auto key = from.find("configMapKeyRef"); key != from.end()) {
    return key_value(facts, "configmaps", *key, absent);
  }
  if (const auto key = from.find("secretKeyRef"); key != from.end()) {
    return key_value(facts, "secrets", *key, absent);
  }
  return std::string();
}

}  // namespace

std::string base64_decode(std::string_view text) {
  constexpr std::string_view k_alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char letter : text) {
    const std::size_t value = k_alphabet.find(letter);
    if (value == std::string_view::npos) {
      if (letter == '\n' || letter == '\r') {
        continue;
      }
      break;
    }
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU);
    }
  }
  return bytes;
}

std::map<std::string, std::string> payload_of(const std::string& resource, const Json& object) {
  std::map<std::string, std::string> payload;
  const auto add = [&](const char* field, bool encoded) {
    const auto data = object.find(field);
    if (data == object.end() || !data->is_object()) {
      return;
    }
    for (const auto& [key, value] : data->items()) {
      if (value.is_string()) {
        payload[key] = encoded ? base64_decode(value.get<std::string>()) : value.get<std::string>();
      }
    }
  };
  add("data", resource == "secrets");
  add("binaryData", true);
  return payload;
}

Result<std::string> pod_field(const PodFacts& facts, const std::string& path) {
  if (path == "status.podIP" || path == "status.podIPs") {
    return facts.pod_address;
  }
  if (path == "status.hostIP" || path == "status.hostIPs") {
    return facts.node_address;
  }
  if (const std::string label = subscript(path, "metadata.labels['"); !label.empty()) {
    return label_of(facts.pod, label);
  }
  if (const std::string key = subscript(path, "metadata.annotations['"); !key.empty()) {
    return annotation_of(facts.pod, key);
  }
  if (path == "metadata.labels" || path == "metadata.annotations") {
    std::string lines;
    for (const auto& [key, value] : at(facts.pod, path).items()) {
      lines += key + "=" + value.dump() + "\n";
    }
    return lines;
  }
  if (path == "spec.serviceAccountName" && text_at(facts.pod, path).empty()) {
    return std::string("default");
  }
  if (path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid" ||
      path == "spec.nodeName" || path == "spec.serviceAccountName") {
    return text_at(facts.pod, path);
  }
  return Error::invalid_argument("unsupported fieldPath: " + path);
}

Result<std::string> resource_field(const Json& container, const Json& reference) {
  const std::string resource = text_at(reference, "resource");
  double value = quantity_at(container, "resources." + resource);
  if (value == 0 && resource.starts_with("limits.")) {
    value =
        resource == "limits.memory" ? 8.0 * 1024 * 1024 * 1024 : 2.0;  // What the node could give.
  }
  const double divisor = quantity_at(reference, "divisor");
  return std::to_string(static_cast<std::int64_t>(std::ceil(value / (divisor > 0 ? divisor : 1))));
}

Result<Environment> build_environment(const Json& container, const PodFacts& facts) {
  Environment environment;
  for (const Json& source : container.value("envFrom", Json::array())) {
    KREDIS_CHECK(add_all_of(source, facts, environment));
  }
  for (const Json& entry : container.value("env", Json::array())) {
    const std::string name = text_at(entry, "name");
    const auto from = entry.find("valueFrom");
    if (from == entry.end()) {
      environment[name] = expand(text_at(entry, "value"), environment);
      continue;
    }
    bool absent = false;
    KREDIS_TRY(std::string value, value_from(*from, container, facts, &absent));
    if (!absent) {
      environment[name] = std::move(value);
    }
  }
  return environment;
}

std::string expand(std::string_view text, const Environment& environment) {
  std::string expanded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '$' || at + 1 == text.size()) {
      expanded += text[at];
      continue;
    }
    if (text[at + 1] == '$') {
      expanded += '$';
      ++at;
      continue;
    }
    const std::size_t end = text[at + 1] == '(' ? text.find(')', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      expanded += '$';
      continue;
    }
    const auto found = environment.find(std::string(text.substr(at + 2, end - at - 2)));
    expanded +=
        found != environment.end() ? found->second : std::string(text.substr(at, end - at + 1));
    at = end;
  }
  return expanded;
}

}  // namespace kredis::sandbox
