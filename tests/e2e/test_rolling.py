# SPDX-License-Identifier: Apache-2.0
"""Planned restarts under clients that write and read without pause: nothing acknowledged is lost and
no operation fails after the client's own redirects and retries. The longest gap is printed."""

import signal
import time

import pytest

from bed import wait_until
from client import node
from command_clients import command_lines, go_client, load
from conftest import fresh_namespace
from test_cold_restart import identities

COMES_BACK = 8  # Seconds in which a pod is back and in step; asking all nodes is work, which clients notice.


@pytest.fixture(scope="module")
def cluster(bed):
    if not bed.real:
        pytest.skip("needs the real bed: clients there resolve the pods' names")
    namespace = fresh_namespace(bed)
    namespace.plugin("create").require()
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture
def clients(cluster, go_client, tmp_path):
    wait_until(lambda: identities(cluster), 120, "the cluster is well before")
    return command_lines(cluster, go_client, tmp_path)


def recent_gaps(running):
    """The longest gap of each client since the last time it was asked, in milliseconds."""
    for process in running:
        process.send_signal(signal.SIGUSR1)
    return [int(process.stdout.readline()) for process in running]


def masters(namespace):
    return [pod for pod in sorted(namespace.pods()) if node(namespace, pod).role()[0] == b"master"]


def whole_without(namespace, gone):
    def check():
        uids = {pod["metadata"]["uid"] for pod in namespace.pods().values()}
        return not uids & set(gone) and identities(namespace)

    return wait_until(check, 180, "the cluster is whole again")


def test_nothing_happens_for_comparison(cluster, clients):
    with load(clients, "nothing, for comparison"):
        time.sleep(10)


def test_a_master_that_is_deleted_hands_over_first(cluster, clients):
    for pod in masters(cluster):
        gone = cluster.pods()[pod]["metadata"]["uid"]
        with load(clients, f"kubectl delete pod {pod}, a master"):
            cluster.kubectl("delete", "pod", pod).require()
            time.sleep(COMES_BACK)
            whole_without(cluster, [gone])


def restart_all(namespace):
    namespace.kubectl("rollout", "restart", "statefulset", "redis-app").require()
    namespace.kubectl("rollout", "status", "statefulset", "redis-app", "--timeout=590s", timeout=600).require()


def test_a_rolling_restart_is_not_noticed(cluster, clients):
    with load(clients, "kubectl rollout restart of all six"):
        restart_all(cluster)


def test_six_other_pods_restart_for_comparison(cluster, clients):
    """What six pods that start cost this machine's clients, whosever they are."""
    other = fresh_namespace(cluster.bed)
    try:
        other.plugin("create", "--no-init").require()
        with load(clients, "kubectl rollout restart of six pods of nobody's, for comparison"):
            restart_all(other)
    finally:
        cluster.bed.kubectl("delete", "namespace", other.name, timeout=300)


def test_draining_each_node_is_not_noticed(cluster, clients):
    for name in cluster.bed.nodes():
        with load(clients, f"kubectl drain {name}"):
            try:
                cluster.bed.kubectl("drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=290s",
                                    timeout=300).require()
            finally:
                cluster.bed.kubectl("uncordon", name).require()
        wait_until(lambda: identities(cluster), 120, "the cluster is whole again")


WITHOUT_HOOK = '[{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}]'


def require_outage(reports):
    for it in reports:
        assert it["failures"] or it["gapMilliseconds"] > 1000, it


def test_without_the_hook_for_comparison(cluster, clients):
    """Last, as it takes the hook away."""
    cluster.kubectl("patch", "statefulset", "redis-app", "--type=json", "-p", WITHOUT_HOOK).require()
    cluster.kubectl("rollout", "status", "statefulset", "redis-app", "--timeout=590s", timeout=600).require()
    wait_until(lambda: identities(cluster), 120, "the cluster is well without the hook")
    pod = masters(cluster)[0]
    gone = cluster.pods()[pod]["metadata"]["uid"]
    with load(clients, f"kubectl delete pod {pod}, a master, without the hook", require_outage):
        cluster.kubectl("delete", "pod", pod).require()
        whole_without(cluster, [gone])
