# SPDX-License-Identifier: Apache-2.0
"""`create` on a cluster that is there: what is not said stays, what is said differently is shown and asked, and what
could cost data is refused."""

import json
import signal
import time

import pytest

from bed import wait_until
from client import connect, missing_keys, write_keys
from test_create import require_whole

SECRET = ("create", "secret", "generic", "pw", "--from-literal=password=s3cret")
RICH = ("create", "--auth-secret", "pw", "--limits", "memory=256Mi", "--set", "hz=20", "--annotations", "team=a",
        "--client-endpoint", "ip", "--zone-spread")


def template(namespace):
    return namespace.get("statefulset", "redis-app")["spec"]["template"]


def pod_uids(namespace):
    return {name: pod["metadata"]["uid"] for name, pod in namespace.pods().items()}


def refused(outcome, *parts):
    assert outcome.exit == 3, str(outcome)
    for part in parts:
        assert part in outcome.stderr, str(outcome)


@pytest.fixture(scope="module")
def rich(bed):
    from conftest import fresh_namespace

    namespace = fresh_namespace(bed)
    namespace.kubectl(*SECRET).require()
    outcome = namespace.plugin(*RICH)
    assert outcome.exit == 0, str(outcome)
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_what_is_not_said_stays_as_it_is(rich):
    before, objects, pods = template(rich), rich.objects(), pod_uids(rich)
    for words in (("create",), ("create", "--set", "hz=20"), ("create", "--auth-secret", "pw", "--size", "200M")):
        outcome = rich.plugin(*words)
        assert outcome.exit == 0, str(outcome)
        assert "change:" not in outcome.stderr, str(outcome)
    assert template(rich) == before and rich.objects() == objects and pod_uids(rich) == pods
    require_whole(rich, 3, 1)


@pytest.mark.parametrize("words, parts", [
    (("--layout", "deployment"), ("as a StatefulSet", "same claims")),
    (("--masters", "5"), ("3 masters and 1 replicas",)),
    (("--size", "100M"), ("with 200M for each node", "--size")),
    (("--storage-class", "other"), ("with StorageClass",)),
    (("--ephemeral",), ("with a claim for each node",)),
    (("--auth-secret=", "--yes"), ("anybody who reaches a pod", "--allow no-auth")),
    (("--image", "redis:7.0", "--yes"), ("older server", "--allow older-server")),
    (("--set", "appendonly=no", "--yes"), ("after the last snapshot", "--allow no-persistence")),
])
def test_what_create_does_not_do_to_a_cluster_is_refused_and_nothing_changes(rich, words, parts):
    objects = rich.objects()
    refused(rich.plugin("create", *words), *parts)
    assert rich.objects() == objects


def test_a_change_is_shown_old_and_new_and_asked(rich):
    objects = rich.objects()
    outcome = rich.plugin("create", "--limits", "memory=300Mi")
    refused(outcome, "change: limits: memory=256Mi -> memory=300Mi", "change: set maxmemory:", "--yes")
    assert rich.objects() == objects
    outcome = rich.plugin("create", "--limits", "memory=300Mi", "--dry-run")
    assert outcome.exit == 0 and "memory=256Mi -> memory=300Mi" in outcome.stderr, str(outcome)
    assert rich.objects() == objects


def test_a_roll_out_is_waited_for(rich):
    before = pod_uids(rich)
    outcome = rich.plugin("create", "--set", "hz=25", "--yes", timeout=400)
    assert outcome.exit == 0, str(outcome)
    after = pod_uids(rich)
    assert not set(before.values()) & set(after.values()), "every pod is of the newest revision when it ends"
    status = require_whole(rich, 3, 1)
    assert len(status["masters"]) == 3
    outcome = rich.plugin("cli", "redis", "--all", "--", "CONFIG", "GET", "hz")
    assert outcome.stdout.count("\n25\n") == 6, str(outcome)
    assert template(rich)["spec"]["containers"][0]["resources"]["limits"] == {"memory": "256Mi"}


def test_it_ends_with_how_to_connect(rich):
    connect_to = rich.status()["connect"]
    assert connect_to["authSecret"] == "pw" and connect_to["tls"] is False, connect_to
    names = {each["name"]: each for each in connect_to["services"]}
    service = names["redis-access-service"]
    assert service["address"] == f"redis-access-service.{rich.name}.svc:6379" and service["type"] == "ClusterIP"
    outcome = rich.plugin("create")
    assert f"connect: redis-access-service.{rich.name}.svc:6379" in outcome.stdout, str(outcome)
    assert "Secret pw" in outcome.stdout and "s3cret" not in outcome.stdout + json.dumps(connect_to)
    outcome = rich.bed.plugin(*connect_to["command"].split()[2:], "--", "PING")
    assert outcome.stdout == "PONG\n", str(outcome)


def test_an_edit_that_config_apply_rolled_out_is_no_change(namespace):
    assert namespace.plugin("create", "--set", "hz=20").exit == 0
    conf = namespace.get("configmap", "redis-conf")["data"]["redis.conf"].replace("hz 20", "hz 30")
    patch = json.dumps({"data": {"redis.conf": conf}})
    namespace.kubectl("patch", "configmap", "redis-conf", "--type=merge", "-p", patch,
                      "--field-manager=kubectl-edit").require()
    assert namespace.plugin("config", "apply", "--yes").exit == 0
    pods = pod_uids(namespace)
    outcome = namespace.plugin("create")
    assert outcome.exit == 0 and "change:" not in outcome.stderr, str(outcome)
    assert pod_uids(namespace) == pods
    outcome = namespace.plugin("config", "diff")
    assert outcome.exit == 0, str(outcome)


def test_what_restarts_the_pods_of_an_ephemeral_cluster_is_refused(namespace):
    assert namespace.plugin("create", "--ephemeral").exit == 0
    client = connect(namespace)
    write_keys(client, 50)
    pods = pod_uids(namespace)
    refused(namespace.plugin("create", "--limits", "memory=200Mi", "--yes"), "all of it would be lost", "--allow data-loss")
    conf = namespace.get("configmap", "redis-conf")["data"]["redis.conf"] + "\ndatabases 3\n"
    namespace.kubectl("patch", "configmap", "redis-conf", "--type=merge", "-p",
                      json.dumps({"data": {"redis.conf": conf}})).require()
    refused(namespace.plugin("config", "apply", "--yes"), "keep their data in themselves")
    assert pod_uids(namespace) == pods
    assert missing_keys(client, 50) == []


def test_persistence_goes_live_before_the_pods_restart(namespace):
    """The other way about, a server that starts with the append-only file on and none there starts empty."""
    outcome = namespace.plugin("create", "--replicas", "0", "--set", "appendonly=no", "--set", 'save=""')
    assert outcome.exit == 0, str(outcome)
    write_keys(connect(namespace), 200)
    outcome = namespace.plugin("create", "--set", "appendonly=yes", "--yes", timeout=400)
    assert outcome.exit == 0, str(outcome)
    assert "append-only file" in outcome.stderr, str(outcome)
    assert missing_keys(connect(namespace), 200) == []


def test_ctrl_c_and_again_with_less_said_goes_on_with_what_was_said(namespace):
    namespace.kubectl(*SECRET).require()
    first = namespace.start_plugin(*RICH)
    wait_until(lambda: namespace.get("statefulsets")["items"], 60, "the workload is there", every=0.05)
    time.sleep(0.3)
    first.send_signal(signal.SIGINT)
    _, told = first.communicate(timeout=60)
    assert first.returncode in (130, 0), told
    outcome = namespace.plugin("create")
    assert outcome.exit == 0, str(outcome)
    assert namespace.get("statefulset", "redis-app")["metadata"]["annotations"]["kubectl-redis.dev/auth-secret"] == "pw"
    require_whole(namespace, 3, 1)


def test_deployments_restart_one_after_the_other(namespace):
    assert namespace.plugin("create", "--layout", "deployment").exit == 0
    client = connect(namespace)
    write_keys(client, 100)
    outcome = namespace.plugin("create", "--annotations", "team=b", "--yes", "--timeout", "10m", timeout=700)
    assert outcome.exit == 0, str(outcome)
    assert missing_keys(connect(namespace), 100) == []
    status = namespace.status()  # Without volumes that hold them, the pods run elsewhere now.
    assert status["slots"]["ok"] == 16384 and [len(it["replicas"]) for it in status["masters"]] == [1, 1, 1], status
