// SPDX-License-Identifier: Apache-2.0
//
// What tests of verbs check again and again: the exit status together with the text that helps.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/verb_bed.hpp"

namespace doctest {

/// So that a list that is not as expected is shown.
template <>
struct StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
      text += "\n  " + line;
    }
    return text.c_str();
  }
};

}  // namespace doctest

namespace kredis::tests {

using core::ExitStatus;
using Words = std::vector<std::string>;

inline void check_says(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    CHECK_MESSAGE(contains(text, part), "\"", part, "\" is missing in:\n", text);
  }
}

/// A run that is told to end so, with these parts on stdout.
inline Ran check_run(VerbBed& bed,
                     const Words& words,
                     ExitStatus exit,
                     const std::vector<std::string>& out = {}) {
  const Ran ran = bed.run(words);
  INFO(ran.err);
  CHECK(ran.exit == exit);
  check_says(ran.out, out);
  return ran;
}

/// One row of a table of refusals: what is typed, what is wrong beforehand, what is said.
struct Refusal {
  std::string label;
  Words words;
  std::function<void(VerbBed&)> given = {};
  std::vector<std::string> says;
  ExitStatus exit = ExitStatus::refused;
};

/// Checks that the run ends as the row says, prints nothing else, and changed nothing.
inline void check_refusal(const Refusal& row, VerbBed& bed) {
  CAPTURE(row.label);
  if (row.given) {
    row.given(bed);
  }
  bed.kube.changes.clear();
  const Ran ran = bed.run(row.words);
  CHECK(ran.exit == row.exit);
  CHECK(ran.out == "");
  check_says(ran.err, row.says);
  std::erase_if(bed.kube.changes, [](const std::string& change) {
    return contains(change, " leases/");  // Taken, and given back.
  });
  CHECK(bed.kube.changes == std::vector<std::string>{});
  CHECK(bed.redis.told() == std::vector<std::string>{});
}

/// Answers of the user at the prompts to come.
inline void will_answer(VerbBed& bed, const std::string& answer) { bed.answers.push_back(answer); }

}  // namespace kredis::tests
