# SPDX-License-Identifier: Apache-2.0
"""The plugin is cut off from the API server, and so from every node, at any point of a change; and nodes from each
other. The same command finishes it once the way is there again."""

import os
import time

import pytest

from bed import error_in, wait_until
from client import connect, missing_keys, what_nodes_say, write_keys
from conftest import drop_namespace, fresh_namespace
from relay import Relay
from test_scale import require_shape

POINTS = int(os.environ.get("KREDIS_E2E_CUT_POINTS", 1))  # Evenly over the usual time.
KEYS = 3000


@pytest.fixture
def relay(bed, tmp_path):
    relay = Relay(bed, tmp_path)
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def cluster(bed):
    namespace = fresh_namespace(bed)
    namespace.plugin("create").require()
    write_keys(connect(namespace), KEYS)
    yield namespace
    drop_namespace(bed, namespace.name)


def changes(verb):
    """A command, the one that takes it back, and how many masters there are then."""
    if verb == "scale":
        return [(["scale", "--masters", 5, "--yes"], 5), (["scale", "--masters", 3, "--yes"], 3)]
    return [(["rebalance", "--weight", "redis-app-0=3"], 3), (["rebalance"], 3)]


WAYS = [("rebalance", "refuse"), ("scale", "hold"), ("rebalance", "hold"), ("scale", "refuse")]


@pytest.mark.parametrize("verb,how", WAYS if POINTS > 1 else WAYS[:2])
def test_cut_off_at_any_point_the_same_command_finishes(cluster, relay, verb, how):
    def cut_off():
        getattr(relay, how)()
        time.sleep(3)
        relay.heal()

    finishes_after(cut_off, cluster, relay.bed_through.in_namespace(cluster.name), verb)


@pytest.mark.parametrize("verb", ["rebalance", "scale"])
def test_the_api_server_dies_at_any_point_and_the_same_command_finishes(cluster, bed, verb):
    if not bed.real:
        pytest.skip("needs the real bed: the sandbox is one process")
    finishes_after(lambda: bed.control("kill", "apiserver"), cluster, cluster, verb)


def finishes_after(strike, cluster, through, verb):
    """`strike` in the middle of a change that is made over `through`."""
    usual = {}
    for command, _ in changes(verb):
        begin = time.monotonic()
        through.plugin(*command).require()
        usual[str(command)] = time.monotonic() - begin
    for point in range(POINTS):
        for command, masters in changes(verb):
            running = through.start_plugin(*command)
            time.sleep(usual[str(command)] * (point + 0.5) / POINTS)
            strike()
            said = running.communicate(timeout=200)[1].strip()
            print(f"\n  {' '.join(map(str, command))}: exit {running.returncode} {error_in(said)}")
            assert running.returncode in (0, 1), said
            assert running.returncode == 0 or ("error: " in said and "fix: " in said), said
            again = cluster.plugin(*command, timeout=200)
            assert again.exit == 0, f"{again}\n{what_nodes_say(cluster)}"
            if verb == "scale":
                require_shape(cluster, masters, 1)
            require_well(cluster)


def require_well(cluster):
    status = cluster.status()
    assert [it for it in status["findings"] if it["severity"] == "error"] == []
    assert status["slots"]["ok"] == 16384 and cluster.get("leases")["items"] == []
    assert missing_keys(connect(cluster), KEYS) == []


def test_nodes_cut_off_from_each_other_at_any_point(cluster, bed):
    """A Kubernetes node with a master, for long enough that a replica takes its place; the plugin reaches them all."""
    if bed.sandbox is None:
        pytest.skip("needs the sandbox, which can do that")
    for point in range(POINTS):
        masters = cluster.status()["masters"]
        machine = masters[point % len(masters)]["node"]
        running = cluster.start_plugin("rebalance", "--weight", f"{masters[0]['pod']}=3")
        time.sleep(0.3 + 1.5 * (point + 0.5) / POINTS)
        bed.node("partition", machine)
        time.sleep(8)
        bed.node("heal", machine)
        said = running.communicate(timeout=200)[1].strip()
        print(f"\n  {machine}: exit {running.returncode} {error_in(said)}")
        assert running.returncode in (0, 1, 3), said
        assert running.returncode == 0 or ("error: " in said and "fix: " in said), said

        def again():
            outcome = cluster.plugin("rebalance", timeout=200)  # Who was named may be no master now.
            assert outcome.exit == 0, f"{outcome}\n{what_nodes_say(cluster)}"
            require_well(cluster)
            return True

        wait_until(again, 120, "it is finished", every=2)
