# SPDX-License-Identifier: Apache-2.0
"""Planned restarts under clients that write and read without pause: nothing acknowledged is lost and
no operation fails after the client's own redirects and retries. The longest gap is printed."""

import json
import pathlib
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from bed import run, wait_until
from client import node
from conftest import fresh_namespace
from test_cold_restart import identities

CLIENTS = pathlib.Path(__file__).parent / "clients"
SETTLE = 3  # Seconds of load before and after.
COMES_BACK = 8  # Seconds in which a pod is back and in step; asking all nodes is work, which clients notice.


@pytest.fixture(scope="module")
def cluster(bed):
    if not bed.real:
        pytest.skip("needs the real bed: clients there resolve the pods' names")
    namespace = fresh_namespace(bed)
    namespace.plugin("create").require()
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture(scope="module")
def go_client():
    """The path of the go-redis client."""
    return run([CLIENTS / "build.sh"], timeout=600).require().stdout.strip()


@pytest.fixture
def clients(cluster, go_client, tmp_path):
    """The clients' command lines, with the cluster's DNS in place of the machine's."""
    wait_until(lambda: identities(cluster), 120, "the cluster is well before")
    server = cluster.bed.dns_server()
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver {server}\n")
    target = f"redis-access-service.{cluster.name}.svc.cluster.local:6379"
    with_dns = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolv)]
    return [[*with_dns, sys.executable, str(CLIENTS / "load.py"), target], [*with_dns, go_client, target]]


def show(reports, what, took):
    print(f"\n{what}, {took:.0f} s:")
    for it in reports:
        print(f"  {it['client']:9} {it['operations']:6} operations, {len(it['failures'])} failed, {it['lost']} lost,"
              f" longest gap {it['gapMilliseconds']} ms", *sorted(set(it["failures"]))[:3])


def judge(reports):
    for it in reports:
        assert it["operations"] > 100, it
        assert it["lost"] == 0, it
        assert it["failures"] == [], it


def recent_gaps(running):
    """The longest gap of each client since the last time it was asked, in milliseconds."""
    for process in running:
        process.send_signal(signal.SIGUSR1)
    return [int(process.stdout.readline()) for process in running]


@contextmanager
def load(clients, what, judge=judge):
    """Runs the clients around the body, which gets them, and judges what they saw."""
    running = [subprocess.Popen(it, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for it in clients]
    try:
        for process in running:
            line = process.stdout.readline()
            assert line == "running\n", line + process.stderr.read()
        time.sleep(SETTLE)
        start = time.monotonic()
        yield running
        took = time.monotonic() - start
        time.sleep(SETTLE)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        answers = [process.communicate(timeout=300) for process in running]
    reports = [json.loads(out) for out, _ in answers]
    show(reports, what, took)
    judge(reports)


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
