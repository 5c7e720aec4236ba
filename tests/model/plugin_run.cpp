// SPDX-License-Identifier: Apache-2.0
#include "tests/model/plugin_run.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kredis::model {

using namespace std::chrono_literals;

/// It lives as long as the process at its other end.
class PluginRun::Line : public ports::RedisConnection {
 public:
  Line(PluginRun& run, ModelNode& node) : run_(run), node_(node), life_(node.life) {}

  Result<std::vector<core::Reply>> pipeline(const std::vector<core::Command>& commands,
                                            ports::Deadline deadline) override {
    if (broken_ || node_.life != life_) {
      return Error::unreachable(node_.pod + ": the connection is lost");
    }
    auto answer = run_.call(node_, commands, deadline);
    broken_ = !answer.has_value();
    return answer;
  }

 private:
  PluginRun& run_;
  ModelNode& node_;
  std::uint64_t life_;
  bool broken_ = false;
};

bool PluginRun::rest(Time time) {
  world_.turns().sleep_until(world_.turns().now() + time);
  return alive_;
}

Result<std::unique_ptr<ports::RedisConnection>> PluginRun::connect(const ports::RedisTarget& target,
                                                                   ports::Deadline /*deadline*/) {
  ModelNode* node = world_.at_host(target.host);
  if (node == nullptr || !alive_ || !rest(world_.between(50, 500)) || !node->up) {
    return Error::unreachable(target.pod + " does not answer");
  }
  return std::unique_ptr<ports::RedisConnection>(std::make_unique<Line>(*this, *node));
}

void PluginRun::kill() {
  world_.trace([] { return "KILL the plugin"; });
  alive_ = false;
  for (const auto& each : waiting_) {
    world_.turns().wake(each->fiber);
  }
}

/// The answer takes its time, too.
void PluginRun::send(ModelNode& node,
                     const std::shared_ptr<Call>& call,
                     const std::shared_ptr<Waiting>& waiting) {
  call->done = [this, waiting](bool whole) {
    world_.turns().at(world_.turns().now() + world_.between(50, 1000), [this, waiting, whole] {
      if (!waiting->over) {
        waiting->over = true;
        waiting->whole = whole;
        world_.turns().wake(waiting->fiber);
      }
    });
  };
  Time delay = world_.between(50, 1000);
  const bool is_probe = call->commands.front().front() == "PING";
  bool is_sent = true;
  if (!is_probe && world_.chance(world_.manners.broken_calls)) {
    switch (world_.below(4)) {
      case 0:
        is_sent = false;
        break;
      case 1:
        call->most = world_.below(call->commands.size());
        break;
      case 2:
        call->done = [done = call->done](bool) { done(false); };
        break;
      default:
        delay = world_.between(100'000, 20'000'000);
    }
  }
  if (!alive_) {  // It died as it wrote.
    is_sent = world_.chance(0.7);
    call->most = world_.chance(0.5) ? world_.below(call->commands.size() + 1) : SIZE_MAX;
    call->done = {};
    delay = world_.between(50, 20'000);
  }
  if (is_sent) {
    world_.send(node, call, delay);
  } else if (call->done) {
    call->done(false);
  }
}

Result<std::vector<core::Reply>> PluginRun::call(ModelNode& node,
                                                 const std::vector<core::Command>& commands,
                                                 ports::Deadline deadline) {
  const auto lost = [&] { return Error::unreachable(node.pod + ": the connection is lost"); };
  if (!alive_) {
    if (++vain_ > 100'000) {
      throw std::runtime_error("it goes on without end after its death");
    }
    return lost();
  }
  const bool is_probe = commands.front().front() == "PING";
  if (!is_probe) {
    before_call_(*this);
    world_.trace([&] {
      std::string text = node.pod + " <- " + std::to_string(commands.size());
      for (std::size_t i = 0; i < std::min<std::size_t>(commands.size(), 4); ++i) {
        text += fmt::format(" | {}", fmt::join(commands[i], " "));
      }
      return text;
    });
  }
  auto call = std::make_shared<Call>();
  call->commands = commands;
  call->of_plugin = true;
  auto waiting = std::make_shared<Waiting>();
  waiting->fiber = world_.turns().self();
  send(node, call, waiting);
  waiting_.push_back(waiting);
  world_.turns().at(deadline.time_since_epoch(), [this, waiting] {
    if (!waiting->over) {
      world_.turns().wake(waiting->fiber);
      waiting->over = true;
    }
  });
  while (!waiting->over && alive_) {
    world_.turns().park();
  }
  waiting->over = true;
  std::erase(waiting_, waiting);
  if (!alive_) {
    return lost();
  }
  if (!waiting->whole) {
    const bool late = world_.turns().now() >= Time(deadline.time_since_epoch());
    return late ? Error::timeout(node.pod + " did not answer in time") : lost();
  }
  for (std::size_t i = 0; i < call->replies.size(); ++i) {
    if (call->replies[i].is_error()) {
      world_.trace([&] {
        return fmt::format(
            "  {}: {} -> {}", node.pod, fmt::join(commands[i], " "), call->replies[i].text);
      });
    }
  }
  return std::move(call->replies);
}

}  // namespace kredis::model
