// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/config/rollout.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/observe/ask_members.hpp"
#include "shared/observe/gather.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using observe::Switchboard;
using namespace std::chrono_literals;

/// When one exchange with the nodes must be over.
ports::Deadline soon(const RolloutTarget& target) {
  return std::min(target.deadline, ports::Clock::now() + 10s);
}

struct Look {
  core::ClusterView view;
  std::unique_ptr<observe::Switchboard> switchboard;
};

/// Pods have new addresses after a restart, so the lines to them are new as well.
/// Errors: those of listing pods, and of the node that does not let us in: no waiting mends either.
Result<Look> look(const RolloutTarget& target) {
  KREDIS_TRY(core::ClusterView view, observe::gather_pods(target.kube, target.located));
  auto switchboard =
      std::make_unique<observe::Switchboard>(target.redis, observe::targets_of(view));
  observe::ask_members(*switchboard, view, observe::Ask::everything, soon(target));
  for (const core::Member& member : view.members) {
    if (member.trouble && member.trouble->code == core::ErrorCode::unauthorized) {
      return *member.trouble;
    }
  }
  return Look{.view = std::move(view), .switchboard = std::move(switchboard)};
}

/// Every other item of a CONFIG GET reply is a name.
void read_setting(const core::Reply& reply, const std::string& name, wire::NodeConfig& node) {
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    if (reply.items[i].text == name) {
      node.running[name] = reply.items[i + 1].text;
    }
  }
}

/// What keeps `member` from being whole; empty when nothing does.
std::string lacks(const core::Member& member) {
  if (member.trouble || member.self() == nullptr || !member.server || !member.cluster) {
    return member.pod.name +
           (member.pod.trouble.empty() ? " does not answer yet" : ": " + member.pod.trouble);
  }
  if (!member.pod.ready) {
    return member.pod.name + " is not ready yet";
  }
  if (member.server->loading) {
    return member.pod.name + " loads its data";
  }
  if (!member.cluster->state_ok) {
    return member.pod.name + " sees the cluster as failed";
  }
  if (member.server->role == core::Role::replica && !member.server->master_link_up) {
    return member.pod.name + " copies from its master";
  }
  return {};
}

/// What keeps the cluster from doing without one more pod.
std::string unsettled(const core::ClusterView& view) {
  for (const core::Member& member : view.members) {
    if (std::string text = lacks(member); !text.empty()) {
      return text;
    }
  }
  return view.all_agree() ? "" : "the nodes do not agree on who is master of what yet";
}

/// What keeps the nodes from being asked; empty when all are there and answer.
std::string not_answering(const core::ClusterView& view) {
  const std::size_t wanted =
      view.shape.inferred ? 0 : std::size_t{view.shape.masters} * (1 + view.shape.replicas);
  if (view.members.size() < wanted) {
    return std::to_string(view.members.size()) + " of " + std::to_string(wanted) +
           " pods are there";
  }
  const auto silent = std::ranges::find_if(
      view.members, [](const core::Member& member) { return member.trouble.has_value(); });
  return silent == view.members.end() ? "" : lacks(*silent);
}

/// What there is to wait for when nodes could not be looked at: nothing, when we are not let in.
Result<std::string> to_wait_for(const Error& error) {
  if (error.code == core::ErrorCode::unauthorized) {
    return error;
  }
  return error.message;
}

/// What is still missing after `pod`, which had the uid `old_uid`, was told to go; empty when the
/// cluster has `pods` pods and is whole. (A Deployment's next pod has another name.)
Result<std::string> missing_after(const RolloutTarget& target,
                                  const std::string& pod,
                                  const std::string& old_uid,
                                  std::size_t pods) {
  const auto object = target.kube.get({{"v1", "pods"}, target.located.namespace_, pod});
  if (object && object->value("/metadata/uid"_json_pointer, std::string()) == old_uid) {
    return pod + " ends";
  }
  const auto seen = look(target);
  if (!seen) {
    return to_wait_for(seen.error());
  }
  if (seen->view.members.size() != pods) {
    return "the next " + pod + " is not there yet";
  }
  return unsettled(seen->view);
}

/// Looks again and again until `missing` has nothing to say.
Status wait_for(const RolloutTarget& target,
                Progress& progress,
                const std::function<Result<std::string>()>& missing) {
  while (!interrupted()) {
    KREDIS_TRY(const std::string last, missing());
    if (last.empty()) {
      return {};
    }
    progress.line("", last);
    if (ports::Clock::now() > target.deadline) {
      return Error::timeout("it took too long: " + last)
          .with_hint("mend that, then run the same command again: it goes on from here");
    }
    std::this_thread::sleep_for(300ms);
  }
  return Error::internal("interrupted");
}

/// The replica of `master` that has most of its data; null when there is none in step.
const core::Member* heir_of(const core::ClusterView& view, const core::NodeId& master) {
  const core::Member* best = nullptr;
  for (const core::Member& member : view.members) {
    const core::Node* self = member.self();
    const bool follows =
        self != nullptr && self->master == master && member.server && member.server->master_link_up;
    if (follows &&
        (best == nullptr || member.server->replication_offset > best->server->replication_offset)) {
      best = &member;
    }
  }
  return best;
}

/// Makes a replica the master in place of `pod`, and waits until both say so.
Status hand_over(const RolloutTarget& target,
                 Look& now,
                 const std::string& pod,
                 Progress& progress) {
  const core::Member* member = now.view.by_pod(pod);
  const core::Node* self = member == nullptr ? nullptr : member->self();
  if (self == nullptr || self->role != core::Role::master || self->slots.empty()) {
    return {};
  }
  const core::NodeId old_master = self->id;
  const core::Member* heir = heir_of(now.view, old_master);
  if (heir == nullptr) {
    return {};
  }
  progress.line("", pod + " hands over to " + heir->pod.name);
  std::vector<std::vector<core::Command>> commands(now.view.members.size());
  const auto at = static_cast<std::size_t>(heir - now.view.members.data());
  commands[at] = {{"CLUSTER", "FAILOVER"}};
  const auto answers = now.switchboard->ask_each(commands, soon(target));
  if (!answers[at]) {
    return answers[at].error();
  }
  if (answers[at]->front().is_error()) {
    return redis::error_of(answers[at]->front(), heir->pod.name);
  }
  return wait_until(*now.switchboard,
                    now.view,
                    {.deadline = soon(target), .cancelled = [] { return interrupted(); }},
                    [&](const core::ClusterView& view) -> std::string {
                      const core::Member* old = view.by_pod(pod);
                      const bool follows = old != nullptr && old->self() != nullptr &&
                                           old->self()->role == core::Role::replica;
                      return follows ? "" : pod + " is still a master";
                    });
}

bool is_fixed(const core::Reply& reply) {
  return reply.text.find("immutable") != std::string::npos ||
         reply.text.find("protected config") != std::string::npos ||
         reply.text.find("Unsupported CONFIG parameter") != std::string::npos;
}

}  // namespace

Status await_whole(const RolloutTarget& target, Progress& progress) {
  constexpr auto k_patience = 2min;
  std::string silent;
  const auto missing = [&]() -> Result<std::string> {
    const auto seen = look(target);
    silent = seen ? not_answering(seen->view) : seen.error().message;
    if (!seen) {
      return to_wait_for(seen.error());
    }
    return silent.empty() ? unsettled(seen->view) : silent;
  };
  KREDIS_TRY(const std::string first, missing());
  if (first.empty()) {
    return {};
  }
  progress.begin("waiting until the cluster is whole");
  const RolloutTarget bounded{target.kube,
                              target.redis,
                              target.located,
                              std::min(target.deadline, ports::Clock::now() + k_patience)};
  const Status waited = wait_for(bounded, progress, missing);
  if (!waited && (interrupted() || !silent.empty())) {
    progress.fail();
    return waited;
  }
  // One that answers and is not whole can still be told what to run: that may be what ails it.
  progress.done(waited ? "the cluster is whole" : "going on with a cluster that is not whole");
  return {};
}

Result<std::vector<wire::NodeConfig>> look_at_configs(const RolloutTarget& target,
                                                      const wire::RedisConf& config) {
  KREDIS_TRY(const Look now, look(target));
  const auto settings = wire::wanted_settings(config);
  std::vector<core::Command> commands;
  for (const wire::WantedSetting& setting : settings) {
    commands.push_back({"CONFIG", "GET", setting.name});
  }
  const auto answers = now.switchboard->ask_all(commands, soon(target));
  std::vector<wire::NodeConfig> nodes;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const core::Member& member = now.view.members[i];
    if (!answers[i]) {
      return answers[i].error().while_doing("asking " + member.pod.name + " for its settings");
    }
    wire::NodeConfig node{.pod = member.pod.name};
    if (const core::Node* self = member.self()) {
      node.role = self->role;
      node.serves_slots = !self->slots.empty();
      node.has_replica = heir_of(now.view, self->id) != nullptr;
    }
    for (std::size_t j = 0; j < settings.size(); ++j) {
      if ((*answers[i])[j].is_error()) {
        return redis::error_of((*answers[i])[j], member.pod.name);
      }
      read_setting((*answers[i])[j], settings[j].name, node);
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

wire::ConfigRules rules_of(const wire::RedisConf& config, const observe::RedisAccess& access) {
  wire::ConfigRules rules{.port = access.tls_secret.empty() ? 6379 : 0,
                          .has_password = !access.auth_secret.empty()};
  for (const wire::RedisDirective& directive : config.directives) {
    // The folder of nodes.conf is the volume: `dir` itself may be what was changed.
    if (directive.name == "cluster-config-file" && directive.arguments.size() == 1) {
      const std::string& file = directive.arguments.front();
      const std::size_t slash = file.rfind('/');
      rules.data_dir =
          slash == std::string::npos || slash == 0 ? rules.data_dir : file.substr(0, slash);
    }
  }
  return rules;
}

Status set_live(const RolloutTarget& target, const wire::ConfigPlan& plan) {
  KREDIS_TRY(const Look now, look(target));
  std::vector<std::vector<core::Command>> commands(now.view.members.size());
  for (const wire::LiveChange& change : plan.live) {
    const core::Member* member = now.view.by_pod(change.pod);
    if (member == nullptr) {
      return Error::conflict("pod " + change.pod + " went away")
          .with_hint("run the same command again");
    }
    for (const wire::Drift& drift : change.drifts) {
      commands[static_cast<std::size_t>(member - now.view.members.data())].push_back(
          {"CONFIG", "SET", drift.name, drift.wanted});
    }
  }
  const auto answers = now.switchboard->ask_each(commands, soon(target));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) {
      return answers[i].error();
    }
    for (std::size_t j = 0; j < answers[i]->size(); ++j) {
      const core::Reply& reply = (*answers[i])[j];
      if (reply.is_error() && !is_fixed(reply)) {
        return Error::conflict(now.view.members[i].pod.name + " refuses " + commands[i][j][2] +
                               ": " + reply.text)
            .with_hint("correct the line in the ConfigMap and run the same command again");
      }
    }
  }
  return {};
}

Status restart_pod(const RolloutTarget& target, const std::string& pod, Progress& progress) {
  KREDIS_CHECK(wait_for(target, progress, [&target]() -> Result<std::string> {
    const auto seen = look(target);
    return seen ? unsettled(seen->view) : to_wait_for(seen.error());
  }));
  KREDIS_TRY(Look now, look(target));
  KREDIS_CHECK(hand_over(target, now, pod, progress));
  const ports::ResourcePath path{{"v1", "pods"}, target.located.namespace_, pod};
  KREDIS_TRY(const Json object, target.kube.get(path));
  const std::string uid = object.value("/metadata/uid"_json_pointer, std::string());
  KREDIS_CHECK(target.kube.remove(path, ports::Propagation::background, uid, ports::DryRun::no));
  const std::size_t pods = now.view.members.size();
  return wait_for(target, progress, [&] { return missing_after(target, pod, uid, pods); });
}

}  // namespace kredis::plugin
