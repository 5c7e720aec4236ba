// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis create`: from nothing to a healthy cluster; run again, it finishes or changes
// nothing.
#include "plugin/commands/create_flags.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/object_name.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/create/external_addresses.hpp"
#include "plugin/operations/create/plan.hpp"
#include "plugin/operations/create/preflight.hpp"
#include "plugin/operations/create/standing.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/manifest/check_spec.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/objects.hpp"
#include "shared/manifest/spec_changes.hpp"
#include "shared/manifest/yaml_writer.hpp"
#include "shared/observe/gather.hpp"

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;

/// The objects as a stream of documents, or as one List.
void print_objects(const std::vector<Json>& objects, Output output, std::ostream& stream) {
  if (output == Output::json) {
    stream << Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}}.dump(2) << "\n";
    return;
  }
  for (const Json& object : objects) {
    if (output == Output::name) {
      stream << name_of(object).to_text() << "\n";
    } else {
      stream << "---\n" << manifest::to_yaml(object);
    }
  }
}

/// What cannot be met is done as well as possible and said.
void say_compromises(const ClusterSpec& spec, Session& session) {
  if (spec.replicas == 0) {
    session.progress().note(session.error_style().yellow("note:") +
                            " without replicas a lost pod is lost slots until it is back");
  }
  if (spec.storage == manifest::Storage::ephemeral) {
    session.progress().note(session.error_style().yellow("note:") +
                            " --ephemeral: a pod that is deleted loses its data");
  }
}

Result<ExitStatus> show_dry_run(const ClusterSpec& spec,
                                const std::vector<Json>& objects,
                                Output output,
                                Session& session) {
  if (output != Output::text) {
    print_objects(objects, output, session.out());
    return ExitStatus::done;
  }
  session.out() << render_plan(plan_create(spec, objects, {}));
  return ExitStatus::done;
}

Result<ExitStatus> dry_run_on_server(const ClusterSpec& spec,
                                     const std::vector<Json>& objects,
                                     Output output,
                                     Session& session,
                                     const Conduct& conduct) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto before, preflight(*kube, spec, objects, session.progress()));
  Site site{.kube = kube, .dry_run = ports::DryRun::server};
  session.progress().begin("asking the server");
  KREDIS_CHECK(apply_plan(site, {.stages = {apply_stage(spec, objects, before)}}, conduct));
  session.progress().done(fmt::format("the server would take all {} objects", objects.size()));
  std::vector<Json> answers;
  for (const Applied& each : site.applied) {
    answers.push_back(each.object);
    if (output == Output::text) {
      session.out() << each.name.to_text() << " " << to_text(each.change) << " (server dry run)\n";
    }
  }
  if (output != Output::text) {
    print_objects(answers, output, session.out());
  }
  return ExitStatus::done;
}

/// What create works on: the description, merged with what is there, and its objects.
struct Task {
  ClusterSpec spec;
  std::optional<ClusterSpec> there = {};  ///< Before anything is done.
  std::vector<manifest::SpecChange> changes = {};
  std::vector<Json> objects = {};
};

/// What is not said stays as it is. Errors: conflict (what create does not change).
Result<Task> task_of(ClusterSpec asked,
                     std::optional<ClusterSpec> there,
                     const CreateFlags& flags) {
  Task task{.spec = std::move(asked), .there = std::move(there)};
  if (task.there) {
    task.spec = merged(*task.there, task.spec, flags.given);
    KREDIS_CHECK(manifest::check_fixed(*task.there, task.spec));
    KREDIS_CHECK(manifest::check(task.spec));
    task.changes = manifest::changes_between(*task.there, task.spec);
  }
  task.objects = manifest::objects(task.spec);
  return task;
}

/// Old and new of each change, before it is asked.
void say_changes(const Task& task, bool restarts, Session& session) {
  for (const manifest::SpecChange& change : task.changes) {
    session.progress().note(fmt::format("{} {}: {} -> {}",
                                        session.error_style().yellow("change:"),
                                        change.what,
                                        change.before.empty() ? "none" : change.before,
                                        change.after.empty() ? "none" : change.after));
  }
  if (restarts && task.changes.empty()) {
    session.progress().note(session.error_style().yellow("change:") +
                            " the pods' template, as this version of kubectl redis makes it");
  }
}

bool switches_persistence_on(const Task& task) {
  return std::ranges::any_of(task.changes, [](const manifest::SpecChange& change) {
    return change.what == "set appendonly" && change.after == "yes";
  });
}

/// A persistence change goes live first: pods that start with it on find their file.
Status switch_persistence_on(ReachedCluster& reached, const Conduct& conduct) {
  KREDIS_CHECK(reached.cluster.look(observe::Ask::everything, conduct.call_deadline()));
  const core::Stage stage = persistence_stage(reached.cluster.view());
  KREDIS_CHECK(apply_plan(reached.site, {.stages = {stage}}, conduct));
  return wait_until_seen(reached.cluster, conduct, persistence_missing, observe::Ask::everything);
}

/// Brings a cluster that is there to what is asked for; says what that is, and asks.
Status change_pods(ports::KubePort& kube,
                   const Task& task,
                   const std::vector<Json>& before,
                   const CreateFlags& options,
                   Session& session,
                   const Conduct& conduct) {
  KREDIS_TRY(const auto restarted, restarted_by(kube, task.objects, before, conduct));
  KREDIS_CHECK(check_allowed(*task.there, task.changes, !restarted.empty(), options.allow));
  say_changes(task, !restarted.empty(), session);
  const core::Plan plan{
      .stages = {reapply_stage(task.spec, task.objects, before, task.changes, restarted)}};
  if (!task.changes.empty() || !restarted.empty()) {
    KREDIS_CHECK(agree(session, plan, task.spec.name, options.yes ? Ask::no : Ask::yes));
  }
  if (switches_persistence_on(task)) {
    KREDIS_TRY(const observe::Located located,
               observe::locate(kube, task.spec.namespace_, task.spec.name));
    KREDIS_TRY(const auto reached, reach(session, located, observe::RedisAccess{}));
    KREDIS_CHECK(switch_persistence_on(*reached, conduct));
  }
  Site site{.kube = &kube};
  return apply_plan(site, plan, conduct);
}

/// The pods, ready to be initialised.
Status make_pods(ports::KubePort& kube,
                 const Task& task,
                 const std::vector<Json>& before,
                 const CreateFlags& options,
                 Session& session,
                 const Conduct& conduct) {
  if (task.there) {
    KREDIS_CHECK(change_pods(kube, task, before, options, session, conduct));
  } else {
    Site site{.kube = &kube};
    KREDIS_CHECK(
        apply_plan(site, {.stages = {apply_stage(task.spec, task.objects, before)}}, conduct));
  }
  Site site{.kube = &kube};
  KREDIS_CHECK(announce_external(kube, task.spec, conduct));
  return apply_plan(site, {.stages = {pods_stage(task.spec)}}, conduct);
}

/// A probe that asked while slots were given out found the cluster not whole, and its pod is not
/// ready until the next one: what create leaves is ready, and what it shows says so.
Status wait_until_ready_again(ports::KubePort& kube,
                              const observe::Located& located,
                              const ClusterSpec& spec,
                              core::ClusterView& view,
                              const Conduct& conduct) {
  KREDIS_TRY(const core::ClusterView now, observe::gather_pods(kube, located));
  if (std::ranges::any_of(now.members, [](const core::Member& it) { return !it.pod.ready; })) {
    Site site{.kube = &kube};
    KREDIS_CHECK(apply_plan(site, {.stages = {pods_stage(spec)}}, conduct));
  }
  for (core::Member& member : view.members) {
    member.pod.ready = true;
    member.pod.trouble.clear();
  }
  return {};
}

/// What is there, as far as it can be seen: a dry run goes without.
Result<std::optional<ClusterSpec>> standing(const ClusterSpec& spec,
                                            const CreateFlags& options,
                                            Session& session) {
  const auto kube = session.kube();
  auto found = kube ? find_standing(**kube, spec.namespace_, spec.name)
                    : Result<std::optional<ClusterSpec>>(kube.error());
  const bool goes_without = options.dry_run == DryRun::client;
  return found || !goes_without ? found : std::optional<ClusterSpec>{};
}

/// From the flags alone, and then from what is there.
Result<Task> prepare(const CreateFlags& options, Session& session) {
  // What is wrong with the flags alone is said before anybody is asked anything.
  KREDIS_TRY(ClusterSpec spec, spec_of(options, session.options().namespace_));
  spec.namespace_ = spec.namespace_.empty() ? "default" : spec.namespace_;
  KREDIS_CHECK(manifest::check(spec));
  if (const auto named = session.namespace_name(); named) {
    spec.namespace_ = *named;
  } else if (options.dry_run != DryRun::client) {
    return named.error();
  }
  KREDIS_TRY(auto there, standing(spec, options, session));
  return task_of(std::move(spec), std::move(there), options);
}

Result<ExitStatus> initialise_pods(ports::KubePort& kube,
                                   const ClusterSpec& spec,
                                   const CreateFlags& options,
                                   Session& session,
                                   const Conduct& conduct) {
  if (options.no_init) {
    session.out() << "pods are ready; initialise them with: kubectl redis init " << spec.name
                  << session.namespace_flag() << "\n";
    return ExitStatus::done;
  }
  KREDIS_TRY(const observe::Located located, observe::locate(kube, spec.namespace_, spec.name));
  const observe::RedisAccess access{.auth_secret = spec.auth_secret, .tls_secret = spec.tls_secret};
  const core::Shape shape{.masters = static_cast<std::uint32_t>(spec.masters),
                          .replicas = static_cast<std::uint32_t>(spec.replicas)};
  KREDIS_TRY(auto view, initialise_cluster(session, located, access, shape, conduct));
  KREDIS_CHECK(wait_until_ready_again(kube, located, spec, view, conduct));
  return show_status(session, std::move(view), options.output);
}

Result<ExitStatus> run_create(const CreateFlags& options, Session& session) {
  KREDIS_TRY(const Task task, prepare(options, session));
  const ClusterSpec& spec = task.spec;
  if (options.dry_run == DryRun::client) {
    say_changes(task, false, session);
    return show_dry_run(spec, task.objects, options.output, session);
  }
  Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  if (options.dry_run == DryRun::server) {
    say_changes(task, false, session);
    return dry_run_on_server(spec, task.objects, options.output, session, conduct);
  }
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto before, preflight(*kube, spec, task.objects, session.progress()));
  say_compromises(spec, session);
  KREDIS_TRY(const auto lease,
             begin_change(session, spec.namespace_, spec.name, "create", conduct));
  KREDIS_CHECK(make_pods(*kube, task, before, options, session, conduct));
  return initialise_pods(*kube, spec, options, session, conduct);
}

}  // namespace

void add_create(Verb& root) {
  const auto flags = std::make_shared<CreateFlags>();
  Verb verb = root.subcommand("create", "Make a cluster: objects, pods, slots, replicas");
  add_create_flags(verb, *flags);
  verb.footer(
      "Run it again to finish what was interrupted. On a cluster that is there, what is not said stays\n"
      "as it is; what is said differently is shown, old and new, and asked. Shape (that is scale),\n"
      "layout and storage do not change; what could cost data is refused until --allow says it.\n\n"
      "Examples:\n"
      "  kubectl redis create                                  # three masters, three replicas\n"
      "  kubectl redis create shop --masters 5 --storage-class fast --size 10Gi\n"
      "  kubectl redis create --nfs-server 192.168.0.222 --nfs-path /usr/local/k8s/redis\n"
      "  kubectl redis create --set maxmemory=1gb --limits memory=2Gi\n"
      "  kubectl redis create --dry-run=client -o yaml         # only print the objects");
  verb.run(flags, run_create);
}

}  // namespace kredis::plugin
