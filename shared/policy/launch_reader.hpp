// SPDX-License-Identifier: Apache-2.0
//
// Following a container's words and scripts to the command that starts its server, by what can be
// said without running them: quotes, variables with known values, files that scripts copy or write.
// What cannot be said is marked, never guessed. For launch.cpp.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/policy/shell.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {

struct LaunchWord {
  std::string text = {};
  std::string path = {};  ///< Where it is said in the object.
  bool known = true;      ///< No part of it is left to a time when something runs.
};

/// One command that starts a server.
struct Start {
  std::vector<LaunchWord> words = {};  ///< From the server's name on.
  std::string config_path = {};        ///< As the server's working directory makes it whole.
  ConfigSource config = {};
  std::string folder = {};  ///< Where it runs; empty where that is not known.
  bool sure = true;         ///< No program that cannot be read has a say.
};

class LaunchReader {
 public:
  LaunchReader(const Json& pod, const Surroundings& around, std::string_view where)
      : pod_(pod), around_(around), namespace_(where) {}

  /// Runs the init containers first, as far as they write files that others see.
  void read(const Json& container, std::vector<LaunchWord> words);

  const std::vector<Start>& starts() const noexcept { return starts_; }
  /// The text of all scripts on the way, without their comments.
  const std::string& scripts() const noexcept { return scripts_; }
  /// Whether the scripts were followed to their ends; some are too long for that.
  bool sees_all() const noexcept;

 private:
  struct Value {
    std::string text;
    bool known = true;
  };
  struct Frame {
    std::vector<LaunchWord> arguments;
    std::string zero;
    std::string path;  ///< Of the word that holds the script.
    int depth = 0;
  };

  void enter(const Json& container);
  /// $(NAME) of command, args and env as the kubelet expands it from earlier variables.
  /// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
  std::string expanded_references(std::string_view text) const;
  void run(std::vector<LaunchWord> words, int depth);
  void run_shell(std::vector<LaunchWord> words, std::size_t at, int depth);
  void run_script(std::string_view text, Frame frame);
  void run_command(const ShellCommand& command, Frame& frame);
  bool run_builtin(const std::vector<LaunchWord>& words, const ShellCommand& command, Frame& frame);
  std::size_t assign(const std::vector<LaunchWord>& words,
                     std::size_t from,
                     const ShellCommand& command);
  void record(std::vector<LaunchWord> words, bool sure);

  /// Takes `amount` bytes, and a step, from what one launch may cost; false when it is used up.
  /// Whoever writes a script that doubles its words again and again must not fill the memory.
  bool spend(std::size_t amount = 0);

  std::vector<LaunchWord> expand(const ShellWord& word, const Frame& frame);
  std::string expand_text(const ShellWord& word, const Frame& frame);
  Value value_of(const ShellPart& part, const Frame& frame) const;
  std::optional<std::string> script_at(std::string_view path) const;

  void write_files(const std::vector<LaunchWord>& words,
                   const ShellCommand& command,
                   const Frame& frame);
  ConfigSource output_of(const std::vector<LaunchWord>& words,
                         const ShellCommand& command,
                         const Frame& frame);
  void keep_file(const std::string& path, ConfigSource file);
  void copy_files(const std::vector<LaunchWord>& words);
  ConfigSource file_at(std::string_view path) const;
  std::string whole(std::string_view path) const;
  std::string place_of(std::string_view path) const;

  const Json& pod_;
  const Surroundings& around_;
  std::string namespace_;
  const Json* container_ = nullptr;
  std::map<std::string, Value, std::less<>> environment_;
  std::map<std::string, ConfigSource> files_;  ///< By place_of, written so far.
  std::string folder_;
  std::vector<Start> starts_;
  std::string scripts_;
  std::size_t spent_ = 0;
  std::size_t step_cost_ = 0;  ///< Of this container.
  bool whole_ = true;
};

/// Whether a program is a server of Redis or Valkey, by its path.
bool is_server(std::string_view path);

/// Whether the text of a value is left to a script, a template or a variable.
bool is_open(std::string_view value);

}  // namespace kredis::policy
