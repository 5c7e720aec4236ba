# SPDX-License-Identifier: Apache-2.0
"""What acknowledged writes outlive: each fault beside clients that write all the time, and afterwards every key that
was acknowledged is read. Prints the table of docs/durability.md. No bound is a bound on speed: how long writes that
were lost had been acknowledged for is what redis.conf says, and is asserted with room."""

import os
import signal
import threading
import time

import pytest

from bed import wait_until
from client import connect, node
from conftest import fresh_namespace
from test_failover_times import server_process
from test_remedies import follow

# The whole matrix takes ten minutes: only with KREDIS_E2E_MATRIX=1.
WHOLE = os.environ.get("KREDIS_E2E_MATRIX") == "1"
SKEWED_CLOCK = "/run/skewed_clock.so"
WRITERS = 4
LONG = 12  # Seconds: more than twice the node time-out.
NODE_TIMEOUT = 5
ROOM = 3  # Seconds, for a machine that is busy.
rows = []


class Writer(threading.Thread):
    """A client that writes a new key each time, and remembers what was acknowledged and when."""

    def __init__(self, namespace, number, until):
        super().__init__()
        self.client = connect(namespace)
        self.number = number
        self.until = until
        self.acknowledged = []
        self.failed = 0

    def run(self):
        n = 0
        while not self.until.is_set():
            key = f"w{self.number}:{n}"
            n += 1
            try:
                self.client.set(key, n)
                self.acknowledged.append((time.monotonic(), key, n))
            except Exception:  # Whatever reaches the user of the client was not acknowledged.
                self.failed += 1
            time.sleep(0.002)


def lost_of(namespace, writers):
    """When each acknowledged write was, that does not read back."""
    client = connect(namespace)
    return sorted(at for writer in writers for at, key, value in writer.acknowledged
                  if client.get(key) != str(value).encode())


def is_well(namespace):
    """Whole. Where masters gathered on one node, which alone could vote then, they are spread as status advises."""
    status = namespace.status()
    for each in status["findings"]:
        if each["id"] == "majority-on-one-node" and each["remedy"]["kind"] == "mends":
            follow(namespace, each)
            return False
    return status["health"] == "ok"


def under_load(namespace, durability, fault, heal=lambda: None, seconds=LONG):
    """Lets `fault` happen among writers, heals it, and returns (lost, for how many seconds)."""
    wait_until(lambda: is_well(namespace), 120, "it is well before")
    until = threading.Event()
    writers = [Writer(namespace, number, until) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(2)
    began = time.monotonic()
    fault()
    time.sleep(seconds)
    heal()
    healed = time.monotonic()
    wait_until(lambda: namespace.status()["slots"]["ok"] == 16384, 120, "it serves again")
    time.sleep(3)
    until.set()
    for writer in writers:
        writer.join()
    wait_until(lambda: is_well(namespace), 120, "it is well again")
    lost = lost_of(namespace, writers)
    span = lost[-1] - lost[0] if lost else 0.0
    acknowledged = sum(len(writer.acknowledged) for writer in writers)
    failed = sum(writer.failed for writer in writers)
    name = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[-1].split("[")[0].removeprefix("test_").replace("_", " ")
    rows.append((name, durability, acknowledged, failed, len(lost), span))
    print(f"{name}, {durability}: {acknowledged} acknowledged, {failed} failed, {len(lost)} lost over {span:.1f} s"
          f" ({lost[0] - began if lost else 0:.1f} s after the fault; healed after {healed - began:.1f} s)")
    return len(lost), span


@pytest.fixture(scope="module", params=["fast", "safe"] if WHOLE else [])
def durability(request):
    return request.param


@pytest.fixture(scope="module")
def shop(bed, durability):
    if not bed.sandbox:
        pytest.skip("needs a bed whose nodes can be cut off, and servers that can be stopped by their ids")
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--durability", durability).require()
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    print("\n| fault | durability | acknowledged | failed | lost | over |\n|---|---|---|---|---|---|")
    for name, durability, acknowledged, failed, lost, span in sorted(rows):
        print(f"| {name} | {durability} | {acknowledged:,} | {failed} | {lost} | {f'{span:.1f} s' if lost else '-'} |")


def test_what_it_sets_is_shown_and_what_set_names_wins(bed):
    namespace = bed.in_namespace("default")
    words = ("create", "durable", "--durability", "safe", "--dry-run=client", "-o", "yaml")
    shown = namespace.plugin(*words, "--set", "min-replicas-max-lag=4").require().stdout
    assert all(line in shown for line in ("appendfsync always", "min-replicas-to-write 1", "min-replicas-max-lag 4")), shown
    assert "min-replicas-max-lag 2" not in shown
    outcome = namespace.plugin(*words, "--replicas", "0")
    assert outcome.exit == 2 and "would refuse every write" in outcome.stderr, str(outcome)


def a_master(namespace):
    return namespace.status()["masters"][0]


def process_of(namespace, pod):
    return server_process(namespace.get("pod", pod)["metadata"]["uid"])


def test_a_master_is_killed(shop, durability):
    pod = a_master(shop)["pod"]
    lost, _ = under_load(shop, durability, lambda: os.kill(process_of(shop, pod), signal.SIGKILL))
    assert lost == 0, "its file has what it acknowledged"


def test_a_master_pauses(shop, durability):
    process = process_of(shop, a_master(shop)["pod"])
    lost, span = under_load(shop, durability, lambda: os.kill(process, signal.SIGSTOP),
                            lambda: os.kill(process, signal.SIGCONT))
    assert lost == 0 or span < ROOM, "at most what it was sent when it stopped, and as it woke"


def test_a_replica_pauses(shop, durability):
    process = process_of(shop, a_master(shop)["replicas"][0]["pod"])
    lost, _ = under_load(shop, durability, lambda: os.kill(process, signal.SIGSTOP),
                         lambda: os.kill(process, signal.SIGCONT))
    assert lost == 0


def test_a_node_is_cut_off_and_clients_reach_it(shop, durability):
    machine = a_master(shop)["node"]
    lost, span = under_load(shop, durability, lambda: shop.bed.node("partition", machine),
                            lambda: shop.bed.node("heal", machine))
    bound = 2 + 1 if durability == "safe" else NODE_TIMEOUT
    assert lost == 0 or span < bound + ROOM, "until the master sees that it is alone"


def test_a_node_is_gone(shop, durability):
    machine = a_master(shop)["node"]
    lost, span = under_load(shop, durability, lambda: shop.bed.node("kill", machine),
                            lambda: shop.bed.node("start", machine))
    assert lost == 0 or span < 1 + ROOM, "what had not been copied when it went"


def test_all_pods_are_gone(shop, durability):
    pods = [name for name in shop.pods() if name.startswith("redis-app")]
    lost, _ = under_load(shop, durability,
                         lambda: shop.kubectl("delete", "pod", *pods, "--grace-period=0", "--force").require())
    assert lost == 0, "their files have what they acknowledged"


def test_pods_restart_one_by_one(shop, durability):
    def restart():
        shop.kubectl("rollout", "restart", "statefulset/redis-app").require()
        shop.kubectl("rollout", "status", "statefulset/redis-app", "--timeout=240s", timeout=250).require()

    assert under_load(shop, durability, restart, seconds=1)[0] == 0, "each hands over before it goes"


def test_a_clock_is_wrong(shop, durability):
    """One server lives three hours ahead of the others."""
    pod = a_master(shop)["pod"]
    one = node(shop, pod)
    before = one.time()[0]
    strategy = '{"spec": {"updateStrategy": {"type": "%s"}}}'
    shop.kubectl("patch", "statefulset", "redis-app", "-p", strategy % "OnDelete").require()
    shop.kubectl("set", "env", "statefulset/redis-app", f"LD_PRELOAD={SKEWED_CLOCK}", "CLOCK_SKEW=10800").require()
    try:
        lost, _ = under_load(shop, durability, lambda: shop.kubectl("delete", "pod", pod).require())
        assert node(shop, pod).time()[0] > before + 3600, "its clock is wrong"
        assert lost == 0
    finally:
        shop.kubectl("set", "env", "statefulset/redis-app", "LD_PRELOAD-", "CLOCK_SKEW-").require()
        shop.kubectl("patch", "statefulset", "redis-app", "-p", strategy % "RollingUpdate").require()
        shop.kubectl("rollout", "status", "statefulset/redis-app", "--timeout=240s", timeout=250)


def test_an_ephemeral_cluster_restarts_one_by_one(bed):
    if not (bed.sandbox and WHOLE):
        pytest.skip("measured in the sandbox, with the matrix")
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--ephemeral").require()

    def restart():
        namespace.kubectl("rollout", "restart", "statefulset/redis-app").require()
        namespace.kubectl("rollout", "status", "statefulset/redis-app", "--timeout=240s", timeout=250).require()

    assert under_load(namespace, "ephemeral", restart, seconds=1)[0] == 0, "each new pod is a copy before the next goes"
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")
