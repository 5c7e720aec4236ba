# SPDX-License-Identifier: Apache-2.0
"""`create`, `status` and `delete` on an ordinary day."""

import pytest
import yaml

from bed import wait_until
from client import connect, missing_keys, write_keys


def require_whole(namespace, masters, replicas, name="redis"):
    """Checks the cluster's shape, once its replicas have copied what there is to copy.

    A probe that asked before that has its pod not ready until the next one."""

    def settled():
        status = namespace.status(name)
        links = [replica["link"] for master in status["masters"] for replica in master["replicas"]]
        waiting = any(finding["id"] == "pod-not-ready" for finding in status["findings"])
        return status if set(links) <= {"up"} and not waiting else None

    status = wait_until(settled, 30, "all replicas follow their masters, and all pods are ready")
    assert status["health"] == "ok", status["findings"]
    assert status["slots"] == {"assigned": 16384, "ok": 16384, "open": 0}
    assert len(status["masters"]) == masters
    for master in status["masters"]:
        assert len(master["replicas"]) == replicas
        assert all(replica["node"] != master["node"] for replica in master["replicas"])
    return status


@pytest.mark.parametrize("layout", ["statefulset", "deployment"])
def test_create_makes_a_whole_cluster_that_clients_can_use(namespace, layout):
    outcome = namespace.plugin("create", "--layout", layout)
    assert outcome.exit == 0, str(outcome)
    assert "redis-app-0" in outcome.stdout
    require_whole(namespace, 3, 1)
    client = connect(namespace)
    write_keys(client, 100)
    assert missing_keys(client, 100) == []


def test_create_again_changes_nothing(namespace):
    assert namespace.plugin("create").exit == 0
    before = namespace.objects()
    status = namespace.status()
    again = namespace.plugin("create")
    assert again.exit == 0, str(again)
    assert namespace.objects() == before
    assert [it["id"] for it in namespace.status()["masters"]] == [it["id"] for it in status["masters"]]


def test_create_without_init_stops_before_initialising(namespace):
    outcome = namespace.plugin("create", "--no-init")
    assert outcome.exit == 0, str(outcome)
    assert namespace.status()["slots"]["assigned"] == 0
    assert namespace.plugin("init").exit == 0
    require_whole(namespace, 3, 1)


def test_create_under_another_name_and_shape(namespace):
    outcome = namespace.plugin("create", "shop", "--masters", "4", "--replicas", "2", "--ephemeral",
                               "--set", "maxmemory-policy=allkeys-lru", "--client-endpoint", "ip")
    assert outcome.exit == 0, str(outcome)
    require_whole(namespace, 4, 2, "shop")
    assert namespace.get("persistentvolumeclaims")["items"] == []


def test_a_dry_run_prints_what_kubectl_would_take_and_makes_nothing(namespace):
    outcome = namespace.plugin("create", "--dry-run=client", "-o", "yaml")
    assert outcome.exit == 0, str(outcome)
    kinds = [document["kind"] for document in yaml.safe_load_all(outcome.stdout)]
    assert "StatefulSet" in kinds and "ConfigMap" in kinds
    namespace.kubectl("apply", "--dry-run=server", "-f", "-", stdin=outcome.stdout).require()
    assert namespace.plugin("create", "--dry-run=server").exit == 0
    assert namespace.objects() == []


def test_delete_keeps_the_claims_and_create_finds_the_data_again(namespace):
    assert namespace.plugin("create").exit == 0
    write_keys(connect(namespace), 50)
    outcome = namespace.plugin("delete", "--yes")
    assert outcome.exit == 0, str(outcome)
    assert {kind for kind, _, _ in namespace.objects()} == {"PersistentVolumeClaim"}
    again = namespace.plugin("create")
    assert again.exit == 0, str(again)
    assert missing_keys(connect(namespace), 50) == []


def test_delete_with_purge_leaves_nothing_and_asks_first(namespace):
    assert namespace.plugin("create").exit == 0
    before = namespace.objects()
    refused = namespace.plugin("delete", "--purge-data", stdin="no\n")
    assert refused.exit == 3, str(refused)
    assert namespace.objects() == before
    assert namespace.plugin("delete", "--purge-data", "--yes").exit == 0
    wait_until(lambda: namespace.objects() == [], 30, "everything is gone")
    gone = namespace.plugin("delete")
    assert gone.exit in (1, 2, 3), str(gone)
    assert "redis" in gone.stderr
