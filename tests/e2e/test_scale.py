# SPDX-License-Identifier: Apache-2.0
"""`scale`: out and in on real servers, under a client that writes and reads without pause; killed
anywhere; and what it refuses."""

import threading
import time

import pytest

from bed import wait_until
from client import connect, missing_keys, node, write_keys
from conftest import drop_namespace, fresh_namespace
from plain_client import PlainClient
from test_create import require_whole


class Load:
    """A client that writes, reads back and counts, until it is told to stop."""

    WORKERS = 3

    def __init__(self, namespace):
        self.clients = [PlainClient(namespace) for _ in range(self.WORKERS)]
        self.stopping = threading.Event()
        self.acknowledged = [set() for _ in range(self.WORKERS)]
        self.failures = []
        self.operations = 0
        self.gap = 0.0
        self.gaps = []
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(self.WORKERS)]

    def key(self, worker, n):
        return f"load:{worker}:{n % 5000}:{n}"

    def run(self, worker):
        client = self.clients[worker]
        n, last = 0, time.monotonic()
        while not self.stopping.is_set():
            try:
                client.do("SET", self.key(worker, n), n)
                self.acknowledged[worker].add(n)
                back = n * 7919 % (n + 1)
                found = client.do("GET", self.key(worker, back))
                if back in self.acknowledged[worker] and found != b"%d" % back:
                    self.failures.append(f"{self.key(worker, back)} does not read back")
                self.operations += 2
                now = time.monotonic()
                if now - last > self.gap:
                    self.gap = now - last
                    self.gaps.append((round(now - self.began, 1), round(self.gap, 2)))
                last = now
            except Exception as error:  # Whatever reaches the user of the client is a failure.
                self.failures.append(f"{type(error).__name__}: {error}")
            n += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.operations > 100, 30, "the client is at work")
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if kind is None:
            self.judge()

    def judge(self):
        lost = [
            self.key(worker, n)
            for worker, numbers in enumerate(self.acknowledged)
            for n in numbers
            if self.clients[worker].do("GET", self.key(worker, n)) != b"%d" % n
        ]
        print(f"\n  {self.operations} operations, {sum(map(len, self.acknowledged))} writes acknowledged, {len(lost)}"
              f" lost, {len(self.failures)} failed, {sum(it.redirects for it in self.clients)} redirects,"
              f" longest gap {self.gap * 1000:.0f} ms", self.gaps, *self.failures[:3])
        assert lost == []
        assert self.failures == []


def scale(namespace, *flags):
    start = time.monotonic()
    outcome = namespace.plugin("scale", "--yes", *flags, timeout=100)
    print(f"\n{' '.join(map(str, flags))}: {time.monotonic() - start:.1f} s")
    assert outcome.exit == 0, str(outcome)
    return outcome


def require_shape(namespace, masters, replicas):
    """The shape everywhere: nodes, pods, annotations; nobody remembers who left."""
    status = require_whole(namespace, masters, replicas)
    pods = masters * (1 + replicas)
    assert len(namespace.pods()) == pods
    for item in namespace.get("statefulsets,deployments")["items"]:
        notes = item["metadata"]["annotations"]
        assert notes["kubectl-redis.dev/masters"] == str(masters)
        assert notes["kubectl-redis.dev/replicas"] == str(replicas)
    for pod in namespace.pods():
        assert len(node(namespace, pod).execute_command("CLUSTER NODES")) == pods
    counts = [sum(last - first + 1 for first, last in master["slots"]) for master in status["masters"]]
    assert max(counts) - min(counts) <= 1, counts
    return status


@pytest.mark.parametrize("layout", ["statefulset", "deployment"])
def test_out_and_in_again_while_a_client_writes(namespace, layout):
    namespace.plugin("create", "--layout", layout).require()
    with Load(namespace):
        scale(namespace, "--masters", 5)
        require_shape(namespace, 5, 1)
        scale(namespace, "--masters", 3)
        require_shape(namespace, 3, 1)
