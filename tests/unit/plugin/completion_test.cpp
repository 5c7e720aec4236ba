// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/complete.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/command_line.hpp"
#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {
namespace {

using Words = std::vector<std::string>;

std::string complete_line(const Words& words) {
  return complete(describe_command_line(),
                  words,
                  {.clusters =
                       [] {
                         return Words{"redis", "shop"};
                       },
                   .namespaces =
                       [] {
                         return Words{"default", "web"};
                       }});
}

/// Calls `look` for each flag and positional that takes one of a few words.
void each_choice(const VerbInfo& verb,
                 const Words& line,
                 const std::function<void(const Words&, const FlagInfo&)>& look) {
  for (const FlagInfo& flag : verb.flags) {
    if (!flag.choices.empty()) {
      look(line, flag);
    }
  }
  for (const VerbInfo& sub : verb.verbs) {
    Words longer = line;
    longer.push_back(sub.name);
    each_choice(sub, longer, look);
  }
}

}  // namespace

TEST_SUITE("plugin/completion") {
  TEST_CASE("verbs are offered first, with descriptions") {
    const std::string text = complete_line({"st"});
    CHECK(contains(text, "status\t"));
    CHECK_FALSE(contains(text, "create"));
    CHECK(contains(text, ":4\n"));
  }

  TEST_CASE("names of clusters are offered where a verb takes one, and only once") {
    CHECK(complete_line({"status", "sh"}) == "shop\n:4\n");
    CHECK(complete_line({"status", "shop", ""}) == ":4\n");
    CHECK(complete_line({"rbac", "status", "sh"}) == "shop\n:4\n");
  }

  TEST_CASE("rbac is offered the verbs that need rights") {
    CHECK(complete_line({"rbac", "st"}) == "status\n:4\n");
    CHECK(complete_line({"rbac", "compl"}) == ":4\n");
  }

  TEST_CASE("values of flags are offered, namespaces by asking") {
    CHECK(complete_line({"create", "--layout", ""}) == "deployment\nstatefulset\n:4\n");
    CHECK(complete_line({"status", "-n", "w"}) == "web\n:4\n");
    CHECK(complete_line({"create", "--config", ""}) == ":0\n");
  }

  TEST_CASE("flags of the verb and of every verb are offered after a dash") {
    const std::string text = complete_line({"delete", "--"});
    CHECK(contains(text, "--purge-data\t"));
    CHECK(contains(text, "--namespace\t"));
    CHECK_FALSE(contains(text, "--masters"));
  }

  TEST_CASE("-o offers what this verb prints, and nothing where that does not match") {
    struct Case {
      const char* label;
      std::vector<std::string> words;
      std::string expected;
    };
    const std::vector<Case> cases{
        {"a verb with a tree", {"status", "-o", ""}, "json\ntext\nwide\nyaml\n:4\n"},
        {"a verb with objects", {"create", "-o", ""}, "json\nname\ntext\nwide\nyaml\n:4\n"},
        {"a verb with findings", {"lint", "-o", ""}, "json\njunit\nsarif\ntext\n:4\n"},
        {"a verb without yaml", {"lint", "-o", "ya"}, ":4\n"},
        {"another verb without yaml", {"rules", "-o", "ya"}, ":4\n"},
        {"a verb with yaml", {"version", "-o", "ya"}, "yaml\n:4\n"},
        {"a verb below a verb", {"webhook", "manifests", "-o", ""}, "json\nyaml\n:4\n"},
        {"the long name", {"nfs", "check", "--output", "t"}, "text\n:4\n"}};
    for (const Case& it : cases) {
      CAPTURE(it.label);
      CHECK(complete_line(it.words) == it.expected);
    }
  }

  TEST_CASE("a value after = is offered alone, however the shell cuts the line") {
    const std::string all = "client\nnone\nserver\n:4\n";
    CHECK(complete_line({"create", "--dry-run="}) == all);
    CHECK(complete_line({"create", "--dry-run", "="}) == all);
    CHECK(complete_line({"create", "--dry-run", "=", "se"}) == "server\n:4\n");
    CHECK(complete_line({"create", "--layout=dep"}) == "deployment\n:4\n");
    CHECK(complete_line({"create", "--no-such-flag="}) == ":4\n");
  }

  TEST_CASE("--dry-run stands alone: what follows it is a name") {
    CHECK(complete_line({"delete", "--dry-run", "sh"}) == "shop\n:4\n");
  }

  TEST_CASE("every option with choices offers, takes and names exactly them") {
    each_choice(describe_command_line(), {}, [](const Words& verb, const FlagInfo& flag) {
      const std::string name = flag.names.back();
      const std::string shown = fmt::format("{} {}", fmt::join(verb, " "), name);
      CAPTURE(shown);
      const auto line = [&](const std::string& value) {
        Words words = verb;
        words.push_back(flag.is_positional ? value : name + "=" + value);
        return words;
      };
      std::set<std::string> offered(flag.choices.begin(), flag.choices.end());
      CHECK(complete_line(line("")) == fmt::format("{}\n:4\n", fmt::join(offered, "\n")));
      for (const std::string& choice : flag.choices) {
        std::ostringstream out;
        std::ostringstream err;
        parse_command_line(line(choice), out, err);
        CHECK_FALSE(contains(err.str(), "is none of"));
      }
      const Ran refused = run_line(line("no-such-choice"));
      CHECK(refused.exit == ExitStatus::usage);
      CHECK(contains(refused.err, fmt::format("is none of {}", fmt::join(flag.choices, ", "))));
    });
  }

  TEST_CASE("files are offered where a flag takes one") {
    for (const Words& words : {Words{"lint", "-f", ""},
                               Words{"lint", "--filename", "x"},
                               Words{"create", "--config", ""},
                               Words{"status", "--kubeconfig", ""}}) {
      const std::string line = fmt::format("{}", fmt::join(words, " "));
      CAPTURE(line);
      CHECK(complete_line(words) == ":0\n");
    }
  }
}

}  // namespace kredis::plugin
