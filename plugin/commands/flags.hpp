// SPDX-License-Identifier: Apache-2.0
//
// Flags that several verbs share, declared once, so that they are named, read and told alike.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "plugin/commands/verb.hpp"
#include "plugin/terminal/session.hpp"
#include "shared/core/plans/step.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {

/// Which cluster, in the words of NAME, -l and the access flags.
struct ClusterWish {
  std::string name = "redis";
  std::string selector = {};  ///< Instead of a name.
  observe::RedisAccess access = {};
};

/// NAME or -l, and how to get into its nodes. Returns NAME.
Flag add_cluster(Verb& verb, ClusterWish& wish);

/// -l; `name` is what it stands instead of.
Flag add_selector(Verb& verb, std::string& selector, const Flag& name);

/// --auth-secret and --tls-secret.
void add_access(Verb& verb, observe::RedisAccess& access);

Flag add_timeout(Verb& verb, std::chrono::milliseconds& timeout, const std::string& about);

/// -o, with what this verb can print.
Flag add_output(Verb& verb, Output& output, const std::vector<Output>& printable);

/// --dry-run, alone or with client, server or none.
Flag add_dry_run(Verb& verb, DryRun& dry_run, const std::string& about);

/// What --layout takes.
const Choices<manifest::Layout>& layouts();

Flag add_yes(Verb& verb, bool& yes);

}  // namespace kredis::plugin
