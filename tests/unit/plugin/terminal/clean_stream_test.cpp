// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/clean_stream.hpp"

#include <doctest/doctest.h>

#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "plugin/terminal/clean_text.hpp"
#include "plugin/terminal/session.hpp"
#include "plugin/terminal/terminal.hpp"

namespace kredis::plugin {
namespace {

std::string cleaned(std::string_view text, Colour colour = Colour::off) {
  Cleaner cleaner(colour);
  const std::string shown = cleaner.take(text);
  return shown + cleaner.end();
}

TEST_SUITE("terminal/clean_stream") {
  TEST_CASE("text is left alone, and what commands a terminal is shown instead") {
    struct Case {
      const char* label;
      std::string_view text;
      std::string_view shown;
    };
    using namespace std::string_view_literals;
    const Case cases[] = {{"text", "a line\n\tand more", "a line\n\tand more"},
                          {"other scripts", "主节点 ✓ é 🙂", "主节点 ✓ é 🙂"},
                          {"a line end of Windows", "a\r\nb", "a\r\nb"},
                          {"back to the line's begin", "bad\rgood", "bad\\u000dgood"},
                          {"a title", "\033]0;owned\007", "\\u001b]0;owned\\u0007"},
                          {"a colour", "\033[31mred\033[0m", "\\u001b[31mred\\u001b[0m"},
                          {"a zero byte", "a\0b"sv, "a\\u0000b"},
                          {"backspace and delete", "ab\b\x7f", "ab\\u0008\\u007f"},
                          {"a C1 control, as UTF-8",
                           "\xc2\x9b"
                           "2J",
                           "\\u009b2J"},
                          {"a C1 control, as a byte",
                           "\x9b"
                           "2J",
                           "\\x9b2J"},
                          {"not hidden by its width", "\xc2\xa0", "\xc2\xa0"},
                          {"right to left",
                           "a\xe2\x80\xae"
                           "b",
                           "a\\u202eb"},
                          {"an isolate", "\xe2\x81\xa6", "\\u2066"},
                          {"too long a form", "\xc0\x9b\xe0\x80\x9b", "\\xc0\\x9b\\xe0\\x80\\x9b"},
                          {"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                          {"half a character", "a\xe2\x80", "a\\xe2\\x80"},
                          {"past the last one", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}};
    for (const Case& each : cases) {
      CAPTURE(each.label);
      CHECK(cleaned(each.text) == each.shown);
    }
  }

  TEST_CASE("where there is colour, ours passes and no other sequence does") {
    CHECK(cleaned("\033[31mred\033[0m", Colour::on) == "\033[31mred\033[0m");
    CHECK(cleaned("\033[2Kgone", Colour::on) == "\\u001b[2Kgone");
    CHECK(cleaned("\033[8mhidden", Colour::on) == "\\u001b[8mhidden");
    CHECK(cleaned("\033[3", Colour::on) == "\\u001b[3");
    CHECK(cleaned("\033", Colour::on) == "\\u001b");
  }

  TEST_CASE("however text is cut, what is shown is the same and commands nothing") {
    std::mt19937 random(7);
    const std::string pieces[] = {"\033",
                                  "[",
                                  "31",
                                  "m",
                                  "\r",
                                  "\n",
                                  "a",
                                  "\xc2",
                                  "\x9b",
                                  "\xe2",
                                  "\x80",
                                  "\xae",
                                  "\xf0",
                                  "\x9f",
                                  "\x99",
                                  "\x82"};
    for (int round = 0; round < 500; ++round) {
      std::string text;
      Cleaner cleaner(Colour::on);
      std::string shown;
      for (int i = 0; i < 12; ++i) {
        const std::string& piece = pieces[random() % std::size(pieces)];
        text += piece;
        shown += cleaner.take(piece);
      }
      shown += cleaner.end();
      CAPTURE(round);
      CHECK(shown == cleaned(text, Colour::on));
      const std::string bare = cleaned(text);
      CHECK(bare.find('\033') == std::string::npos);
      CHECK(bare.find("\xc2\x9b") == std::string::npos);
      CHECK(cleaned(bare) == bare);
    }
  }

  TEST_CASE("one line stays one") {
    CHECK(one_line("a\nb\tc\r\nd\033[1F") == "a b c  d\\u001b[1F");
    CHECK(one_line("\033[31mred\033[0m") == "\033[31mred\033[0m");
  }

  TEST_CASE("what the program itself means passes, on any stream") {
    std::ostringstream sink;
    CleanBuffer buffer(*sink.rdbuf());
    std::ostream stream(&buffer);
    stream << "a\033" << Own{"\033[J"} << "b" << 'c' << 7 << std::flush;
    CHECK(sink.str() == "a\\u001b\033[Jbc7");
    std::ostringstream plain;
    plain << Own{"\033[J"};
    CHECK(plain.str() == "\033[J");
  }

  TEST_CASE("a sink that takes no more is told to the stream") {
    struct Full : std::streambuf {};
    Full full;
    CleanBuffer buffer(full);
    std::ostream stream(&buffer);
    stream << "text";
    CHECK_FALSE(stream.good());
  }

  TEST_CASE("a session's streams are clean, with colours only where they are wanted") {
    for (const ColourWish wish : {ColourWish::never, ColourWish::always}) {
      std::ostringstream out;
      std::ostringstream err;
      {
        Session session({.color = wish}, out, err);
        session.out() << session.style().red("bad\033]0;x") << "\n";
        session.err() << "\033[2J\n";
        session.print_object(Json{{"name", "a\033\xc2\x9b\xff"}}, Output::json);
      }
      const bool coloured = wish == ColourWish::always;
      CHECK(
          out.str().starts_with(coloured ? "\033[31mbad\\u001b]0;x\033[0m\n" : "bad\\u001b]0;x\n"));
      CHECK(err.str() == "\\u001b[2J\n");
      const Json read = Json::parse(out.str().substr(out.str().find('{')), nullptr, false);
      REQUIRE(read.is_object());
      CHECK(read["name"] == "a\033\xc2\x9b\xef\xbf\xbd");
    }
  }
}

}  // namespace
}  // namespace kredis::plugin
