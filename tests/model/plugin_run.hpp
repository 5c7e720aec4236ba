// SPDX-License-Identifier: Apache-2.0
//
// One run of the plugin against the model: its way to the nodes, which may be broken, late, or end
// with the plugin itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/ports/redis_port.hpp"
#include "tests/model/world.hpp"

namespace kredis::model {

class PluginRun : public ports::RedisPort {
 public:
  /// `before_call` hears of each call before it is sent; it may kill this run.
  PluginRun(World& world, std::function<void(PluginRun&)> before_call)
      : world_(world), before_call_(std::move(before_call)) {}

  Result<std::unique_ptr<ports::RedisConnection>> connect(const ports::RedisTarget& target,
                                                          ports::Deadline deadline) override;

  /// As SIGKILL: nothing more is sent, and what was sent may still be done.
  void kill();
  /// As Ctrl-C.
  void interrupt() { interrupted_ = true; }
  bool is_alive() const { return alive_; }
  bool is_interrupted() const { return interrupted_ || !alive_; }

 private:
  class Line;
  struct Waiting {
    Fiber* fiber = nullptr;
    bool over = false;
    bool whole = false;
  };
  Result<std::vector<core::Reply>> call(ModelNode& node,
                                        const std::vector<core::Command>& commands,
                                        ports::Deadline deadline);
  void send(ModelNode& node,
            const std::shared_ptr<Call>& call,
            const std::shared_ptr<Waiting>& waiting);
  /// Sleeps; false when the run is no longer alive.
  bool rest(Time time);

  World& world_;
  std::function<void(PluginRun&)> before_call_;
  bool alive_ = true;
  bool interrupted_ = false;
  std::vector<std::shared_ptr<Waiting>> waiting_ = {};  ///< In the order of their calls.
  std::uint64_t vain_ = 0;                              ///< Calls after its death.
};

}  // namespace kredis::model
