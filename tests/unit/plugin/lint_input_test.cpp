// SPDX-License-Identifier: Apache-2.0
//
// What lint is given by mistake or malice, and by the tools that write manifests.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "plugin/command_line.hpp"
#include "shared/json/json.hpp"
#include "shared/kube/yaml_documents.hpp"
#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {
namespace {

std::string bomb() {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    text += std::string(1, c) + ": &" + std::string(1, c) + " [" + before;
    for (int i = 0; i < 8; ++i) {
      text += "," + before;
    }
    text += "]\n";
  }
  return text;
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

std::string staircase(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) {
    text += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  }
  return text;
}

struct BadInput {
  const char* label;
  std::string text;
  const char* said;
};

const std::string k_templates =
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n  {{- if .Values.x }}\n";

/// As `helm template` writes: sources as comments, empty documents, values in quotes.
const std::string k_rendered =
    "---\n# Source: redis/templates/empty.yaml\n---\n# Source: redis/templates/conf.yaml\n"
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \"my-release-conf\"\n  namespace: \"shop\"\n"
    "  labels: &labels\n    helm.sh/chart: redis-1.0.0\n    app.kubernetes.io/managed-by: Helm\n"
    "data:\n  redis.conf: |-\n    # from values\n    cluster-enabled yes\n    appendonly yes\n    bind 127.0.0.1\n"
    "---\n# Source: redis/templates/set.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: x\n"
    "  labels:\n    <<: {a: b}\n    c: d\nspec: {ports: [{port: 80}]}\n";

}  // namespace

TEST_SUITE("plugin/lint_input") {
  TEST_CASE("text that cannot be read is one clear error with the file's name, and exit 2") {
    const std::vector<BadInput> cases{
        {"aliases of aliases", bomb(), "too large or too deep"},
        {"100,000 open brackets", std::string(100'000, '['), "too large or too deep"},
        {"a staircase of keys", staircase(600), "too large or too deep"},
        {"lists in lists, a hundred deep and one",
         repeated("[", 102) + repeated("]", 102),
         "too large or too deep"},
        {"a key twice", "a: 1\nb: {c: 1, c: 2}\n", "line 2, column 11: the key is there twice: c"},
        {"a tab", "a:\n\tb: 1\n", "line 2"},
        {"more than 16 MiB", std::string((16U << 20U) + 1, 'x'), "more than 16 MiB"},
        {"Latin-1", "a: caf\xe9\n", "not UTF-8"},
        {"a key that is a list", "? [a]\n: 1\n", "a key that is no text"},
        {"a comma after a document",
         "a: b\n---\n{c: d},e\n",
         "line 3, column 7: something that neither"},
        {"an alias of nothing", "a: *b\n", "line 1"},
        {"a merge of text", "<<: text\n", "no map"},
        {"a template", k_templates, "helm template CHART | kubectl redis lint"}};
    const Folder folder;
    for (const BadInput& each : cases) {
      CAPTURE(each.label);
      const std::string file = folder.write("bad.yaml", each.text);
      const Ran ran = run_line({"lint", "-f", file});
      CHECK(ran.exit == ExitStatus::usage);
      CHECK_MESSAGE(contains(ran.err, "bad.yaml: "), ran.err);
      CHECK_MESSAGE(contains(ran.err, each.said), ran.err);
      CHECK(ran.out.empty());
    }
  }

  TEST_CASE("the last depth that is read, and values of odd types, are judged in peace") {
    const Folder folder;
    const std::string head =
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {labels: {appCluster: a}}\n";
    const std::vector<std::string> texts{
        repeated("[", 101) + repeated("]", 101),
        "",
        "just text\n",
        std::string("\xef\xbb\xbf") + "a: 1\n",
        "kind: [1]\nmetadata: {name: 2}\n",
        head + "spec: text\n",
        head + "spec: {template: {spec: {containers: {a: b}}}}\n",
        head + "spec: {template: {spec: {containers: [1, null, []]}}}\n",
        "kind: List\nitems: {a: 1}\n",
        "kind: List\nitems: [1, null]\n"};
    for (const std::string& text : texts) {
      CAPTURE(text);
      const std::string file = folder.write("odd.yaml", text);
      for (const char* form : {"text", "json", "sarif", "junit"}) {
        const Ran ran = run_line({"lint", "-f", file, "-o", form});
        CHECK_MESSAGE(ran.exit != ExitStatus::usage, ran.err);
        CHECK_FALSE(ran.out.empty());
      }
    }
  }

  TEST_CASE("what helm renders is judged, and completed with its comments in place") {
    const Folder folder;
    const std::string file = folder.write("rendered.yaml", k_rendered);
    const Ran ran = run_line({"lint", "-f", file});
    // Nobody is seen to start from it, so it is a warning.
    CHECK(ran.exit == ExitStatus::done);
    CHECK_MESSAGE(contains(ran.out, file + ":14:3: warning RC036"), ran.out);
    run_line({"lint", "-f", file, "--fix"});
    CHECK(contains(read_file(file), "# Source: redis/templates/empty.yaml\n---\n# Source:"));
  }

  TEST_CASE("--fix keeps a file's permissions, and a link a link") {
    const Folder folder;
    const std::string set =
        read_file(std::string(KREDIS_SOURCE_DIR) + "/tests/e2e/manifests/article/redis.yaml");
    const std::string file = folder.write("set.yaml", set);
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    std::filesystem::create_symlink(file, folder.path() + "/link.yaml");
    CHECK(run_line({"lint", "-f", folder.path() + "/link.yaml", "--fix"}).exit == ExitStatus::done);
    CHECK(std::filesystem::is_symlink(folder.path() + "/link.yaml"));
    struct stat info {};
    REQUIRE(::stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0640U);
    CHECK(read_file(file).starts_with("# The article's own"));
  }

  TEST_CASE("a JSON file stays JSON, in its order") {
    const Folder folder;
    const std::string file = folder.write(
        "set.json",
        R"({"kind": "StatefulSet", "apiVersion": "apps/v1", "metadata": {"name": "redis-app"},
  "spec": {"template": {"metadata": {"labels": {"appCluster": "redis-cluster"}},
                        "spec": {"containers": [{"name": "redis", "image": "redis:8.0"}]}}}})");
    run_line({"lint", "-f", file, "--fix"});
    const std::string fixed = read_file(file);
    CHECK(fixed.starts_with("{\n  \"kind\": \"StatefulSet\",\n  \"apiVersion\""));
    // Where the data lies is said in a ConfigMap that is not here: no claim is mounted by guess.
    const Json spec = Json::parse(fixed)["spec"];
    CHECK_FALSE(spec.contains("volumeClaimTemplates"));
    CHECK(spec["template"]["spec"]["volumes"].size() == 1);
  }

  TEST_CASE("a merge key gives what the map itself does not say") {
    const auto read = kube::parse_yaml_documents("x: &d {a: 1, b: 2}\ny:\n  <<: *d\n  b: 3\n");
    REQUIRE(read.has_value());
    CHECK(read->front().value["y"] == Json({{"a", 1}, {"b", 3}}));
  }
}

}  // namespace kredis::plugin
