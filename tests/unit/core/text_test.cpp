// SPDX-License-Identifier: Apache-2.0
#include "shared/core/text.hpp"

#include <doctest/doctest.h>

namespace kredis::core {

TEST_SUITE("core/text") {
  TEST_CASE("edit_distance counts changed, added and missing letters") {
    CHECK(edit_distance("status", "status") == 0);
    CHECK(edit_distance("stauts", "status") == 2);
    CHECK(edit_distance("", "init") == 4);
    CHECK(edit_distance("creat", "create") == 1);
  }

  TEST_CASE("nearest finds what was meant and leaves other words alone") {
    struct Case {
      const char* label;
      const char* word;
      const char* expected;
    };
    const std::vector<std::string_view> known{"create", "status", "delete", "nfs"};
    for (const Case& it : {Case{"two letters swapped", "stauts", "status"},
                           Case{"three letters off", "sxxxus", "status"},
                           Case{"four letters off", "sxxxxs", ""},
                           Case{"half of a short word", "nfx", "nfs"},
                           Case{"more than half of a short word", "xyz", ""},
                           Case{"nothing", "", ""}}) {
      CAPTURE(it.label);
      CHECK(nearest(it.word, known) == it.expected);
    }
  }

  TEST_CASE("nearest gives up on a word of more than 64 letters") {
    const std::string longest(64, 'a');
    const std::string nearly = longest.substr(1);
    CHECK(nearest(longest, {nearly}) == nearly);
    CHECK(nearest(longest + "a", {longest}) == "");
  }
}

}  // namespace kredis::core
