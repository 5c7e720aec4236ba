// SPDX-License-Identifier: Apache-2.0
//
// What a verb works with: the flags that every verb shares, the streams, and connections that are
// made when first asked for. A verb gets everything from here, so tests can hand in their own.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/terminal/progress.hpp"
#include "plugin/terminal/text_style.hpp"
#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::plugin {

/// How a verb prints. Which of them one can is said where it declares its -o.
enum class Output { text, wide, json, yaml, name };

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

using observe::RedisAccess;

class Session {
 public:
  Session(GlobalOptions options, std::ostream& out, std::ostream& err);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const GlobalOptions& options() const noexcept { return options_; }
  std::ostream& out() noexcept { return out_; }
  std::ostream& err() noexcept { return err_; }
  /// How stdout is drawn.
  const TextStyle& style() const noexcept { return out_style_; }
  const TextStyle& error_style() const noexcept { return err_style_; }
  Progress& progress() noexcept { return *progress_; }

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

 private:
  GlobalOptions options_;
  std::ostream& out_;
  std::ostream& err_;
  TextStyle out_style_;
  TextStyle err_style_;
  std::unique_ptr<Progress> progress_;
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

/// A verb after parsing: what main runs.
using Operation = std::function<Result<ExitStatus>(Session&)>;

}  // namespace kredis::plugin
