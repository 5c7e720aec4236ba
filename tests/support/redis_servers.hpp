// SPDX-License-Identifier: Apache-2.0
//
// Real redis-server processes for tests: each on an address of its own in 127.0.0.0/8, in a
// temporary directory, killed when the object goes away (and by the kernel if the test dies).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace kredis::tests {

struct RedisServer {
  std::string address;
  int port = 6379;
  std::string directory;
  pid_t pid = -1;
};

/// `arguments` are added to every server's command line. "{dir}" in them becomes its directory.
struct RedisServersOptions {
  int count = 1;
  std::vector<std::string> arguments = {};
  std::string program = "redis-server";
};

/// The arguments that make a server a cluster node which announces its own address.
std::vector<std::string> cluster_arguments(int node_timeout_ms);

class RedisServers {
 public:
  /// Starts them all and waits until each listens. Throws std::runtime_error with the last lines of
  /// the log of one that does not.
  explicit RedisServers(const RedisServersOptions& options);
  ~RedisServers();
  RedisServers(const RedisServers&) = delete;
  RedisServers& operator=(const RedisServers&) = delete;

  const RedisServer& operator[](std::size_t at) const { return servers_[at]; }
  const std::vector<RedisServer>& all() const { return servers_; }

  void kill(std::size_t at);
  /// Starts a killed server again, on the same address and directory.
  void start(std::size_t at);
  /// Stops (SIGSTOP) or continues (SIGCONT) a process.
  void freeze(std::size_t at);
  void thaw(std::size_t at);

 private:
  void await(std::size_t at) const;
  void remove_all();

  RedisServersOptions options_;
  std::string directory_;
  std::vector<RedisServer> servers_;
};

/// A fresh temporary directory, removed with all it holds when the object goes away.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kredis::tests
