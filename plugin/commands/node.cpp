// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis node`: one guarded step on one node, which findings ask for.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/core/plans/plan_node.hpp"

namespace kredis::plugin {
namespace {

using core::NodeWish;

struct NodeFlags {
  ClusterWish cluster = {};
  NodeWish wish = {};
  std::string slots = {};
  bool yes = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
};

Result<NodeWish> wish_of(const NodeFlags& options) {
  NodeWish wish = options.wish;
  if (!options.slots.empty()) {
    KREDIS_TRY(wish.slots, core::SlotSet::parse(options.slots));
  }
  return wish;
}

Status carry_out(ReachedCluster& reached,
                 const core::Plan& plan,
                 const NodeWish& wish,
                 const Conduct& conduct) {
  KREDIS_CHECK(apply_plan(reached.site, plan, conduct));
  conduct.say("Wait until every node shows it");
  return wait_until_seen(
      reached.cluster,
      conduct,
      [&](const core::ClusterView& view) { return core::node_missing(view, wish); },
      observe::Ask::everything);
}

Result<core::Plan> look_and_plan(ReachedCluster& reached,
                                 const NodeWish& wish,
                                 const Conduct& conduct) {
  KREDIS_CHECK(reached.cluster.find_pods());
  reached.cluster.ask(observe::Ask::everything, conduct.call_deadline());
  return core::plan_node(reached.cluster.view(), wish);
}

Result<ExitStatus> run_node(const NodeFlags& options, Session& session) {
  KREDIS_TRY(const NodeWish wish, wish_of(options));
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  KREDIS_TRY(const auto reached, reach(session, located, options.cluster.access));
  if (options.dry_run != DryRun::none) {
    KREDIS_TRY(const core::Plan plan, look_and_plan(*reached, wish, conduct));
    session.out() << (plan.empty() ? "nothing to do\n" : render_plan(plan));
    return ExitStatus::done;
  }
  KREDIS_TRY(const auto lease,
             begin_change(session, located, options.cluster.access, "node", conduct));
  KREDIS_TRY(const core::Plan plan, look_and_plan(*reached, wish, conduct));
  if (plan.empty()) {
    session.out() << "nothing to do\n";
    return ExitStatus::done;
  }
  KREDIS_CHECK(agree(session, plan, located.name, options.yes ? Ask::no : Ask::yes));
  conduct.begin("changing cluster " + located.name);
  if (const Status done = carry_out(*reached, plan, wish, conduct); !done) {
    conduct.failed();
    return done.error().while_doing("changing cluster " + located.name + " in namespace " +
                                    located.namespace_);
  }
  conduct.done("done");
  session.out() << render_plan(plan);
  return ExitStatus::done;
}

/// What is declared of a step beside its flags.
struct StepVerb {
  NodeWish::What what;
  const char* name;
  const char* about;
  const char* footer;
};

void add_step(Verb& group, const StepVerb& step, void (*add_flags)(Verb&, NodeFlags&)) {
  const auto flags = std::make_shared<NodeFlags>();
  flags->wish.what = step.what;
  Verb verb = group.subcommand(step.name, step.about);
  add_cluster(verb, flags->cluster);
  add_flags(verb, *flags);
  add_yes(verb, flags->yes);
  add_dry_run(verb, flags->dry_run, "Print the plan and stop");
  add_timeout(verb, flags->timeout, "Longest wait until every node shows it");
  verb.footer(step.footer);
  verb.run(flags, run_node);
}

constexpr StepVerb k_forget{
    NodeWish::What::forget,
    "forget",
    "Strike a node that is gone from every node's list",
    "Every pod has to answer, as one that still knows the node would tell the others again.\n"
    "Asks where the node has slots, whose data is given up with it; init then gives them out\n"
    "anew, empty. Refuses a node that answers, and one that a replica could replace.\n\n"
    "Examples:\n  kubectl redis node forget --id c3aea60a"};

constexpr StepVerb k_meet{NodeWish::What::meet,
                          "meet",
                          "Introduce a pod to the nodes that do not reach it",
                          "Examples:\n  kubectl redis node meet --pod redis-app-3"};

constexpr StepVerb k_replicate{
    NodeWish::What::replicate,
    "replicate",
    "Make a pod the replica of another master",
    "Waits until the first copy is made. Asks where the master it leaves has no other\n"
    "replica.\n\n"
    "Examples:\n  kubectl redis node replicate --pod redis-app-5 --master redis-app-1"};

constexpr StepVerb k_reset{
    NodeWish::What::reset,
    "reset",
    "Empty a pod that has no rightful part in the cluster",
    "Refuses a pod that serves slots or may have the only copy of some; asks where it has\n"
    "keys, which go. init then gives it a place.\n\n"
    "Examples:\n  kubectl redis node reset --pod redis-app-5"};

constexpr StepVerb k_claim{
    NodeWish::What::claim,
    "claim",
    "Have a master take slots that no node says are its own",
    "Refuses slots that have an owner: those are moved with their keys, not claimed.\n\n"
    "Examples:\n  kubectl redis node claim --pod redis-app-0 --slots 42"};

void add_pod(Verb& verb, NodeFlags& flags) {
  verb.option("--pod", flags.wish.pod, "The pod").required();
}

}  // namespace

void add_node(Verb& root) {
  Verb group = root.group("node", "One guarded step on one node, as findings ask for");
  group.footer("Examples:\n  kubectl redis node meet --pod redis-app-3");
  add_step(group, k_forget, [](Verb& verb, NodeFlags& flags) {
    verb.option("--id", flags.wish.id, "The node's id, or the start of it").required();
  });
  add_step(group, k_meet, add_pod);
  add_step(group, k_replicate, [](Verb& verb, NodeFlags& flags) {
    verb.option("--pod", flags.wish.pod, "A replica, or a master without slots and keys")
        .required();
    verb.option("--master", flags.wish.master, "The master's pod, or the start of its id")
        .required();
  });
  add_step(group, k_reset, add_pod);
  add_step(group, k_claim, [](Verb& verb, NodeFlags& flags) {
    verb.option("--pod", flags.wish.pod, "The master").required();
    verb.option("--slots", flags.slots, "Such as 0-99,200").required();
  });
}

}  // namespace kredis::plugin
