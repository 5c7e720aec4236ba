// SPDX-License-Identifier: Apache-2.0
//
// Writes and reads without pause while a drill goes on, a client for each shard, in a list of its
// own that goes at the end. What was acknowledged is read back, so a lost write is counted exactly.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "plugin/operations/failover/probe_client.hpp"
#include "shared/wire/drill_report.hpp"

namespace kredis::plugin {

/// The key of a run in `slot`. Every key of a drill begins with "kubectl-redis-drill:".
std::string drill_key(std::uint32_t slot, const std::string& run);

class DrillProbe {
 public:
  /// `shards` has the victim's first. `redis` and `book` must outlive the probe.
  DrillProbe(ports::RedisPort& redis,
             const AddressBook& book,
             const std::vector<core::ProbedShard>& shards,
             const std::string& run);
  /// Stops, and removes the keys where finish did not.
  ~DrillProbe();
  DrillProbe(const DrillProbe&) = delete;
  DrillProbe& operator=(const DrillProbe&) = delete;

  void start();
  /// Whether all went well so far. Errors: unsafe (an operation failed: in whose shard, and why).
  Status all_well() const;
  /// Notes that the strike falls now.
  void struck();
  /// Stops, reads back what was acknowledged and removes the keys.
  wire::ProbeResult finish(ports::Deadline deadline);

 private:
  class Prober;
  void stop();

  std::chrono::steady_clock::time_point began_;
  std::chrono::milliseconds struck_at_{0};
  std::vector<std::unique_ptr<Prober>> probers_;
  bool removed_ = false;
};

}  // namespace kredis::plugin
