// SPDX-License-Identifier: Apache-2.0
//
// The flags of `create` and the cluster description that they amount to.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "plugin/commands/verb.hpp"
#include "shared/core/result.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::plugin {

struct CreateFlags {
  manifest::ClusterSpec spec = {};  ///< What maps one to one.
  bool ephemeral = false;
  bool zone_spread = false;
  std::string config_file = {};
  std::optional<std::string> durability = {};
  std::vector<std::string> settings = {};
  std::vector<std::string> requests = {};
  std::vector<std::string> limits = {};
  std::vector<std::string> labels = {};
  std::vector<std::string> annotations = {};
  std::vector<std::string> node_selector = {};
  std::vector<std::string> tolerations = {};

  std::chrono::milliseconds timeout = std::chrono::minutes(5);
  DryRun dry_run = DryRun::none;
  Output output = Output::text;
  bool no_init = false;
  std::vector<std::string> allow = {};
  std::set<std::string> given = {};  ///< The flags that the line has.
  bool yes = false;
};

void add_create_flags(Verb& verb, CreateFlags& flags);

/// Reads the config file and the pairs. Does not judge the result; manifest::check does.
/// Errors: invalid_argument (a pair without "=", a file that is missing, binary or too large).
Result<manifest::ClusterSpec> spec_of(const CreateFlags& options, const std::string& namespace_);

}  // namespace kredis::plugin
