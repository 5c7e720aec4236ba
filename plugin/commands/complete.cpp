// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/complete.hpp"

#include <map>

#include <CLI/CLI.hpp>

#include "plugin/operations/rbac/rights.hpp"

namespace kredis::plugin {
namespace {

constexpr const char* k_no_files = ":4\n";
constexpr const char* k_files = ":0\n";

/// Values of flags that take one of a few words.
const std::map<std::string, std::vector<std::string>>& known_values() {
  static const std::map<std::string, std::vector<std::string>> k_values = {
      {"--output", {"json", "yaml", "wide", "name"}},
      {"--access", {"ClusterIP", "NodePort", "LoadBalancer"}},
      {"--external", {"NodePort", "LoadBalancer"}},
      {"--access-mode", {"ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"}},
      {"--anti-affinity", {"preferred", "required"}},
      {"--by", {"delete", "freeze"}},
      {"--layout", {"statefulset", "deployment"}},
      {"--client-endpoint", {"hostname", "ip"}},
      {"--default-level", {"enforce", "warn", "audit", "off"}},
      {"--dry-run", {"client", "server"}},
      {"--failure-policy", {"Ignore", "Fail"}},
      {"--via", {"auto", "direct", "tunnel"}},
      {"--color", {"auto", "always", "never"}}};
  return k_values;
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

struct Typed {
  const CLI::App* verb;
  const CLI::Option* waiting = nullptr;  ///< The option whose value is being typed.
  std::size_t positionals = 0;
};

const CLI::Option* find_option(const Typed& typed, const CLI::App& root, const std::string& word) {
  const CLI::Option* own = typed.verb->get_option_no_throw(word);
  return own != nullptr ? own : root.get_option_no_throw(word);
}

const CLI::App* find_verb(const CLI::App& app, const std::string& word) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_name() == word) {
      return sub;
    }
  }
  return nullptr;
}

Typed read_words(const CLI::App& root, const std::vector<std::string>& words) {
  Typed typed{.verb = &root};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (typed.waiting != nullptr) {
      typed.waiting = nullptr;
    } else if (starts_with(word, "-")) {
      const CLI::Option* option = find_option(typed, root, word);
      if (option != nullptr && option->get_items_expected_min() > 0) {
        typed.waiting = option;
      }
    } else if (const CLI::App* sub = find_verb(*typed.verb, word); sub != nullptr) {
      typed.verb = sub;
    } else {
      ++typed.positionals;
    }
  }
  return typed;
}

using Choices = std::map<std::string, std::string>;

void add_flags(Choices& choices, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      choices["--" + name] = option->get_description();
    }
  }
}

std::string print(const Choices& choices, const std::string& start, const char* directive) {
  std::string text;
  for (const auto& [choice, description] : choices) {
    if (starts_with(choice, start)) {
      text += description.empty() ? choice + "\n" : choice + "\t" + description + "\n";
    }
  }
  return text + directive;
}

Choices plain(const std::vector<std::string>& names) {
  Choices choices;
  for (const std::string& name : names) {
    choices[name] = {};
  }
  return choices;
}

std::string complete_value(const CLI::Option& option,
                           const std::string& start,
                           const CompletionSources& sources) {
  const std::string name = option.get_lnames().empty() ? "" : "--" + option.get_lnames().front();
  if (name == "--namespace") {
    return print(plain(sources.namespaces()), start, k_no_files);
  }
  const auto values = known_values().find(name);
  if (values != known_values().end()) {
    return print(plain(values->second), start, k_no_files);
  }
  const bool file = name == "--kubeconfig" || name == "--config" || name == "--filename";
  return file ? k_files : k_no_files;
}

}  // namespace

std::string complete(const CLI::App& root,
                     const std::vector<std::string>& words,
                     const CompletionSources& sources) {
  const Typed typed = read_words(root, words);
  const std::string start = words.empty() ? "" : words.back();
  if (typed.waiting != nullptr) {
    return complete_value(*typed.waiting, start, sources);
  }
  Choices choices;
  if (starts_with(start, "-")) {
    add_flags(choices, *typed.verb);
    add_flags(choices, root);
    return print(choices, start, k_no_files);
  }
  for (const CLI::App* sub : typed.verb->get_subcommands([](const CLI::App*) { return true; })) {
    choices[sub->get_name()] = sub->get_description();
  }
  const bool takes_verb = typed.verb->get_option_no_throw("VERB") != nullptr;
  const bool takes_name = typed.verb->get_option_no_throw("NAME") != nullptr;
  if (takes_verb && typed.positionals == 0) {
    choices.merge(plain(verbs_with_rights()));
  } else if (takes_name && typed.positionals == (takes_verb ? 1U : 0U)) {
    choices.merge(plain(sources.clusters()));
  }
  return print(choices, start, k_no_files);
}

}  // namespace kredis::plugin
