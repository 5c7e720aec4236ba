// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/slot_jobs.hpp"

#include <string_view>
#include <utility>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using core::Reply;
using core::SlotJob;

/// How one family names the fields.
struct Names {
  std::string_view id;
  std::string_view slots;
  std::string_view source;
  std::string_view target;
  std::string_view why;
  std::string_view own;  ///< The operation, at the end that answers for the job.
};
constexpr Names k_valkey{.id = "name",
                         .slots = "slot_ranges",
                         .source = "source_node",
                         .target = "target_node",
                         .why = "message",
                         .own = "EXPORT"};
constexpr Names k_redis{.id = "id",
                        .slots = "slots",
                        .source = "source",
                        .target = "dest",
                        .why = "last_error",
                        .own = "import"};

Error unreadable_job(const std::string& what) {
  return Error::protocol("the list of slot migrations: " + what);
}

Result<std::string> text_in(const Reply& map, std::string_view name) {
  const Reply* value = map.find(name);
  if (value == nullptr || value->kind == Reply::Kind::array) {
    return unreadable_job("a job without a text " + core::quoted(name));
  }
  return value->text;
}

Result<core::NodeId> node_in(const Reply& map, std::string_view name) {
  KREDIS_TRY(const std::string text, text_in(map, name));
  auto id = core::NodeId::parse(text);
  return id ? id : unreadable_job(std::string(name) + ": " + id.error().message);
}

/// Redis' target tries a job that failed again each second: it is over only when it is cancelled.
SlotJob::State state_of(std::string_view word, bool tries_again) {
  if (word == "success" || word == "completed") {
    return SlotJob::State::done;
  }
  if (word == "cancelled" || word == "canceled") {
    return SlotJob::State::cancelled;
  }
  return word == "failed" && !tries_again ? SlotJob::State::failed : SlotJob::State::running;
}

Result<SlotJob> parse_job(const Reply& map, const Names& names) {
  KREDIS_TRY(std::string id, text_in(map, names.id));
  KREDIS_TRY(const std::string ranges, text_in(map, names.slots));
  KREDIS_TRY(core::NodeId source, node_in(map, names.source));
  KREDIS_TRY(core::NodeId target, node_in(map, names.target));
  KREDIS_TRY(const std::string state, text_in(map, "state"));
  auto slots = core::SlotSet::parse(ranges);
  if (!slots) {
    return unreadable_job(slots.error().message);
  }
  const Reply* why = map.find(names.why);
  const bool failed = state == "failed";
  return SlotJob{
      .id = std::move(id),
      .slots = std::move(*slots),
      .source = std::move(source),
      .target = std::move(target),
      .state = state_of(state, &names == &k_redis),
      .words = why == nullptr || why->text.empty() ? state : state + ": " + why->text,
      .fails = failed,
  };
}

}  // namespace

core::Command slot_jobs_question(core::JobEnd end) {
  return end == core::JobEnd::source ? core::Command{"CLUSTER", "GETSLOTMIGRATIONS"}
                                     : core::Command{"CLUSTER", "MIGRATION", "STATUS", "ALL"};
}

Result<std::vector<SlotJob>> parse_slot_jobs(const Reply& reply) {
  if (reply.kind != Reply::Kind::array) {
    return unreadable_job(reply.is_error() ? reply.text : "the answer is no list");
  }
  std::vector<SlotJob> jobs;
  for (const Reply& map : reply.items) {
    const Names& names = map.find(k_valkey.slots) != nullptr ? k_valkey : k_redis;
    KREDIS_TRY(const std::string operation, text_in(map, "operation"));
    if (operation == names.own) {
      KREDIS_TRY(SlotJob job, parse_job(map, names));
      jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

}  // namespace kredis::wire
