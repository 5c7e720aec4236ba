// SPDX-License-Identifier: Apache-2.0
//
// lint, explain and rules as a user runs them, on real files.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "plugin/render/lint_report.hpp"
#include "shared/kube/yaml_documents.hpp"
#include "tests/unit/plugin/command_bed.hpp"

namespace kredis::plugin {
namespace {

const std::string k_article = std::string(KREDIS_SOURCE_DIR) + "/tests/e2e/manifests/article";

const std::string k_bad_config =
    "# Ours\n"
    "apiVersion: v1\n"
    "kind: ConfigMap\n"
    "metadata: {name: redis-conf, labels: {appCluster: redis-cluster}}\n"
    "data:\n"
    "  redis.conf: |\n"
    "    cluster-enabled yes\n"
    "    appendonly yes\n"
    "    daemonize yes\n";

constexpr const char* k_hidden_set =
    "apiVersion: apps/v1\n"
    "kind: StatefulSet\n"
    "metadata: {name: store}\n"
    "spec:\n"
    "  replicas: 6\n"
    "  template:\n"
    "    metadata: {labels: {app: store}}\n"
    "    spec:\n"
    "      containers:\n"
    "      - {name: redis, image: \"redis:8.0\", command: [redis-server, /c/redis.conf],\n"
    "         volumeMounts: [{name: c, mountPath: /c}]}\n"
    "      volumes: [{name: c, configMap: {name: made-later}}]\n";

std::string with(std::string text, const std::string& what, const std::string& instead) {
  return text.replace(text.find(what), what.size(), instead);
}

}  // namespace

/// A page of docs that the program itself writes.
void check_page(const std::string& page, const std::vector<std::string>& command) {
  const std::string path = std::string(KREDIS_SOURCE_DIR) + "/docs/" + page;
  const std::string text = run_line(command).out;
  if (std::getenv("KREDIS_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
  }
  INFO("KREDIS_UPDATE_GOLDEN=1 writes docs/", page, " anew");
  CHECK(text == read_file(path));
}

TEST_SUITE("plugin/lint") {
  TEST_CASE("the article's files have warnings and no error, so lint ends well") {
    const Ran ran = run_line({"lint", "-f", k_article});
    CHECK(ran.exit == ExitStatus::done);
    CHECK(contains(ran.out, "redis.yaml:"));
    CHECK(contains(ran.out, "RC063"));
    CHECK(contains(ran.out, "4 of a Redis Cluster: 0 errors"));
  }

  TEST_CASE("an error is shown where it stands, and lint ends with 3") {
    const Folder folder;
    const std::string file = folder.write("conf.yaml", k_bad_config);
    const Ran ran = run_line({"lint", "-f", file});
    CHECK(ran.exit == ExitStatus::refused);
    CHECK(contains(ran.out, file + ":6:3: error RC035"));
    CHECK(contains(ran.out, "found: daemonize yes"));
    CHECK(contains(ran.out, "write: daemonize no"));
  }

  TEST_CASE("JSON, SARIF and JUnit say the same") {
    const Folder folder;
    const std::string file = folder.write("conf.yaml", k_bad_config);
    const Json report = Json::parse(run_line({"lint", "-f", file, "-o", "json"}).out);
    CHECK(report["kind"] == "LintReport");
    CHECK(report["findings"][0]["rule"] == "RC035");
    CHECK(report["findings"][0]["line"] == 6);
    const Json sarif = Json::parse(run_line({"lint", "-f", file, "-o", "sarif"}).out);
    const Json& result = sarif["runs"][0]["results"][0];
    CHECK(result["ruleId"] == "RC035");
    CHECK(result["level"] == "error");
    CHECK(result["locations"][0]["physicalLocation"]["region"]["startLine"] == 6);
    const std::string junit = run_line({"lint", "-f", file, "-o", "junit"}).out;
    CHECK(contains(junit, "failures=\"1\""));
    CHECK(contains(junit, "<failure message="));
  }

  TEST_CASE("Lists and several documents are looked into, and folders only with -R") {
    const Folder folder;
    const std::string list = folder.write(
        "deep/list.json",
        R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap",
"metadata":{"name":"c","labels":{"appCluster":"c"}},"data":{"redis.conf":"cluster-enabled yes\nappendonly yes\nbind ::1\n"}}]})");
    CHECK(run_line({"lint", "-f", folder.path()}).exit == ExitStatus::usage);
    const Ran ran = run_line({"lint", "-R", "-f", folder.path()});
    CHECK(ran.exit == ExitStatus::refused);
    CHECK(contains(ran.out, list + ":2:"));
    CHECK(contains(ran.out, "RC036"));
  }

  TEST_CASE("a file that cannot be read is wrong usage, with its name and line") {
    const Folder folder;
    const Ran ran = run_line({"lint", "-f", folder.write("x.yaml", "a: 1\nb: [\n")});
    CHECK(ran.exit == ExitStatus::usage);
    CHECK(contains(ran.err, "x.yaml: line"));
    CHECK(run_line({"lint", "-f", "/nonexistent.yaml"}).exit == ExitStatus::usage);
    CHECK(contains(run_line({"lint", "-f", folder.write("t.yaml", "a: 1\na: 2\n")}).err, "twice"));
  }

  TEST_CASE("what is not judged is named, and --strict makes a failure of it") {
    const Folder folder;
    const std::string file = folder.write("set.yaml", k_hidden_set);
    const Ran ran = run_line({"lint", "-f", file});
    CHECK(ran.exit == ExitStatus::done);
    CHECK_MESSAGE(contains(ran.out, "not judged StatefulSet store: "), ran.out);
    CHECK(contains(ran.out, "the ConfigMap made-later is not here"));
    CHECK(run_line({"lint", "-f", file, "--strict"}).exit == ExitStatus::refused);
    const Json report = Json::parse(run_line({"lint", "-f", file, "-o", "json"}).out);
    CHECK(report["notJudged"][0]["object"] == "StatefulSet store");
    CHECK(contains(run_line({"lint", "-f", file, "-o", "junit"}).out, "<skipped message="));
    const std::string lost = folder.write("lost.yaml", "piVersion: v1\nkind: ConfigMap\n");
    const Ran broken = run_line({"lint", "-f", lost});
    CHECK(broken.exit == ExitStatus::refused);
    CHECK_MESSAGE(contains(broken.out, lost + ":1:1: not judged"), broken.out);
  }

  TEST_CASE("a file that cannot be read costs no other its findings") {
    const Folder folder;
    const std::string bad = folder.write("bad.yaml", "a: [\n");
    const std::string file = folder.write("conf.yaml", k_bad_config);
    const Ran ran = run_line({"lint", "-f", folder.path()});
    CHECK(ran.exit == ExitStatus::refused);
    CHECK(contains(ran.out, file + ":6:3: error RC035"));
    CHECK_MESSAGE(contains(ran.out, "not judged " + bad), ran.out);
  }

  TEST_CASE("of several objects of one name the one in the nearest file counts") {
    const Folder folder;
    const std::string sound = with(k_bad_config, "    daemonize yes\n", "");
    for (const char* where : {"dev", "prod"}) {
      folder.write(std::string(where) + "/set.yaml",
                   with(k_hidden_set, "made-later", "redis-conf"));
      folder.write(std::string(where) + "/conf.yaml",
                   where == std::string("dev") ? sound : std::string(k_bad_config));
    }
    const Ran ran = run_line({"lint", "-R", "-f", folder.path()});
    CHECK_MESSAGE(contains(ran.out, "prod/conf.yaml:6:3: error RC035"), ran.out);
    CHECK_FALSE(contains(ran.out, "dev/conf.yaml:6:3: error"));
    CHECK(contains(ran.out, "4 objects, 4 of a Redis Cluster"));
  }

  TEST_CASE("--fix completes what lacks something, leaves the rest alone, and then finds nothing") {
    const Folder folder;
    const std::string service = read_file(k_article + "/redis-access-service.yaml");
    const std::string both = "# Kept\n" + service + "---\n" + read_file(k_article + "/redis.yaml") +
                             "---\n" + read_file(k_article + "/redis-conf.yaml");
    const std::string file = folder.write("both.yaml", both);
    CHECK(run_line({"lint", "-f", file, "--fix", "--dry-run"}).exit == ExitStatus::done);
    CHECK(read_file(file) == both);
    const Ran ran = run_line({"lint", "-f", file, "--fix"});
    CHECK(ran.exit == ExitStatus::done);
    const std::string fixed = read_file(file);
    CHECK(fixed.starts_with("# Kept\n" + service + "---\n"));
    CHECK(contains(fixed, "--cluster-announce-ip"));
    CHECK_FALSE(contains(ran.out, "RC060"));
    run_line({"lint", "-f", file, "--fix"});
    CHECK(read_file(file) == fixed);
  }

  TEST_CASE("a rule is explained with its examples, and an unknown one refused") {
    const Ran ran = run_line({"explain", "rc007"});
    CHECK(ran.exit == ExitStatus::done);
    CHECK(contains(ran.out, "RC007  There are at least three nodes"));
    CHECK(contains(ran.out, "spec: {replicas: 2}"));
    const Ran guard = run_line({"explain", "rg002"});
    CHECK(contains(guard.out, "RG002  No eviction takes a slot's last copy"));
    CHECK(contains(guard.out, "blind     passes with a warning"));
    const Ran unknown = run_line({"explain", "RC999"});
    CHECK(unknown.exit == ExitStatus::usage);
    CHECK(contains(unknown.err, "kubectl redis rules"));
  }

  TEST_CASE("rules and findings are listed, and their pages in docs are current") {
    CHECK(contains(run_line({"rules"}).out, "RC001"));
    CHECK(Json::parse(run_line({"rules", "-o", "json"}).out)["items"].size() >= 40);
    CHECK(contains(run_line({"rules", "--findings"}).out, "no-majority"));
    CHECK(Json::parse(run_line({"rules", "--findings", "-o", "json"}).out)["items"].size() >= 40);
    check_page("rules.md", {"rules", "-o", "markdown"});
    check_page("findings.md", {"rules", "--findings", "-o", "markdown"});
  }

  TEST_CASE("explain tells what a finding means for data") {
    const std::string text = run_line({"explain", "no-majority"}).out;
    CHECK(contains(text, "The majority of masters is away"));
    CHECK(contains(text, "Data: It is where it was"));
  }
}

TEST_SUITE("kube/yaml_documents") {
  TEST_CASE("values are as kubectl reads them, and each has its place") {
    const auto read = kube::parse_yaml_documents(
        "a: \"1\"\nb: 1\nc: yes\nd: true\n---\n---\n- x: {y/z: ~}\n- 1.5\n");
    REQUIRE(read.has_value());
    REQUIRE(read->size() == 2);
    CHECK(read->front().value == Json::parse(R"({"a":"1","b":1,"c":true,"d":true})"));
    CHECK(read->back().value == Json::parse(R"([{"x":{"y/z":null}},1.5])"));
    CHECK(kube::place_of(read->front(), "/b") == kube::TextPlace{2, 1});
    CHECK(kube::place_of(read->back(), "/0/x/y~1z") == kube::TextPlace{7, 7});
    CHECK(kube::place_of(read->back(), "/0/x/missing") == kube::TextPlace{7, 3});
  }

  TEST_CASE("a document that names itself is refused, not followed") {
    const auto read = kube::parse_yaml_documents("a: &a [*a]\n");
    REQUIRE_FALSE(read.has_value());
    CHECK(contains(read.error().message, "line 1"));
  }
}

}  // namespace kredis::plugin
