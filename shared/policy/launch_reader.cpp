// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/launch_reader.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/launch.hpp"

namespace kredis::policy {
namespace {

constexpr int k_deepest = 5;
/// What one launch may cost. Units: bytes of text that is looked at or made.
constexpr std::size_t k_most_spent = 16U << 20U;
constexpr std::size_t k_step_cost = 1024;

/// A path without a slash stays whole: npos + 1 is 0.
std::string_view program_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_shell(std::string_view word) {
  constexpr std::array<std::string_view, 5> shells{"sh", "bash", "ash", "dash", "busybox"};
  return core::is_one_of(shells, program_of(word));
}

/// These run the words behind them as they stand; what they take themselves comes first.
bool is_passing_on(std::string_view program) {
  constexpr std::array<std::string_view, 24> programs{"exec",
                                                      "env",
                                                      "gosu",
                                                      "su-exec",
                                                      "setpriv",
                                                      "nice",
                                                      "ionice",
                                                      "nohup",
                                                      "tini",
                                                      "tini-static",
                                                      "dumb-init",
                                                      "stdbuf",
                                                      "numactl",
                                                      "chrt",
                                                      "taskset",
                                                      "time",
                                                      "catatonit",
                                                      "s6-setuidgid",
                                                      "command",
                                                      "chpst",
                                                      "builtin",
                                                      "sudo",
                                                      "docker-entrypoint.sh",
                                                      "setsid"};
  return core::is_one_of(programs, program);
}

/// These may have the server's name among their words and do not start it.
bool takes_names(std::string_view program) {
  constexpr std::array<std::string_view, 48> programs{"echo",
                                                      "printf",
                                                      "pgrep",
                                                      "pkill",
                                                      "killall",
                                                      "which",
                                                      "type",
                                                      "grep",
                                                      "egrep",
                                                      "kill",
                                                      "cat",
                                                      "tail",
                                                      "head",
                                                      "less",
                                                      "cp",
                                                      "mv",
                                                      "ln",
                                                      "rm",
                                                      "mkdir",
                                                      "chown",
                                                      "chmod",
                                                      "test",
                                                      "[",
                                                      "[[",
                                                      "touch",
                                                      "stat",
                                                      "ls",
                                                      "find",
                                                      "sed",
                                                      "awk",
                                                      "logger",
                                                      "trap",
                                                      "tee",
                                                      "export",
                                                      "hash",
                                                      "apt-get",
                                                      "apt",
                                                      "apk",
                                                      "yum",
                                                      "ps",
                                                      "pidof",
                                                      "sleep",
                                                      "nc",
                                                      "curl",
                                                      "redis-cli",
                                                      "valkey-cli",
                                                      "redis_exporter",
                                                      "unset"};
  return core::is_one_of(programs, program);
}

/// "NAME" of NAME=VALUE; empty for other words.
std::string_view assigned_name(std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals == word.npos ? 0 : equals);
  const bool valid =
      !name.empty() && (name[0] < '0' || name[0] > '9') && std::ranges::all_of(name, [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
               (c >= 'a' && c <= 'z');
      });
  return valid ? name : std::string_view{};
}

/// redis-server --version and the like end at once.
bool only_tells(const std::vector<LaunchWord>& words) {
  constexpr std::array<std::string_view, 6> options{
      "-v", "--version", "-h", "--help", "--test-memory", "--check-system"};
  return words.size() > 1 && core::is_one_of(options, words[1].text);
}

/// Whether each line of a file that a script writes says what it sets.
bool is_closed_text(std::string_view lines) {
  return std::ranges::none_of(core::split_lines(lines), [](std::string_view line) {
    const std::string_view trimmed = core::trim(line);
    return is_open(trimmed.substr(0, trimmed.find_first_of(" \t")));
  });
}

}  // namespace

bool LaunchReader::sees_all() const noexcept { return whole_ && spent_ < k_most_spent; }

bool LaunchReader::spend(std::size_t amount) {
  spent_ += step_cost_ + amount;
  return spent_ < k_most_spent;
}

bool is_server(std::string_view path) {
  constexpr std::array<std::string_view, 5> servers{
      "redis-server", "valkey-server", "redis-stack-server", "redis-sentinel", "valkey-sentinel"};
  return core::is_one_of(servers, program_of(path));
}

void LaunchReader::read(const Json& container, std::vector<LaunchWord> words) {
  for (const Json& each : items(member(pod_, {"initContainers"}))) {
    enter(each);
    std::vector<LaunchWord> own;
    for (const char* key : {"command", "args"}) {
      for (const Json& word : items(member(each, {key}))) {
        own.push_back({.text = text(word)});
      }
    }
    run(std::move(own), 0);
  }
  // What they start is not the server of this container.
  starts_.clear();
  scripts_.clear();
  enter(container);
  for (LaunchWord& word : words) {
    word.text = expanded_references(word.text);
    word.known = word.text.find("$(") == std::string::npos;
  }
  run(std::move(words), 0);
}

/// Takes a container's environment and working directory. A variable from elsewhere reads as
/// $(NAME), the same as in `args`, and is not known.
void LaunchReader::enter(const Json& container) {
  container_ = &container;
  environment_.clear();
  for (const Json& each : items(member(container, {"env"}))) {
    const std::string& name = text(member(each, {"name"}));
    std::string own = expanded_references(text(member(each, {"value"})));
    const bool known = !each.contains("valueFrom") && own.find("$(") == std::string::npos;
    environment_[name] = {known ? std::move(own) : "$(" + name + ")", known};
  }
  // Paths are looked up among all mounts.
  step_cost_ = k_step_cost + 64 * items(member(container, {"volumeMounts"})).size();
  folder_ = text(member(container, {"workingDir"}));
  if (folder_.empty() && is_official_image(text(member(container, {"image"})))) {
    folder_ = "/data";
  }
}

void LaunchReader::run(std::vector<LaunchWord> words, int depth) {
  bool sure = true;
  for (std::size_t i = 0; i < words.size() && spend(); ++i) {
    const std::string& word = words[i].text;
    const std::string_view program = program_of(word);
    if (is_server(word)) {
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(i));
      record(std::move(words), sure);
      return;
    }
    if (is_shell(word)) {
      const std::size_t known = starts_.size();
      run_shell(std::move(words), i + 1, depth);
      for (std::size_t each = known; each < starts_.size(); ++each) {
        starts_[each].sure = starts_[each].sure && sure;
      }
      return;
    }
    if (takes_names(program)) {
      return;
    }
    if (const auto script = depth < k_deepest ? script_at(word) : std::nullopt) {
      if (!spend(words.size() * sizeof(LaunchWord))) {
        return;
      }
      const std::size_t known = starts_.size();
      run_script(*script,
                 {.arguments = {words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end()},
                  .zero = word,
                  .path = words[i].path,
                  .depth = depth + 1});
      if (starts_.size() != known) {
        return;
      }
    }
    // A program that nobody can read here may do anything with the words behind it.
    // In a script it is most likely a function, and asks whether the server is there.
    const bool named = i == 0 && depth > 0 && word.find('/') == std::string::npos;
    if (named && !is_passing_on(program) && assigned_name(word).empty()) {
      return;
    }
    const bool passes =
        is_passing_on(program) || i > 0 || word.starts_with('-') || !assigned_name(word).empty();
    sure = sure && passes;
  }
}

/// sh [OPTION...] -c SCRIPT [NAME [ARGUMENT...]], or sh [OPTION...] FILE [ARGUMENT...].
void LaunchReader::run_shell(std::vector<LaunchWord> words, std::size_t at, int depth) {
  bool inline_script = false;
  while (at < words.size() && words[at].text.size() > 1 &&
         (words[at].text[0] == '-' || words[at].text[0] == '+')) {
    const std::string option = words[at++].text;
    if (option == "--") {
      break;
    }
    const bool letters = !option.starts_with("--");
    inline_script = inline_script || (letters && option.find('c') != std::string::npos);
    // `-o pipefail`, at the end of other letters too.
    at += letters && (option.ends_with('o') || option.ends_with('O')) ? 1U : 0U;
  }
  if (at >= words.size() || depth >= k_deepest) {
    return;
  }
  const std::string path = words[at].path;
  const auto rest = [&](std::size_t from) {
    return from < words.size()
               ? std::vector<LaunchWord>{words.begin() + static_cast<std::ptrdiff_t>(from),
                                         words.end()}
               : std::vector<LaunchWord>{};
  };
  if (inline_script) {
    run_script(words[at].text,
               {.arguments = rest(at + 2),
                .zero = at + 1 < words.size() ? words[at + 1].text : "sh",
                .path = path,
                .depth = depth + 1});
  } else if (is_shell(words[at].text) || !script_at(words[at].text)) {
    run(rest(at), depth + 1);
  } else {
    run_script(
        *script_at(words[at].text),
        {.arguments = rest(at + 1), .zero = words[at].text, .path = path, .depth = depth + 1});
  }
}

void LaunchReader::run_script(std::string_view text, Frame frame) {
  if (!spend(text.size())) {
    return;
  }
  const auto script = around_.scripts->read(text);
  whole_ = whole_ && script->whole;
  scripts_ += script->code + "\n";
  for (const ShellCommand& command : script->commands) {
    if (!spend()) {
      return;
    }
    run_command(command, frame);
  }
}

void LaunchReader::run_command(const ShellCommand& command, Frame& frame) {
  std::vector<LaunchWord> words;
  for (const ShellWord& word : command.words) {
    auto expanded = expand(word, frame);
    std::ranges::move(expanded, std::back_inserter(words));
  }
  const std::size_t first = assign(words, 0, command);
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
  write_files(words, command, frame);
  if (words.empty() || run_builtin(words, command, frame)) {
    return;
  }
  const std::size_t known = starts_.size();
  run(std::move(words), frame.depth);
  for (std::size_t i = known; i < starts_.size(); ++i) {
    for (const ShellRedirection& each : command.redirections) {
      if (each.kind == ShellRedirection::Kind::here) {
        starts_[i].config.added += expand_text(each.target, frame);
        starts_[i].config.complete =
            starts_[i].config.complete && is_closed_text(starts_[i].config.added);
      }
    }
  }
}

/// Takes NAME=VALUE words; says how many. Behind `||` a value is for where there is none, and in a
/// branch nobody knows whether it is set.
std::size_t LaunchReader::assign(const std::vector<LaunchWord>& words,
                                 std::size_t from,
                                 const ShellCommand& command) {
  std::size_t i = from;
  for (; i < words.size() && !assigned_name(words[i].text).empty(); ++i) {
    const std::string name(assigned_name(words[i].text));
    if (command.branch) {
      environment_[name] = {"$(" + name + ")", false};
    } else if (!command.fallback || !environment_.contains(name)) {
      environment_[name] = {words[i].text.substr(name.size() + 1), words[i].known};
    }
  }
  return i;
}

bool LaunchReader::run_builtin(const std::vector<LaunchWord>& words,
                               const ShellCommand& command,
                               Frame& frame) {
  const std::string& name = words.front().text;
  if (name == "export" || name == "local" || name == "readonly" || name == "declare") {
    assign(words, 1, command);
  } else if (name == "set") {
    if (words.size() > 1 && words[1].text == "--") {
      frame.arguments.assign(words.begin() + 2, words.end());
    }
  } else if (name == "shift") {
    const auto amount = words.size() > 1 ? core::to_number<std::size_t>(words[1].text) : 1;
    const std::size_t count = std::min(amount.value_or(1), frame.arguments.size());
    frame.arguments.erase(frame.arguments.begin(),
                          frame.arguments.begin() + static_cast<std::ptrdiff_t>(count));
  } else if (name == "cd") {
    const bool known = words.size() == 2 && words[1].known;
    folder_ = known ? whole(words[1].text) : words.size() == 2 ? words[1].text : std::string{};
  } else if (name == "eval") {
    std::string all;
    for (std::size_t i = 1; i < words.size(); ++i) {
      all += words[i].text + " ";
    }
    if (frame.depth < k_deepest) {
      run_script(all,
                 {.arguments = frame.arguments,
                  .zero = frame.zero,
                  .path = frame.path,
                  .depth = frame.depth + 1});
    }
  } else if (name == "." || name == "source") {
    const auto script =
        words.size() > 1 && frame.depth < k_deepest ? script_at(words[1].text) : std::nullopt;
    if (script) {
      run_script(*script,
                 {.arguments = frame.arguments,
                  .zero = frame.zero,
                  .path = frame.path,
                  .depth = frame.depth + 1});
    }
  } else {
    return false;
  }
  return true;
}

void LaunchReader::record(std::vector<LaunchWord> words, bool sure) {
  if (only_tells(words)) {
    return;
  }
  Start start{.folder = folder_, .sure = sure};
  if (words.size() > 1 && words[1].known && !words[1].text.starts_with('-')) {
    start.config_path = whole(words[1].text);
    start.config = file_at(start.config_path);
  } else if (words.size() > 1 && !words[1].known && !words[1].text.starts_with("--")) {
    start.config_path = words[1].text;
    start.config.complete = false;
  }
  // Its image's script adds modules, a folder and more of its own.
  start.sure = start.sure && program_of(words.front().text) != "redis-stack-server";
  start.words = std::move(words);
  starts_.push_back(std::move(start));
}

/// `create` and most charts keep their start scripts in a ConfigMap.
std::optional<std::string> LaunchReader::script_at(std::string_view path) const {
  if (around_.blind() || path.find('/') == path.npos) {
    return std::nullopt;
  }
  const auto files = files_.find(place_of(whole(path)));
  const auto from =
      files == files_.end() ? mounted_files(pod_, *container_, whole(path)) : files->second.from;
  for (const MountedFile& file : from) {
    const Json* map = around_.find("ConfigMap", namespace_, file.object);
    const Json& content =
        map == nullptr ? member(pod_, {"none"}) : member(*map, {"data", file.key});
    const std::string& script = text(content);
    const std::string_view head = std::string_view(script).substr(0, script.find('\n'));
    const bool other = head.starts_with("#!") && head.find("sh") == head.npos;
    if (content.is_string() && !other && !path.ends_with(".conf")) {
      return script;
    }
  }
  return std::nullopt;
}

}  // namespace kredis::policy
