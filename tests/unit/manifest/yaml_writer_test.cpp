// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/yaml_writer.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::manifest {
TEST_SUITE("manifest/yaml_writer") {
  TEST_CASE("to_yaml puts what names an object first and lists under their key") {
    const Json object = Json::parse(R"({"spec": {"ports": [{"port": 1, "name": "a"}, {"port": 2}],
      "empty": {}, "none": [], "nested": [[1, 2], []]}, "metadata": {"labels": {"b": "c"}, "name": "web"},
      "kind": "Service", "apiVersion": "v1"})");

    CHECK(to_yaml(object) == R"(apiVersion: v1
kind: Service
metadata:
  name: web
  labels:
    b: c
spec:
  empty: {}
  nested:
  -
    - 1
    - 2
  - []
  none: []
  ports:
  - name: a
    port: 1
  - port: 2
)");
  }

  TEST_CASE("to_yaml quotes text that a reader would take for something else") {
    struct Case {
      const char* label;
      const char* text;
      const char* yaml;
    };
    const Case cases[] = {
        {"a word", "redis", "k: redis\n"},
        {"a path", "/etc/redis", "k: /etc/redis\n"},
        {"a version", "8.0", "k: \"8.0\"\n"},
        {"a version of three parts", "8.0.1", "k: \"8.0.1\"\n"},
        {"a number", "12", "k: \"12\"\n"},
        {"hexadecimal", "0x1f", "k: \"0x1f\"\n"},
        {"an exponent", "1e3", "k: \"1e3\"\n"},
        {"a quantity", "100Mi", "k: 100Mi\n"},
        {"yes", "Yes", "k: \"Yes\"\n"},
        {"off", "off", "k: \"off\"\n"},
        {"null", "null", "k: \"null\"\n"},
        {"empty", "", "k: \"\"\n"},
        {"a colon and a blank", "a: b", "k: \"a: b\"\n"},
        {"a colon within", "redis:8.0", "k: redis:8.0\n"},
        {"a colon at the end", "a:", "k: \"a:\"\n"},
        {"a comment", "a #b", "k: \"a #b\"\n"},
        {"a dash", "-a", "k: \"-a\"\n"},
        {"a reference", "$(POD_NAME).x", "k: $(POD_NAME).x\n"},
        {"an anchor", "*a", "k: \"*a\"\n"},
        {"a quote", "\"a\"", "k: \"\\\"a\\\"\"\n"},
        {"a blank at the end", "a ", "k: \"a \"\n"},
        {"a tab", "a\tb", "k: \"a\\tb\"\n"},
    };
    for (const Case& one : cases) {
      CAPTURE(one.label);
      CHECK(to_yaml(Json{{"k", one.text}}) == one.yaml);
    }
  }

  TEST_CASE("to_yaml writes text of several lines as a block that keeps every line end") {
    CHECK(to_yaml(Json{{"k", "a\n\n  b\n"}}) == "k: |\n  a\n\n    b\n");
    CHECK(to_yaml(Json{{"k", "a\nb"}}) == "k: |-\n  a\n  b\n");
    CHECK(to_yaml(Json{{"k", "a\n\n\n"}}) == "k: |+\n  a\n\n\n");
    CHECK(to_yaml(Json{{"k", " a\nb\n"}}) == "k: \" a\\nb\\n\"\n");
    CHECK(to_yaml(Json{{"k", "\n"}}) == "k: \"\\n\"\n");
  }

  TEST_CASE("to_yaml writes values of every kind") {
    CHECK(to_yaml(Json{{"k", true}}) == "k: true\n");
    CHECK(to_yaml(Json{{"k", nullptr}}) == "k: null\n");
    CHECK(to_yaml(Json{{"k", -1.5}}) == "k: -1.5\n");
    CHECK(to_yaml(Json::array({"a", 1})) == "- a\n- 1\n");
    CHECK(to_yaml(Json::object()) == "{}\n");
    CHECK(to_yaml(Json("text")) == "text\n");
    CHECK(to_yaml(Json{{"8.0", 1}}) == "\"8.0\": 1\n");
  }

  TEST_CASE("to_yaml separates documents") {
    CHECK(to_yaml(std::vector<Json>{Json{{"a", 1}}, Json{{"b", 2}}}) == "a: 1\n---\nb: 2\n");
  }

}  // TEST_SUITE
}  // namespace kredis::manifest
