// SPDX-License-Identifier: Apache-2.0
//
// A container's environment and what $(NAME) in its command becomes. Pure: objects come in through
// a lookup, and the pod as it is.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "tests/sandbox/node/process.hpp"
#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

/// A token by which the API server knows a service account.
using TokenOf =
    std::function<std::string(const std::string& namespace_, const std::string& account)>;

struct PodFacts {
  const Json& pod;
  std::string pod_address;
  std::string node_address;
  /// "configmaps" or "secrets", then the name, in the pod's namespace; null when there is none.
  std::function<Object(const std::string& resource, const std::string& name)> find;
  TokenOf token_of = {};
};

/// Decodes standard base64; stops at the first character that is none.
std::string base64_decode(std::string_view text);

/// The bytes of one key of a ConfigMap (data, binaryData) or Secret; nothing when absent.
std::map<std::string, std::string> payload_of(const std::string& resource, const Json& object);

/// What a fieldRef's path stands for, `metadata.labels['x']` included. Errors: invalid_argument.
Result<std::string> pod_field(const PodFacts& facts, const std::string& path);

/// What a resourceFieldRef stands for ("limits.memory"), in whole units of its divisor.
Result<std::string> resource_field(const Json& container, const Json& reference);

/// envFrom, then env in order; later values see earlier ones through $(NAME).
/// Errors: not_found (a ConfigMap, Secret or key that is not optional), in the kubelet's words.
Result<Environment> build_environment(const Json& container, const PodFacts& facts);

/// Replaces $(NAME) where NAME is set; $$ is a dollar sign; everything else stays.
std::string expand(std::string_view text, const Environment& environment);

}  // namespace kredis::sandbox
