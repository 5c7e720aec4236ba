# SPDX-License-Identifier: Apache-2.0
"""The article's walk: its manifests, its checks, its failover, with `init` in redis-trib's place."""

import pytest

from article import ArticleBed
from bed import wait_until
from client import connect, missing_keys, write_keys
from conftest import fresh_namespace
from test_create import require_whole

KEYS = 300


@pytest.fixture(scope="module")
def article(make_bed):
    # The article's claims name no class and are meant for the article's own volumes.
    with ArticleBed(make_bed("--no-default-class")) as made:
        namespace = fresh_namespace(made.bed)
        made.apply(namespace, "pv", "redis-conf", "headless-service", "redis", "redis-access-service")
        yield namespace
        made.remove(namespace)


def ready(namespace, count):
    pods = namespace.pods().values()
    return count == sum(
        any(it["type"] == "Ready" and it["status"] == "True" for it in pod["status"].get("conditions", []))
        for pod in pods
    )


def members(status):
    """Pod -> (role, node id, address)."""
    found = {}
    for master in status["masters"]:
        found[master["pod"]] = ("master", master["id"], master["address"])
        for replica in master["replicas"]:
            found[replica["pod"]] = ("replica", replica["id"], replica["address"])
    return found


def promoted(namespace):
    """Whether three pods that are there serve all slots without redis-app-0."""
    owners = {master["pod"] for master in namespace.status()["masters"] if master["slots"]}
    return len(owners - {"", "redis-app-0"}) == 3


def test_the_articles_manifests_become_six_ready_pods_on_its_volumes(article):
    wait_until(lambda: ready(article, 6), 60, "six pods are ready")
    claims = article.get("persistentvolumeclaims")["items"]
    assert len(claims) == 6
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}
    assert {claim["spec"]["volumeName"] for claim in claims} == {
        "nfs-pv1", "nfs-vp2", "nfs-pv3", "nfs-pv4", "nfs-pv5", "nfs-pv6"
    }


def test_init_makes_one_cluster_of_them(article):
    outcome = article.plugin("init")
    assert outcome.exit == 0, str(outcome)
    require_whole(article, 3, 1)


def test_init_again_changes_nothing(article):
    before = members(article.status())
    assert article.plugin("init").exit == 0
    assert members(article.status()) == before


def test_a_cluster_client_writes_and_reads(article):
    client = connect(article)
    write_keys(client, KEYS)
    assert missing_keys(client, KEYS) == []
    assert sum(master["keys"] for master in article.status()["masters"]) == KEYS


def test_a_deleted_master_comes_back_as_the_replica_of_its_replica(article):
    before = members(article.status())
    role, node_id, address = before["redis-app-0"]
    assert role == "master"
    nodes = article.bed.nodes()
    # Kept from coming back at once, or it would be back before anybody missed it.
    article.bed.kubectl("cordon", *nodes).require()
    try:
        article.kubectl("delete", "pod", "redis-app-0").require()
        wait_until(lambda: promoted(article), 60, "a replica is promoted")
    finally:
        article.bed.kubectl("uncordon", *nodes).require()
    wait_until(lambda: members(article.status()).get("redis-app-0", [""])[0] == "replica", 60,
               "redis-app-0 is back as a replica")
    assert members(article.status())["redis-app-0"][1] == node_id
    # Its new address spreads from node to node.
    wait_until(lambda: members(article.status())["redis-app-0"][2] not in ("", address), 30, "it has a new address")

    # Not "ok": two of the three masters may share a node now, and without an announced address (the
    # article has none) the node itself goes on naming its old one.
    def copying():
        status = article.status()
        links = [replica["link"] for master in status["masters"] for replica in master["replicas"]]
        return status["slots"]["ok"] == 16384 and links == ["up"] * 3

    wait_until(copying, 30, "all slots are served and all replicas follow")
    assert missing_keys(connect(article), KEYS) == []
