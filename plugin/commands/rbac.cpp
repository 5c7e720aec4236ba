// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis rbac`: the Roles that a verb needs, for an administrator to apply. Changes
// nothing.
#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"
#include "plugin/operations/rbac/roles.hpp"
#include "plugin/render/roles_text.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

struct RbacOptions {
  std::string verb = {};
  std::string name = {};
  std::vector<std::string> users = {};
  std::vector<std::string> groups = {};
  std::vector<std::string> service_accounts = {};
  std::string layout = {};
  std::string auth_secret = {};
  std::string tls_secret = {};
  bool nfs = false;
  bool purge_data = false;
  bool drill = false;
  bool all_namespaces = false;
  std::string output = {};
};

std::set<Case> cases_of(const RbacOptions& options) {
  std::set<Case> cases;
  if (options.layout != "deployment") {
    cases.insert(Case::statefulset);
  }
  if (options.layout != "statefulset") {
    cases.insert({Case::deployment, Case::deployment_claims});
  }
  if (options.layout.empty()) {
    cases.insert(Case::foreign);
  }
  if (options.nfs) {
    cases.insert(Case::nfs);
  }
  if (options.purge_data) {
    cases.insert(Case::purge_data);
  }
  if (options.drill) {
    cases.insert(Case::drill);
  }
  if (!options.auth_secret.empty() || !options.tls_secret.empty()) {
    cases.insert(Case::secrets);
  }
  return cases;
}

/// "NAMESPACE:NAME", or a NAME in `namespace_`.
Subject service_account(const std::string& text, const std::string& namespace_) {
  const std::size_t colon = text.find(':');
  return colon == std::string::npos
             ? Subject{"ServiceAccount", text, namespace_}
             : Subject{"ServiceAccount", text.substr(colon + 1), text.substr(0, colon)};
}

std::vector<Subject> subjects_of(const RbacOptions& options, const std::string& namespace_) {
  std::vector<Subject> subjects;
  for (const std::string& name : options.users) {
    subjects.push_back({"User", name});
  }
  for (const std::string& name : options.groups) {
    subjects.push_back({"Group", name});
  }
  for (const std::string& name : options.service_accounts) {
    subjects.push_back(service_account(name, namespace_));
  }
  return subjects;
}

Status check_options(const RbacOptions& options) {
  const auto verbs = verbs_with_rights();
  if (!options.verb.empty() && std::ranges::find(verbs, options.verb) == verbs.end()) {
    return Error::invalid_argument("verb \"" + options.verb +
                                   "\" needs no rights, or there is none")
        .with_hint(
            fmt::format("name one of {}; or none, for all together", fmt::join(verbs, ", ")));
  }
  for (const Subject& subject : subjects_of(options, "default")) {
    if (subject.name.empty() || subject.namespace_.empty() == (subject.kind == "ServiceAccount")) {
      return Error::invalid_argument("a " + subject.kind + " has no name")
          .with_hint("write --user NAME, --group NAME or --service-account [NAMESPACE:]NAME");
    }
  }
  return {};
}

RoleRequest request_of(const RbacOptions& options, const std::string& namespace_) {
  RoleRequest request{
      .verb = options.verb,
      .cluster = options.name,
      .namespace_ = namespace_,
      .scope = options.all_namespaces ? Scope::all_namespaces : Scope::one_namespace,
      .cases = cases_of(options),
      .subjects = subjects_of(options, namespace_)};
  for (const std::string& secret : {options.auth_secret, options.tls_secret}) {
    if (!secret.empty()) {
      request.secrets.push_back(secret);
    }
  }
  return request;
}

std::vector<ExplainedRole> explained(const std::vector<RolePlan>& roles) {
  std::vector<ExplainedRole> all;
  for (const RolePlan& role : roles) {
    ExplainedRole each{.object = role.object};
    for (const JoinedRight& joined : role.reasons) {
      each.reasons.push_back(
          fmt::format("{}{}",
                      joined.right.weight == Weight::goes_without ? "goes without: " : "",
                      fmt::join(joined.why, "; ")));
    }
    all.push_back(std::move(each));
  }
  return all;
}

Result<ExitStatus> run_rbac(const RbacOptions& options, Session& session) {
  KREDIS_TRY(const Output output,
             parse_output(options.output, {Output::text, Output::json, Output::yaml}));
  KREDIS_CHECK(check_options(options));
  // Nobody is asked, so that an administrator can print Roles for a cluster he does not reach.
  const RoleRequest request = request_of(options, session.namespace_name().value_or("default"));
  const std::vector<RolePlan> roles = plan_roles(request);
  const std::vector<Json> bindings = bindings_of(roles, request);
  if (output == Output::text) {
    session.out() << render_roles(explained(roles), bindings);
    return ExitStatus::done;
  }
  std::vector<Json> objects;
  for (const RolePlan& role : roles) {
    objects.push_back(role.object);
  }
  objects.insert(objects.end(), bindings.begin(), bindings.end());
  if (output == Output::yaml) {
    session.out() << manifest::to_yaml(objects);
  } else {
    session.print_object({{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}}, output);
  }
  return ExitStatus::done;
}

}  // namespace

void add_rbac(CLI::App& root, Operation& chosen) {
  auto options = std::make_shared<RbacOptions>();
  CLI::App* verb = root.add_subcommand("rbac", "Print the Roles that a verb needs");
  verb->add_option("VERB", options->verb, "The verb; without one, all together");
  verb->add_option("NAME", options->name, "Name of the cluster, for the Roles' names");
  verb->add_option("--user", options->users, "Bind them to this user; may be repeated");
  verb->add_option("--group", options->groups, "Bind them to this group; may be repeated");
  verb->add_option("--service-account",
                   options->service_accounts,
                   "Bind them to this [NAMESPACE:]NAME; may be repeated");
  verb->add_option("--layout", options->layout, "Only for clusters of this layout")
      ->check(CLI::IsMember({"statefulset", "deployment"}));
  verb->add_option("--auth-secret", options->auth_secret, "Let it read this Secret's password");
  verb->add_option("--tls-secret", options->tls_secret, "Let it read this Secret's certificates");
  verb->add_flag(
      "--nfs", options->nfs, "With what --nfs-server takes (volumes, outside namespaces)");
  verb->add_flag("--purge-data", options->purge_data, "With what delete --purge-data takes");
  verb->add_flag("--drill", options->drill, "With what failover drill takes");
  verb->add_flag("-A,--all-namespaces", options->all_namespaces, "For every namespace");
  verb->add_option("-o,--output", options->output, "json or yaml");
  verb->footer(
      "Without -o a comment says what each rule is for; \"goes without\" marks what the verb does not\n"
      "insist on. kubectl apply -f - takes every form.\n\n"
      "Examples:\n"
      "  kubectl redis rbac status\n"
      "  kubectl redis rbac create -n web --user jane --layout statefulset | kubectl apply -f -\n"
      "  kubectl redis rbac delete --purge-data -n web --service-account ci:deployer -o yaml\n"
      "  kubectl redis rbac status -A --group sre");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_rbac(*options, session); };
  });
}

}  // namespace kredis::plugin
