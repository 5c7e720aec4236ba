# SPDX-License-Identifier: Apache-2.0
"""What status advises is run, word for word, in a shell, and the finding is gone. Real servers are brought into each
state by commands of Redis and of Kubernetes, never by ours."""

import json
import os
import shlex
import signal
import threading

import pytest

from bed import BIN, Impatient, run, wait_until
from conftest import fresh_namespace
from hand_made import CONF, apply, config_map, pod_spec, stateful_set, with_claims
from test_failover_times import server_process
from test_recognition import findings, members, roles


def found(namespace, name, id_, *words):
    """The finding with that id; None while there is none."""
    return next((each for each in namespace.status(name, *words)["findings"] if each["id"] == id_), None)


def wait_for(namespace, name, id_, *words):
    try:
        return wait_until(lambda: found(namespace, name, id_, *words), 60, f"{id_} is found")
    except Impatient:
        print(namespace.plugin("status", name, *words))
        raise


def follow(namespace, finding, more=""):
    """Runs the remedy as somebody would who copies it into a shell."""
    remedy = finding["remedy"]
    assert remedy["kind"] == "mends" and remedy["command"], finding
    assert finding["fix"].endswith(remedy["command"]), finding
    print(f"{finding['id']}: {remedy['command']}{more}")
    env = namespace.bed.env | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    return run(["bash", "-c", remedy["command"] + more], env)


def mend(namespace, name, id_, *words, more=""):
    outcome = follow(namespace, wait_for(namespace, name, id_, *words), more)
    assert outcome.exit == 0, str(outcome)
    wait_until(lambda: not found(namespace, name, id_, *words), 60, f"{id_} is gone after its remedy")


def redis(namespace, pod, *command):
    """One command on one pod's server, past everything of ours."""
    outcome = namespace.kubectl("exec", pod, "-c", "redis", "--", "redis-cli", *command)
    assert outcome.exit == 0, str(outcome)
    return outcome.stdout.strip()


def redis_on_all(namespace, pods, *command):
    """The same on several at once: some of it must not be undone by gossip meanwhile."""
    threads = [threading.Thread(target=redis, args=(namespace, pod, *command)) for pod in pods]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def node_id(namespace, pod):
    return redis(namespace, pod, "cluster", "myid")


def settled(namespace, name):
    """Status once nothing is wrong."""

    def looks():
        status = namespace.status(name)
        return status["health"] == "ok" and not status["findings"] and len(members(status)) == 6 and status

    try:
        return wait_until(looks, 60, "nothing is found")
    except Impatient:
        print(namespace.plugin("status", name))
        raise


def make(bed, name, **more):
    namespace = fresh_namespace(bed)
    apply(namespace, config_map("conf"), stateful_set(name, 6, {"app": name}, pod_spec("conf", **more)))
    outcome = namespace.plugin("init", name)
    assert outcome.exit == 0, str(outcome)
    return namespace


@pytest.fixture(scope="module")
def shop(bed):
    """Six pods that each test leaves whole. Their only flaw, that they keep nothing, is mended as advised."""
    namespace = make(bed, "shop", redis={"resources": {"limits": {"memory": "256Mi"}}})
    mend(namespace, "shop", "no-persistence")
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_a_pod_that_was_reset_gets_its_place_again(shop):
    replica = next(iter(roles(settled(shop, "shop")).values()))[0]
    redis(shop, replica, "cluster", "reset", "hard")
    wait_for(shop, "shop", "pod-outside")
    wait_for(shop, "shop", "ghost-node")
    mend(shop, "shop", "pod-outside")
    assert replica in members(settled(shop, "shop"))


def test_slots_that_their_owner_denies_are_claimed(shop):
    a, b, _ = roles(settled(shop, "shop"))
    slot = redis(shop, a, "cluster", "slots").split("\n")[0]
    redis(shop, a, "cluster", "setslot", slot, "node", node_id(shop, b))
    finding = wait_for(shop, "shop", "slots-denied")
    assert shop.status("shop")["health"] == "down", "nobody serves that slot"
    assert f"--pod {a}" in finding["fix"], finding
    mend(shop, "shop", "slots-denied")
    settled(shop, "shop")


def test_slots_that_everybody_forgot_are_given_out_again(shop):
    pods = members(settled(shop, "shop"))
    a = next(iter(roles(settled(shop, "shop"))))
    redis(shop, a, "cluster", "delslots", "0")  # The others still take it for the owner.
    mend(shop, "shop", "slots-denied")
    for _ in range(2):  # Gossip may give them back to a node that was early.
        redis_on_all(shop, pods, "cluster", "delslots", "7")
    mend(shop, "shop", "slots-uncovered")
    settled(shop, "shop")


def test_a_replica_that_may_not_take_over_is_allowed_to(shop):
    replica = next(iter(roles(settled(shop, "shop")).values()))[0]
    redis(shop, replica, "config", "set", "cluster-replica-no-failover", "yes")
    status = wait_until(lambda: found(shop, "shop", "replica-no-failover") and shop.status("shop"), 30, "it is told")
    assert any(not node["survived"] for node in status["survives"]["nodes"].values()), "it is no copy that survives"
    mend(shop, "shop", "replica-no-failover")
    settled(shop, "shop")


def test_a_master_without_a_replica_gets_one_of_another(shop):
    (a, _), (b, of_b), _ = roles(settled(shop, "shop")).items()
    redis(shop, of_b[0], "cluster", "replicate", node_id(shop, a))
    finding = wait_for(shop, "shop", "no-replica")
    assert f"--master {b}" in finding["fix"], finding
    mend(shop, "shop", "no-replica")
    if found(shop, "shop", "replica-on-masters-node"):  # Whichever it took, one has to move now.
        mend(shop, "shop", "replica-on-masters-node")
        mend(shop, "shop", "ghost-node")  # It had no volume, and came back as another node.
        redis_on_all(shop, members(shop.status("shop")), "config", "set", "appendonly", "yes")
    settled(shop, "shop")


def test_masters_that_pile_up_on_a_node_are_spread(shop):
    status = settled(shop, "shop")
    masters_on = {master["node"] for master in status["masters"]}
    replica = next(each for master in status["masters"] for each in master["replicas"]
                   if each["node"] != master["node"] and each["node"] in masters_on)
    redis(shop, replica["pod"], "cluster", "failover")
    wait_until(lambda: roles(shop.status("shop")).get(replica["pod"]), 30, "the old master follows")
    mend(shop, "shop", "majority-on-one-node")
    settled(shop, "shop")


def test_a_master_without_slots_gets_a_place(shop):
    status = settled(shop, "shop")
    replica = next(iter(roles(status).values()))[0]
    address = next(each["address"] for master in status["masters"] for each in master["replicas"]
                   if each["pod"] == replica)
    redis(shop, replica, "cluster", "reset", "hard")
    redis(shop, next(iter(roles(status))), "cluster", "meet", address.split(":")[0], "6379")
    mend(shop, "shop", "master-without-slots")
    settled(shop, "shop")


def test_a_node_that_one_forgot_is_introduced_again(shop):
    (a, _), (_, of_b), _ = roles(settled(shop, "shop")).items()
    redis(shop, a, "cluster", "forget", node_id(shop, of_b[0]))
    mend(shop, "shop", "views-disagree")
    settled(shop, "shop")


def test_a_master_that_all_forgot_is_the_only_copy_and_is_introduced_again(shop):
    (a, of_a), *rest = roles(settled(shop, "shop")).items()
    redis(shop, a, "set", "{06S}kept", "1")  # Slot 0 is the first master's.
    id_of_a = node_id(shop, a)
    redis(shop, of_a[0], "cluster", "reset", "hard")
    others = [pod for master, replicas in rest for pod in (master, *replicas)]
    redis_on_all(shop, others, "cluster", "forget", id_of_a)
    finding = wait_for(shop, "shop", "only-copy-outside")
    assert "1 key" in finding["message"], finding
    assert not found(shop, "shop", "slots-uncovered"), "they are not free to be given out"
    outcome = shop.plugin("node", "reset", "shop", "--pod", a, "--yes")
    assert outcome.exit == 3 and "only copy" in outcome.stderr, str(outcome)
    mend(shop, "shop", "only-copy-outside")
    mend(shop, "shop", "no-replica")
    settled(shop, "shop")
    assert redis(shop, a, "get", "{06S}kept") == "1"


def test_servers_that_refuse_writes_are_mended(shop):
    a, b, c = roles(settled(shop, "shop"))
    redis(shop, a, "config", "set", "maxmemory", "1mb")
    redis(shop, b, "config", "set", "min-replicas-to-write", "2")
    for id_ in ("memory-full", "too-few-replicas-to-write"):
        finding = wait_for(shop, "shop", id_)
        assert finding["severity"] == "error" and "refuses writes" in finding["message"], finding
    mend(shop, "shop", "memory-full")
    mend(shop, "shop", "too-few-replicas-to-write")
    shop.kubectl("exec", c, "-c", "redis", "--", "sh", "-c", "rm -f /data/dump.rdb; mkdir -p /data/dump.rdb/x")
    redis(shop, c, "config", "set", "save", "900 1")
    redis(shop, c, "bgsave")
    finding = wait_for(shop, "shop", "snapshots-fail")
    assert "MISCONF" in finding["message"], finding
    shop.kubectl("exec", c, "-c", "redis", "--", "rm", "-r", "/data/dump.rdb")
    mend(shop, "shop", "snapshots-fail")
    for pod in (a, b, c):
        redis(shop, pod, "config", "set", "save", "")
        redis(shop, pod, "config", "set", "maxmemory", "0")
        redis(shop, pod, "config", "set", "min-replicas-to-write", "0")
    settled(shop, "shop")


@pytest.mark.parametrize("maxmemory, id_", [("300mb", "maxmemory-over-limit"), ("250mb", "maxmemory-headroom")])
def test_maxmemory_is_brought_under_the_limit(shop, maxmemory, id_):
    a = next(iter(roles(settled(shop, "shop"))))
    redis(shop, a, "config", "set", "maxmemory", maxmemory)
    mend(shop, "shop", id_)
    assert redis(shop, a, "config", "get", "maxmemory").split("\n")[1] == str(256 * 1024 * 1024 // 4 * 3)
    settled(shop, "shop")


def test_a_twin_is_taken_out_and_gets_a_place_of_its_own(shop):
    if shop.bed.real:
        pytest.skip("takes a server's process away by its id")
    (a, of_a), *_ = roles(settled(shop, "shop")).items()
    twin = of_a[0]
    nodes = shop.kubectl("exec", a, "-c", "redis", "--", "cat", "/data/nodes.conf").require().stdout
    shop.kubectl("exec", "-i", twin, "-c", "redis", "--", "sh", "-c", "cat > /data/new.conf", stdin=nodes).require()
    process = server_process(shop.get("pod", twin)["metadata"]["uid"])
    shop.kubectl("exec", twin, "-c", "redis", "--", "mv", "/data/new.conf", "/data/nodes.conf").require()
    os.kill(process, signal.SIGKILL)
    finding = wait_for(shop, "shop", "twin-node")
    assert f"--pod {twin}" in finding["fix"], finding
    assert shop.status("shop")["health"] in ("broken", "down")
    mend(shop, "shop", "twin-node", more=" --yes")
    mend(shop, "shop", "pod-outside")
    redis(shop, twin, "config", "set", "appendonly", "yes")
    settled(shop, "shop")


def test_a_shard_that_is_lost_for_good_is_given_up_knowingly(bed):
    """Without volumes nobody can bring the pods back with their data."""
    namespace = make(bed, "cache")
    (a, of_a), *_ = roles(namespace.status("cache")).items()
    redis(namespace, a, "set", "{06S}lost", "1")
    namespace.kubectl("delete", "pod", a, *of_a, "--grace-period=0", "--force").require()
    finding = wait_for(namespace, "cache", "slots-failed")
    outcome = follow(namespace, finding)
    assert outcome.exit == 3 and "what was stored in them is given up" in outcome.stderr, str(outcome)
    mend(namespace, "cache", "slots-failed", more=" --yes")
    mend(namespace, "cache", "slots-uncovered")
    wait_until(lambda: findings(namespace.status("cache")) == {"no-persistence"}, 60, "it is whole")
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_without_a_majority_a_replica_takes_over_unasked(bed):
    namespace = make(bed, "cache")
    a, b, _ = roles(namespace.status("cache"))
    namespace.kubectl("delete", "pod", a, b, "--grace-period=0", "--force").require()
    wait_for(namespace, "cache", "no-majority")
    status = namespace.status("cache")
    assert status["health"] == "down" and status["slots"]["ok"] == 0, status
    mend(namespace, "cache", "no-majority", more=" --yes")
    wait_until(lambda: namespace.status("cache")["slots"]["ok"] == 16384, 60, "the other one is voted in")
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_replicas_that_have_no_password_are_let_in(bed):
    namespace = fresh_namespace(bed)
    namespace.kubectl("create", "secret", "generic", "pw", "--from-literal=password=s3cret").require()
    apply(namespace, config_map("conf", "requirepass s3cret\n" + CONF),
          stateful_set("rp", 6, {"app": "rp"}, pod_spec("conf")))
    outcome = namespace.plugin("init", "rp", "--auth-secret", "pw")
    assert outcome.exit == 0, str(outcome)
    assert findings(namespace.status("rp", "--auth-secret", "pw")) == {"no-persistence"}, "init lets them in by itself"
    replica = next(iter(roles(namespace.status("rp", "--auth-secret", "pw")).values()))[0]
    outcome = namespace.plugin("cli", "rp", "--auth-secret", "pw", "--pod", replica, "--", "CONFIG", "SET", "masterauth", "")
    assert outcome.exit == 0, str(outcome)
    assert "s3cret" not in json.dumps(namespace.status("rp", "--auth-secret", "pw"))
    mend(namespace, "rp", "no-masterauth", "--auth-secret", "pw")
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_two_clusters_in_one_are_told_in_one_finding(bed):
    namespace = fresh_namespace(bed)
    for name in ("red", "blue"):
        apply(namespace, config_map("conf"), stateful_set(name, 6, {"app": name}, pod_spec("conf")))
        assert namespace.plugin("init", name).exit == 0
    addresses = {name: namespace.get("pod", f"{name}-0")["status"]["podIP"] for name in ("red", "blue")}
    redis(namespace, "red-0", "cluster", "meet", addresses["blue"], "6379")
    wait_for(namespace, "red", "clusters-merged")

    def calm():
        status = namespace.status("blue")
        return "views-disagree" not in findings(status) and len(members(status)) == 12 and status

    status = wait_until(calm, 60, "all twelve are one cluster")
    assert status["health"] == "broken", status["health"]
    errors = [each["id"] for each in status["findings"] if each["severity"] == "error"]
    assert errors == ["clusters-merged"], status["findings"]
    words = shlex.split(next(each["remedy"]["command"] for each in status["findings"] if each["id"] == "clusters-merged"))
    outcome = namespace.bed.plugin(*words[2:])
    assert outcome.exit == 0 and "restore" in outcome.stdout, str(outcome)
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_pods_that_are_missing_are_made(namespace):
    assert namespace.plugin("create", "redis", "--ephemeral").exit == 0
    namespace.kubectl("scale", "statefulset", "redis-app", "--replicas=5").require()
    wait_for(namespace, "redis", "pods-missing")
    mend(namespace, "redis", "pods-missing")


def test_pods_that_all_came_back_at_other_addresses_are_introduced_again(namespace):
    """What the article's clusters die of: nobody announces an address, and all of them changed."""
    pods = [f"moved-{i}" for i in range(6)]
    apply(namespace, config_map("conf"),
          with_claims(stateful_set("moved", 6, {"app": "moved"}, pod_spec("conf"))))
    assert namespace.plugin("init", "moved").exit == 0
    namespace.kubectl("delete", "pod", *pods, "--grace-period=0", "--force").require()
    namespace.kubectl("rollout", "status", "statefulset/moved", "--timeout=60s", timeout=90).require()

    def mended():
        status = namespace.status("moved")
        for each in status["findings"]:
            if each["id"] in ("address-stale", "replica-link-down") and each["remedy"]["kind"] == "mends":
                assert follow(namespace, each).exit == 0
                return False
        # Where the scheduler put them is another matter.
        placed = ("replica-on-masters-node", "majority-on-one-node", "majority-on-one-zone")
        bad = {each["id"] for each in status["findings"] if each["id"] not in placed}
        return bad == {"no-persistence"} and len(members(status)) == 6

    wait_for(namespace, "moved", "address-stale")
    try:
        wait_until(mended, 90, "all know each other again")
    except Impatient:
        print(namespace.plugin("status", "moved"))
        raise


def test_a_cluster_on_one_node_is_spread(bed, namespace):
    first, *others = [each["metadata"]["name"] for each in json.loads(bed.kubectl("get", "node", "-o", "json").stdout)["items"]]
    bed.kubectl("cordon", *others).require()
    try:
        apply(namespace, config_map("conf"), stateful_set("lump", 6, {"app": "lump"}, pod_spec("conf")))
    finally:
        bed.kubectl("uncordon", *others).require()
    assert namespace.plugin("init", "lump").exit == 0
    finding = wait_for(namespace, "lump", "one-node")
    assert f"cordon {first}" in finding["fix"], finding
    mend(namespace, "lump", "one-node")


def test_replicas_are_evened(namespace):
    apply(namespace, config_map("conf"), stateful_set("odd", 9, {"app": "odd"}, pod_spec("conf")))
    assert namespace.plugin("init", "odd", "--replicas", "2").exit == 0
    (a, _), (_, of_b), _ = roles(namespace.status("odd")).items()
    redis(namespace, of_b[0], "cluster", "replicate", node_id(namespace, a))
    mend(namespace, "odd", "replicas-uneven")


def test_memory_that_is_too_little_for_a_fork_is_raised(namespace):
    assert namespace.plugin("create", "tight", "--limits", "memory=64Mi", "--requests", "memory=64Mi", "--size", "1Gi").exit == 0
    a = next(iter(roles(namespace.status("tight"))))
    redis(namespace, a, "config", "set", "maxmemory", "0")
    redis(namespace, a, "setrange", "{06S}big", "45000000", "x")
    mend(namespace, "tight", "fork-headroom")
    namespace.kubectl("rollout", "status", "statefulset/tight-app", "--timeout=120s", timeout=150).require()
    assert redis(namespace, a, "-c", "strlen", "{06S}big") == "45000001", "nothing was lost by it"


def test_an_address_that_is_announced_on_purpose_is_left_alone(namespace):
    """By a Service for each pod, as many set up access from outside."""
    pods = [f"ex-{i}" for i in range(6)]
    services = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": pod},
                 "spec": {"selector": {"statefulset.kubernetes.io/pod-name": pod}, "publishNotReadyAddresses": True,
                          "ports": [{"name": "client", "port": 6379}, {"name": "bus", "port": 16379}]}} for pod in pods]
    apply(namespace, config_map("conf"), *services, stateful_set("ex", 6, {"app": "ex"}, pod_spec("conf")))
    for pod in pods:
        redis(namespace, pod, "config", "set", "cluster-announce-ip", namespace.get("service", pod)["spec"]["clusterIP"])
    assert namespace.plugin("init", "ex").exit == 0
    wait_until(lambda: findings(namespace.status("ex")) == {"no-persistence"}, 30, "nothing else is found")
