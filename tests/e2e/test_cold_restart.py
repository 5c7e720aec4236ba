# SPDX-License-Identifier: Apache-2.0
"""The pods are lost in every way there is, and the cluster heals without anybody's help. Each case
ends with `cluster_state:ok` on every node and no acknowledged key lost, and prints its time."""

import contextlib
import pathlib
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from bed import PATIENCE, wait_until
from client import connect, missing_keys, node, write_keys
from conftest import fresh_namespace

KEYS = 300
WITHIN = 120  # Seconds; what is asserted is that it heals, the time is printed.


@pytest.fixture(scope="module")
def cluster(bed):
    namespace = fresh_namespace(bed)
    namespace.plugin("create").require()
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture
def machine(cluster):
    """The same cluster, where nodes can be killed."""
    if not (cluster.bed.real or cluster.bed.sandbox):
        pytest.skip("needs a bed whose nodes can be killed")
    return cluster


@pytest.fixture
def real(cluster):
    if not cluster.bed.real:
        pytest.skip("needs the real bed")
    return cluster


@pytest.fixture
def written(cluster):
    """Keys that were acknowledged, and are on disk: the log is flushed once a second."""
    write_keys(connect(cluster), KEYS)
    time.sleep(1.5)
    return identities(cluster)


def identity(namespace, pod):
    """The node's id, once it is part of a whole cluster: all it knows is well."""
    one = node(namespace, pod)
    info = one.execute_command("CLUSTER INFO")
    assert info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "6", info
    lines = one.execute_command("CLUSTER NODES")
    troubled = [address for address, it in lines.items() if "fail" in it["flags"] or not it["connected"]]
    assert not troubled, troubled
    assert one.info("replication").get("master_link_status", "up") == "up"
    return one.execute_command("CLUSTER MYID").decode()


def identities(namespace):
    pods = sorted(namespace.pods())
    assert len(pods) == 6, pods
    with ThreadPoolExecutor(6) as pool:
        return dict(zip(pods, pool.map(lambda pod: identity(namespace, pod), pods)))


def require_healed(namespace, before, start, what, gone=()):
    """Waits until every node is well. `gone` are pod uids that must not be there any more."""

    def healed():
        uids = {pod["metadata"]["uid"] for pod in namespace.pods().values()}
        return not uids & set(gone) and identities(namespace)

    after = wait_until(healed, WITHIN, f"every node is well after: {what}")
    print(f"\n{what}: {time.monotonic() - start:.1f} s to cluster_state:ok on every node")
    assert after == before
    assert missing_keys(connect(namespace), KEYS) == []
    assert namespace.status()["slots"]["ok"] == 16384


def uids(namespace):
    return [pod["metadata"]["uid"] for pod in namespace.pods().values()]


def delete_pods(namespace, *pods, force=True):
    how = ["--grace-period=0", "--force"] if force else []
    which = list(pods) or ["-l", "app=redis"]
    namespace.kubectl("delete", "pod", *which, "--wait=false", *how).require()


@pytest.mark.parametrize("force", [False, True], ids=["with_their_grace", "by_force"])
def test_all_pods_are_deleted_at_once(cluster, written, force):
    gone = uids(cluster)
    start = time.monotonic()
    delete_pods(cluster, force=force)
    how = "by force" if force else "with their grace"
    require_healed(cluster, written, start, f"all pods deleted at once {how}", gone)


def state_is(namespace, pod, state):
    return node(namespace, pod).execute_command("CLUSTER INFO")["cluster_state"] == state


@contextlib.contextmanager
def killed(bed, nodes):
    """The nodes are down inside; they are started again whatever happens."""
    try:
        for name in nodes:
            bed.node("kill", name)
        yield
    finally:
        for name in nodes:
            bed.node("start", name)


def test_all_nodes_are_killed_and_started(machine, written):
    with killed(machine.bed, machine.bed.nodes()):
        time.sleep(3)
        start = time.monotonic()
    require_healed(machine, written, start, "all nodes killed and started")


def masters_on(namespace):
    """How many masters run on each of the bed's nodes; failovers move them about."""
    masters = {name: 0 for name in namespace.bed.nodes()}
    for name, pod in namespace.pods().items():
        masters[pod["spec"]["nodeName"]] += node(namespace, name).role()[0] == b"master"
    return masters


def test_a_majority_is_gone_and_comes_back(machine, written):
    masters = masters_on(machine)
    occupied = {pod["spec"]["nodeName"]: name for name, pod in machine.pods().items()}
    kept = min(occupied, key=masters.get)
    print("\nmasters:", masters, "kept:", kept)
    assert 2 * masters[kept] < sum(masters.values())
    with killed(machine.bed, [name for name in masters if name != kept]):
        wait_until(lambda: state_is(machine, occupied[kept], "fail"), 60, "what is left knows that it is a minority")
        start = time.monotonic()
    require_healed(machine, written, start, "a majority gone and back")


def hold_pods(namespace, held):
    """Has new pods wait until they are let go one by one. Nothing restarts by this itself."""
    gates = [{"name": "kubectl-redis.dev/held"}] if held else []
    patch = [{"op": "add", "path": "/spec/updateStrategy", "value": {"type": "OnDelete"}},
             {"op": "add", "path": "/spec/template/spec/schedulingGates", "value": gates}]
    if not held:
        patch.reverse()
        patch[0] = {"op": "remove", "path": "/spec/template/spec/schedulingGates"}
    namespace.kubectl("patch", "statefulset", "redis-app", "--type=json", "-p", str(patch).replace("'", '"')).require()


def let_go(namespace, pod):
    namespace.kubectl("patch", "pod", pod, "--type=json", "-p",
                      '[{"op":"remove","path":"/spec/schedulingGates"}]').require()


@pytest.fixture
def held(real):
    """A cluster whose deleted pods do not come back before they are let go."""
    hold_pods(real, True)
    yield real
    hold_pods(real, False)


def wait_until_held(namespace, gone):
    def waiting():
        pods = namespace.pods()
        return len(pods) == 6 and not {pod["metadata"]["uid"] for pod in pods.values()} & set(gone)

    wait_until(waiting, 60, "new pods wait to be let go")


def test_pods_come_back_one_by_one_in_a_random_order(held, written):
    gone = uids(held)
    delete_pods(held)
    wait_until_held(held, gone)
    order = sorted(written)
    random.shuffle(order)
    print("\norder:", *order)
    for pod in order[:-1]:
        let_go(held, pod)
        time.sleep(8)
    start = time.monotonic()
    let_go(held, order[-1])
    require_healed(held, written, start, "back one by one; from the last one's start", gone)


def test_a_pod_comes_back_on_another_node(cluster, written):
    pod = cluster.pods()["redis-app-1"]
    before = pod["spec"]["nodeName"]
    cluster.bed.kubectl("cordon", before).require()
    try:
        start = time.monotonic()
        delete_pods(cluster, "redis-app-1", force=False)
        require_healed(cluster, written, start, "a pod back on another node", [pod["metadata"]["uid"]])
        assert cluster.pods()["redis-app-1"]["spec"]["nodeName"] != before
    finally:
        cluster.bed.kubectl("uncordon", before).require()


def nodes_file(namespace, pod):
    claim = namespace.get("persistentvolumeclaim", f"redis-data-{pod}")
    volume = namespace.bed.kubectl("get", "persistentvolume", claim["spec"]["volumeName"], "-o", "json").require()
    return pathlib.Path(volume.json()["spec"]["hostPath"]["path"]) / "nodes.conf"


def master_pod(namespace):
    return next(pod for pod in sorted(namespace.pods()) if node(namespace, pod).role()[0] == b"master")


def come_back_to(namespace, pod, content):
    """Deletes `pod` and lets it come back to a nodes.conf of this `content`."""
    gone = namespace.pods()[pod]["metadata"]["uid"]
    file = nodes_file(namespace, pod)
    delete_pods(namespace, pod)
    wait_until_held(namespace, [gone])
    time.sleep(2)  # By force the pod is gone from the API before its process is.
    file.write_bytes(content(file.read_bytes()))
    let_go(namespace, pod)
    return [gone]


@pytest.mark.parametrize("label, content", [
    ("empty", lambda _: b""),
    ("torn", lambda old: old[:len(old) // 2]),
    ("torn in its first line", lambda old: old[:30]),
    # Redis 7.2 and Valkey before 8.1.3 die of it; 7.0 knows no shards.
    ("of two minds about a shard", lambda old: re.sub(rb"shard-id=\w{8}", b"shard-id=00000000", old, count=1)),
], ids=lambda it: it if isinstance(it, str) else "")
def test_a_nodes_conf_is_spoilt(held, written, label, content):
    pod = master_pod(held)
    start = time.monotonic()
    gone = come_back_to(held, pod, content)
    require_healed(held, written, start, f"a master's nodes.conf is {label}", gone)


def test_a_nodes_conf_with_a_foreign_id_joins_no_foreign_cluster(held, written):
    held.plugin("create", "other", "--ephemeral").require()
    foreign = held.kubectl("exec", "other-app-0", "--", "cat", "/var/lib/redis/nodes.conf").require().stdout
    pod = master_pod(held)
    start = time.monotonic()
    gone = come_back_to(held, pod, lambda _: foreign.encode())
    require_healed(held, written, start, "a master finds another cluster's nodes.conf", gone)
    time.sleep(5 * PATIENCE)
    for pod in held.pods("app=other").values():
        info = redis.Redis(host=pod["status"]["podIP"], socket_timeout=5).execute_command("CLUSTER INFO")
        assert info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "6", info
    held.plugin("delete", "other", "--yes").require()
