// SPDX-License-Identifier: Apache-2.0
//
// How verbs and their flags are declared and read. CLI11 does it; only verb.cpp knows that, so that
// a file of a verb compiles without it. A declaration serves parsing, help, mistakes and
// completion.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plugin/terminal/session.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace kredis::plugin {

/// The words that an option takes, each with what it means.
template <typename Value>
using Choices = std::vector<std::pair<std::string, Value>>;

/// Refines a flag that was just declared.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option_(&option) {}

  Flag required();
  /// Takes a whole number of these; both ends count.
  Flag between(int least, int most);
  /// Splits a value at commas, too.
  Flag with_commas();
  /// Takes one value each time that it is given: the word after that is no further one.
  Flag one_each();
  /// Lets the flag stand without a value and then mean `word`, as kubectl's --dry-run does.
  Flag alone_means(const std::string& word);
  /// Leaves the default out of the help: it is no value that a user would give.
  Flag hide_default();
  Flag needs(const Flag& other);
  Flag excludes(const Flag& other);
  /// Says what a value is, in the help; completion offers files for "FILE".
  Flag kind(const std::string& name);

 private:
  CLI::Option* option_;
};

/// What completion knows of a flag or positional.
struct FlagInfo {
  std::vector<std::string> names = {};  ///< With their dashes; a positional has one without.
  std::string about = {};
  std::string kind = {};
  std::vector<std::string> choices = {};
  bool takes_value = true;
  bool is_positional = false;
};

struct VerbInfo {
  std::string name = {};
  std::string about = {};
  std::vector<FlagInfo> flags = {};
  std::vector<VerbInfo> verbs = {};
};

/// A verb while it is declared. What flags refer to has to live until the line was read, for which
/// the Flags that `run` is given are kept.
class Verb {
 public:
  Verb(CLI::App& app, Operation& chosen) : app_(&app), chosen_(&chosen) {}

  Verb subcommand(const std::string& name, const std::string& about);
  /// A verb that only holds others.
  Verb group(const std::string& name, const std::string& about);

  Flag positional(const std::string& name, std::string& target, const std::string& about);
  /// `names` are separated by commas: "-n,--namespace". What the target holds is the default.
  Flag option(const std::string& names, std::string& target, const std::string& about);
  Flag option(const std::string& names,
              std::optional<std::string>& target,
              const std::string& about);
  Flag option(const std::string& names, int& target, const std::string& about);
  Flag option(const std::string& names, std::optional<int>& target, const std::string& about);
  /// May be repeated.
  Flag option(const std::string& names, std::vector<std::string>& target, const std::string& about);
  /// A duration as kubectl writes them: 30s, 5m, 1h30m.
  Flag option(const std::string& names,
              std::chrono::milliseconds& target,
              const std::string& about);
  /// The same, which may also be as short as 200us.
  Flag option(const std::string& names,
              std::chrono::microseconds& target,
              const std::string& about);
  Flag flag(const std::string& names, bool& target, const std::string& about);

  /// One of a few words; any other is wrong usage.
  template <typename Target, typename Value>
  Flag choice(const std::string& names,
              Target& target,
              const Choices<Value>& choices,
              const std::string& about) {
    std::vector<std::string> words;
    std::string preset;
    for (const auto& [word, value] : choices) {
      words.push_back(word);
      preset = target == value ? word : preset;
    }
    return choose(names, words, preset, about, [&target, choices](std::size_t chosen) {
      target = choices[chosen].second;
    });
  }
  /// The same where the word itself is the value.
  template <typename Target>
  Flag choice(const std::string& names,
              Target& target,
              const std::vector<std::string>& words,
              const std::string& about) {
    Choices<std::string> choices;
    for (const std::string& word : words) {
      choices.emplace_back(word, word);
    }
    return choice(names, target, choices, about);
  }

  /// Has the names of those flags noted, with their dashes, that the line gives: all that are
  /// declared by now.
  void note_given(std::set<std::string>& given);

  /// Puts what is declared from here on under this title of the help.
  void section(const std::string& title);
  /// What the help ends with: what one should know, then examples.
  void footer(const std::string& text);

  void run(const Operation& operation);
  template <typename Flags>
  void run(const std::shared_ptr<Flags>& flags, Result<ExitStatus> (*act)(const Flags&, Session&)) {
    run([flags, act](Session& session) { return act(*flags, session); });
  }

  VerbInfo info() const;

 private:
  Flag choose(const std::string& names,
              const std::vector<std::string>& words,
              const std::string& preset,
              const std::string& about,
              const std::function<void(std::size_t)>& take);

  CLI::App* app_;
  Operation* chosen_;
};

/// What reading a line came to.
struct Parsed {
  enum class Outcome { run, help, mistake };
  Outcome outcome = Outcome::run;
  std::string text = {};    ///< The help, or the mistake and what to do about it.
  std::string output = {};  ///< What followed the verb's -o.
};

/// Owns the declarations below one root.
class Parser {
 public:
  Parser(const std::string& name, const std::string& about, Operation& chosen);
  ~Parser();
  Parser(Parser&&) noexcept;

  Verb root();
  std::string help() const;
  /// Sets the targets and the chosen operation.
  Parsed parse(const std::vector<std::string>& words);

 private:
  std::unique_ptr<CLI::App> app_;
  Operation* chosen_;
};

}  // namespace kredis::plugin
