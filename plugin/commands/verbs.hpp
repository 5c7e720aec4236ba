// SPDX-License-Identifier: Apache-2.0
//
// One function a verb: it adds the verb's subcommand, which on parsing sets the operation to run.
#pragma once

#include "plugin/commands/verb.hpp"

namespace kredis::plugin {

void add_create(Verb& root);
void add_init(Verb& root);
void add_status(Verb& root);
void add_doctor(Verb& root);
void add_fix(Verb& root);
void add_delete(Verb& root);
void add_rbac(Verb& root);
void add_failover(Verb& root);
void add_drill(Verb& failover);
void add_node(Verb& root);
void add_rebalance(Verb& root);
void add_reshard(Verb& root);
void add_cli(Verb& root);
void add_toolbox(Verb& root);
void add_config(Verb& root);
void add_nfs(Verb& root);
void add_lint(Verb& root);
void add_explain(Verb& root);
void add_rules(Verb& root);
void add_scale(Verb& root);
void add_webhook(Verb& root);
void add_policy(Verb& root);
void add_version(Verb& root);
void add_completion(Verb& root);

}  // namespace kredis::plugin
