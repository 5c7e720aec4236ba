// SPDX-License-Identifier: Apache-2.0
//
// A sound cluster's objects, and ways to change them, for tests of rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/manifest/objects.hpp"
#include "shared/policy/rule.hpp"

namespace kredis::policy {

using Objects = std::vector<Json>;

/// What `create` makes, but as if somebody else had: without the label that says so.
Objects sound_objects(manifest::Layout layout = manifest::Layout::statefulset);

/// Lets rules look up `objects`, which must outlive it.
Surroundings beside(const Objects& objects);

/// The first object of that kind.
Json& first(Objects& objects, std::string_view kind);

/// YAML of one document.
Json from_yaml(std::string_view text);

/// A StatefulSet `shop` as people write them: a claim at /data, the ConfigMap `shop-conf` at /conf,
/// and no command but what `launch` has, YAML of the container's command, args, env and the like.
Json hand_made_set(std::string_view launch);

Objects documents_in(const std::string& path);
std::string read_file(const std::string& path);

/// The sound objects with a documentation's example in its place.
Objects with_example(const Rule& rule, std::string_view example);

/// All that the rules have against any of the objects.
std::vector<Objection> objections_to(const Objects& objects);

/// "RC001 warning /path: message [found -> wanted]"
std::string line_of(const Objection& objection);

}  // namespace kredis::policy
