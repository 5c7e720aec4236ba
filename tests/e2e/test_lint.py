# SPDX-License-Identifier: Apache-2.0
"""lint in a pipeline: piped in, piped on, and read by what reads its forms. No cluster is asked."""

import json
import shutil
import xml.etree.ElementTree as xml

import pytest
from bed import BIN, MANIFESTS, run

ARTICLE = MANIFESTS / "article"
BAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: redis-conf, labels: {appCluster: redis-cluster}}\ndata:\n  redis.conf: |\n    cluster-enabled yes\n    daemonize yes\n"


def lint(*args, stdin=""):
    return run([BIN / "kubectl-redis", "lint", *args], {"KUBECONFIG": "/nonexistent", "NO_COLOR": "1"}, stdin)


def test_the_article_folder_passes_and_a_piped_mistake_is_exit_3_with_its_place():
    assert lint("-f", ARTICLE).exit == 0
    outcome = lint("-f", "-", stdin=BAD)
    assert outcome.exit == 3, str(outcome)
    assert "-:5:3: error RC035" in outcome.stdout


def test_junit_and_sarif_are_what_their_readers_expect():
    suite = xml.fromstring(lint("-f", "-", "-o", "junit", stdin=BAD).stdout)
    failed = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    assert suite.get("failures") == str(len(failed)) == "1"
    assert suite.get("tests") == str(len(list(suite.iter("testcase"))))
    assert failed[0].get("name").startswith("RC035 ConfigMap redis-conf")
    run_ = json.loads(lint("-f", "-", "-o", "sarif", stdin=BAD).stdout)["runs"][0]
    ids = {rule["id"] for rule in run_["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run_["results"]} <= ids
    assert all(result["level"] in ("error", "warning", "note") for result in run_["results"])


def test_fix_as_a_filter_writes_manifests_to_stdout_and_findings_to_stderr():
    text = (ARTICLE / "redis.yaml").read_text() + "---\n" + (ARTICLE / "redis-conf.yaml").read_text()
    outcome = lint("-f", "-", "--fix", stdin=text).require()
    assert outcome.stdout.startswith("# The article's own")
    assert "preStop:" in outcome.stdout and "warning RC063" in outcome.stderr
    again = lint("-f", "-", "--fix", stdin=outcome.stdout).require()
    assert again.stdout == outcome.stdout
    missing = set(text.splitlines()) - set(outcome.stdout.splitlines())
    assert missing == set()


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_kubectl_reads_what_fix_wrote_as_the_same_objects(form, tmp_path, bed):
    file = tmp_path / f"redis.{form}"
    shutil.copy(ARTICLE / "redis.yaml", file)
    if form == "json":
        file.write_text(bed.kubectl("create", "--dry-run=client", "-o", "json", "-f", ARTICLE / "redis.yaml").require().stdout)
    lint("-f", file, "-f", ARTICLE / "redis-conf.yaml", "--fix").require()
    made = bed.kubectl("create", "--dry-run=client", "-o", "json", "-f", file).require().json()
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert container["lifecycle"]["preStop"]["exec"]["command"][:2] == ["/bin/sh", "-c"]
    assert container["args"][-2:] == ["--cluster-announce-ip", "$(POD_IP)"]


def test_policy_report_says_of_what_runs_what_lint_says_of_its_files(namespace):
    namespace.apply(ARTICLE / "redis-conf.yaml", ARTICLE / "headless-service.yaml")
    clean = namespace.plugin("policy", "report", "-o", "json").require().json()
    assert clean["kind"] == "PolicyReport"
    namespace.kubectl("apply", "-f", "-", stdin=BAD.replace("  redis.conf: |\n", "  redis.conf: |\n    appendonly yes\n")).require()
    outcome = namespace.plugin("policy", "report", "-o", "json")
    assert outcome.exit == 3, str(outcome)
    errors = [finding for finding in outcome.json()["findings"] if finding["severity"] == "error"]
    assert [(finding["rule"], finding["object"]) for finding in errors] == [
        ("RC035", f"ConfigMap {namespace.name}/redis-conf")]
    assert "file" not in errors[0] and errors[0]["path"] == "/data/redis.conf"
    text = namespace.plugin("policy", "report")
    assert f"{namespace.name}/ConfigMap/redis-conf: error RC035" in text.stdout
    everywhere = namespace.bed.plugin("policy", "report", "-A", "-o", "junit")
    assert everywhere.exit == 3 and xml.fromstring(everywhere.stdout).get("name") == "kubectl redis policy report"
    sarif = namespace.plugin("policy", "report", "-o", "sarif").json()["runs"][0]["results"]
    places = [result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for result in sarif]
    assert f"{namespace.name}/ConfigMap/redis-conf" in places
