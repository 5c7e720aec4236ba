// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <random>

#include "shared/policy/shell.hpp"

namespace kredis::policy {
namespace {

using Words = std::vector<std::string>;

/// Words with their pieces side by side; a variable reads as <NAME>, what is not read as <?>.
std::string shown_word(const ShellWord& word) {
  std::string all;
  for (const ShellPart& part : word) {
    switch (part.kind) {
      case ShellPart::Kind::text:
        all += part.text;
        break;
      case ShellPart::Kind::variable:
        all += "<" + part.text + (part.otherwise.empty() ? "" : ":" + part.otherwise) + ">";
        break;
      case ShellPart::Kind::folder_of:
        all += "<folder of " + part.text + ">";
        break;
      case ShellPart::Kind::arguments:
        all += "<all>";
        break;
      case ShellPart::Kind::unknown:
        all += "<?>";
        break;
    }
  }
  return all;
}

std::vector<Words> commands_of(std::string_view script) {
  std::vector<Words> commands;
  for (const ShellCommand& command : parse_shell(script).commands) {
    Words words;
    for (const ShellWord& word : command.words) {
      words.push_back(shown_word(word));
    }
    commands.push_back(words);
  }
  return commands;
}

}  // namespace

TEST_SUITE("policy/shell") {
  TEST_CASE("a script is cut into simple commands") {
    struct Row {
      const char* script;
      std::vector<Words> commands;
    };
    const std::vector<Row> rows{
        {"", {}},
        {"a b", {{"a", "b"}}},
        {"# only a word of redis-server\nexec a", {{"exec", "a"}}},
        {"a#b # c\nd", {{"a#b"}, {"d"}}},
        {"a && b; c || d | e & f", {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f"}}},
        {"if a; then\n b\nelse c; fi", {{"a"}, {"b"}, {"c"}}},
        {"for x in redis-server b; do c $x; done", {{"c", "<x>"}}},
        {"f() { a; }", {{"f"}, {"a"}}},
        {"a \\\n  b", {{"a", "b"}}},
        {"a 'b c' \"d $E\" f\\ g \"\"", {{"a", "b c", "d <E>", "f g", ""}}},
        {"a ${B} ${C:-7000} ${D%/*} ${E##x} $1 $@",
         {{"a", "<B>", "<C:7000>", "<folder of D>", "<?>", "<1>", "<all>"}}},
        {"a $(b \"$(c)\" ')') `d` $((1 + 2)) e", {{"a", "<?>", "<?>", "<?>", "e"}}},
        {"a 2>&1 >/dev/null <in b", {{"a", "b"}}},
        {"a \"unclosed", {{"a", "unclosed"}}}};
    for (const Row& row : rows) {
      CAPTURE(std::string(row.script));
      CHECK(commands_of(row.script) == row.commands);
    }
  }

  TEST_CASE("redirections and here-documents are kept with their command") {
    const ShellScript script = parse_shell(
        "cat > /etc/a <<EOF\nport $PORT\nEOF\ncat <<-'END' >> b\n\tx $Y\n\tEND\necho z 2> c\n");
    REQUIRE(script.commands.size() == 3);
    const auto& first = script.commands[0].redirections;
    REQUIRE(first.size() == 2);
    CHECK((first[0].kind == ShellRedirection::Kind::to));
    CHECK(shown_word(first[0].target) == "/etc/a");
    CHECK(shown_word(first[1].target) == "port <PORT>\n");
    const auto& second = script.commands[1].redirections;
    REQUIRE(second.size() == 2);
    CHECK((second[0].kind == ShellRedirection::Kind::append));
    CHECK(shown_word(second[1].target) == "x $Y\n");
    CHECK(script.commands[2].redirections.empty());
  }

  TEST_CASE("the code of a script is its text without the comments") {
    CHECK(parse_shell("a # protected-mode no\nb '# c'").code == "a \nb '# c'");
  }

  TEST_CASE("of an endless script the beginning is cut, and the rest is said to be there") {
    std::string text;
    for (int i = 0; i < 100'000; ++i) {
      text += "a \"$b\"\n";
    }
    const ShellScript script = parse_shell(text);
    CHECK_FALSE(script.whole);
    CHECK(script.commands.size() < 10'000);
    CHECK(script.code.size() == text.size());
    CHECK(parse_shell("a b").whole);
    const ShellScript word = parse_shell("\"" + text);
    CHECK_FALSE(word.whole);
    CHECK(word.parts >= 20'000);
    CHECK(word.commands.front().words.front().size() <= 20'000);
  }

  TEST_CASE("a script is cut once, and one that takes too much memory is not remembered") {
    ShellMemory memory;
    const auto first = memory.read("a b");
    CHECK(memory.read("a b") == first);
    CHECK(memory.read("a c") != first);
    const std::string large(5U << 20U, '#');
    CHECK(memory.read(large) != memory.read(large));
    CHECK(memory.read("a b") == first);
  }

  TEST_CASE("any text is read without harm") {
    std::mt19937 random(20261129);  // NOLINT(cert-msc51-cpp): the same texts each time.
    const std::string_view letters = "a \n\t'\"\\$(){}`<>|&;#=-@*0EOF";
    for (int round = 0; round < 3'000; ++round) {
      std::string text;
      for (unsigned i = 0; i < random() % 40; ++i) {
        text += letters[random() % letters.size()];
      }
      CAPTURE(text);
      CHECK_NOTHROW(parse_shell(text));
    }
  }
}

}  // namespace kredis::policy
