// SPDX-License-Identifier: Apache-2.0
//
// Redis nodes that are functions: what each answers to a command, and what it was asked.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "shared/ports/redis_port.hpp"

namespace kredis::tests {

/// One node, by the address of its pod.
using FakeNode = std::function<core::Reply(const core::Command&)>;

inline core::Reply ok() { return {.kind = core::Reply::Kind::status, .text = "OK"}; }
inline core::Reply text_reply(std::string text) {
  return {.kind = core::Reply::Kind::text, .text = std::move(text)};
}
inline core::Reply error_reply(std::string text) {
  return {.kind = core::Reply::Kind::error, .text = std::move(text)};
}

/// Threads: any.
class FakeRedis : public ports::RedisPort {
 public:
  void put(const std::string& host, FakeNode node) {
    const std::scoped_lock lock(mutex_);
    nodes_[host] = std::move(node);
  }
  /// The node answers no more.
  void kill(const std::string& host) {
    const std::scoped_lock lock(mutex_);
    nodes_.erase(host);
  }
  /// "HOST COMMAND WORDS", in the order in which they came; questions (CLUSTER NODES and INFO,
  /// INFO, CONFIG GET) left out.
  std::vector<std::string> told() {
    const std::scoped_lock lock(mutex_);
    return told_;
  }

  Result<std::unique_ptr<ports::RedisConnection>> connect(const ports::RedisTarget& target,
                                                          ports::Deadline) override {
    if (!answers(target.host)) {
      return Error::unreachable(target.pod + " does not answer");
    }
    return std::unique_ptr<ports::RedisConnection>(std::make_unique<Line>(*this, target.host));
  }

 private:
  class Line : public ports::RedisConnection {
   public:
    Line(FakeRedis& redis, std::string host) : redis_(redis), host_(std::move(host)) {}
    Result<std::vector<core::Reply>> pipeline(const std::vector<core::Command>& commands,
                                              ports::Deadline) override {
      return redis_.ask(host_, commands);
    }

   private:
    FakeRedis& redis_;
    std::string host_;
  };

  bool answers(const std::string& host) {
    const std::scoped_lock lock(mutex_);
    return nodes_.contains(host);
  }

  static bool is_question(const core::Command& command) {
    const bool info = command.front() == "INFO";
    const bool get = command.size() > 1 && command[1] == "GET";
    const bool view = command.size() > 1 && (command[1] == "NODES" || command[1] == "INFO" ||
                                             command[1] == "COUNTKEYSINSLOT");
    return info || get || view;
  }

  Result<std::vector<core::Reply>> ask(const std::string& host,
                                       const std::vector<core::Command>& commands) {
    const std::scoped_lock lock(mutex_);
    const auto node = nodes_.find(host);
    if (node == nodes_.end()) {
      return Error::unreachable(host + " does not answer");
    }
    std::vector<core::Reply> replies;
    for (const core::Command& command : commands) {
      if (!is_question(command)) {
        std::string line = host;
        for (const std::string& word : command) {
          line += " " + word;
        }
        told_.push_back(std::move(line));
      }
      replies.push_back(node->second(command));
    }
    return replies;
  }

  std::mutex mutex_;
  std::map<std::string, FakeNode> nodes_;
  std::vector<std::string> told_;
};

}  // namespace kredis::tests
