# SPDX-License-Identifier: Apache-2.0
"""`failover`: planned hand-overs of a pod, a node and a zone, and what is refused or asked."""

import pytest

from bed import wait_until
from client import connect, missing_keys, write_keys
from conftest import fresh_namespace


@pytest.fixture(scope="module")
def whole(bed):
    """One cluster of six for all tests here: each leaves it whole."""
    namespace = fresh_namespace(bed)
    assert namespace.plugin("create").exit == 0
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def roles(namespace):
    """Pod -> "master" or the pod that it follows."""
    found = {}
    for master in namespace.status()["masters"]:
        found[master["pod"]] = "master"
        found.update({replica["pod"]: master["pod"] for replica in master["replicas"]})
    return found


def links(namespace):
    return {r["link"] for m in namespace.status()["masters"] for r in m["replicas"]}


def settled(namespace):
    """Roles, once all replicas follow."""
    return wait_until(lambda: links(namespace) == {"up"} and roles(namespace), 30, "replicas follow")


def a_replica(namespace):
    """Some replica and its master."""
    return next((pod, of) for pod, of in sorted(settled(namespace).items()) if of != "master")


def node_of(namespace, pod):
    return namespace.get("pod", pod)["spec"]["nodeName"]


def test_a_replica_that_is_named_takes_over_and_no_key_is_lost(whole):
    client = connect(whole)
    write_keys(client, 200)
    replica, master = a_replica(whole)
    outcome = whole.plugin("failover", "--pod", replica)
    assert outcome.exit == 0, str(outcome)
    assert f"{master}, follows" in outcome.stdout, str(outcome)
    assert "every node shows it" in outcome.stdout
    now = roles(whole)
    assert now[replica] == "master" and now[master] == replica
    assert links(whole) == {"up"}, "failover waits until the old master is in sync"
    assert missing_keys(client, 200) == []


def test_a_master_that_is_named_is_relieved_and_the_json_says_how(whole):
    _, master = a_replica(whole)
    report = whole.plugin("failover", "--master", master, "-o", "json").require().json()
    assert report["kind"] == "Failover" and report["changed"]
    [made] = report["handOvers"]
    assert made["from"]["pod"] == master and made["mode"] == "in-step"
    assert roles(whole)[made["to"]["pod"]] == "master"
    again = whole.plugin("failover", "--master", master, "-o", "json").require().json()
    assert not again["changed"] and again["handOvers"] == []


def test_a_node_and_a_zone_are_relieved_of_all_masters(whole):
    for flag, place in (("--node", "node"), ("--zone", "zone")):
        masters = whole.status()["masters"]
        name = masters[0][place]
        outcome = whole.plugin("failover", flag, name)
        assert outcome.exit == 0, str(outcome)
        after = whole.status()
        assert name not in {master[place] for master in after["masters"]}, str(outcome)
        assert "nothing to do" in whole.plugin("failover", flag, name).require().stdout


def test_dry_run_prints_the_plan_and_changes_nothing(whole):
    replica, master = a_replica(whole)
    before = roles(whole)
    outcome = whole.plugin("failover", "--pod", replica, "--dry-run").require()
    assert f"failover {replica} {master}  #" in outcome.stdout
    report = whole.plugin("failover", "--pod", replica, "--dry-run", "-o", "json").require().json()
    assert report["dryRun"] and not report["changed"] and len(report["handOvers"]) == 1
    assert roles(whole) == before


@pytest.mark.parametrize("flag", ["--force", "--takeover"])
def test_what_may_lose_writes_is_said_and_asked(whole, flag):
    replica, master = a_replica(whole)
    refused = whole.plugin("failover", "--pod", replica, flag)
    assert refused.exit == 3, str(refused)
    assert "are lost" in refused.stderr and "--yes" in refused.stderr
    assert roles(whole)[master] == "master"
    outcome = whole.plugin("failover", "--pod", replica, flag, "--yes")
    assert outcome.exit == 0, str(outcome)
    assert roles(whole)[replica] == "master"


def test_what_is_not_there_is_refused_with_what_is(whole):
    for flag in ("--pod", "--master", "--node", "--zone"):
        outcome = whole.plugin("failover", flag, "nowhere")
        assert outcome.exit == 1, str(outcome)
        assert "nowhere" in outcome.stderr and "there are: " in outcome.stderr


def test_masters_without_replicas_are_refused_by_name(namespace):
    assert namespace.plugin("create", "--replicas", "0").exit == 0
    outcome = namespace.plugin("failover", "--pod", "redis-app-1")
    assert outcome.exit == 3, str(outcome)
    assert "redis-app-1" in outcome.stderr and "no replica" in outcome.stderr
    node = node_of(namespace, "redis-app-0")
    outcome = namespace.plugin("failover", "--node", node)
    assert outcome.exit == 3, str(outcome)
    assert "redis-app-0" in outcome.stderr and "fix: " in outcome.stderr
