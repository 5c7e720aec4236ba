// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/slot_jobs.hpp"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

#include "plugin/apply/databases.hpp"
#include "plugin/apply/slot_job_part.hpp"
#include "shared/core/text.hpp"
#include "shared/redis/reply_error.hpp"
#include "shared/wire/redis_info.hpp"
#include "shared/wire/slot_jobs.hpp"

namespace kredis::plugin {
namespace {

using Part = SlotJobPart;
using core::Command;
using core::JobEnd;
using core::Member;
using core::MoveSlots;
using core::Reply;
using core::SlotJob;
using core::SlotSet;
using ports::Deadline;
using namespace std::chrono_literals;

constexpr auto k_job_tick = 100ms;
/// How long a node may keep us from beginning while nothing changes: it may still delete the keys
/// of a move before.
constexpr auto k_begin_patience = 10s;
/// How long a node that refuses is asked again: the end of another job may be on its way.
constexpr auto k_refusal_patience = 10s;
/// How long the node that answers for a job may be silent.
constexpr auto k_silence = 15s;
/// How long the nodes have to agree on who has the slots of a job that failed.
constexpr auto k_owner_patience = 30s;
/// How long a job that was cancelled has to end.
constexpr auto k_cancel_patience = 10s;
constexpr int k_most_tries = 3;

std::int64_t sum_of(const std::vector<Reply>& replies) {
  std::int64_t sum = 0;
  for (const Reply& reply : replies) {
    sum += reply.kind == Reply::Kind::integer ? reply.integer : 0;
  }
  return sum;
}

std::int64_t info_number(const Reply& info, std::string_view name) {
  const auto fields = wire::parse_info_fields(info.text);
  const auto field = fields.find(name);
  return field == fields.end() ? 0 : core::to_number<std::int64_t>(field->second).value_or(0);
}

/// The jobs of one wave of moves.
class JobWave {
 public:
  JobWave(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct)
      : moves_(moves), cluster_(cluster), conduct_(conduct) {}
  Status run();

 private:
  Status prepare(const MoveSlots& move);
  Status watch();
  bool is_busy(const Part& part) const;
  Status begin_free();
  Result<std::string> kept_by(Part& part);
  Status begin(Part part);
  Status hear();
  Result<bool> is_over(Part& part, const observe::Answer& answer);
  Result<bool> take_end(Part& part, const SlotJob& job);
  Result<bool> after_failure(Part& part, const std::string& words);
  Result<bool> has_arrived(const Part& part);
  std::string cancel_all();
  void tell_cancel();
  observe::Answer ask(std::size_t at, const std::vector<Command>& commands);
  std::string progress_text() const;
  Deadline soon() const { return conduct_.call_deadline(); }

  const Moves& moves_;
  observe::Cluster& cluster_;
  const Conduct& conduct_;
  Probes probes_ = {};
  std::deque<Part> waiting_ = {};
  std::deque<Part> running_ = {};
  MoveCount count_ = {};
  Deadline began_ = conduct_.now();
};

observe::Answer JobWave::ask(std::size_t at, const std::vector<Command>& commands) {
  return cluster_.switchboard().ask_one(at, commands, soon());
}

Status JobWave::prepare(const MoveSlots& move) {
  KREDIS_TRY(MoveEnds ends, ends_of(move, cluster_.view()));
  const Member& source = cluster_.view().members[ends.source];
  const auto end = source.server ? core::job_end(*source.server) : std::nullopt;
  if (!end) {
    return Error::conflict(move.pod + " no longer runs what can move slots atomically");
  }
  count_.all += move.slots.size();
  count_.before += move.slots.size() - ends.left.size();
  for (SlotSet& slots : parts_of(ends.left, source)) {
    Part part{.move = &move, .ends = ends, .begins_at = *end};
    part.ends.left = std::move(slots);
    waiting_.push_back(std::move(part));
  }
  for (const std::size_t at : {ends.source, ends.target}) {
    KREDIS_CHECK(probes_.add(cluster_, at, soon()));
  }
  return {};
}

/// No node in two jobs: Redis refuses the second, and Valkey forks for one at a time.
bool JobWave::is_busy(const Part& part) const {
  return std::ranges::any_of(running_, [&](const Part& other) {
    return other.ends.source == part.ends.source || other.ends.target == part.ends.source ||
           other.ends.source == part.ends.target || other.ends.target == part.ends.target;
  });
}

Status JobWave::begin_free() {
  std::size_t i = 0;
  for (std::size_t left = waiting_.size(); left > 0; --left) {  // Who is refused waits anew.
    Part& part = waiting_[i];
    if (is_busy(part)) {
      ++i;
      continue;
    }
    KREDIS_TRY(std::string keeps, kept_by(part));
    part.since = part.since == Deadline{} || keeps != part.words ? conduct_.now() : part.since;
    part.words = std::move(keeps);
    if (part.words.empty()) {
      Part next = std::move(part);
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      KREDIS_CHECK(begin(std::move(next)));
    } else if (conduct_.now() - part.since > k_begin_patience) {
      return Error::conflict("the move of " + part.text() + " cannot begin: " + part.words)
          .with_hint("key by key it can, and then what the owner has stays: add --how classic");
    } else {
      ++i;
    }
  }
  return {};
}

/// What keeps a job from being begun; empty when nothing does. A target that still has keys of the
/// slots would end up with both: Valkey stops with an assertion then (seen with 9.1.2).
Result<std::string> JobWave::kept_by(Part& part) {
  KREDIS_TRY(const auto info, ask(part.ends.target, {{"INFO", "keyspace"}, {"CLUSTER", "INFO"}}));
  std::vector<Command> counts;
  for (const std::uint32_t slot : part.ends.left.numbers()) {
    counts.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
  }
  std::vector<Command> everywhere;
  const std::vector<int> databases = databases_in(info[0].text);
  for (const int database : databases) {
    if (databases.size() > 1) {
      everywhere.push_back({"SELECT", std::to_string(database)});
    }
    everywhere.insert(everywhere.end(), counts.begin(), counts.end());
  }
  if (databases.size() > 1) {
    everywhere.push_back({"SELECT", "0"});
  }
  KREDIS_TRY(const auto at_target, ask(part.ends.target, everywhere));
  if (const std::int64_t keys = sum_of(at_target); keys > 0) {
    return part.move->target_pod + " has " + core::counted(keys, "key") +
           " of them, which are not its own";
  }
  counts.push_back({"CLUSTER", "INFO"});
  KREDIS_TRY(const auto at_source, ask(part.ends.source, counts));
  part.keys = sum_of(at_source);
  constexpr std::string_view k_trim = "cluster_slot_migration_active_trim_running";
  if (info_number(info[1], k_trim) > 0 || info_number(at_source.back(), k_trim) > 0) {
    return std::string("keys of a move before are still being deleted");
  }
  return std::string();
}

Status JobWave::begin(Part part) {
  running_.push_back(std::move(part));
  Part& begun = running_.back();
  ++begun.tries;
  begun.id.clear();
  begun.failing.reset();
  begun.gone = 0;
  begun.heard = conduct_.now();
  KREDIS_TRY(const auto replies, ask(begun.at(), {begin_command(begun)}));
  const Reply& reply = replies.front();
  if (!reply.is_error()) {
    begun.id = begun.begins_at == JobEnd::target ? reply.text : "";
    begun.since = conduct_.now();
    begun.refused.reset();
    return {};
  }
  // The refused one did not begin, so it is not for us to end.
  Part refused = std::move(begun);
  running_.pop_back();
  refused.refused = refused.refused.value_or(conduct_.now());
  if (conduct_.now() - *refused.refused > k_refusal_patience) {
    return redis::error_of(reply, cluster_.view().members[refused.at()].pod.name)
        .while_doing("beginning to move " + refused.text());
  }
  --refused.tries;
  refused.words = reply.text;
  waiting_.push_back(std::move(refused));
  return {};
}

/// Asks all nodes that answer for jobs, and takes note of what has ended.
Status JobWave::hear() {
  std::vector<std::vector<Command>> commands(cluster_.view().members.size());
  for (const Part& part : running_) {
    commands[part.at()].push_back(wire::slot_jobs_question(part.begins_at));
    commands[part.ends.source].push_back({"INFO", "persistence"});
  }
  const auto answers = cluster_.switchboard().ask_each(commands, soon());
  for (std::size_t i = 0; i < running_.size();) {
    Part& part = running_[i];
    if (const auto& source = answers[part.ends.source]; source && !source->empty()) {
      part.gone =
          std::min(part.keys,
                   std::max(part.gone, info_number(source->back(), "current_save_keys_processed")));
    }
    KREDIS_TRY(const bool over, is_over(part, answers[part.at()]));
    if (over) {
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return {};
}

Result<bool> JobWave::is_over(Part& part, const observe::Answer& answer) {
  const std::string& pod = cluster_.view().members[part.at()].pod.name;
  if (!answer) {
    if (conduct_.now() - part.heard > k_silence) {
      return Error::unreachable(
                 pod + " has not answered for a while, in the middle of the move of " + part.text())
          .with_hint("run the same command again: if the move still runs, it waits for it");
    }
    return false;
  }
  part.heard = conduct_.now();
  KREDIS_TRY(const auto jobs, wire::parse_slot_jobs(answer->front()));
  const auto job = std::ranges::find_if(jobs, [&](const SlotJob& each) {
    return part.id.empty() ? each.slots == part.ends.left && each.target == part.move->target
                           : each.id == part.id;
  });
  if (job != jobs.end()) {
    part.id = job->id;
    return take_end(part, *job);
  }
  if (conduct_.now() - part.since < 1s) {
    return false;  // It was begun a moment ago.
  }
  return after_failure(part, pod + " no longer knows of it");
}

/// Whether it needs no more attention: it ended well, or waits to be begun again.
Result<bool> JobWave::take_end(Part& part, const SlotJob& job) {
  part.words = job.words;
  switch (job.state) {
    case SlotJob::State::running:
      break;
    case SlotJob::State::done:
      count_.slots += part.ends.left.size();
      count_.keys += part.keys;
      return true;
    case SlotJob::State::cancelled:
      part.tries = k_most_tries;  // Somebody did not want it.
      return after_failure(part, job.words);
    case SlotJob::State::failed:
      return after_failure(part, job.words);
  }
  if (!job.fails) {
    part.failing.reset();
    return false;
  }
  part.failing = part.failing.value_or(conduct_.now());
  if (conduct_.now() - *part.failing < k_failing_patience) {
    return false;
  }
  KREDIS_TRY(const auto replies, ask(part.at(), {end_command(part)}));
  part.tries = k_most_tries;  // The server has tried often enough.
  return after_failure(part, job.words);
}

/// What failed may have arrived all the same, and is begun anew only where it surely did not.
Result<bool> JobWave::after_failure(Part& part, const std::string& words) {
  KREDIS_TRY(const bool arrived, has_arrived(part));
  if (arrived) {
    count_.slots += part.ends.left.size();
    count_.keys += part.keys;
    return true;
  }
  if (part.tries >= k_most_tries) {
    return Error::conflict("the servers gave the move of " + part.text() + " up: " + words)
        .with_hint(
            "they are still where they were; run the same command again, or have them move "
            "key by key: add --how classic");
  }
  part.since = {};
  waiting_.push_back(std::move(part));
  return true;
}

/// Asks every node, until all agree. Errors: conflict (they do not: somebody has to look).
Result<bool> JobWave::has_arrived(const Part& part) {
  std::optional<bool> arrived;
  const auto owner_not_clear = [&]() -> Result<std::string> {
    cluster_.ask(observe::Ask::topology, soon());
    arrived.reset();
    for (const Member& viewer : cluster_.view().members) {
      if (viewer.view && viewer.view->nodes().size() < 2) {
        continue;  // No part of the cluster.
      }
      const auto has = [&](const core::NodeId& id) {
        const core::Node* node = viewer.view ? viewer.view->find(id) : nullptr;
        return node != nullptr && part.ends.left.without(node->slots).empty();
      };
      const bool there = has(part.move->target);
      if (!there && !has(part.move->source)) {
        return viewer.pod.name + " does not say who has " + part.text();
      }
      if (arrived.value_or(there) != there) {
        return "the nodes do not agree on who has " + part.text();
      }
      arrived = there;
    }
    return std::string();
  };
  const Status clear =
      wait_until(conduct_.with_patience(k_owner_patience), k_job_tick, owner_not_clear);
  if (!clear) {
    return clear.error().code == ErrorCode::timeout
               ? Error::conflict(clear.error().message)
                     .with_hint("see who has what: " + core::status_command(cluster_.view()))
               : clear.error();
  }
  return arrived.value_or(false);
}

void JobWave::tell_cancel() {
  std::vector<std::vector<Command>> commands(cluster_.view().members.size());
  for (const Part& part : running_) {
    if (part.begins_at == JobEnd::source || !part.id.empty()) {
      commands[part.at()] = {end_command(part)};
    }
  }
  static_cast<void>(cluster_.switchboard().ask_each(commands, soon()));
}

/// Ends what runs. Returns what may still run, for people; empty when nothing does.
std::string JobWave::cancel_all() {
  const Deadline until = conduct_.now() + k_cancel_patience;
  while (!running_.empty() && conduct_.now() < until) {
    tell_cancel();
    std::vector<std::vector<Command>> commands(cluster_.view().members.size());
    for (const Part& part : running_) {
      commands[part.at()] = {wire::slot_jobs_question(part.begins_at)};
    }
    const auto answers = cluster_.switchboard().ask_each(commands, until + 1s);
    std::erase_if(running_, [&](const Part& part) {
      const auto& answer = answers[part.at()];
      const auto jobs = answer && !answer->empty()
                            ? wire::parse_slot_jobs(answer->front())
                            : Result<std::vector<SlotJob>>(Error::timeout(""));
      return jobs && std::ranges::none_of(*jobs, [&](const SlotJob& job) {
               return job.state == SlotJob::State::running && job.slots == part.ends.left;
             });
    });
    conduct_.clock->sleep_until(conduct_.now() + k_job_tick);
  }
  std::string text;
  for (const Part& part : running_) {
    text += (text.empty() ? "" : ", ") + part.text();
  }
  return text;
}

std::string JobWave::progress_text() const {
  MoveCount count = count_;
  count.slots += count.before;
  count.time = conduct_.now() - began_;
  count.worst = probes_.worst();
  std::string now;
  std::int64_t slots = count.slots - count.before;
  for (const Part& part : running_) {
    count.keys += part.gone;
    slots += part.keys == 0 ? 0 : part.ends.left.size() * part.gone / part.keys;
    now += "; " + part.move->pod + " to " + part.move->target_pod + ": " + part.words;
  }
  if (count.all > count.before) {
    count.part = static_cast<double>(slots) / (count.all - count.before);
  }
  for (const Part& part : waiting_) {
    now += part.words.empty() ? "" : "; " + part.move->target_pod + " waits: " + part.words;
  }
  return to_text(count) + now;
}

Status JobWave::watch() {
  for (;;) {
    KREDIS_CHECK(begin_free());
    if (running_.empty() && waiting_.empty()) {
      conduct_.say(progress_text());
      return {};
    }
    // A short move is not to wait for us; a long one is not asked for often.
    const auto pace = std::clamp<Deadline::duration>((conduct_.now() - began_) / 16, 5ms, 200ms);
    conduct_.clock->sleep_until(conduct_.now() + pace);
    KREDIS_CHECK(hear());
    conduct_.say(progress_text());
    if (const auto ended = is_to_end(conduct_, progress_text())) {
      return *ended;
    }
  }
}

Status JobWave::run() {
  for (const MoveSlots* move : moves_) {
    KREDIS_CHECK(prepare(*move));
  }
  if (const auto ended = is_to_end(conduct_, progress_text())) {
    return *ended;
  }
  const Status done = watch();
  // Who takes over has adopted what runs.
  const bool taken_over = conduct_.superseded && conduct_.superseded();
  if (done || taken_over) {
    return done;
  }
  if (const std::string left = cancel_all(); !left.empty()) {
    return done.error().with_hint("the servers may go on with " + left +
                                  ": run the same command again, and it waits for that");
  }
  return done;
}

}  // namespace

Status run_slot_jobs(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct) {
  cluster.ask(observe::Ask::everything, conduct.call_deadline());
  return JobWave(moves, cluster, conduct).run();
}

}  // namespace kredis::plugin
