# SPDX-License-Identifier: Apache-2.0
"""`failover drill`: what it measures, what it refuses, and that it leaves nothing behind."""

import signal

import pytest

from bed import wait_until
from client import connect, missing_keys, node, write_keys
from conftest import fresh_namespace
from test_security import PASSWORD, make_secrets


@pytest.fixture(scope="module")
def whole(bed):
    """One cluster of six for all tests here: each leaves it whole."""
    namespace = fresh_namespace(bed)
    assert namespace.plugin("create").exit == 0
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def masters(namespace):
    return {master["pod"]: master for master in namespace.status()["masters"]}


def drill_keys(namespace):
    """Keys of drills on any node; a pod that is not there has none."""
    return [key for pod in namespace.pods() for key in node(namespace, pod).keys("kubectl-redis-drill:*")]


def settled(namespace):
    """The masters, once every replica follows."""
    def follow():
        now = masters(namespace)
        links = [replica["link"] for master in now.values() for replica in master["replicas"]]
        return links == ["up"] * 3 and now
    return wait_until(follow, 60, "replicas follow")


def ids(namespace):
    status = namespace.status()
    return {each["pod"]: each["id"] for master in status["masters"] for each in [master, *master["replicas"]]}


def test_a_deleted_master_is_replaced_and_every_phase_is_told(whole):
    client = connect(whole)
    write_keys(client, 200)
    before, identity = settled(whole), ids(whole)
    victim = sorted(before)[0]
    uid = whole.get("pod", victim)["metadata"]["uid"]
    report = whole.plugin("failover", "drill", "--pod", victim, "--yes", "-o", "json").require().json()
    assert report["kind"] == "FailoverDrill" and report["strike"] == "delete"
    assert report["master"]["pod"] == victim
    assert whole.get("pod", victim)["metadata"]["uid"] != uid, "the pod is a new one"
    heir = report["promoted"]["pod"]
    assert heir in report["replicas"] and heir in masters(whole)
    assert victim in [replica["pod"] for replica in masters(whole)[heir]["replicas"]]
    assert ids(whole) == identity, "the old master is back as the node it was"
    times, probe = report["milliseconds"], report["probe"]
    assert 0 < times["promoted"] < times["healed"] and report["missing"] == ""
    assert probe["writes"] > 100 and probe["reads"] > 100 and probe["lostWrites"] == 0
    assert probe["longestGap"]["milliseconds"] > 0
    timeline = probe["timeline"]
    assert sum(timeline["acknowledged"]) == probe["writes"] + probe["reads"]
    assert sum(timeline["failed"]) == probe["failed"]
    assert missing_keys(client, 200) == []
    assert drill_keys(whole) == []


def test_a_frozen_master_is_missed_passed_over_and_follows_when_it_wakes(whole):
    settled(whole)
    outcome = whole.plugin("failover", "drill", "--by", "freeze", "--yes")
    assert outcome.exit in (0, 3), str(outcome)  # Acknowledged writes may be lost: then it says so.
    assert "a majority agreed that it had failed" in outcome.stdout, str(outcome)
    assert "every node agrees" in outcome.stdout and "operations per 100 ms" in outcome.stdout
    assert "no answer in time" in outcome.stdout
    assert drill_keys(whole) == []
    for pod in whole.pods():
        assert node(whole, pod).config_get("lua-time-limit")["lua-time-limit"] == "5000"


def test_dry_run_says_what_would_be_done_and_does_nothing(whole):
    before = ids(whole)
    victim = sorted(settled(whole))[0]
    outcome = whole.plugin("failover", "drill", "--master", victim, "--dry-run").require()
    assert f"{victim}, master of slots" in outcome.stdout and "may take over" in outcome.stdout
    report = whole.plugin("failover", "drill", "--dry-run", "-o", "json").require().json()
    assert report["dryRun"] and report["master"]["pod"] in masters(whole) and "probe" not in report
    assert ids(whole) == before and victim in masters(whole)


def test_a_drill_is_asked_for_and_refused_without_a_terminal(whole):
    before = masters(whole).keys()
    outcome = whole.plugin("failover", "drill")
    assert outcome.exit == 3 and "--yes" in outcome.stderr, str(outcome)
    assert masters(whole).keys() == before


@pytest.mark.parametrize("words", [["--node", "node-a"], ["--pod", "a", "--master", "b"], ["--by", "fire"]])
def test_wrong_usage_is_told(whole, words):
    outcome = whole.plugin("failover", "drill", *words, "--yes")
    assert outcome.exit == 2 and "fix: " in outcome.stderr, str(outcome)
    before_the_word = whole.plugin("failover", "--dry-run", "drill", "--yes")
    assert before_the_word.exit == 2 and "--dry-run" in before_the_word.stderr, str(before_the_word)


def test_what_is_no_master_is_refused(whole):
    replica = settled(whole)[sorted(masters(whole))[0]]["replicas"][0]["pod"]
    outcome = whole.plugin("failover", "drill", "--pod", replica, "--yes")
    assert outcome.exit == 3 and "is not a master" in outcome.stderr, str(outcome)
    outcome = whole.plugin("failover", "drill", "--pod", "nowhere", "--yes")
    assert outcome.exit == 1 and "has no pod nowhere" in outcome.stderr, str(outcome)


def test_ctrl_c_ends_it_and_leaves_no_key_that_stays(whole):
    settled(whole)
    process = whole.start_plugin("failover", "drill", "--by", "freeze", "--yes")
    told = []
    while not any("Watch until" in line for line in told):  # To ask for its keys would take as long as it hangs.
        told.append(process.stderr.readline())
        assert told[-1], f"ended before: {told}"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and "interrupted" in said, said
    settled(whole)
    # A node that hung could not be told; what it holds ends by itself.
    wait_until(lambda: len(set(drill_keys(whole))) <= 1, 60, "the keys of the others are gone")
    lives = [connect(whole).ttl(key) for key in set(drill_keys(whole))]
    print(f"left, and to live for, s: {lives}")
    assert all(0 < life <= 3600 or life == -2 for life in lives)  # -2: gone meanwhile.
    for key in set(drill_keys(whole)):
        connect(whole).delete(key)


def test_clusters_that_would_not_get_over_it_are_refused(namespace):
    assert namespace.plugin("create", "--replicas", "0").exit == 0
    outcome = namespace.plugin("failover", "drill", "--yes")
    assert outcome.exit == 3 and "no replica" in outcome.stderr, str(outcome)


def test_a_pod_without_a_volume_is_not_deleted(namespace):
    assert namespace.plugin("create", "--ephemeral").exit == 0
    uids = {name: pod["metadata"]["uid"] for name, pod in namespace.pods().items()}
    outcome = namespace.plugin("failover", "drill", "--yes")
    assert outcome.exit == 3 and "keeps its data in itself" in outcome.stderr, str(outcome)
    assert "--by freeze" in outcome.stderr
    assert {name: pod["metadata"]["uid"] for name, pod in namespace.pods().items()} == uids


def test_a_deployment_s_master_is_drilled_too(namespace):
    assert namespace.plugin("create", "--layout", "deployment").exit == 0
    report = namespace.plugin("failover", "drill", "--yes", "-o", "json").require().json()
    assert report["missing"] == "" and report["probe"]["lostWrites"] == 0, report
    assert report["master"]["pod"] not in namespace.pods(), "its next pod has another name"


def test_a_drill_goes_through_tls_and_a_password(namespace, tmp_path):
    make_secrets(namespace, tmp_path)
    namespace.plugin("create", "--auth-secret", "redis-auth", "--tls-secret", "redis-tls").require()
    outcome = namespace.plugin("failover", "drill", "--yes", "-o", "json").require()
    report = outcome.json()
    assert report["missing"] == "" and report["probe"]["lostWrites"] == 0, report
    assert report["probe"]["writes"] > 100
    assert PASSWORD not in str(outcome)
