# SPDX-License-Identifier: Apache-2.0
"""What is one cluster: over several workloads, beside others with the same labels, with other containers, ports,
files and Secrets than `create` would choose. Nothing here was made by `create`."""

import json

import pytest

from bed import wait_until
from certificates import make_authority, make_certificate
from hand_made import CONF, apply, config_map, deployment, pod_spec, stateful_set


def roles(status):
    return {
        master["pod"]: sorted(replica["pod"] for replica in master["replicas"]) for master in status["masters"]
    }


def members(status):
    return sorted([*roles(status), *(pod for replicas in roles(status).values() for pod in replicas)])


def findings(status):
    return {each["id"] for each in status["findings"]}


def slots(status):
    return status["slots"]["ok"]


def settled(namespace, *words):
    """Status, once all six are one cluster in which every node agrees."""

    def looks():
        status = namespace.status(*words)
        ok = slots(status) == 16384 and len(members(status)) == 6 and "views-disagree" not in findings(status)
        return ok and status

    return wait_until(looks, 30, "six nodes are one cluster")


@pytest.fixture(scope="module")
def pair(bed):
    """A leader and a follower StatefulSet, as an operator's Helm chart makes them, initialised by their common label."""
    from conftest import fresh_namespace

    namespace = fresh_namespace(bed)
    both = {"redis_setup_type": "cluster"}
    apply(namespace, config_map("conf"),
          *(stateful_set(f"shop-{role}", 3, both | {"app": f"shop-{role}", "role": role}, pod_spec("conf"))
            for role in ("leader", "follower")))
    outcome = namespace.plugin("init", "-l", "redis_setup_type=cluster", "--replicas", "1")
    assert outcome.exit == 0, str(outcome)
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_leaders_become_masters_and_followers_their_replicas(pair):
    status = settled(pair, "-l", "redis_setup_type=cluster")
    assert sorted(roles(status)) == ["shop-leader-0", "shop-leader-1", "shop-leader-2"]
    assert all(len(replicas) == 1 for replicas in roles(status).values())


@pytest.mark.parametrize("words", [("shop-leader",), ("shop-follower",), ("-l", "redis_setup_type=cluster"),
                                   ("-l", "role=follower")])
def test_all_of_it_is_seen_whatever_it_is_called_by(pair, words):
    status = settled(pair, *words)
    assert len(members(status)) == 6
    assert findings(status) == {"no-persistence"}, status["findings"]
    outcome = pair.plugin("init", *words, "--dry-run")
    assert outcome.exit == 0 and "nothing to do" in outcome.stdout, str(outcome)


def test_verbs_reach_pods_of_all_workloads(pair):
    replica = next(iter(roles(settled(pair, "shop-leader")).values()))[0]
    outcome = pair.plugin("failover", "shop-leader", "--pod", replica, "--yes")
    assert outcome.exit == 0, str(outcome)
    assert replica in roles(settled(pair, "shop-leader"))
    assert pair.plugin("cli", replica, "--", "PING").stdout == "PONG\n"
    assert pair.plugin("cli", "-l", "role=leader", "--", "PING").stdout == "PONG\n"
    outcome = pair.plugin("config", "diff", "shop-follower")
    assert outcome.exit == 0 and "all 6 nodes" in outcome.stdout, str(outcome)


def test_it_is_one_line_of_all_clusters_and_delete_leaves_it_alone(pair):
    settled(pair, "shop-leader")
    outcome = pair.bed.plugin("status", "-A")
    lines = [line.split() for line in outcome.stdout.splitlines() if line.startswith(pair.name)]
    assert [line[1] for line in lines] in (["shop-leader"], ["shop-follower"]), str(outcome)
    assert lines[0][3:7] == ["others", "3", "6", "16,384"], str(outcome)
    before = pair.objects()
    outcome = pair.plugin("delete", "shop-leader", "--yes")
    assert outcome.exit == 3 and "was made by others" in outcome.stderr, str(outcome)
    assert pair.objects() == before


def test_one_deployment_a_node_is_one_cluster(namespace):
    apply(namespace, config_map("conf"),
          *(deployment(f"rn-{i}", {"cluster": "rn"}, pod_spec("conf")) for i in range(6)))
    outcome = namespace.plugin("init", "-l", "cluster=rn")
    assert outcome.exit == 0, str(outcome)
    assert members(settled(namespace, "rn-1")) == members(settled(namespace, "-l", "cluster=rn"))
    outcome = namespace.plugin("failover", "drill", "-l", "cluster=rn", "--by", "freeze", "--yes")
    assert outcome.exit == 0, str(outcome)


def test_a_dead_node_that_is_remembered_is_forgotten_by_the_init_that_status_names(namespace):
    """A pod without a volume is made anew: another node, and the old one stays in all lists."""
    apply(namespace, config_map("conf"), stateful_set("em", 6, {"app": "em"}, pod_spec("conf")))
    assert namespace.plugin("init", "em").exit == 0
    replica = next(iter(roles(settled(namespace, "em")).values()))[0]
    namespace.kubectl("delete", "pod", replica, "--grace-period=0", "--force").require()

    def ghost():
        found = {each["id"]: each for each in namespace.status("em")["findings"]}
        return found.get("ghost-node")

    fix = wait_until(ghost, 60, "the old node is told as a ghost")["fix"]
    assert fix.startswith("kubectl redis init em -n "), fix
    outcome = namespace.bed.plugin(*fix.split()[2:])
    assert outcome.exit == 0, str(outcome)
    status = settled(namespace, "em")
    assert findings(status) == {"no-persistence"}, status["findings"]
    assert replica in members(status)


def test_remedies_go_where_the_look_went_and_log_in(namespace):
    namespace.kubectl("create", "secret", "generic", "pw", "--from-literal=pass=s3cret").require()
    apply(namespace, config_map("conf", "requirepass s3cret\nmasterauth s3cret\n" + CONF),
          stateful_set("rc", 6, {"app": "rc"}, pod_spec("conf")))
    assert namespace.plugin("init", "-l", "app=rc", "--auth-secret", "pw").exit == 0
    settled(namespace, "-l", "app=rc", "--auth-secret", "pw")
    status = namespace.status("-l", "app=rc", "--auth-secret", "pw")
    fix = next(each["fix"] for each in status["findings"] if each["id"] == "no-persistence")
    assert f"-l app=rc -n {namespace.name}" in fix and "--auth-secret pw" in fix, fix
    outcome = namespace.bed.plugin(*fix.split("kubectl redis ")[1].split())
    assert outcome.exit == 0 and outcome.stdout.count("OK\n") == 6, str(outcome)
    outcome = namespace.plugin("cli", "rc", "--", "CONFIG", "SET", "no-such-thing", "1")
    assert outcome.exit != 0, "what Redis refuses is no success"


def test_bare_pods_and_owners_that_nobody_knows_are_looked_at(namespace):
    apply(namespace, config_map("conf"))
    owner = {"apiVersion": "example.com/v1", "kind": "InstanceSet", "name": "inst", "uid": "1-2-3", "controller": True}
    for name, more in (("bare-0", {}), ("bare-1", {}), ("inst-0", {"ownerReferences": [owner]})):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "bare"}} | more,
               "spec": pod_spec("conf")}
        namespace.kubectl("create", "-f", "-", stdin=json.dumps(pod)).require()
    if not namespace.bed.real:  # A real garbage collector takes away what has an owner that is not there.
        namespace.kubectl("wait", "--for=condition=Ready", "pod/inst-0", "--timeout=30s").require()
    namespace.kubectl("wait", "--for=condition=Ready", "pod/bare-0", "pod/bare-1", "--timeout=30s").require()
    for words in (("-l", "app=bare"), ("bare-0",)):
        assert findings(namespace.status(*words)) >= {"not-initialised"}
    outcome = namespace.bed.plugin("status", "-A")
    lines = [line.split()[1] for line in outcome.stdout.splitlines() if line.startswith(namespace.name)]
    assert lines[:2] == ["bare-0", "bare-1"] and (lines[2:] == ["inst"] or namespace.bed.real), str(outcome)
    assert namespace.plugin("cli", "bare-0", "--", "PING").stdout == "PONG\n"
    for verb in (("init",), ("failover", "--pod", "bare-0", "--yes"), ("failover", "drill", "--yes"), ("config", "diff")):
        outcome = namespace.plugin(*verb, "-l", "app=bare")
        assert outcome.exit in (0, 2, 3) and "terminate" not in outcome.stderr, str(outcome)


def test_two_clusters_with_the_same_labels_are_two(namespace):
    labels = {"app": "redis-cluster"}
    apply(namespace, config_map("conf"),
          *(stateful_set(name, 6, labels, pod_spec("conf")) for name in ("alpha", "beta")))
    outcome = namespace.plugin("init", "-l", "app=redis-cluster")
    assert outcome.exit == 3 and "statefulset/alpha and statefulset/beta select the same pods" in outcome.stderr
    assert namespace.plugin("init", "alpha").exit == 0
    assert members(settled(namespace, "alpha")) == [f"alpha-{i}" for i in range(6)]
    assert findings(namespace.status("beta")) >= {"not-initialised"}
    assert namespace.plugin("init", "beta").exit == 0
    assert members(settled(namespace, "beta")) == [f"beta-{i}" for i in range(6)]
    assert members(settled(namespace, "alpha")) == [f"alpha-{i}" for i in range(6)]
    outcome = namespace.plugin("status", "-l", "app=redis-cluster")
    assert outcome.exit == 3 and "matches the pods of 2 clusters" in outcome.stderr, str(outcome)


@pytest.mark.parametrize("port,cluster_port,name", [(7000, 0, "client"), (7000, 7100, "redis"), (16000, 0, "tcp")])
def test_any_port_of_any_name(namespace, port, cluster_port, name):
    conf = f"port {port}\n" + (f"cluster-port {cluster_port}\n" if cluster_port else "") + CONF
    apply(namespace, config_map("conf", conf), stateful_set("any", 6, {"app": "any"}, pod_spec("conf", port, name)))
    outcome = namespace.plugin("init", "any")
    assert outcome.exit == 0, str(outcome)
    assert len(members(settled(namespace, "any"))) == 6
    assert namespace.plugin("cli", "any", "--", "PING").stdout == "PONG\n"


def test_a_sidecar_before_redis_is_not_taken_for_it(namespace):
    proxy = {"name": "istio-proxy", "image": "redis:8.0", "command": ["sleep", "100000"],
             "resources": {"limits": {"memory": "32Mi"}}}
    spec = pod_spec("conf", first=[proxy], redis={"resources": {"limits": {"memory": "512Mi"}}})
    spec["volumes"].insert(0, {"name": "proxy", "configMap": {"name": "aa-proxy"}})
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aa-proxy"},
             "data": {"fluent-bit.conf": "[SERVICE]\n    Flush 1\n"}}
    apply(namespace, other, config_map("conf", "maxmemory 300mb\nhz 20\n" + CONF),
          stateful_set("mesh", 6, {"app": "mesh"}, spec))
    assert namespace.plugin("init", "mesh").exit == 0
    status = settled(namespace, "mesh")
    assert findings(status) == {"no-persistence"}, status["findings"]
    assert namespace.plugin("cli", "mesh", "mesh-1", "--", "PING").stdout == "PONG\n"
    assert namespace.plugin("cli", "mesh-0", "--", "CONFIG", "SET", "hz", "10").exit == 0
    outcome = namespace.plugin("config", "diff", "mesh")
    assert outcome.exit == 3 and "hz" in outcome.stdout, str(outcome)


def test_redis_that_crashes_beside_a_sidecar_that_runs_is_not_running(namespace):
    proxy = {"name": "istio-proxy", "image": "redis:8.0", "command": ["sleep", "100000"]}
    apply(namespace, config_map("conf"), stateful_set("mesh", 6, {"app": "mesh"}, pod_spec("conf", first=[proxy])))
    assert namespace.plugin("init", "mesh").exit == 0
    patch = json.dumps({"data": {"redis.conf": "nonsense yes\n"}})
    namespace.kubectl("patch", "configmap", "conf", "--type=merge", "-p", patch).require()
    namespace.kubectl("delete", "pod", "mesh-0", "--grace-period=0", "--force").require()
    status = wait_until(lambda: (s := namespace.status("mesh")) and "pod-not-running" in findings(s) and s, 60,
                        "the crash is told")
    told = next(each["message"] for each in status["findings"] if each["id"] == "pod-not-running")
    assert "mesh-0" in told


@pytest.mark.parametrize("key", ["redis-password", "whatever"])
def test_the_password_is_found_where_the_pods_have_it_from(namespace, key):
    namespace.kubectl("create", "secret", "generic", "auth", f"--from-literal={key}=s3cret").require()
    env = [{"name": "REDISCLI_AUTH", "valueFrom": {"secretKeyRef": {"name": "auth", "key": key}}}]
    apply(namespace, config_map("conf", "requirepass s3cret\nmasterauth s3cret\n" + CONF),
          stateful_set("rc", 6, {"app": "rc"}, pod_spec("conf", redis={"env": env})))
    assert namespace.plugin("init", "rc").exit == 0
    assert len(members(settled(namespace, "rc"))) == 6
    assert len(members(namespace.status("rc", "--auth-secret", "auth"))) == 6
    assert namespace.plugin("cli", "rc", "--", "PING").stdout == "PONG\n"


def test_tls_alone_is_spoken_with_the_certificates_that_the_pods_mount(namespace, tmp_path):
    make_authority(tmp_path)
    make_certificate(tmp_path, "tls", alternatives=f"subjectAltName=DNS:*.tl.{namespace.name}.svc.cluster.local,DNS:localhost")
    namespace.kubectl("create", "secret", "generic", "certs",
                      *(f"--from-file={name}={tmp_path / name}" for name in ("ca.crt", "tls.crt", "tls.key"))).require()
    conf = ("port 0\ntls-port 6379\ntls-cluster yes\ntls-replication yes\ntls-cert-file /tls/tls.crt\n"
            "tls-key-file /tls/tls.key\ntls-ca-cert-file /tls/ca.crt\n" + CONF)
    spec = pod_spec("conf")
    spec["containers"][0]["volumeMounts"].append({"name": "tls", "mountPath": "/tls"})
    spec["volumes"].append({"name": "tls", "secret": {"secretName": "certs"}})
    apply(namespace, config_map("conf", conf), stateful_set("tl", 6, {"app": "tl"}, spec))
    outcome = namespace.plugin("init", "tl")
    assert outcome.exit == 0, str(outcome)
    assert len(members(settled(namespace, "tl"))) == 6
    assert namespace.plugin("cli", "tl", "--", "PING").stdout == "PONG\n"
