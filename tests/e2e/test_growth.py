# SPDX-License-Identifier: Apache-2.0
"""A cluster grows, shrinks and evens out on a real Kubernetes, while cluster clients of two languages write, read
back and check. Run it with any image (KREDIS_E2E_IMAGE): where servers move slots themselves, both ways are tried."""

import pytest

from command_clients import command_lines, go_client, load  # noqa: F401
from conftest import drop_namespace, fresh_namespace
from test_scale import Load, require_shape, scale


@pytest.fixture(scope="module", params=["statefulset", "deployment"])
def cluster(bed, request):
    if not bed.real:
        pytest.skip("needs the real bed: clients there resolve the pods' names")
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--layout", request.param).require()
    yield namespace
    drop_namespace(bed, namespace.name)


@pytest.fixture
def watched(cluster, go_client, tmp_path):  # noqa: F811
    """Runs what a test does under both clients."""
    go = command_lines(cluster, go_client, tmp_path)[1:]

    def run(what, *changes):
        with load(go, what), Load(cluster):
            for change in changes:
                change()

    return run


@pytest.mark.parametrize("how", ["classic", "as it chooses"])
def test_masters_come_and_go(cluster, watched, how):
    flags = ["--how", "classic"] if how == "classic" else []
    watched(f"3 -> 5 -> 3 masters, {how}",
            lambda: scale(cluster, "--masters", 5, *flags), lambda: require_shape(cluster, 5, 1),
            lambda: scale(cluster, "--masters", 3, *flags), lambda: require_shape(cluster, 3, 1))


def test_replicas_come_and_go(cluster, watched):
    scale(cluster, "--replicas", 0)
    watched("0 -> 2 -> 1 replicas",
            lambda: scale(cluster, "--replicas", 2), lambda: require_shape(cluster, 3, 2),
            lambda: scale(cluster, "--replicas", 1), lambda: require_shape(cluster, 3, 1))


@pytest.mark.parametrize("how", ["classic", "as it chooses"])
def test_slots_move_between_masters(cluster, watched, how):
    flags = ["--how", "classic"] if how == "classic" else []
    names = [master["pod"] for master in cluster.status()["masters"]]
    move = ["reshard", "--from", names[0], "--to", names[1], "--slots", "2000"]
    watched(f"reshard and rebalance, {how}",
            lambda: cluster.plugin(*move, *flags, "--yes").require(),
            lambda: cluster.plugin("rebalance", *flags, "--yes").require(),
            lambda: cluster.plugin("rebalance", "--by", "memory", *flags, "--yes").require(),
            lambda: cluster.plugin("rebalance", *flags, "--yes").require())
    require_shape(cluster, 3, 1)
