// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/verb.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "shared/core/text.hpp"
#include "shared/wire/duration.hpp"

namespace kredis::plugin {
namespace {

std::vector<CLI::App*> verbs_of(CLI::App& app) {
  return app.get_subcommands([](CLI::App*) { return true; });
}

/// "{a,b}" is how a type's name lists choices.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (!type.starts_with('{')) {
    return {};
  }
  const auto words = core::split(std::string_view(type).substr(1, type.size() - 2), ',');
  return {words.begin(), words.end()};
}

/// In the largest unit that needs no other: 90s, 5m, 1h.
std::string duration_text(std::chrono::microseconds duration) {
  const auto count = duration.count();
  for (const auto& [unit_us, unit] : {std::pair{3'600'000'000LL, "h"},
                                      {60'000'000LL, "m"},
                                      {1'000'000LL, "s"},
                                      {1'000LL, "ms"}}) {
    if (count != 0 && count % unit_us == 0) {
      return fmt::format("{}{}", count / unit_us, unit);
    }
  }
  return count == 0 ? "0" : fmt::format("{}us", count);
}

template <typename Duration>
CLI::callback_t take_duration(const std::string& name, Duration& target) {
  return [name, &target](const CLI::results_t& words) {
    const auto duration = wire::parse_duration(words.back());
    if (!duration) {
      throw CLI::ValidationError(name, duration.error().message + "; " + duration.error().hint);
    }
    target = std::chrono::duration_cast<Duration>(*duration);
    if (target != *duration) {
      throw CLI::ValidationError(name, "\"" + words.back() + "\" is finer than a millisecond");
    }
    return true;
  };
}

template <typename Duration>
CLI::Option* add_duration(CLI::App& app,
                          const std::string& names,
                          Duration& target,
                          const std::string& about) {
  const std::string name = names.substr(names.rfind(',') + 1);
  return app.add_option(names, take_duration(name, target), about)
      ->default_str(duration_text(target))
      ->type_name("DURATION");
}

FlagInfo info_of(const CLI::Option& option) {
  FlagInfo info{.about = option.get_description(),
                .kind = option.get_type_name(),
                .choices = choices_of(option),
                .takes_value = option.get_items_expected_min() > 0};
  for (const std::string& name : option.get_snames()) {
    info.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    info.names.push_back("--" + name);
  }
  info.is_positional = info.names.empty();
  if (info.is_positional) {
    info.names.push_back(option.get_name());
  }
  return info;
}

/// The verb that was named last, with what to call it.
struct Named {
  CLI::App* verb;
  CLI::App* before = nullptr;
  std::string line = "kubectl redis";
};

Named named_in(CLI::App& root) {
  Named named{.verb = &root};
  while (!named.verb->get_subcommands().empty()) {
    named.before = named.verb;
    named.verb = named.verb->get_subcommands().front();
    named.line += " " + named.verb->get_name();
  }
  return named;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string_view best = core::nearest(word, {known.begin(), known.end()});
  return best.empty() ? "" : fmt::format("; did you mean {}?", best);
}

std::string unknown_flag(const CLI::App& root, const CLI::App& verb, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* app : {&verb, &root}) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        known.push_back("--" + name);
      }
    }
  }
  const std::string name = word.substr(0, word.find('='));
  return fmt::format("there is no flag {}{}", name, did_you_mean(name, known));
}

/// A verb was expected: it is missing, or another word stands there.
std::string missing_verb(const Named& named, const std::vector<std::string>& rest) {
  std::vector<std::string> verbs;
  for (const CLI::App* sub : verbs_of(*named.verb)) {
    verbs.push_back(sub->get_name());
  }
  return rest.empty()
             ? fmt::format("{} needs a verb: {}", named.line, fmt::join(verbs, ", "))
             : fmt::format(
                   "there is no verb \"{}\"{}", rest.front(), did_you_mean(rest.front(), verbs));
}

/// Says what is wrong. CLI11 words most of it well, but knows neither verbs nor what was meant.
std::string mistake_in(CLI::App& root, const Named& named, const CLI::ParseError& error) {
  const std::vector<std::string> rest = root.remaining(true);
  const auto flag =
      std::ranges::find_if(rest, [](const std::string& word) { return word.starts_with('-'); });
  if (flag != rest.end()) {
    return unknown_flag(root, *named.verb, *flag);
  }
  const bool is_value = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ValidationError);
  if (named.verb->get_require_subcommand_min() > 0 && !is_value) {
    return missing_verb(named, rest);
  }
  return rest.empty() || is_value
             ? std::string(error.what())
             : fmt::format("{} has no use for \"{}\"", named.line, rest.front());
}

/// What was given to the verb above one that runs by itself: there it would have no effect.
std::string misplaced_in(const Named& named) {
  if (named.before == nullptr || named.before->get_parent() == nullptr) {
    return {};
  }
  for (const CLI::Option* option : named.before->get_options()) {
    if (option->count() > 0) {
      return fmt::format("{} takes no {}, and its own flags follow the word {}",
                         named.line.substr(std::string_view("kubectl redis ").size()),
                         option->get_name(),
                         named.verb->get_name());
    }
  }
  return {};
}

Parsed mistake(const std::string& what, const Named& named) {
  return {.outcome = Parsed::Outcome::mistake,
          .text = fmt::format("{}\n  fix: see {} --help\n", what, named.line)};
}

}  // namespace

Flag Flag::required() {
  option_->required();
  return *this;
}

Flag Flag::between(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Flag Flag::with_commas() {
  option_->delimiter(',');
  return *this;
}

Flag Flag::one_each() {
  option_->allow_extra_args(false);
  return *this;
}

Flag Flag::alone_means(const std::string& word) {
  const std::vector<std::string> choices = choices_of(*option_);
  // CLI11 reads a flag that stands alone as "true".
  option_->expected(0)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->option_text(fmt::format("[={}]", fmt::join(choices, "|")))
      ->transform([word](const std::string& text) { return text == "true" ? word : text; });
  return *this;
}

Flag Flag::hide_default() {
  option_->default_str("");
  return *this;
}

Flag Flag::needs(const Flag& other) {
  option_->needs(other.option_);
  return *this;
}

Flag Flag::excludes(const Flag& other) {
  option_->excludes(other.option_);
  return *this;
}

Flag Flag::kind(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Verb Verb::subcommand(const std::string& name, const std::string& about) {
  return {*app_->add_subcommand(name, about), *chosen_};
}

Verb Verb::group(const std::string& name, const std::string& about) {
  const Verb verb = subcommand(name, about);
  verb.app_->require_subcommand(1);
  return verb;
}

Flag Verb::positional(const std::string& name, std::string& target, const std::string& about) {
  return option(name, target, about);
}

Flag Verb::option(const std::string& names, std::string& target, const std::string& about) {
  return Flag(*app_->add_option(names, target, about)->capture_default_str());
}

Flag Verb::option(const std::string& names,
                  std::optional<std::string>& target,
                  const std::string& about) {
  return Flag(*app_->add_option(names, target, about)->type_name("TEXT"));
}

Flag Verb::option(const std::string& names, int& target, const std::string& about) {
  return Flag(*app_->add_option(names, target, about)->capture_default_str());
}

Flag Verb::option(const std::string& names, std::optional<int>& target, const std::string& about) {
  return Flag(*app_->add_option(names, target, about)->type_name("INT"));
}

Flag Verb::option(const std::string& names,
                  std::vector<std::string>& target,
                  const std::string& about) {
  return Flag(*app_->add_option(names, target, about));
}

Flag Verb::option(const std::string& names,
                  std::chrono::milliseconds& target,
                  const std::string& about) {
  return Flag(*add_duration(*app_, names, target, about));
}

Flag Verb::option(const std::string& names,
                  std::chrono::microseconds& target,
                  const std::string& about) {
  return Flag(*add_duration(*app_, names, target, about));
}

Flag Verb::flag(const std::string& names, bool& target, const std::string& about) {
  return Flag(*app_->add_flag(names, target, about));
}

void Verb::note_given(std::set<std::string>& given) {
  for (CLI::Option* option : app_->get_options()) {
    const std::string name = option->get_name();
    option->each([&given, name](const std::string&) { given.insert(name); });
  }
}

Flag Verb::choose(const std::string& names,
                  const std::vector<std::string>& words,
                  const std::string& preset,
                  const std::string& about,
                  const std::function<void(std::size_t)>& take) {
  const auto place_of = [words](const std::string& text) {
    return static_cast<std::size_t>(std::ranges::find(words, text) - words.begin());
  };
  const auto judge = [words, place_of](const std::string& text) {
    return place_of(text) < words.size()
               ? std::string()
               : fmt::format("\"{}\" is none of {}", text, fmt::join(words, ", "));
  };
  const CLI::callback_t chosen = [place_of, take](const CLI::results_t& texts) {
    take(place_of(texts.back()));
    return true;
  };
  return Flag(*app_->add_option(names, chosen, about)
                   ->check(judge, "")
                   ->default_str(preset)
                   ->type_name(fmt::format("{{{}}}", fmt::join(words, ","))));
}

void Verb::section(const std::string& title) { app_->option_defaults()->group(title); }

void Verb::footer(const std::string& text) { app_->footer(text); }

void Verb::run(const Operation& operation) {
  app_->callback([app = app_, chosen = chosen_, operation] {
    // Where a verb below this one was named, that one runs.
    if (app->get_subcommands().empty()) {
      *chosen = operation;
    }
  });
}

VerbInfo Verb::info() const {
  VerbInfo info{.name = app_->get_name(), .about = app_->get_description()};
  for (const CLI::Option* option : app_->get_options()) {
    info.flags.push_back(info_of(*option));
  }
  for (CLI::App* sub : verbs_of(*app_)) {
    info.verbs.push_back(Verb(*sub, *chosen_).info());
  }
  return info;
}

Parser::Parser(const std::string& name, const std::string& about, Operation& chosen)
    : app_(std::make_unique<CLI::App>(about)), chosen_(&chosen) {
  app_->name(name);
  app_->set_help_flag("-h,--help", "Show this help");
  app_->require_subcommand(1);
  app_->fallthrough();  // Flags of every verb may stand after it.
  app_->get_formatter()->column_width(34);
}

Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;

Verb Parser::root() { return {*app_, *chosen_}; }

std::string Parser::help() const { return app_->help(); }

Parsed Parser::parse(const std::vector<std::string>& words) {
  // CLI11 takes its arguments in reverse, and of "--auth-secret=" the next word for its value.
  std::vector<std::string> reversed;
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const bool is_empty_value =
        word->starts_with("--") && word->ends_with('=') && word->find('=') + 1 == word->size();
    if (is_empty_value) {
      reversed.emplace_back();
      reversed.push_back(word->substr(0, word->size() - 1));
    } else {
      reversed.push_back(*word);
    }
  }
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return {.outcome = Parsed::Outcome::help, .text = help()};  // Of the verb that was chosen.
  } catch (const CLI::ParseError& error) {
    const Named named = named_in(*app_);
    return mistake(mistake_in(*app_, named, error), named);
  }
  const Named named = named_in(*app_);
  if (const std::string what = misplaced_in(named); !what.empty()) {
    return mistake(what, named);
  }
  const CLI::Option* output = named.verb->get_option_no_throw("--output");
  return {.output = output != nullptr && output->count() > 0 ? output->results().back() : ""};
}

}  // namespace kredis::plugin
