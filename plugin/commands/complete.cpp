// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/complete.hpp"

#include <algorithm>
#include <map>

namespace kredis::plugin {
namespace {

constexpr const char* k_no_files = ":4\n";
constexpr const char* k_files = ":0\n";

/// Where on the line one is.
struct Typed {
  const VerbInfo* verb;
  const FlagInfo* waiting = nullptr;  ///< The flag whose value is being typed.
  std::size_t positionals = 0;        ///< Of the verb, before the word that is being typed.
  std::string start = {};             ///< What is there of that word.
};

const FlagInfo* find_flag(const VerbInfo& root, const VerbInfo& verb, const std::string& name) {
  for (const VerbInfo* each : {&verb, &root}) {
    for (const FlagInfo& flag : each->flags) {
      if (!flag.is_positional && std::ranges::find(flag.names, name) != flag.names.end()) {
        return &flag;
      }
    }
  }
  return nullptr;
}

void read_word(const VerbInfo& root, const std::string& word, Typed& typed) {
  if (typed.waiting != nullptr) {
    typed.waiting = nullptr;
    return;
  }
  if (word.starts_with('-')) {
    const FlagInfo* flag = find_flag(root, *typed.verb, word);
    typed.waiting = flag != nullptr && flag->takes_value ? flag : nullptr;
    return;
  }
  const auto sub = std::ranges::find(typed.verb->verbs, word, &VerbInfo::name);
  if (sub != typed.verb->verbs.end()) {
    typed.verb = &*sub;
    typed.positionals = 0;
  } else {
    ++typed.positionals;
  }
}

/// bash takes "--flag=val" apart into three words; other shells and kubectl leave it whole.
std::vector<std::string> joined_at_equals(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  for (const std::string& word : words) {
    const bool goes_on = !joined.empty() && joined.back().starts_with("--") &&
                         (word == "=" || joined.back().ends_with('='));
    if (goes_on) {
      joined.back() += word;
    } else {
      joined.push_back(word);
    }
  }
  return joined;
}

Typed read_words(const VerbInfo& root, const std::vector<std::string>& words) {
  Typed typed{.verb = &root};
  if (words.empty()) {
    return typed;
  }
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    read_word(root, words[i], typed);
  }
  typed.start = words.back();
  const std::size_t equals = typed.start.find('=');
  if (typed.waiting == nullptr && typed.start.starts_with("--") && equals != std::string::npos) {
    typed.waiting = find_flag(root, *typed.verb, typed.start.substr(0, equals));
    typed.start.erase(0, typed.waiting != nullptr ? equals + 1 : 0);
  }
  return typed;
}

/// What may be typed, with what it is for.
using Offers = std::map<std::string, std::string>;

void add_flags(Offers& offers, const VerbInfo& verb) {
  for (const FlagInfo& flag : verb.flags) {
    for (const std::string& name : flag.names) {
      if (name.starts_with("--")) {
        offers[name] = flag.about;
      }
    }
  }
}

std::string print(const Offers& offers, const std::string& start, const char* directive) {
  std::string text;
  for (const auto& [offer, about] : offers) {
    if (offer.starts_with(start)) {
      text += about.empty() ? offer + "\n" : offer + "\t" + about + "\n";
    }
  }
  return text + directive;
}

Offers plain(const std::vector<std::string>& names) {
  Offers offers;
  for (const std::string& name : names) {
    offers[name] = {};
  }
  return offers;
}

std::string complete_value(const FlagInfo& flag,
                           const std::string& start,
                           const CompletionSources& sources) {
  if (flag.kind == "FILE") {
    return k_files;
  }
  const bool is_namespace = flag.kind == "NAMESPACE";
  return print(plain(is_namespace ? sources.namespaces() : flag.choices), start, k_no_files);
}

/// What the next word without a dash may be.
Offers offers_for_word(const Typed& typed, const CompletionSources& sources) {
  Offers offers;
  for (const VerbInfo& sub : typed.verb->verbs) {
    offers[sub.name] = sub.about;
  }
  std::vector<const FlagInfo*> positionals;
  for (const FlagInfo& flag : typed.verb->flags) {
    if (flag.is_positional) {
      positionals.push_back(&flag);
    }
  }
  if (typed.positionals < positionals.size()) {
    const FlagInfo& next = *positionals[typed.positionals];
    offers.merge(plain(next.names.front() == "NAME" ? sources.clusters() : next.choices));
  }
  return offers;
}

}  // namespace

std::string complete(const VerbInfo& root,
                     const std::vector<std::string>& words,
                     const CompletionSources& sources) {
  const Typed typed = read_words(root, joined_at_equals(words));
  if (typed.waiting != nullptr) {
    return complete_value(*typed.waiting, typed.start, sources);
  }
  if (!typed.start.starts_with('-')) {
    return print(offers_for_word(typed, sources), typed.start, k_no_files);
  }
  Offers offers;
  add_flags(offers, *typed.verb);
  add_flags(offers, root);
  return print(offers, typed.start, k_no_files);
}

}  // namespace kredis::plugin
