// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/apply_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "plugin/apply/copy_functions.hpp"
#include "plugin/apply/move_slots.hpp"
#include "plugin/apply/node_steps.hpp"
#include "plugin/apply/object_steps.hpp"
#include "plugin/apply/restart_pod.hpp"
#include "plugin/apply/return_keys.hpp"
#include "plugin/apply/wait_for_state.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Command;
using core::Stage;
using core::Step;
using namespace std::chrono_literals;
using Steps = std::vector<const Step*>;

/// A replica gives a planned hand-over up after 5 s (CLUSTER_MF_TIMEOUT), and says so to nobody.
constexpr auto k_hand_over_attempt = 6s;
/// A handshake ends with the node time-out, and a node that was forgotten is not taken for a
/// minute: neither says so.
constexpr auto k_introduction_attempt = 15s;

/// The commands of some steps, by position of the pod on the switchboard.
struct Batch {
  std::vector<std::vector<Command>> commands;
  std::vector<Steps> steps;  ///< One for each command.
};

Result<Batch> batch_of(const Steps& steps, const ClusterView& view) {
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    position[view.members[i].pod.name] = i;
  }
  Batch batch{.commands = std::vector<std::vector<Command>>(position.size()),
              .steps = std::vector<Steps>(position.size())};
  for (const Step* step : steps) {
    KREDIS_TRY(std::vector<Command> commands, commands_for(*step, view));
    const auto at = position.find(core::pod_of(*step));
    if (at == position.end()) {
      return Error::conflict("pod " + core::pod_of(*step) + " went away");
    }
    for (Command& command : commands) {
      batch.commands[at->second].push_back(std::move(command));
      batch.steps[at->second].push_back(step);
    }
  }
  return batch;
}

/// Tells the nodes, all pods at once. What became of it is for the next look to show.
Status tell(observe::Cluster& cluster, const Steps& steps, const Conduct& conduct) {
  KREDIS_TRY(const Batch batch, batch_of(steps, cluster.view()));
  const auto answers = cluster.switchboard().ask_each(batch.commands, conduct.call_deadline());
  for (std::size_t pod = 0; pod < answers.size(); ++pod) {
    if (!answers[pod]) {
      return answers[pod].error();
    }
    for (std::size_t i = 0; i < answers[pod]->size(); ++i) {
      const Step& step = *batch.steps[pod][i];
      const core::Reply& reply = (*answers[pod])[i];
      if (!acceptable(step, reply)) {
        return redis::error_of(reply, core::pod_of(step)).while_doing(core::to_text(step));
      }
    }
  }
  return {};
}

bool is_hand_over(const Step& step) {
  const auto* failover = std::get_if<core::Failover>(&step.what);
  return failover != nullptr && failover->how != core::TakeOver::takeover;
}

bool is_introduction(const Step& step) { return std::holds_alternative<core::Meet>(step.what); }

/// How long what nodes drop without a word is waited for; zero where nothing is of that kind.
std::chrono::milliseconds attempt_of(const Steps& steps) {
  const auto any = [&](bool (*is)(const Step&)) {
    return std::ranges::any_of(steps, [is](const Step* step) { return is(*step); });
  };
  return any(is_hand_over)      ? k_hand_over_attempt
         : any(is_introduction) ? k_introduction_attempt
                                : 0s;
}

/// Whether every one of `steps` shows; after introductions that is: everybody knows everybody.
std::string not_shown(const Steps& steps, const ClusterView& view) {
  if (std::ranges::any_of(steps, [](const Step* step) { return is_introduction(*step); })) {
    if (std::string what = not_introduced(view); !what.empty()) {
      return what;
    }
  }
  for (const Step* step : steps) {
    if (std::string what = missing_of(*step, view); !what.empty()) {
      return what;
    }
  }
  return {};
}

/// Commands to nodes: told, and looked for until they show. A hand-over that a replica gave up and
/// an introduction that came to nothing are asked for again; everything else that a node took it
/// does.
Status run_commands(Site& site, Steps steps, const Conduct& conduct) {
  // A node that was introduced is no longer alone, and then takes no epoch: so meetings come last.
  const auto meeting = std::stable_partition(
      steps.begin(), steps.end(), [](const Step* step) { return !is_introduction(*step); });
  const Steps meetings(meeting, steps.end());
  const Steps others(steps.begin(), meeting);
  for (const Steps& each : {others, meetings}) {
    if (!each.empty()) {
      KREDIS_CHECK(tell(*site.cluster, each, conduct));
    }
  }
  const auto patience = attempt_of(steps);
  for (;;) {
    const Conduct attempt = patience > 0s ? conduct.with_patience(patience) : conduct;
    const Status shown = wait_until_seen(
        *site.cluster, attempt, [&](const ClusterView& view) { return not_shown(steps, view); });
    const bool again = !shown && patience > 0s && shown.error().code == ErrorCode::timeout &&
                       conduct.now() + 1s < conduct.end();
    if (!again) {
      return shown;
    }
    Steps lacking = steps;
    std::erase_if(
        lacking, [&](const Step* step) { return missing_of(*step, site.cluster->view()).empty(); });
    KREDIS_CHECK(tell(*site.cluster, lacking, conduct));
  }
}

bool is_command(const Step& step) {
  return std::visit([]<typename Kind>(const Kind&) { return core::is_node_command<Kind>; },
                    step.what);
}

/// A step that is done on its own. A kind that is no command and has no carry_out does not compile.
Status carry_out_alone(const Step& step, Site& site, const Conduct& conduct) {
  return std::visit(
      [&]<typename Kind>(const Kind& what) -> Status {
        if constexpr (core::is_node_command<Kind>) {
          return Error::internal("a command to a node is told with others");
        } else if constexpr (std::is_same_v<Kind, core::MoveSlots>) {
          return Error::internal("slots are moved with others");
        } else {
          return carry_out(what, site, conduct);
        }
      },
      step.what);
}

/// What the server can judge without keeping it.
bool can_be_tried(const Step& step) {
  return std::holds_alternative<core::ApplyObject>(step.what) ||
         std::holds_alternative<core::ScaleWorkload>(step.what) ||
         std::holds_alternative<core::DeleteObject>(step.what);
}

/// The steps from `first` on that `is` one of a kind which is carried out together.
template <typename Is>
Steps together(const Stage& stage, std::size_t first, Is is) {
  Steps steps;
  for (std::size_t i = first; i < stage.steps.size() && is(stage.steps[i]); ++i) {
    steps.push_back(&stage.steps[i]);
  }
  return steps;
}

bool is_move(const Step& step) { return std::holds_alternative<core::MoveSlots>(step.what); }

/// Slots move between all pairs of nodes at once.
Status run_moves(Site& site, const Steps& steps, const Conduct& conduct) {
  std::vector<const core::MoveSlots*> moves;
  for (const Step* step : steps) {
    moves.push_back(&std::get<core::MoveSlots>(step->what));
  }
  return carry_out(moves, site, conduct);
}

Status run_stage(Site& site, const Stage& stage, const Conduct& conduct) {
  for (std::size_t i = 0; i < stage.steps.size();) {
    const Step& step = stage.steps[i];
    if (conduct.is_cancelled()) {
      return conduct.ended_while(core::to_text(step));
    }
    if (site.dry_run != ports::DryRun::no && !can_be_tried(step)) {
      ++i;
    } else if (is_command(step)) {
      const Steps commands = together(stage, i, is_command);
      KREDIS_CHECK(run_commands(site, commands, conduct));
      i += commands.size();
    } else if (is_move(step)) {
      const Steps moves = together(stage, i, is_move);
      KREDIS_CHECK(run_moves(site, moves, conduct));
      i += moves.size();
    } else {
      KREDIS_CHECK(carry_out_alone(step, site, conduct));
      ++i;
    }
  }
  return {};
}

/// A stage with words for its end is shown as one of its own; else as a part of what is shown.
Status run_and_show(Site& site, const Stage& stage, const Conduct& conduct) {
  const bool own = !stage.done.empty();
  own ? conduct.begin(stage.title) : conduct.say(stage.title);
  if (auto done = run_stage(site, stage, conduct); !done) {
    if (own) {
      conduct.failed();
    }
    return done.error().while_doing(stage.title);
  }
  if (own) {
    conduct.done(stage.done);
  }
  return {};
}

}  // namespace

Status apply_plan(Site& site, const core::Plan& plan, const Conduct& conduct) {
  for (const Stage& stage : plan.stages) {
    if (const Status done = run_and_show(site, stage, conduct); !done) {
      const Error& error = done.error();
      return error.hint.empty()
                 ? error.with_hint("run the same command again: it plans from what is there")
                 : error;
    }
  }
  return {};
}

Status wait_until_seen(observe::Cluster& cluster,
                       const Conduct& conduct,
                       const std::function<std::string(const ClusterView&)>& missing,
                       observe::Ask ask) {
  // Nodes get on in ticks of 100 ms; asking 60 of them costs time that they need for each other.
  const auto pace =
      std::clamp<std::chrono::milliseconds>(2ms * cluster.view().members.size(), 20ms, 200ms);
  return wait_until(conduct, pace, [&]() -> Result<std::string> {
    cluster.ask(ask, conduct.call_deadline());
    return missing(cluster.view());
  });
}

}  // namespace kredis::plugin
