// SPDX-License-Identifier: Apache-2.0
//
// Flags that several verbs share, declared once, so that they are named, read and told alike.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "plugin/commands/verb.hpp"
#include "plugin/terminal/session.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::plugin {

/// NAME, the cluster; what `name` holds is the default.
Flag add_name(Verb& verb, std::string& name);

/// -l, instead of a NAME.
Flag add_selector(Verb& verb, std::string& selector);

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
