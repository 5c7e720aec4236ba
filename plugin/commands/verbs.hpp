// SPDX-License-Identifier: Apache-2.0
//
// One function a verb: it adds the verb's subcommand, which on parsing sets the operation to run.
#pragma once

#include "plugin/terminal/session.hpp"

namespace CLI {
class App;
}

namespace kredis::plugin {

void add_create(CLI::App& root, Operation& chosen);
void add_init(CLI::App& root, Operation& chosen);
void add_status(CLI::App& root, Operation& chosen);
void add_delete(CLI::App& root, Operation& chosen);
void add_rbac(CLI::App& root, Operation& chosen);
void add_failover(CLI::App& root, Operation& chosen);
void add_drill(CLI::App& failover, Operation& chosen);
void add_cli(CLI::App& root, Operation& chosen);
void add_toolbox(CLI::App& root, Operation& chosen);
void add_config(CLI::App& root, Operation& chosen);
void add_nfs(CLI::App& root, Operation& chosen);
void add_lint(CLI::App& root, Operation& chosen);
void add_explain(CLI::App& root, Operation& chosen);
void add_rules(CLI::App& root, Operation& chosen);
void add_webhook(CLI::App& root, Operation& chosen);
void add_policy(CLI::App& root, Operation& chosen);
void add_version(CLI::App& root, Operation& chosen);
void add_completion(CLI::App& root, Operation& chosen);

}  // namespace kredis::plugin
