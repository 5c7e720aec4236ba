// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/scale/scale.hpp"

#include <algorithm>
#include <utility>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/operations/create/external_addresses.hpp"
#include "plugin/operations/create/plan.hpp"
#include "plugin/operations/scale/change_nodes.hpp"
#include "shared/core/findings/whole.hpp"
#include "shared/manifest/configuration.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::ScaleWish;
using namespace std::chrono_literals;

const std::string k_migration = "cluster-allow-replica-migration";
/// How long a replica that copies, or a pod that has just come, is waited for before anything.
constexpr auto k_first_patience = 30s;
/// How old at most what the webhook judges by may be.
constexpr auto k_guard_patience = 60s;

std::string pod_on_its_way(const ClusterView& view) {
  const auto coming = std::ranges::find_if(view.members, [](const core::Member& member) {
    return !member.pod.running && !member.pod.ending && member.pod.trouble.empty();
  });
  return coming == view.members.end() ? "" : "pod " + coming->pod.name + " is starting";
}

core::Shape wanted_shape(const ClusterView& view, const ScaleOptions& options) {
  return {.masters = options.masters.value_or(view.shape.masters),
          .replicas = options.replicas.value_or(view.shape.replicas)};
}

/// The pods whose replicas go where a master has none, by themselves ("yes"), or do not ("no").
std::set<std::string> pods_that_migrate(observe::Cluster& cluster,
                                        const std::string& value,
                                        const Conduct& conduct) {
  const auto values = cluster.switchboard().ask_setting(k_migration, conduct.call_deadline());
  std::set<std::string> pods;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == value) {
      pods.insert(cluster.view().members[i].pod.name);
    }
  }
  return pods;
}

/// The view with the pods that are to come, as they will be: new, alone, and of the same image.
Result<ClusterView> with_coming(ClusterView view, const std::vector<std::string>& coming) {
  core::ServerInfo server;
  if (!view.members.empty() && view.members.front().server) {
    server.server = view.members.front().server->server;
    server.version = view.members.front().server->version;
  }
  int ordinal = view.members.empty() ? 0 : view.members.back().pod.ordinal;
  for (const std::string& pod : coming) {
    std::string id = std::to_string(++ordinal);
    id.insert(0, 40 - id.size(), '0');
    KREDIS_TRY(core::NodeId parsed, core::NodeId::parse(id));
    core::Node self{.id = std::move(parsed)};
    self.flags.myself = true;
    view.members.push_back({.pod = {.name = pod, .ordinal = ordinal},
                            .view = core::Topology({std::move(self)}),
                            .cluster = core::ClusterInfo{},
                            .server = server});
  }
  return view;
}

void append_stage(core::Plan& plan, const core::Stage& stage) {
  if (!stage.steps.empty()) {
    plan.stages.push_back(stage);
  }
}

/// One scaling: what it works with and how far it is.
class Scaling {
 public:
  Scaling(Site& site, const ScaleOutlook& outlook, const Conduct& conduct)
      : site_(site), outlook_(outlook), wish_(outlook.wish), conduct_(conduct) {}
  Status run(KeepData keep);

 private:
  Status wait_for_new();
  Status put_back(std::set<std::string> set_off);
  Status take_away(const core::Stage& pods);
  const ClusterView& view() const { return site_.cluster->view(); }

  Site& site_;
  const ScaleOutlook& outlook_;
  const ScaleWish& wish_;
  const Conduct& conduct_;
};

/// All pods are there and answer.
Status Scaling::wait_for_new() {
  const std::size_t wanted = std::size_t{wish_.masters} * (1 + wish_.replicas);
  return look_until(site_, conduct_, [&](const ClusterView& seen) {
    return seen.members.size() < wanted ? std::to_string(seen.members.size()) + " of " +
                                              std::to_string(wanted) + " pods are there"
                                        : not_settled(seen, wish_);
  });
}

/// What was; where `create` made it, what redis.conf says, as a run that was killed left it off.
Status Scaling::put_back(std::set<std::string> set_off) {
  const auto& spec = outlook_.pods.spec;
  const std::string conf = spec ? manifest::redis_conf(*spec) : k_migration;
  if (!wish_.leaving.empty() && conf.find(k_migration) == std::string::npos) {
    set_off = pods_that_migrate(*site_.cluster, "no", conduct_);
  }
  core::Stage stage{.title = "Let replicas find masters themselves again"};
  for (const core::Member& member : view().members) {
    if (set_off.contains(member.pod.name) && !wish_.leaving.contains(member.pod.name)) {
      stage.steps.push_back(
          {.what = core::SetConfig{.pod = member.pod.name,
                                   .settings = {{.name = k_migration, .value = "yes"}}}});
    }
  }
  return stage.steps.empty() ? Status{} : apply_plan(site_, {.stages = {stage}}, conduct_);
}

/// The webhook's guard judges by what it saw last: it is asked again until it has seen that no
/// slots are on the pods that go.
Status Scaling::take_away(const core::Stage& pods) {
  return wait_until(conduct_.with_patience(k_guard_patience), 1s, [&]() -> Result<std::string> {
    const Status done = apply_plan(site_, {.stages = {pods}}, conduct_);
    const bool guarded = !done && done.error().message.find("[RG001]") != std::string::npos;
    return done ? "" : guarded ? Result<std::string>(done.error().message) : done.error();
  });
}

Status Scaling::run(KeepData keep) {
  KREDIS_CHECK(wait_for_new());
  NodeChange nodes(site_, wish_, conduct_);
  const Status changed = nodes.run();
  const Status back = put_back(nodes.set_off());
  KREDIS_CHECK(changed);
  KREDIS_CHECK(back);
  KREDIS_TRY(const PodsPlan pods,
             plan_pods(*site_.kube, site_.cluster->owners(), view(), outlook_.shape, keep));
  if (!pods.shrink.steps.empty()) {
    KREDIS_CHECK(take_away(pods.shrink));
  }
  conduct_.say("Wait until the cluster is whole");
  return look_until(site_, conduct_, [&](const ClusterView& seen) {
    ClusterView now = seen;
    now.shape = outlook_.shape;  // The workload was read before its annotations changed.
    return core::not_whole(now);
  });
}

}  // namespace

Result<ScaleOutlook> look_and_plan_scale(Site& site,
                                         const ScaleOptions& options,
                                         const Conduct& conduct) {
  KREDIS_CHECK(site.cluster->look(observe::Ask::everything, conduct.call_deadline()));
  ScaleOutlook outlook{.shape = wanted_shape(site.cluster->view(), options)};
  KREDIS_TRY(
      outlook.pods,
      plan_pods(
          *site.kube, site.cluster->owners(), site.cluster->view(), outlook.shape, options.keep));
  outlook.wish = {.masters = outlook.shape.masters,
                  .replicas = outlook.shape.replicas,
                  .leaving = outlook.pods.leaving,
                  .way = options.way};
  const Status settled =
      look_until(site, conduct.with_patience(k_first_patience), [&](const ClusterView& view) {
        const std::string coming = pod_on_its_way(view);
        return coming.empty() ? core::not_settled(view, outlook.wish) : coming;
      });
  KREDIS_CHECK(core::check_scale(site.cluster->view(), outlook.wish));
  if (!settled) {
    return settled.error();
  }
  KREDIS_CHECK(check_room(*site.kube, outlook.pods, options.keep));
  outlook.wish.migrating = pods_that_migrate(*site.cluster, "yes", conduct);
  KREDIS_TRY(const ClusterView then, with_coming(site.cluster->view(), outlook.pods.coming));
  KREDIS_TRY(const core::Plan nodes, core::plan_scale(then, outlook.wish));
  append_stage(outlook.plan, outlook.pods.grow);
  for (const core::Stage& stage : nodes.stages) {
    append_stage(outlook.plan, stage);
  }
  append_stage(outlook.plan, outlook.pods.shrink);
  return outlook;
}

Status make_pods(Site& site, const ScaleOutlook& outlook, const Conduct& conduct) {
  const PodsPlan& pods = outlook.pods;
  if (!pods.grow.steps.empty()) {
    KREDIS_CHECK(apply_plan(site, {.stages = {pods.grow}}, conduct));
  }
  if (pods.coming.empty() || !pods.spec) {
    return {};
  }
  KREDIS_CHECK(announce_external(*site.kube, *pods.spec, conduct));
  return apply_plan(site, {.stages = {pods_stage(*pods.spec)}}, conduct);
}

Status change_shape(Site& site,
                    const ScaleOutlook& outlook,
                    KeepData keep,
                    const Conduct& conduct) {
  return Scaling(site, outlook, conduct).run(keep);
}

}  // namespace kredis::plugin
