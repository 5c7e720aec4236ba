// SPDX-License-Identifier: Apache-2.0
//
// What --fix adds to a text, and that it changes nothing else in it.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "plugin/operations/lint/yaml_edit.hpp"
#include "shared/core/text.hpp"
#include "shared/kube/yaml_documents.hpp"
#include "shared/policy/review.hpp"
#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {
namespace {

Json value_of(const std::string& text) {
  const auto documents = kube::parse_yaml_documents(text);
  REQUIRE(documents.has_value());
  REQUIRE(documents->size() == 1);
  return documents->front().value;
}

Json addition(const std::string& path, const Json& value) {
  return Json::array({{{"op", "add"}, {"path", path}, {"value", value}}});
}

std::optional<std::string> added(const std::string& text,
                                 const std::string& path,
                                 const Json& value) {
  const Json patch = addition(path, value);
  return patched_yaml(text, patch, value_of(text).patch(patch));
}

struct EditCase {
  std::string label;
  std::string before;
  std::string path;
  Json value;
  std::string after;
};

const std::vector<EditCase> k_cases{
    {"a map's end, below its comments",
     "a:\n  b: 1  # one\n  # more of a\nc: 2\n",
     "/a/d",
     "x",
     "a:\n  b: 1  # one\n  # more of a\n  d: x\nc: 2\n"},
    {"the document's own end, before what trails",
     "a: 1\n\n# the end\n...\n",
     "/b",
     {{"c", 2}},
     "a: 1\n\n# the end\nb:\n  c: 2\n...\n"},
    {"a list under its key's column",
     "list:\n- a: 1\n  b: 2\n- a: 3\nnext: 1\n",
     "/list/-",
     {{"a", 5}},
     "list:\n- a: 1\n  b: 2\n- a: 3\n- a: 5\nnext: 1\n"},
    {"a list that is further in, and text of several lines",
     "list:\n    - |\n      # text\n      text\nnext: 1\n",
     "/list/-",
     "x",
     "list:\n    - |\n      # text\n      text\n    - x\nnext: 1\n"},
    {"a map in a list",
     "list:\n- a: 1\n- a: 2\n",
     "/list/0/b",
     true,
     "list:\n- a: 1\n  b: true\n- a: 2\n"},
    {"a map in one line", "a: {b: 1} # why\n", "/a/c", "x", "a: {b: 1, \"c\": \"x\"} # why\n"},
    {"a list in several lines with brackets in quotes",
     "a: [\"]\",\n    ']''',\n    ]\n",
     "/a/-",
     "x",
     "a: [\"]\",\n    ']''', \"x\"\n    ]\n"},
    {"an empty map and list", "a: {}\nb: [ ]\n", "/b/-", 1, "a: {}\nb: [1 ]\n"},
    {"a key with nothing", "a:\nb: 1\n", "/a", {{"c", 1}}, "a:\n  c: 1\nb: 1\n"},
    {"a null that is written", "a: ~\n", "/a", "x", "a: x\n"},
    {"Windows' line ends",
     "a:\r\n  b: 1\r\nc: 2\r\n",
     "/a/d",
     3,
     "a:\r\n  b: 1\r\n  d: 3\r\nc: 2\r\n"},
    {"a key in quotes, and one with a slash",
     "\"a:b\":\n  c/d:\n    e: 1\n",
     "/a:b/c~1d/f",
     2,
     "\"a:b\":\n  c/d:\n    e: 1\n    f: 2\n"},
    {"a text without an end of line", "a: 1", "/b", 2, "a: 1\nb: 2\n"}};

/// Whether all of `part` comes in `whole`, in order.
bool is_within(const std::vector<std::string_view>& part,
               const std::vector<std::string_view>& whole) {
  auto at = whole.begin();
  return std::ranges::all_of(part, [&](std::string_view line) {
    at = std::find(at, whole.end(), line);
    return at != whole.end() && (++at, true);
  });
}

}  // namespace

TEST_SUITE("plugin/yaml_edit") {
  TEST_CASE("an addition keeps every other letter") {
    for (const EditCase& each : k_cases) {
      CAPTURE(each.label);
      const auto after = added(each.before, each.path, each.value);
      REQUIRE(after.has_value());
      CHECK(*after == each.after);
    }
  }

  TEST_CASE("what several places share is not edited") {
    const std::string shared = "x: &d\n  a: 1\ny: *d\n";
    CHECK_FALSE(added(shared, "/y/b", 2).has_value());
  }

  TEST_CASE("the article's StatefulSet keeps all its lines, whatever is missing from it") {
    const std::string text =
        read_file(std::string(KREDIS_SOURCE_DIR) + "/tests/e2e/manifests/article/redis.yaml");
    const auto lines = core::split_lines(text);
    for (std::size_t begin = 12; begin < lines.size(); ++begin) {
      for (const std::size_t count : {1U, 3U}) {
        std::string cut;
        for (std::size_t i = 0; i < lines.size(); ++i) {
          cut += i >= begin && i < begin + count ? "" : std::string(lines[i]) + "\n";
        }
        const auto documents = kube::parse_yaml_documents(cut);
        if (!documents || documents->size() != 1) {
          continue;
        }
        CAPTURE(cut);
        const auto verdict = policy::mutate(documents->front().value, {});
        const auto after = patched_yaml(cut, verdict.patch, verdict.mutated);
        REQUIRE(after.has_value());
        CHECK(is_within(core::split_lines(cut), core::split_lines(*after)));
      }
    }
  }

  TEST_CASE("JSON keeps the order of its keys and its indentation") {
    const std::string text = "{\n    \"z\": 1,\n    \"a\": {\"y\": 2}\n}\n";
    const Json patch = addition("/a/b", 3);
    CHECK(patched_json(text, patch, Json::parse(text).patch(patch)) ==
          "{\n    \"z\": 1,\n    \"a\": {\n        \"y\": 2,\n        \"b\": 3\n    }\n}\n");
    CHECK(patched_json("{\"z\":1}", addition("/a", 3), {{"z", 1}, {"a", 3}}) ==
          "{\"z\":1,\"a\":3}\n");
  }
}

}  // namespace kredis::plugin
