// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis create`: from nothing to a healthy cluster; run again, it finishes or changes
// nothing.
#include "plugin/commands/create_flags.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "plugin/apply/apply_objects.hpp"
#include "plugin/apply/wait_for_pods.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/create/external_addresses.hpp"
#include "plugin/operations/create/preflight.hpp"
#include "shared/manifest/check_spec.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/objects.hpp"
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

std::string label_selector_of(const ClusterSpec& spec) {
  std::string selector;
  for (const auto& [key, value] : manifest::selector_labels(spec.name)) {
    selector += (selector.empty() ? "" : ",") + key + "=" + value;
  }
  return selector;
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

Result<ExitStatus> dry_run_on_server(const ClusterSpec& spec,
                                     const std::vector<Json>& objects,
                                     Output output,
                                     Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto before, preflight(*kube, spec, objects, session.progress()));
  session.progress().begin("asking the server");
  KREDIS_TRY(const auto applied,
             apply_objects(*kube, objects, before, ports::DryRun::server, session.progress()));
  session.progress().done(fmt::format("the server would take all {} objects", applied.size()));
  std::vector<Json> answers;
  for (const Applied& each : applied) {
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

Status put_objects(ports::KubePort& kube,
                   const ClusterSpec& spec,
                   const std::vector<Json>& objects,
                   Session& session) {
  Progress& progress = session.progress();
  KREDIS_TRY(const auto before, preflight(kube, spec, objects, progress));
  say_compromises(spec, session);
  progress.begin(
      fmt::format("applying {} objects in namespace {}", objects.size(), spec.namespace_));
  KREDIS_CHECK(apply_objects(kube, objects, before, ports::DryRun::no, progress));
  progress.done(fmt::format("applied {} objects in namespace {}", objects.size(), spec.namespace_));
  return {};
}

/// A probe that asked while slots were given out found the cluster not whole, and its pod is not
/// ready until the next one: what create leaves is ready, and what it shows says so.
Status wait_until_ready_again(ports::KubePort& kube,
                              const observe::Located& located,
                              const PodWait& wait,
                              core::ClusterView& view,
                              Progress& progress) {
  KREDIS_TRY(const core::ClusterView now, observe::gather_pods(kube, located));
  if (std::ranges::any_of(now.members, [](const core::Member& it) { return !it.pod.ready; })) {
    KREDIS_CHECK(wait_for_pods(kube, wait, progress));
  }
  for (core::Member& member : view.members) {
    member.pod.ready = true;
    member.pod.trouble.clear();
  }
  return {};
}

Result<ExitStatus> run_create(const CreateFlags& options, Session& session) {
  // What is wrong with the flags alone is said before anybody is asked anything.
  KREDIS_TRY(ClusterSpec spec, spec_of(options, session.options().namespace_));
  spec.namespace_ = spec.namespace_.empty() ? "default" : spec.namespace_;
  KREDIS_CHECK(manifest::check(spec));
  if (const auto named = session.namespace_name(); named) {
    spec.namespace_ = *named;
  } else if (options.dry_run != DryRun::client) {
    return named.error();
  }
  const std::vector<Json> objects = manifest::objects(spec);
  if (options.dry_run == DryRun::client) {
    print_objects(objects, options.output, session.out());
    return ExitStatus::done;
  }
  if (options.dry_run == DryRun::server) {
    return dry_run_on_server(spec, objects, options.output, session);
  }
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  const auto deadline = ports::Clock::now() + options.timeout;
  KREDIS_CHECK(put_objects(*kube, spec, objects, session));
  KREDIS_CHECK(announce_external(*kube, spec, deadline, session.progress()));
  const PodWait wait{.namespace_ = spec.namespace_,
                     .label_selector = label_selector_of(spec),
                     .count = spec.nodes(),
                     .deadline = deadline,
                     .workload = manifest::names_of(spec.name).workload};
  KREDIS_CHECK(wait_for_pods(*kube, wait, session.progress()));
  if (options.no_init) {
    session.out() << "pods are ready; initialise them with: kubectl redis init " << spec.name
                  << session.namespace_flag() << "\n";
    return ExitStatus::done;
  }
  KREDIS_TRY(const observe::Located located, observe::locate(*kube, spec.namespace_, spec.name));
  const observe::RedisAccess access{.auth_secret = spec.auth_secret, .tls_secret = spec.tls_secret};
  const core::Shape shape{.masters = static_cast<std::uint32_t>(spec.masters),
                          .replicas = static_cast<std::uint32_t>(spec.replicas)};
  KREDIS_TRY(auto view, initialise_cluster(session, located, access, shape, deadline));
  KREDIS_CHECK(wait_until_ready_again(*kube, located, wait, view, session.progress()));
  return show_status(session, std::move(view), options.output);
}

}  // namespace

void add_create(Verb& root) {
  const auto flags = std::make_shared<CreateFlags>();
  Verb verb = root.subcommand("create", "Make a cluster: objects, pods, slots, replicas");
  add_create_flags(verb, *flags);
  verb.footer(
      "Run it again to finish what was interrupted; on a finished cluster it changes nothing.\n\n"
      "Examples:\n"
      "  kubectl redis create                                  # three masters, three replicas\n"
      "  kubectl redis create shop --masters 5 --storage-class fast --size 10Gi\n"
      "  kubectl redis create --nfs-server 192.168.0.222 --nfs-path /usr/local/k8s/redis\n"
      "  kubectl redis create --set maxmemory=1gb --limits memory=2Gi\n"
      "  kubectl redis create --dry-run=client -o yaml         # only print the objects");
  verb.run(flags, run_create);
}

}  // namespace kredis::plugin
