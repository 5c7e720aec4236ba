// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_servers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace kredis::tests {
namespace {

namespace fs = std::filesystem;

sockaddr_in socket_address(const std::string& address, int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  return at;
}

bool connects(const std::string& address, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = socket_address(address, port);
  const bool yes = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return yes;
}

/// "127.X.Y." where nobody listens yet on the first address. X is 130 or more, away from where
/// other programs of the project put theirs.
std::string free_prefix() {
  std::random_device random;
  for (;;) {
    const std::string prefix =
        "127." + std::to_string(130 + random() % 120) + "." + std::to_string(random() % 250) + ".";
    if (!connects(prefix + "1", 6379)) {
      return prefix;
    }
  }
}

std::vector<std::string> command_line(const RedisServersOptions& options,
                                      const RedisServer& server) {
  std::vector<std::string> words{options.program,
                                 "--bind",
                                 server.address,
                                 "--port",
                                 std::to_string(server.port),
                                 "--dir",
                                 server.directory,
                                 "--logfile",
                                 server.directory + "/log",
                                 "--protected-mode",
                                 "no",
                                 "--save",
                                 "",
                                 "--daemonize",
                                 "no"};
  for (std::string word : options.arguments) {
    if (const auto at = word.find("{dir}"); at != std::string::npos) {
      word.replace(at, 5, server.directory);
    }
    if (const auto at = word.find("{address}"); at != std::string::npos) {
      word.replace(at, 9, server.address);
    }
    words.push_back(word);
  }
  return words;
}

pid_t spawn(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) {
    return pid;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(1);
  }
  const int nowhere = ::open("/dev/null", O_RDWR);
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(nowhere, STDOUT_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

std::vector<std::string> cluster_arguments(int node_timeout_ms) {
  return {"--cluster-enabled",
          "yes",
          "--cluster-announce-ip",
          "{address}",
          "--cluster-node-timeout",
          std::to_string(node_timeout_ms)};
}

RedisServers::RedisServers(const RedisServersOptions& options) : options_(options) {
  std::string pattern = (fs::temp_directory_path() / "kredis-servers-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("no temporary directory");
  }
  directory_ = pattern;
  const std::string prefix = free_prefix();
  for (int i = 0; i < options.count; ++i) {
    const std::string directory = directory_ + "/" + std::to_string(i);
    fs::create_directory(directory);
    servers_.push_back({.address = prefix + std::to_string(i + 1), .directory = directory});
    servers_.back().pid = spawn(command_line(options_, servers_.back()));
  }
  try {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      await(i);
    }
  } catch (...) {
    remove_all();
    throw;
  }
}

RedisServers::~RedisServers() { remove_all(); }

void RedisServers::remove_all() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    kill(i);
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void RedisServers::kill(std::size_t at) {
  RedisServer& server = servers_[at];
  if (server.pid > 0) {
    ::kill(server.pid, SIGKILL);
    ::waitpid(server.pid, nullptr, 0);
    server.pid = -1;
  }
}

void RedisServers::start(std::size_t at) {
  servers_[at].pid = spawn(command_line(options_, servers_[at]));
  await(at);
}

void RedisServers::freeze(std::size_t at) { ::kill(servers_[at].pid, SIGSTOP); }
void RedisServers::thaw(std::size_t at) { ::kill(servers_[at].pid, SIGCONT); }

void RedisServers::await(std::size_t at) const {
  using namespace std::chrono_literals;
  const RedisServer& server = servers_[at];
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!connects(server.address, server.port)) {
    if (::waitpid(server.pid, nullptr, WNOHANG) == server.pid ||
        std::chrono::steady_clock::now() > deadline) {
      std::ifstream log(server.directory + "/log");
      std::stringstream text;
      text << log.rdbuf();
      throw std::runtime_error("redis-server does not start:\n" + text.str());
    }
    std::this_thread::sleep_for(5ms);
  }
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "kredis-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("no temporary directory");
  }
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace kredis::tests
