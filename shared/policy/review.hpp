// SPDX-License-Identifier: Apache-2.0
//
// What the webhook and `lint` ask of the policy: is this object part of a Redis Cluster, what does
// it lack, what is wrong with it. Pure; the rules themselves are in rule.hpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/policy/shell.hpp"

namespace kredis::policy {

/// An error refuses the object; a warning lets it through and is told; advice is for those who ask.
enum class RuleSeverity { error, warning, advice };

/// "error", "warning" or "advice".
std::string_view to_text(RuleSeverity severity);

/// One thing that a rule has against an object.
struct Objection {
  std::string rule;  ///< RC001
  RuleSeverity severity = RuleSeverity::error;
  std::string path;     ///< RFC 6901, in the object; may name a member that is missing.
  std::string found;    ///< What is there; "nothing" where nothing is. Never a secret.
  std::string wanted;   ///< What to write instead.
  std::string message;  ///< One sentence: what is wrong, and what it leads to.
  friend bool operator==(const Objection&, const Objection&) = default;
};

/// The other objects at hand. Who builds it decides where from: a cache, or the files beside this
/// one. Threads: one review calls the functions from one thread; what they return must stay until
/// it ends.
struct Surroundings {
  /// An object by kind ("ConfigMap"), namespace and name; null where there is none.
  std::function<const Json*(std::string_view, std::string_view, std::string_view)> find = {};
  /// All objects of a kind in a namespace.
  std::function<std::vector<const Json*>(std::string_view, std::string_view)> list = {};
  /// The object as it was, when this is a change; null when it is new. Fields that Kubernetes lets
  /// nobody change are not patched then.
  const Json* before = nullptr;
  /// Whether a workload answers for errors of the ConfigMap that it starts from: one that was let
  /// in while nobody started from it. Where all objects are judged together, its own are enough.
  bool workload_answers = false;
  /// Shared by copies: what one review looks at, it reads once.
  std::shared_ptr<ShellMemory> scripts = std::make_shared<ShellMemory>();

  /// Nothing can be looked up; what is not there may well exist.
  bool blind() const noexcept { return !find || !list; }
};

struct Verdict {
  bool recognised = false;  ///< The object belongs to a Redis Cluster.
  bool ignored = false;  ///< It does, and its annotation takes it out, or its owner keeps it as it
                         ///< is: nothing was checked.
  std::vector<Objection> objections = {};
  Json patch = Json::array();  ///< RFC 6902; empty where nothing is missing.
  Json mutated = {};           ///< By mutate: the object with the patch applied.

  bool has(RuleSeverity severity) const noexcept;
};

/// Whether `object` belongs to a Redis Cluster: a workload by its labels, its annotation or what it
/// runs, any other object by what it is to such a workload.
bool is_redis_cluster(const Json& object, const Surroundings& around);

/// Fills in what is missing and changes nothing that is there. Idempotent. `objections` stays
/// empty. An object that is moved in is not copied.
Verdict mutate(Json object, const Surroundings& around);

/// All objections at once, errors first. `patch` stays empty and `mutated` is the object.
Verdict validate(const Json& object, const Surroundings& around);

}  // namespace kredis::policy
