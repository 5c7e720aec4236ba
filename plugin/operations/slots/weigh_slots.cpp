// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/slots/weigh_slots.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Reply;

/// Of each slot, when its memory is estimated.
constexpr const char* k_samples = "5";

/// The masters of the last look, each asked something of its own.
class Scales {
 public:
  Scales(observe::Cluster& cluster, const Conduct& conduct) : cluster_(cluster), conduct_(conduct) {
    for (const core::Member& member : cluster.view().members) {
      const core::Node* self = member.self();
      const bool serves = self != nullptr && self->role == core::Role::master;
      slots_.push_back(serves ? self->slots.numbers() : std::vector<std::uint32_t>{});
    }
  }

  Status count_keys();
  Status sample_memory();
  /// Fails where a server does not know that figure.
  Status read_statistics(std::string_view figure);
  std::vector<double> take() { return std::move(weights_); }

 private:
  using Commands = std::vector<std::vector<Command>>;
  using Answers = std::vector<std::vector<Reply>>;
  Result<Answers> ask(const Commands& commands);
  Result<Answers> ask_for_each_slot(const Command& words, const std::string& last = {});

  observe::Cluster& cluster_;
  const Conduct& conduct_;
  std::vector<std::vector<std::uint32_t>> slots_ = {};
  std::vector<double> weights_ = std::vector<double>(core::k_slot_count, 0);
};

Result<Scales::Answers> Scales::ask(const Commands& commands) {
  auto answers = cluster_.switchboard().ask_each(commands, conduct_.call_deadline());
  Answers all;
  for (std::size_t at = 0; at < answers.size(); ++at) {
    if (!answers[at]) {
      return answers[at].error();
    }
    for (const Reply& reply : *answers[at]) {
      if (reply.is_error()) {
        return redis::error_of(reply, cluster_.view().members[at].pod.name);
      }
    }
    all.push_back(std::move(*answers[at]));
  }
  return all;
}

Result<Scales::Answers> Scales::ask_for_each_slot(const Command& words, const std::string& last) {
  Commands commands(slots_.size());
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    for (const std::uint32_t slot : slots_[at]) {
      Command command = words;
      command.push_back(std::to_string(slot));
      if (!last.empty()) {
        command.push_back(last);
      }
      commands[at].push_back(std::move(command));
    }
  }
  return ask(commands);
}

Status Scales::count_keys() {
  KREDIS_TRY(const Answers answers, ask_for_each_slot({"CLUSTER", "COUNTKEYSINSLOT"}));
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    for (std::size_t i = 0; i < slots_[at].size(); ++i) {
      weights_[slots_[at][i]] = static_cast<double>(answers[at][i].integer);
    }
  }
  return {};
}

/// A slot's keys times what a few of them take.
Status Scales::sample_memory() {
  KREDIS_CHECK(count_keys());
  KREDIS_TRY(const Answers listed, ask_for_each_slot({"CLUSTER", "GETKEYSINSLOT"}, k_samples));
  Commands commands(slots_.size());
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    for (const Reply& keys : listed[at]) {
      for (const Reply& key : keys.items) {
        commands[at].push_back({"MEMORY", "USAGE", key.text});
      }
    }
  }
  KREDIS_TRY(const Answers sizes, ask(commands));
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < slots_[at].size(); ++i) {
      double bytes = 0;
      const std::size_t keys = listed[at][i].items.size();
      for (std::size_t key = 0; key < keys; ++key) {
        bytes += static_cast<double>(sizes[at][next++].integer);
      }
      weights_[slots_[at][i]] *= keys == 0 ? 0 : bytes / static_cast<double>(keys);
    }
  }
  return {};
}

/// https://valkey.io/commands/cluster-slot-stats/ : an array of slot and "figure, value, ...".
Status Scales::read_statistics(std::string_view figure) {
  Commands commands(slots_.size());
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    if (!slots_[at].empty()) {
      commands[at] = {
          {"CLUSTER", "SLOT-STATS", "SLOTSRANGE", "0", std::to_string(core::k_slot_count - 1)}};
    }
  }
  KREDIS_TRY(const Answers answers, ask(commands));
  for (std::size_t at = 0; at < answers.size(); ++at) {
    bool told = slots_[at].empty();
    for (const Reply& row : answers[at].empty() ? std::vector<Reply>{} : answers[at][0].items) {
      if (row.items.size() != 2 || row.items[0].integer < 0 ||
          row.items[0].integer >= core::k_slot_count) {
        return Error::protocol(cluster_.view().members[at].pod.name +
                               " tells its slots' statistics in another form than is known");
      }
      const std::vector<Reply>& figures = row.items[1].items;
      for (std::size_t i = 0; i + 1 < figures.size(); i += 2) {
        if (figures[i].text == figure) {
          weights_[static_cast<std::size_t>(row.items[0].integer)] =
              static_cast<double>(figures[i + 1].integer);
          told = true;
        }
      }
    }
    if (!told) {
      return Error::conflict(cluster_.view().members[at].pod.name + " does not count " +
                             std::string(figure) + " for its slots");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<double>> weigh_slots(observe::Cluster& cluster,
                                        SlotMeasure measure,
                                        const Conduct& conduct) {
  Scales scales(cluster, conduct);
  switch (measure) {
    case SlotMeasure::slots:
      return std::vector<double>{};
    case SlotMeasure::keys:
      KREDIS_CHECK(scales.count_keys());
      break;
    case SlotMeasure::memory:
      if (!scales.read_statistics("memory-bytes")) {
        KREDIS_CHECK(scales.sample_memory());
      }
      break;
    case SlotMeasure::load:
      if (const Status read = scales.read_statistics("cpu-usec"); !read) {
        return Error::conflict("the servers do not count what each slot costs: " +
                               read.error().message)
            .with_hint(
                "that takes Valkey 8 or Redis 8.2 with cluster-slot-stats-enabled yes; "
                "else use --by keys or --by memory");
      }
      break;
  }
  return scales.take();
}

}  // namespace kredis::plugin
