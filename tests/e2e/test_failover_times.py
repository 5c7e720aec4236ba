# SPDX-License-Identifier: Apache-2.0
"""How long clients wait while a master is replaced, planned and unplanned: median and worst of ten,
printed beside what the same clients see when nothing happens."""

import os
import pathlib
import signal
import statistics
import time
from contextlib import contextmanager

import pytest

from bed import KUBERNETES_BED, wait_until
from client import node
from test_cold_restart import identities
from test_rolling import COMES_BACK, cluster, clients, go_client, load, masters, recent_gaps, whole_without  # noqa: F401

ROUNDS = 10
MARK = 80  # Milliseconds, the median's.


class Figures:
    """What was measured, row by row."""

    def __init__(self, what):
        self.what = what
        self.rows = {}

    def add(self, name, value):
        self.rows.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.rows[name])

    def show(self, unit="ms"):
        print(f"\n{self.what}, of {ROUNDS}:")
        for name, values in self.rows.items():
            print(f"  {name:44} median {self.median(name):7.0f} {unit}, worst {max(values):7.0f} {unit}")


def quiet_gap(running, seconds=3):
    """What is noise on this machine."""
    recent_gaps(running)
    time.sleep(seconds)
    return max(recent_gaps(running))


def add_gaps(figures, running, when):
    for client, gap in zip(("redis-py", "go-redis"), recent_gaps(running)):
        figures.add(f"{client}, longest gap {when}", gap)


def require_mark(figures):
    """The mark is meant for a machine that is not busy with something else."""
    mark = MARK + figures.median("nothing happens, longest gap")
    for client in ("redis-py", "go-redis"):
        assert figures.median(f"{client}, longest gap at the hand-over") < mark, figures.rows


def test_a_planned_failover_by_the_plugin(cluster, clients):  # noqa: F811
    figures = Figures("kubectl redis failover --master")
    with load(clients, "kubectl redis failover, ten times") as running:
        for i in range(ROUNDS):
            figures.add("nothing happens, longest gap", quiet_gap(running))
            pod = masters(cluster)[i % 3]
            start = time.monotonic()
            cluster.plugin("failover", "--master", pod).require()
            figures.add("until it is verified on every node", (time.monotonic() - start) * 1000)
            time.sleep(1)
            add_gaps(figures, running, "at the hand-over")
    figures.show()
    require_mark(figures)


def test_a_planned_failover_by_deleting_the_pod(cluster, clients):  # noqa: F811
    figures = Figures("kubectl delete pod of a master")
    with load(clients, "kubectl delete pod of a master, ten times") as running:
        for i in range(ROUNDS):
            figures.add("nothing happens, longest gap", quiet_gap(running))
            pod = masters(cluster)[i % 3]
            gone = cluster.pods()[pod]["metadata"]["uid"]
            start = time.monotonic()
            cluster.kubectl("delete", "pod", pod).require()  # Returns once it has ended.
            add_gaps(figures, running, "at the hand-over")
            figures.add("until the pod has ended", (time.monotonic() - start) * 1000)
            time.sleep(COMES_BACK)
            add_gaps(figures, running, "as it comes back")
            whole_without(cluster, [gone])
            recent_gaps(running)  # What the asking cost is not counted.
    figures.show()
    require_mark(figures)


def server_process(uid):
    """The process of the pod's Redis: what has the pod's volumes mounted, and is no shell."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "comm").read_text().strip()
            if name in ("redis-server", "valkey-server") and f"/pods/{uid}/" in (folder / "mountinfo").read_text():
                return int(folder.name)
        except OSError:  # It ended meanwhile.
            continue
    raise AssertionError(f"no server runs in pod {uid}")


@contextmanager
def kubelet_held(node_name):
    """Nobody restarts what ends on this node."""
    pid = int((KUBERNETES_BED / "pid" / f"kubelet-{node_name.removeprefix('node-')}").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def not_judged(_reports):
    """A crash may cost clients operations; what it must not cost is asserted by the test."""


def restarts(namespace, pod):
    return namespace.pods()[pod]["status"]["containerStatuses"][0]["restartCount"]


@pytest.fixture
def patient(cluster):  # noqa: F811
    """A cluster whose time-out is longer than any machine needs to start a container again."""
    usual = node(cluster, "redis-app-0").config_get("cluster-node-timeout")["cluster-node-timeout"]

    def set_all(milliseconds):
        for pod in cluster.pods():
            node(cluster, pod).config_set("cluster-node-timeout", milliseconds)

    set_all(60_000)
    yield cluster
    set_all(usual)


def test_a_master_that_is_back_before_the_time_out_keeps_its_role(patient, cluster, clients):  # noqa: F811
    """A container that is started again at once, with the same address: nobody misses it for long."""
    # One that has not crashed before: the kubelet lets the others wait longer and longer.
    pod = next(it for it in masters(cluster) if restarts(cluster, it) == 0)
    it = cluster.pods()[pod]
    with load(clients, f"{pod} crashes and is started again at once", not_judged):
        start = time.monotonic()
        os.kill(server_process(it["metadata"]["uid"]), signal.SIGKILL)
        wait_until(lambda: restarts(cluster, pod) == 1, 60, "its container is started again")
        wait_until(lambda: identities(cluster), 120, "the cluster is whole again")
        print(f"\nback after {time.monotonic() - start:.1f} s")
    after = cluster.pods()[pod]
    assert after["metadata"]["uid"] == it["metadata"]["uid"]
    assert node(cluster, pod).role()[0] == b"master"


def replica_of(namespace, master):
    status = namespace.status()
    return next(it["replicas"][0]["pod"] for it in status["masters"] if it["pod"] == master)


def crash(namespace, pod, figures):
    heir = node(namespace, replica_of(namespace, pod))
    it = namespace.pods()[pod]
    with kubelet_held(it["spec"]["nodeName"]):
        os.kill(server_process(it["metadata"]["uid"]), signal.SIGKILL)
        start = time.monotonic()
        wait_until(lambda: heir.role()[0] == b"master", 60, f"somebody takes over from {pod}", every=0.02)
        figures.add("until a replica is promoted", (time.monotonic() - start) * 1000)
    wait_until(lambda: identities(namespace), 120, "the cluster is whole again")
    figures.add("until the cluster is whole again", (time.monotonic() - start) * 1000)
    assert node(namespace, pod).role()[0] == b"slave"


def test_an_unplanned_failover(cluster, clients):  # noqa: F811
    figures = Figures("a master's process is killed and stays away")
    before = identities(cluster)
    with load(clients, "a master is killed, ten times", not_judged) as running:
        for i in range(ROUNDS):
            figures.add("nothing happens, longest gap", quiet_gap(running, 2))
            crash(cluster, masters(cluster)[i % 3], figures)
            add_gaps(figures, running, "of a success")
    figures.show()
    assert identities(cluster) == before
    assert figures.median("until a replica is promoted") < 15_000
