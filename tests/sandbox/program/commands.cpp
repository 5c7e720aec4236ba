// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/program/commands.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <utility>

#include "tests/sandbox/program/control.hpp"
#include "tests/sandbox/program/sandbox.hpp"
#include "tests/sandbox/program/supervise.hpp"

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

fs::path socket_in(const std::string& dir) { return fs::path(dir) / "control.sock"; }

// "NAME=VALUE" in two.
Result<std::pair<std::string, std::string>> split(const std::string& text, const char* form) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return Error::invalid_argument("not of the form " + std::string(form) + ": " + text);
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<SandboxOptions> to_sandbox_options(const UpOptions& options) {
  SandboxOptions made;
  made.dir = fs::absolute(options.dir);
  made.nodes = make_nodes(options.named_nodes.empty() ? options.nodes : 0);
  for (const std::string& node : options.named_nodes) {
    KREDIS_TRY(const auto pair, split(node, "NAME=ZONE"));
    made.nodes.push_back({pair.first, pair.second});
  }
  for (const std::string& image : options.images) {
    KREDIS_TRY(const auto pair, split(image, "NAME=ROOTDIR"));
    if (!fs::is_directory(pair.second)) {
      return Error::invalid_argument("no such folder for image " + pair.first + ": " + pair.second);
    }
    made.images[pair.first] = fs::absolute(pair.second);
  }
  made.port = options.port;
  made.default_class = options.no_default_class ? DefaultClass::absent : DefaultClass::present;
  made.eviction_after = std::chrono::seconds(options.eviction_seconds);
  made.shim = fs::read_symlink("/proc/self/exe").parent_path() / KREDIS_SANDBOX_SHIM;
  return made;
}

void print_ready(const Sandbox& sandbox) {
  fmt::print("export KUBECONFIG={}\n", sandbox.kubeconfig().string());
  std::fflush(stdout);
}

// Until a signal, the parent's end or a `down`.
Status serve(const SandboxOptions& options, pid_t parent, Ready ready) {
  KREDIS_TRY(const EndSignals signals, EndSignals::block(parent));
  KREDIS_TRY(const auto sandbox, Sandbox::start(options));
  KREDIS_TRY(const auto control,
             ControlServer::open(socket_in(options.dir),
                                 [&](const Json& request) { return sandbox->control(request); }));
  print_ready(*sandbox);
  ready.say();
  signals.wait(sandbox->wants_to_end());
  return {};
}

std::string plural(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

std::string default_dir() {
  return (fs::temp_directory_path() / fmt::format("kubectl-redis-sandbox-{}", ::getuid())).string();
}

Status run_up(const UpOptions& options) {
  KREDIS_TRY(const SandboxOptions wanted, to_sandbox_options(options));
  if (!options.detach) {
    const pid_t parent = options.parent > 0 ? options.parent : ::getppid();
    return serve(wanted, parent, Ready::nobody_waits());
  }
  return run_detached(wanted.dir, [&](Ready ready) { return serve(wanted, 0, std::move(ready)); });
}

Status run_down(const std::string& dir) {
  KREDIS_TRY(const Json answer, ask_sandbox(socket_in(dir), {{"verb", "down"}}));
  const auto pid = static_cast<pid_t>(answer.value("pid", 0));
  KREDIS_CHECK(wait_for_end_of(pid));
  return {};
}

Status run_status(const std::string& dir) {
  KREDIS_TRY(const Json status, ask_sandbox(socket_in(dir), {{"verb", "status"}}));
  fmt::print("kubeconfig  {}\nserver      {}\n\n",
             status.value("kubeconfig", ""),
             status.value("server", ""));
  for (const Json& node : status.at("nodes")) {
    fmt::print("{:<16} {:<12} {:<10} {}\n",
               node.value("name", ""),
               node.value("zone", ""),
               node.value("state", ""),
               plural(node.value("pods", 0), "pod"));
  }
  return {};
}

Status run_node(const std::string& dir,
                const std::string& action,
                const std::vector<std::string>& names) {
  const Json request{{"verb", "node"}, {"action", action}, {"names", names}};
  KREDIS_TRY(const Json done, ask_sandbox(socket_in(dir), request));
  return {};
}

Status run_drop(const DropOptions& options) {
  const Json request{{"verb", "drop"},
                     {"namespace", options.namespace_},
                     {"pod", options.pod},
                     {"port", options.port}};
  KREDIS_TRY(const Json done, ask_sandbox(socket_in(options.dir), request));
  return {};
}

Status run_kubeconfig(const KubeconfigOptions& options) {
  const Json request{{"verb", "kubeconfig"}, {"user", options.user}, {"groups", options.groups}};
  KREDIS_TRY(const Json answer, ask_sandbox(socket_in(options.dir), request));
  fmt::print("{}", answer.value("kubeconfig", ""));
  return {};
}

}  // namespace kredis::sandbox
