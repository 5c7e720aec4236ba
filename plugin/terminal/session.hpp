// SPDX-License-Identifier: Apache-2.0
//
// What a verb works with: the flags that every verb shares, the streams, and connections that are
// made when first asked for. A verb gets everything from here, so tests can hand in their own.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "plugin/terminal/progress.hpp"
#include "plugin/terminal/terminal.hpp"
#include "plugin/terminal/text_style.hpp"
#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "shared/kube/client.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/redis/redis.hpp"
#include "shared/system/steady_clock.hpp"

namespace kredis::plugin {

/// How a verb prints. Which of them one can is said where it declares its -o.
enum class Output { text, wide, json, yaml, name, prometheus };

/// How far a verb goes: all the way; until it has said what it would do; or until the server has
/// checked that too.
enum class DryRun { none, client, server };

enum class ColourWish { auto_, always, never };

/// Flags that every verb takes; kubectl's own names and meanings.
struct GlobalOptions {
  std::string kubeconfig = {};
  std::string context = {};
  std::string cluster = {};
  std::string user = {};
  std::string namespace_ = {};
  std::string server = {};
  std::string as = {};
  std::vector<std::string> as_groups = {};
  std::chrono::milliseconds request_timeout{0};  ///< 0 for the default.
  redis::Via via = redis::Via::auto_;
  ColourWish color = ColourWish::auto_;
  std::vector<std::string> command = {};  ///< What followed --, for verbs that run something.
  Output error_output = Output::text;     ///< The verb's -o, so that errors can match it.
};

/// Those of the flags that lead kubectl to the same cluster of Kubernetes as the same user, without
/// the namespace: "--context=blue".
std::vector<std::string> kubectl_flags(const GlobalOptions& options);

/// A way to an API server.
struct KubeAccess {
  std::unique_ptr<ports::KubePort> port;
  std::string namespace_ = "default";  ///< Of the flags or the context.
  std::function<void()> cancel = {};   ///< Ends every call that is under way.
};

/// What a session reaches the world by. The real ones, or a test's.
struct Means {
  Terminal* terminal = nullptr;
  ports::ClockPort* clock = &system::steady_clock();
  std::function<Result<KubeAccess>(const kube::KubeOptions&)> kube = {};
  std::function<Result<std::unique_ptr<ports::RedisPort>>(
      ports::KubePort&, const std::string& namespace_, const observe::RedisAccess&, redis::Via)>
      redis = {};
};

class Session {
 public:
  /// The real world, shown on these streams.
  Session(GlobalOptions options, std::ostream& out, std::ostream& err);
  Session(GlobalOptions options, Means means);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const GlobalOptions& options() const noexcept { return options_; }
  std::ostream& out() noexcept { return terminal().out(); }
  std::ostream& err() noexcept { return terminal().err(); }
  /// How stdout is drawn.
  const TextStyle& style() const noexcept { return out_style_; }
  const TextStyle& error_style() const noexcept { return err_style_; }
  Progress& progress() noexcept { return *progress_; }
  Terminal& terminal() noexcept { return *means_.terminal; }
  ports::ClockPort& clock() noexcept { return *means_.clock; }

  /// Connects on first use. Errors: whatever kubeconfig or its credentials get wrong.
  Result<ports::KubePort*> kube();
  /// The namespace of -n, else of the context, else "default". Needs a readable kubeconfig.
  Result<std::string> namespace_name();
  /// A way to the Redis nodes of one namespace, with what the named Secrets hold.
  Result<std::unique_ptr<ports::RedisPort>> redis(const std::string& namespace_,
                                                  const observe::RedisAccess& access);

  /// Prints `object` to stdout as -o asks.
  void print_object(const Json& object, Output output);

  /// Asks on the terminal; without one, answers no.
  bool confirm(const std::string& question);
  /// Asks for `expected` to be typed in full.
  bool confirm_by_typing(const std::string& question, const std::string& expected);

  /// " -n NS" when the user named a namespace other than the default, for commands in hints.
  std::string namespace_flag() const;
  /// " -n web --context=blue": what leads kubectl, and a next call of ours, to the same namespace
  /// and cluster of Kubernetes as the same user, quoted for a shell.
  std::string kube_flags() const;

 private:
  Session(GlobalOptions options, Means means, std::unique_ptr<Terminal> own);
  /// As far as it is known without asking anybody; empty for the default.
  const std::string& known_namespace() const;

  GlobalOptions options_;
  std::unique_ptr<Terminal> own_terminal_;  ///< Where no test's was given.
  Means means_;
  TextStyle out_style_;
  TextStyle err_style_;
  std::unique_ptr<Progress> progress_;
  std::unique_ptr<KubeAccess> kube_;
};

/// A verb after parsing: what main runs.
using Operation = std::function<Result<ExitStatus>(Session&)>;

}  // namespace kredis::plugin
