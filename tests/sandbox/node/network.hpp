// SPDX-License-Identifier: Apache-2.0
//
// The pods' network: an address for each, and the rules file that splits it. The shim in every pod
// holds new connections back by it (shim.c); those that already stand are cut from here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "tests/sandbox/controllers/addresses.hpp"
#include "tests/sandbox/node/net_rules.h"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

/// Threads: one at a time.
class Network {
 public:
  /// Errors: internal when the rules file or the sink cannot be made.
  static Result<std::unique_ptr<Network>> make(AddressPlan plan, std::filesystem::path rules_file);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// An address that no pod has, and none had for as long as possible.
  std::string take_address();
  void release_address(const std::string& address);

  /// Puts an address on a side. Only addresses on one side can talk; 0 is where all begin.
  void set_side(const std::string& address, std::uint8_t side);
  /// Drops what is sent to that port of an address; port 0 drops nothing.
  void drop_port(const std::string& address, std::uint16_t port);
  bool can_talk(const std::string& one, const std::string& other) const;

  /// Cuts the connections of these processes (and their children) that the rules forbid.
  void cut(const std::vector<pid_t>& processes) const;

  const std::filesystem::path& rules_file() const noexcept { return rules_file_; }

 private:
  Network(AddressPlan plan, std::filesystem::path rules_file);
  Status map_rules();
  Status open_sink();
  bool forbids(std::uint32_t from, std::uint32_t to, std::uint16_t to_port) const;
  void cut_one(pid_t process) const;

  AddressPlan plan_;
  std::filesystem::path rules_file_;
  kredis_net_rules* rules_ = nullptr;
  Fd sink_;
  std::vector<Fd> sink_queue_;  // Connections that fill the sink, so that it answers nobody.
  std::set<std::string> taken_;
  std::size_t next_ = 0;
};

}  // namespace kredis::sandbox
