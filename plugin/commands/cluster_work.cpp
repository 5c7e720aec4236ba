// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/cluster_work.hpp"

#include <algorithm>
#include <chrono>
#include <ostream>

#include <fmt/format.h>

#include "plugin/operations/init/configured_node_timeout.hpp"
#include "plugin/operations/init/initialise.hpp"
#include "plugin/render/human.hpp"
#include "plugin/render/plan_text.hpp"
#include "plugin/render/status_tree.hpp"
#include "shared/core/plans/plan_init.hpp"
#include "shared/core/text.hpp"
#include "shared/observe/gather.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/wire/client_services.hpp"
#include "shared/wire/report.hpp"
#include "shared/wire/status_report.hpp"

namespace kredis::plugin {
namespace {

Json report_of(const StatusPicture& picture) {
  return wire::status_report(picture.view, picture.findings, picture.survival);
}

bool has_error(const StatusPicture& picture) {
  return std::any_of(picture.findings.begin(), picture.findings.end(), [](const auto& each) {
    return each.severity == core::Severity::error;
  });
}

/// The words of this call that a next one about the same cluster needs.
core::Call call_of(const Session& session, const ClusterWish& wish) {
  core::Call call{.cluster = " " + core::shell_word(wish.name), .kube = session.kube_flags()};
  if (!wish.selector.empty()) {
    call.cluster = " -l " + core::shell_word(wish.selector);
  }
  if (!wish.access.auth_secret.empty()) {
    call.access += " --auth-secret " + core::shell_word(wish.access.auth_secret);
  }
  if (!wish.access.tls_secret.empty()) {
    call.access += " --tls-secret " + core::shell_word(wish.access.tls_secret);
  }
  return call;
}

/// Where clients connect; nothing where this user may not see Services.
core::Connect connect_of(ReachedCluster& reached, const core::ClusterView& view) {
  core::Connect connect{.auth_secret = reached.access.auth_secret,
                        .auth_key = reached.access.auth_key,
                        .tls = !reached.access.tls_secret.empty() ||
                               reached.access.certificates != observe::CertificateKeys{}};
  const auto services = reached.kube.list({{"v1", "services"}, view.namespace_}, {});
  if (services) {
    connect.services = wire::client_services(services->at("items"), view);
  }
  return connect;
}

/// The first pod that is on its way, and nothing says that it will not arrive; empty when all have.
std::string on_its_way(const core::ClusterView& view) {
  const auto coming = std::ranges::find_if(view.members, [](const core::Member& member) {
    return !member.pod.running && !member.pod.ending && member.pod.trouble.empty();
  });
  return coming == view.members.end() ? "" : "pod " + coming->pod.name + " is starting";
}

/// Finds the pods, once those that are on their way have come: right behind what makes them.
Status find_pods_that_came(observe::Cluster& cluster, const Conduct& conduct) {
  constexpr auto k_pace = std::chrono::milliseconds(500);
  return wait_until(conduct, k_pace, [&]() -> Result<std::string> {
    KREDIS_CHECK(cluster.find_pods());
    return on_its_way(cluster.view());
  });
}

/// Under which name a cluster is changed: the one that `create` gave it, else that of the first of
/// all workloads that it is made of. Requires: it was looked at.
std::string change_name(const observe::Located& located, const core::ClusterView& view) {
  std::string name = observe::is_made_by_create(located.workload) ? located.name : "";
  for (const core::Member& member : name.empty() ? view.members : std::vector<core::Member>{}) {
    const std::string owner = member.pod.owner.substr(member.pod.owner.find('/') + 1);
    name = name.empty() ? owner : std::min(name, owner);
  }
  return name.empty() ? located.name : name;
}

/// A container that has only begun may not listen yet, and without a probe its pod counts as ready.
/// What still does not listen after that is told by whoever asks next.
void await_first_answers(observe::Cluster& cluster, const Conduct& conduct) {
  constexpr std::int64_t k_young_seconds = 60;
  constexpr auto k_begin = std::chrono::seconds(20);
  constexpr auto k_pace = std::chrono::milliseconds(250);
  const auto begins = [](const core::Member& member) {
    return member.pod.running && member.pod.age_seconds < k_young_seconds && member.trouble &&
           member.trouble->message.find("refused the connection") != std::string::npos;
  };
  static_cast<void>(
      wait_until(conduct.with_patience(k_begin), k_pace, [&]() -> Result<std::string> {
        cluster.ask(observe::Ask::topology, conduct.call_deadline());
        const auto found = std::ranges::find_if(cluster.view().members, begins);
        return found == cluster.view().members.end() ? ""
                                                     : found->pod.name + " does not listen yet";
      }));
}

std::string doing_text(const std::string& verb, const std::string& cluster) {
  return "kubectl redis " + verb + " " + cluster;
}

std::string summary(const core::ClusterView& view) {
  const core::Topology* agreed = view.agreed();
  const std::size_t masters = agreed == nullptr ? 0 : agreed->masters().size();
  return fmt::format("{} masters, {} replicas, {} slots served, every node agrees",
                     masters,
                     view.members.size() - masters,
                     human_count(core::k_slot_count));
}

}  // namespace

Conduct conduct_of(Session& session, ports::Deadline deadline) {
  return {.deadline = deadline,
          .progress = &session.progress(),
          .cancelled = [&session] { return session.terminal().interrupted(); },
          .clock = &session.clock()};
}

Result<std::unique_ptr<ChangeLease>> begin_change(Session& session,
                                                  const std::string& namespace_,
                                                  const std::string& cluster,
                                                  const std::string& verb,
                                                  Conduct& conduct) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(auto lease,
             ChangeLease::take(
                 *kube,
                 {.namespace_ = namespace_, .cluster = cluster, .doing = doing_text(verb, cluster)},
                 conduct));
  conduct.superseded = [held = lease.get()] { return held->lost(); };
  conduct.heard = [held = lease.get()](const std::string& text) { held->note(text); };
  return lease;
}

Result<std::unique_ptr<ChangeLease>> begin_change(Session& session,
                                                  const observe::Located& located,
                                                  const observe::RedisAccess& access,
                                                  const std::string& verb,
                                                  Conduct& conduct) {
  std::string name = located.name;
  if (!observe::is_made_by_create(located.workload)) {
    KREDIS_TRY(const auto reached, reach(session, located, access));
    KREDIS_CHECK(reached->cluster.look(observe::Ask::topology, conduct.call_deadline()));
    name = change_name(located, reached->cluster.view());
  }
  return begin_change(session, located.namespace_, name, verb, conduct);
}

std::optional<core::Change> change_of(Session& session,
                                      const observe::Located& located,
                                      const core::ClusterView& view) {
  const auto kube = session.kube();
  return kube ? change_under_way(**kube, located.namespace_, change_name(located, view))
              : std::nullopt;
}

std::string begun_of(Session& session,
                     const observe::Located& located,
                     const core::ClusterView& view,
                     const std::string& verb) {
  const auto kube = session.kube();
  const std::string name = change_name(located, view);
  return kube ? begun_by_earlier(**kube, located.namespace_, name, doing_text(verb, name)) : "";
}

Result<std::unique_ptr<ReachedCluster>> reach(Session& session,
                                              observe::Located located,
                                              const observe::RedisAccess& access) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  const observe::RedisAccess known =
      observe::find_access(*kube, located.namespace_, located.workload, access);
  KREDIS_TRY(auto redis, session.redis(located.namespace_, known));
  return std::make_unique<ReachedCluster>(*kube, std::move(located), known, std::move(redis));
}

Result<observe::Located> find_cluster(Session& session, const ClusterWish& wish) {
  if (wish.name.empty()) {
    return Error::invalid_argument("NAME is empty")
        .with_hint("kubectl redis status -A lists the clusters that there are");
  }
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  KREDIS_TRY(observe::Located located,
             wish.selector.empty() ? observe::locate(*kube, namespace_, wish.name)
                                   : observe::locate_by_selector(*kube, namespace_, wish.selector));
  located.call = call_of(session, wish);
  return located;
}

Result<std::unique_ptr<ReachedCluster>> reach(Session& session, const ClusterWish& wish) {
  KREDIS_TRY(observe::Located located, find_cluster(session, wish));
  return reach(session, std::move(located), wish.access);
}

Result<core::ClusterView> look_at(Session& session,
                                  const observe::Located& located,
                                  const observe::RedisAccess& access,
                                  ports::Deadline deadline) {
  KREDIS_TRY(const auto reached, reach(session, located, access));
  KREDIS_CHECK(reached->cluster.find_pods());
  reached->cluster.ask(observe::Ask::everything, deadline);
  KREDIS_CHECK(reached->cluster.check_one());
  core::ClusterView view = reached->cluster.view();
  view.connect = connect_of(*reached, view);
  return view;
}

Result<core::ClusterView> initialise_cluster(Session& session,
                                             const observe::Located& located,
                                             const observe::RedisAccess& access,
                                             core::Shape shape,
                                             const Conduct& conduct) {
  KREDIS_TRY(const auto reached, reach(session, located, access));
  observe::Cluster& cluster = reached->cluster;
  conduct.begin("initialising " + located.name);
  if (const Status came = find_pods_that_came(cluster, conduct); !came) {
    conduct.failed();
    return came.error().while_doing("waiting for the pods of cluster " + located.name);
  }
  await_first_answers(cluster, conduct);
  const InitOptions options{
      .shape = observe::shape_for(cluster.view(), shape),
      .configured_node_timeout = configured_node_timeout(reached->kube, located)};
  auto outcome = initialise(cluster, &reached->kube, options, conduct);
  if (!outcome) {
    conduct.failed();
    return outcome.error().while_doing("initialising cluster " + located.name + " in namespace " +
                                       located.namespace_);
  }
  conduct.done((outcome->changed ? "initialised: " : "nothing to do: ") + summary(outcome->view));
  outcome->view.connect = connect_of(*reached, outcome->view);
  return std::move(outcome->view);
}

ExitStatus show_status(Session& session, core::ClusterView view, Output output) {
  const StatusPicture picture = picture_of(std::move(view));
  if (output == Output::json || output == Output::yaml) {
    session.print_object(report_of(picture), output);
  } else if (output == Output::name) {
    session.out() << "cluster/" << picture.view.name << "\n";
  } else {
    session.out() << render_status(
        picture, session.style(), output == Output::wide ? Detail::wide : Detail::normal);
  }
  return has_error(picture) ? ExitStatus::refused : ExitStatus::done;
}

ExitStatus show_statuses(Session& session, std::vector<core::ClusterView> views, Output output) {
  std::vector<StatusPicture> pictures;
  Json items = Json::array();
  bool error = false;
  for (core::ClusterView& view : views) {
    pictures.push_back(picture_of(std::move(view)));
    items.push_back(report_of(pictures.back()));
    error |= has_error(pictures.back());
  }
  if (output == Output::json || output == Output::yaml) {
    session.print_object(
        {{"apiVersion", wire::k_report_api}, {"kind", "ClusterStatusList"}, {"items", items}},
        output);
  } else if (pictures.empty()) {
    session.err() << "no clusters found; kubectl redis create makes one\n";
  } else {
    session.out() << render_status_table(pictures, session.style());
  }
  return error ? ExitStatus::refused : ExitStatus::done;
}

Result<ExitStatus> show_init_plan(Session& session,
                                  const observe::Located& located,
                                  const observe::RedisAccess& access,
                                  core::Shape shape,
                                  ports::Deadline deadline) {
  KREDIS_TRY(const core::ClusterView view, look_at(session, located, access, deadline));
  KREDIS_TRY(const core::InitPlan plan, core::plan_init(view, observe::shape_for(view, shape)));
  session.out() << (plan.empty() ? "nothing to do: " + summary(view) + "\n" : render_plan(plan));
  return ExitStatus::done;
}

}  // namespace kredis::plugin
