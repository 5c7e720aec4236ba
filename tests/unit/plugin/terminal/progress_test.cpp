// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/progress.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "plugin/terminal/text_style.hpp"

namespace kredis::plugin {
namespace {

/// What a terminal shows after `written`: lines, of which some were erased again.
std::string screen(const std::string& written) {
  std::string shown;
  for (std::size_t at = 0; at < written.size();) {
    if (written.compare(at, 2, "\033[") != 0) {
      shown += written[at++];
      continue;
    }
    const std::size_t end = written.find_first_of("FJ", at);
    if (written[end] == 'F') {
      for (int lines = std::stoi(written.substr(at + 2)); lines > 0; --lines) {
        const std::size_t before = shown.rfind('\n', shown.size() - 2);
        shown.resize(before == std::string::npos ? 0 : before + 1);
      }
    }
    at = end + 1;
  }
  return shown;
}

struct Shown {
  explicit Shown(Live live, std::size_t width = 40)
      : progress(stream, TextStyle(Colour::off, width), live) {}
  std::string text() const { return screen(stream.str()); }
  /// Without the time that something took.
  std::string first_words() const { return text().substr(0, text().find("  ")); }
  std::ostringstream stream;
  Progress progress;
};

TEST_SUITE("terminal/progress") {
  TEST_CASE("without a terminal every change is a line that stays") {
    Shown shown(Live::no);
    shown.progress.begin("waiting");
    shown.progress.line("pod-0", "starts");
    shown.progress.line("pod-0", "starts");
    shown.progress.line("pod-0", "ready");
    shown.progress.note("a note");
    CHECK(shown.stream.str() == "waiting\n  pod-0  starts\n  pod-0  ready\na note\n");
    shown.progress.done("all is ready");
    CHECK(shown.stream.str().find("✓ all is ready  ") != std::string::npos);
    CHECK(shown.stream.str().find('\033') == std::string::npos);
  }

  TEST_CASE("without a terminal a line of which only the figures change is printed now and then") {
    Shown shown(Live::no);
    shown.progress.begin("moving");
    for (int i = 0; i < 1000; ++i) {
      shown.progress.line("", std::to_string(i) + " of 1,000 slots");
    }
    const std::string text = shown.stream.str();
    CHECK(text.find("  0 of 1,000 slots\n") != std::string::npos);
    CHECK(std::ranges::count(text, '\n') < 10);
    shown.progress.line("", "all there");
    shown.progress.line("pod-0", "starts");
    shown.progress.line("pod-1", "starts");
    // What the figures came to stands before the next words, and before the end.
    CHECK(shown.stream.str().ends_with(
        "    999 of 1,000 slots\n    all there\n  pod-0  starts\n  pod-1  starts\n"));
    shown.progress.line("", "1 key");
    shown.progress.line("", "2 key");
    shown.progress.line("", "3 key");
    CHECK(shown.stream.str().ends_with("    1 key\n"));
    shown.progress.clear();
    CHECK(shown.stream.str().ends_with("    1 key\n    3 key\n"));
    shown.progress.clear();
    CHECK(shown.stream.str().ends_with("    1 key\n    3 key\n"));
  }

  TEST_CASE("on a terminal one line a key is kept below the stage, and erased at its end") {
    Shown shown(Live::yes);
    shown.progress.begin("waiting");
    shown.progress.line("pod-0", "starts");
    shown.progress.line("pod-10", "starts");
    shown.progress.line("pod-0", "ready");
    CHECK(shown.text() == "… waiting\n    pod-0   ready\n    pod-10  starts\n");
    shown.progress.note("a note");
    CHECK(shown.text() == "a note\n… waiting\n    pod-0   ready\n    pod-10  starts\n");
    shown.progress.clear();
    CHECK(shown.text() == "a note\n");
  }

  TEST_CASE("a stage ends with a tick and its last words, or with a cross and its title") {
    Shown good(Live::yes);
    good.progress.begin("waiting");
    good.progress.done();
    CHECK(good.first_words() == "✓ waiting");
    Shown bad(Live::yes);
    bad.progress.begin("waiting");
    bad.progress.line("pod-0", "starts");
    bad.progress.fail();
    CHECK(bad.first_words() == "✗ waiting");
    const std::string before = bad.text();
    bad.progress.fail();  // There is no stage to end.
    CHECK(bad.text() == before);
  }

  TEST_CASE("more lines than the screen may lose are counted") {
    for (const auto& row : {std::pair{12, ""}, std::pair{13, "    and 1 more\n"}}) {
      const auto& lines = row.first;
      const auto& more = row.second;
      CAPTURE(lines);
      Shown shown(Live::yes);
      shown.progress.begin("waiting");
      for (int i = 0; i < lines; ++i) {
        shown.progress.line("pod-" + std::to_string(100 + i), "starts");
      }
      const std::string last = "    pod-" + std::to_string(99 + lines) + "  starts\n";
      CHECK(shown.text().ends_with(last + more));
      shown.progress.clear();
      CHECK(shown.text().empty());
    }
  }

  TEST_CASE("a line is cut at the width of the terminal, between two characters") {
    struct Case {
      std::string label;
      std::string text;
      std::string shown;
    };
    for (const Case& each : {Case{"fits", "12345678", "    k  12345678"},
                             Case{"is cut", "1234567890123456", "    k  123456789012…"},
                             Case{"takes more bytes than columns", "äöüäöü", "    k  äöüäöü"},
                             Case{"is cut there", "ääääääääääääääää", "    k  ääääääääääää…"}}) {
      CAPTURE(each.label);
      Shown shown(Live::yes, 20);
      shown.progress.begin("w");
      shown.progress.line("k", each.text);
      CHECK(shown.text() == "… w\n" + each.shown + "\n");
    }
  }
}

TEST_SUITE("terminal/text_style") {
  TEST_CASE("width is what a terminal shows: characters, without colours") {
    const TextStyle style(Colour::on);
    CHECK(display_width("") == 0);
    CHECK(display_width("äöü…") == 4);
    CHECK(display_width(style.red("ab") + "c") == 3);
    CHECK(padded(style.bold("ab"), 4) == style.bold("ab") + "  ");
    CHECK(padded("abcd", 2) == "abcd");
    CHECK(style.green("x") == "\033[32mx\033[0m");
    CHECK(style.green("").empty());
    CHECK(TextStyle(Colour::off).green("x") == "x");
  }
}

}  // namespace
}  // namespace kredis::plugin
