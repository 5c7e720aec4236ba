// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/apply_plan.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "plugin/apply/step_commands.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/observe/ask_members.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Command;
using core::Member;
using core::Stage;
using core::Step;
using namespace std::chrono_literals;

/// The commands of some steps, by position of the pod on the switchboard.
struct Batch {
  std::vector<std::vector<Command>> commands;
  std::vector<std::vector<const Step*>> steps;
};

Result<Batch> batch_of(const std::vector<const Step*>& steps, const ClusterView& view) {
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    position[view.members[i].pod.name] = i;
  }
  Batch batch{.commands = std::vector<std::vector<Command>>(position.size()),
              .steps = std::vector<std::vector<const Step*>>(position.size())};
  for (const Step* step : steps) {
    KREDIS_TRY(Command command, command_for(*step, view));
    const std::size_t at = position.at(pod_of(*step));
    batch.commands[at].push_back(std::move(command));
    batch.steps[at].push_back(step);
  }
  return batch;
}

Status run(observe::Switchboard& switchboard,
           const std::vector<const Step*>& steps,
           const ClusterView& view,
           ports::Deadline deadline) {
  KREDIS_TRY(const Batch batch, batch_of(steps, view));
  const std::vector<observe::Answer> answers = switchboard.ask_each(batch.commands, deadline);
  for (std::size_t pod = 0; pod < answers.size(); ++pod) {
    if (!answers[pod]) {
      return answers[pod].error();
    }
    for (std::size_t i = 0; i < answers[pod]->size(); ++i) {
      const Step& step = *batch.steps[pod][i];
      const core::Reply& reply = (*answers[pod])[i];
      if (!acceptable(step, reply)) {
        return redis::error_of(reply, pod_of(step)).while_doing(core::to_text(step));
      }
    }
  }
  return {};
}

/// Says what of `step` does not show yet in the view of the node it was done on; empty when it
/// does.
std::string missing(const Step& step, const ClusterView& view) {
  const Member* member = view.by_pod(pod_of(step));
  const core::Node* self = member == nullptr ? nullptr : member->self();
  if (self == nullptr) {
    return pod_of(step) + " does not answer";
  }
  if (const auto* add = std::get_if<core::AddSlots>(&step.what)) {
    const core::SlotSet lacking = add->slots.without(self->slots);
    return lacking.empty() ? "" : add->pod + " does not have slots " + lacking.to_text();
  }
  if (const auto* failover = std::get_if<core::Failover>(&step.what)) {
    return core::failover_missing(view, *failover);
  }
  if (const auto* replicate = std::get_if<core::Replicate>(&step.what)) {
    const bool follows = self->master && *self->master == replicate->master;
    return follows ? "" : replicate->pod + " does not follow " + replicate->master_pod;
  }
  return "";
}

/// Whether every step of `stage` shows, and, after introductions, everybody knows everybody.
std::string stage_missing(const Stage& stage, const ClusterView& view) {
  for (const Step& step : stage.steps) {
    if (std::string what = missing(step, view); !what.empty()) {
      return what;
    }
  }
  const bool introduces = std::ranges::any_of(
      stage.steps, [](const Step& step) { return std::holds_alternative<core::Meet>(step.what); });
  return introduces ? strangers(view) : "";
}

Status run_stage(observe::Switchboard& switchboard,
                 ClusterView& view,
                 const Stage& stage,
                 const Conduct& conduct) {
  // A node that was introduced is no longer alone, and then takes no epoch: so meetings come last.
  std::vector<const Step*> meetings;
  std::vector<const Step*> others;
  for (const Step& step : stage.steps) {
    (std::holds_alternative<core::Meet>(step.what) ? meetings : others).push_back(&step);
  }
  for (const auto& steps : {others, meetings}) {
    if (!steps.empty()) {
      KREDIS_CHECK(run(switchboard, steps, view, call_deadline(conduct)));
    }
  }
  return wait_until(switchboard, view, conduct, [&stage](const ClusterView& seen) {
    return stage_missing(stage, seen);
  });
}

}  // namespace

ports::Deadline call_deadline(const Conduct& conduct) {
  // A call cut short by the end of all patience would make its node look dead: a second for each.
  const auto now = std::chrono::steady_clock::now();
  return std::max(now + 1s, std::min(conduct.deadline, now + 10s));
}

Status apply_plan(observe::Switchboard& switchboard,
                  ClusterView& view,
                  const core::Plan& plan,
                  const Conduct& conduct) {
  for (const Stage& stage : plan.stages) {
    if (conduct.progress != nullptr) {
      conduct.progress->stage(stage.title);
    }
    if (auto done = run_stage(switchboard, view, stage, conduct); !done) {
      return done.error().while_doing(stage.title);
    }
  }
  return {};
}

Status wait_until(observe::Switchboard& switchboard,
                  ClusterView& view,
                  const Conduct& conduct,
                  const std::function<std::string(const ClusterView&)>& settled,
                  observe::Ask ask) {
  // Nodes get on in ticks of 100 ms; asking 60 of them costs time that they need for each other.
  const auto pace = std::clamp<std::chrono::milliseconds>(2ms * view.members.size(), 20ms, 200ms);
  std::string last;
  for (;;) {
    observe::ask_members(switchboard, view, ask, call_deadline(conduct));
    std::string now = settled(view);
    if (now.empty()) {
      return {};
    }
    if (now != last && conduct.progress != nullptr) {
      conduct.progress->detail(now);
    }
    last = std::move(now);
    if (conduct.cancelled && conduct.cancelled()) {
      return Error::conflict("interrupted while waiting: " + last)
          .with_hint("run the same command again: it goes on from here");
    }
    if (std::chrono::steady_clock::now() + pace > std::min(conduct.deadline, conduct.patience)) {
      return Error::timeout("it took too long: " + last)
          .with_hint("run the same command again: it goes on from here");
    }
    std::this_thread::sleep_for(pace);
  }
}

std::string strangers(const ClusterView& view) {
  std::size_t content = 0;
  std::string example;
  for (const Member& viewer : view.members) {
    bool knows_all = viewer.view.has_value();
    for (const Member& other : view.members) {
      const core::Node* self = other.self();
      const core::Node* seen =
          self == nullptr || !viewer.view ? nullptr : viewer.view->find(self->id);
      if (seen != nullptr && !seen->flags.handshake && !seen->flags.noaddr &&
          (seen->flags.myself || seen->link_connected)) {
        continue;
      }
      knows_all = false;
      if (example.empty()) {
        example = viewer.pod.name + " does not reach " + other.pod.name + " yet";
      }
    }
    content += knows_all ? 1U : 0U;
  }
  const std::size_t all = view.members.size();
  return content == all ? ""
                        : std::to_string(content) + " of " + std::to_string(all) +
                              " nodes reach all others; " + example;
}

}  // namespace kredis::plugin
