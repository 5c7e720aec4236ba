// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis rbac`: the Roles that a verb needs, for an administrator to apply. Changes
// nothing.
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/rbac/roles.hpp"
#include "plugin/render/roles_text.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

struct RbacFlags {
  std::string verb = {};
  std::string name = {};
  std::vector<std::string> users = {};
  std::vector<std::string> groups = {};
  std::vector<std::string> service_accounts = {};
  std::optional<manifest::Layout> layout = {};
  std::string auth_secret = {};
  std::string tls_secret = {};
  bool nfs = false;
  bool purge_data = false;
  bool drill = false;
  bool all_namespaces = false;
  Output output = Output::text;
};

std::set<Case> cases_of(const RbacFlags& options) {
  std::set<Case> cases;
  if (options.layout != manifest::Layout::deployment) {
    cases.insert(Case::statefulset);
  }
  if (options.layout != manifest::Layout::statefulset) {
    cases.insert({Case::deployment, Case::deployment_claims});
  }
  if (!options.layout) {
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

std::vector<Subject> subjects_of(const RbacFlags& options, const std::string& namespace_) {
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

Status check_options(const RbacFlags& options) {
  for (const Subject& subject : subjects_of(options, "default")) {
    if (subject.name.empty() || subject.namespace_.empty() == (subject.kind == "ServiceAccount")) {
      return Error::invalid_argument("a " + subject.kind + " has no name")
          .with_hint("write --user NAME, --group NAME or --service-account [NAMESPACE:]NAME");
    }
  }
  return {};
}

RoleRequest request_of(const RbacFlags& options, const std::string& namespace_) {
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

Result<ExitStatus> run_rbac(const RbacFlags& options, Session& session) {
  KREDIS_CHECK(check_options(options));
  // Nobody is asked, so that an administrator can print Roles for a cluster he does not reach.
  const RoleRequest request = request_of(options, session.namespace_name().value_or("default"));
  const std::vector<RolePlan> roles = plan_roles(request);
  const std::vector<Json> bindings = bindings_of(roles, request);
  if (options.output == Output::text) {
    session.out() << render_roles(explained(roles), bindings);
    return ExitStatus::done;
  }
  std::vector<Json> objects;
  for (const RolePlan& role : roles) {
    objects.push_back(role.object);
  }
  objects.insert(objects.end(), bindings.begin(), bindings.end());
  if (options.output == Output::yaml) {
    session.out() << manifest::to_yaml(objects);
  } else {
    session.print_object({{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}},
                         options.output);
  }
  return ExitStatus::done;
}

}  // namespace

void add_rbac(Verb& root) {
  const auto flags = std::make_shared<RbacFlags>();
  Verb verb = root.subcommand("rbac", "Print the Roles that a verb needs");
  verb.choice("VERB", flags->verb, verbs_with_rights(), "The verb; without one, all together");
  verb.positional("NAME", flags->name, "Name of the cluster, for the Roles' names");
  verb.option("--user", flags->users, "Bind them to this user; may be repeated");
  verb.option("--group", flags->groups, "Bind them to this group; may be repeated");
  verb.option("--service-account",
              flags->service_accounts,
              "Bind them to this [NAMESPACE:]NAME; may be repeated");
  verb.choice("--layout", flags->layout, layouts(), "Only for clusters of this layout");
  verb.option("--auth-secret", flags->auth_secret, "Let it read this Secret's password");
  verb.option("--tls-secret", flags->tls_secret, "Let it read this Secret's certificates");
  verb.flag("--nfs", flags->nfs, "With what --nfs-server takes (volumes, outside namespaces)");
  verb.flag("--purge-data", flags->purge_data, "With what delete --purge-data takes");
  verb.flag("--drill", flags->drill, "With what failover drill takes");
  verb.flag("-A,--all-namespaces", flags->all_namespaces, "For every namespace");
  add_output(verb, flags->output, {Output::text, Output::json, Output::yaml});
  verb.footer(
      "Without -o a comment says what each rule is for; \"goes without\" marks what the verb does not\n"
      "insist on. kubectl apply -f - takes every form.\n\n"
      "Examples:\n"
      "  kubectl redis rbac status\n"
      "  kubectl redis rbac create -n web --user jane --layout statefulset | kubectl apply -f -\n"
      "  kubectl redis rbac delete --purge-data -n web --service-account ci:deployer -o yaml\n"
      "  kubectl redis rbac status -A --group sre");
  verb.run(flags, run_rbac);
}

}  // namespace kredis::plugin
