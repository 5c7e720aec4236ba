// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/ask_members.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "shared/redis/reply_error.hpp"
#include "shared/wire/cluster_info.hpp"
#include "shared/wire/cluster_nodes.hpp"
#include "shared/wire/redis_info.hpp"
#include "shared/wire/slot_jobs.hpp"

namespace kredis::observe {
namespace {

using core::Command;
using core::Reply;

std::vector<Command> questions(Ask ask) {
  std::vector<Command> commands{{"CLUSTER", "NODES"}, {"CLUSTER", "INFO"}};
  if (ask == Ask::everything) {
    commands.push_back({"INFO"});
    std::ranges::move(wire::setting_questions(), std::back_inserter(commands));
  }
  return commands;
}

Error cluster_disabled(const std::string& pod) {
  return Error::unsafe(pod + " does not run as a cluster node")
      .with_hint("set `cluster-enabled yes` in its redis.conf and restart it");
}

/// rename-command, or a proxy that speaks for the server.
Error cluster_unknown(const std::string& pod) {
  return Error::conflict(pod + " does not know the command CLUSTER")
      .with_hint(
          "take rename-command for CLUSTER out of its redis.conf: without it nobody can look at, "
          "initialise or mend a cluster");
}

Status read_server(const std::vector<Reply>& replies, core::Member& member) {
  constexpr std::size_t k_info = 2;
  if (replies.size() <= k_info) {
    return {};
  }
  if (replies[k_info].is_error()) {
    return redis::error_of(replies[k_info], member.pod.name);
  }
  KREDIS_TRY(core::ServerInfo server, wire::parse_redis_info(replies[k_info].text));
  for (std::size_t i = k_info + 1; i < replies.size(); ++i) {
    wire::read_setting(replies[i], server);
  }
  member.server = std::move(server);
  return {};
}

Status read_topology(const std::vector<Reply>& replies, core::Member& member) {
  const Reply& nodes = replies[0];
  const Reply& info = replies[1];
  if (nodes.is_error()) {
    if (nodes.text.starts_with("ERR unknown command")) {
      return cluster_unknown(member.pod.name);
    }
    const bool off = nodes.text.find("cluster support disabled") != std::string::npos;
    return off ? cluster_disabled(member.pod.name) : redis::error_of(nodes, member.pod.name);
  }
  if (info.is_error()) {
    return redis::error_of(info, member.pod.name);
  }
  KREDIS_TRY(member.view, wire::parse_cluster_nodes(nodes.text));
  KREDIS_TRY(member.cluster, wire::parse_cluster_info(info.text));
  return {};
}

void join(const Answer& answer, core::Member& member, Ask ask) {
  member.view.reset();
  member.cluster.reset();
  member.trouble.reset();
  member.jobs.clear();
  member.stray_keys.clear();
  member.stray_trouble.reset();
  if (ask == Ask::everything) {
    member.server.reset();
  }
  if (!answer) {
    member.trouble = answer.error();
    return;
  }
  // What INFO says is kept even where the rest cannot be had, as while a node loads its data.
  const Status server = read_server(*answer, member);
  const Status topology = read_topology(*answer, member);
  const Status& failed = topology ? server : topology;
  if (!failed) {
    member.trouble = failed.error();
  }
}

/// Only of those that know the question: others count it as an error, which somebody may watch.
void ask_for_jobs(Switchboard& switchboard, core::ClusterView& view, ports::Deadline deadline) {
  std::vector<std::vector<Command>> commands(view.members.size());
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    const core::Member& member = view.members[i];
    const auto end = member.server ? core::job_end(*member.server) : std::nullopt;
    const bool answers_for = end && member.self() != nullptr;
    if (answers_for && member.self()->role == core::Role::master) {
      commands[i].push_back(wire::slot_jobs_question(*end));
    }
  }
  const std::vector<Answer> answers = switchboard.ask_each(commands, deadline);
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    if (commands[i].empty() || !answers[i] || answers[i]->empty()) {
      continue;
    }
    if (auto jobs = wire::parse_slot_jobs(answers[i]->front())) {
      std::erase_if(*jobs, [](const core::SlotJob& job) {
        return job.state != core::SlotJob::State::running;
      });
      view.members[i].jobs = std::move(*jobs);
    }
  }
}

}  // namespace

void ask_members(Switchboard& switchboard,
                 core::ClusterView& view,
                 Ask ask,
                 ports::Deadline deadline) {
  const std::vector<Answer> answers = switchboard.ask_all(questions(ask), deadline);
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    join(answers[i], view.members[i], ask);
  }
  if (ask == Ask::everything) {
    ask_for_jobs(switchboard, view, deadline);
  }
}

}  // namespace kredis::observe
