// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/probe_client.hpp"

#include <algorithm>
#include <utility>

#include "shared/observe/switchboard.hpp"
#include "shared/wire/cluster_nodes.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Reply;
using ports::Deadline;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_most_patience = 2s;
constexpr int k_most_redirects = 3;

/// "CLUSTERDOWN" of "CLUSTERDOWN Hash slot not served".
std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

}  // namespace

void AddressBook::read(const core::ClusterView& view) {
  const auto targets = observe::targets_of(view);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (const core::Node* self = view.members[i].self()) {
      targets_[self->id] = targets[i];
    }
  }
}

std::optional<ports::RedisTarget> AddressBook::find(const core::NodeId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = targets_.find(id);
  return found == targets_.end() ? std::nullopt : std::optional(found->second);
}

ProbeClient::ProbeClient(ports::RedisPort& redis, const AddressBook& book, core::ProbedShard shard)
    : redis_(redis), book_(book), slot_(shard.slot) {
  for (core::NodeId& id : shard.nodes) {
    lines_.push_back({.id = std::move(id)});
  }
}

void ProbeClient::open(Deadline deadline) {
  for (Line& line : lines_) {
    line.patience = k_most_patience;
    [[maybe_unused]] const Status ignored = connect(line, deadline);
  }
}

Status ProbeClient::connect(Line& line, Deadline deadline) {
  if (line.connection) {
    return {};
  }
  const auto target = book_.find(line.id);
  if (!target) {
    return Error::unreachable("nobody knows where node " + line.id.short_text() + " is");
  }
  // An address that a pod left behind may swallow packets: not a whole operation's time for it.
  auto connection =
      redis_.connect(*target, std::min(deadline, steady_clock::now() + line.patience));
  if (!connection) {
    line.patience = std::min(2 * line.patience, k_most_patience);
    return connection.error();
  }
  line.patience = k_first_patience;
  line.connection = std::move(*connection);
  return {};
}

Result<std::vector<Reply>> ProbeClient::ask_line(Line& line,
                                                 const std::vector<Command>& commands,
                                                 Deadline deadline) {
  KREDIS_CHECK(connect(line, deadline));
  auto replies = line.connection->pipeline(commands, deadline);
  if (!replies) {
    line.connection.reset();
  }
  return replies;
}

ProbeClient::Line* ProbeClient::line_of(const core::NodeId& id) {
  const auto found = std::ranges::find(lines_, id, &Line::id);
  return found == lines_.end() ? nullptr : &*found;
}

void ProbeClient::learn_from(Line& line, Deadline deadline) {
  const auto replies = ask_line(line, {{"CLUSTER", "NODES"}}, deadline);
  const auto seen = replies && !replies->front().is_error()
                        ? wire::parse_cluster_nodes(replies->front().text)
                        : Result<core::Topology>(Error::unreachable(""));
  if (!seen) {
    return;
  }
  for (const core::Node& node : seen->nodes()) {
    Line* candidate = node.slots.contains(slot_) ? line_of(node.id) : nullptr;
    if (candidate != nullptr && (owner_ == nullptr || node.config_epoch > best_epoch_)) {
      owner_ = candidate;
      best_epoch_ = node.config_epoch;
    }
  }
}

/// Asks all but the node that just failed, which is asked only when nobody else is there.
Status ProbeClient::learn(Deadline deadline) {
  best_epoch_ = 0;
  for (Line& line : lines_) {
    if (&line != failed_) {
      learn_from(line, deadline);
    }
  }
  if (owner_ == nullptr && failed_ != nullptr) {
    learn_from(*failed_, deadline);
  }
  if (owner_ == nullptr) {
    return Error::unreachable("no node of the shard says who serves slot " + std::to_string(slot_));
  }
  found_anew_ = true;
  return {};
}

Result<std::vector<Reply>> ProbeClient::ask(const std::vector<Command>& commands,
                                            Deadline deadline) {
  for (int redirects = 0;; ++redirects) {
    if (owner_ == nullptr) {
      KREDIS_CHECK(learn(deadline));
    }
    Line& line = *owner_;
    auto replies = ask_line(line, commands, deadline);
    if (replies && !replies->front().is_error()) {
      failed_ = nullptr;
      return replies;
    }
    owner_ = nullptr;
    if (!replies) {
      failed_ = &line;
      return replies.error();
    }
    const std::string word = first_word(replies->front().text);
    if (word != "MOVED" || redirects == k_most_redirects) {
      return Error::conflict(word);
    }
    failed_ = nullptr;  // It answered, and knows where the slot is.
  }
}

bool ProbeClient::found_anew() { return std::exchange(found_anew_, false); }

}  // namespace kredis::plugin
