# SPDX-License-Identifier: Apache-2.0
"""Guards of a running cluster, asked by the API server: what would lose slots or data is refused, and
goes on when it is safe or meant."""

import json
import subprocess

import pytest

from bed import wait_until
from conftest import drop_namespace, fresh_namespace
from test_security import make_secrets
from webhook_process import InstalledWebhook, start_hooked

ALLOW = "kubectl-redis.dev/allow-delete"


@pytest.fixture(scope="module")
def hook(make_bed, tmp_path_factory):
    bed = make_bed()
    if bed.real:
        webhook = InstalledWebhook(bed)
    elif bed.sandbox:
        webhook = start_hooked(bed, tmp_path_factory.mktemp("webhook"), "--poll-interval", "1")
    else:
        pytest.skip("needs one of the project's own beds")
    yield webhook
    webhook.stop()


@pytest.fixture(scope="module")
def cluster(hook):
    """Three masters with a replica each, seen by the webhook."""
    space = fresh_namespace(hook.bed)
    space.plugin("create").require()
    wait_until(lambda: is_seen(hook, space), 30, "the webhook sees the cluster")
    yield space
    drop_namespace(hook.bed, space.name)


def is_seen(hook, space):
    """Whole, and by every replica: it may have been seen before it was initialised."""
    line = f'kubectl_redis_webhook_cluster_slots{{namespace="{space.name}",cluster="redis"}} 16384'
    return all(line in metrics for metrics in hook.metrics())


def evict(space, pod):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": space.name}}
    return space.kubectl("create", "--raw", f"/api/v1/namespaces/{space.name}/pods/{pod}/eviction", "-f", "-",
                         stdin=json.dumps(body))


def pair(space):
    """A master's pod and its replica's."""
    master = next(master for master in space.status()["masters"] if master["replicas"])
    return master["pod"], master["replicas"][0]["pod"]


def whole(space):
    status = space.status()
    return status["slots"]["ok"] == 16384 and all(
        len(master["replicas"]) == 1 and master["replicas"][0]["link"] == "up" for master in status["masters"])


def test_scaling_in_is_refused_by_scale_and_by_update(cluster):
    for outcome in (cluster.kubectl("scale", "statefulset", "redis-app", "--replicas=2"),
                    cluster.kubectl("patch", "statefulset", "redis-app", "-p", '{"spec":{"replicas":2}}')):
        assert outcome.exit == 1
        assert "[RG001] 5461 slots are on pods that would go" in outcome.stderr, str(outcome)
        assert "as seen " in outcome.stderr
    nothing = cluster.kubectl("scale", "statefulset", "redis-app", "--replicas=0")
    assert nothing.exit == 1 and "[RG001] 16384 slots" in nothing.stderr, str(nothing)
    assert cluster.get("statefulset", "redis-app")["spec"]["replicas"] == 6


def test_a_claim_of_a_member_is_refused(cluster):
    outcome = cluster.kubectl("delete", "persistentvolumeclaim", "redis-data-redis-app-0", "--wait=false")
    assert outcome.exit == 1 and "[RG005]" in outcome.stderr, str(outcome)
    assert "deletionTimestamp" not in cluster.get("persistentvolumeclaim", "redis-data-redis-app-0")["metadata"]


def test_deleting_the_workload_is_refused(cluster):
    outcome = cluster.kubectl("delete", "statefulset", "redis-app", "--wait=false")
    assert outcome.exit == 1 and "[RG004]" in outcome.stderr and "kubectl redis delete" in outcome.stderr
    assert cluster.get("statefulset", "redis-app")["spec"]["replicas"] == 6


@pytest.fixture
def replica_away(hook, cluster):
    """A master and its node, whose replica has no node to go to; nodes of these names take pods again."""
    wait_until(lambda: whole(cluster), 60, "every master has a replica in step")
    master, replica = pair(cluster)
    # The budget of `create` would stop a second eviction before the webhook is asked about data.
    cluster.kubectl("annotate", "poddisruptionbudget", "--all", f"{ALLOW}=true", "--overwrite")
    cluster.kubectl("delete", "poddisruptionbudget", "--all").require()
    node = cluster.pods()[master]["spec"]["nodeName"]
    nodes = hook.bed.nodes()
    hook.bed.kubectl("cordon", *nodes).require()
    evict(cluster, replica).require()
    yield master, node, [name for name in nodes if name != node]
    hook.bed.kubectl("uncordon", *nodes).require()
    wait_until(lambda: whole(cluster), 60, "every master has a replica in step again")


def test_the_last_copy_may_not_go_until_a_replica_is_in_step(hook, cluster, replica_away):
    master, _, others = replica_away
    refused = evict(cluster, master)
    assert refused.exit == 1, str(refused)
    assert f"[RG002] {master} holds the last copy of" in refused.stderr
    assert "TooManyRequests" in refused.stderr, str(refused)
    deleted = cluster.kubectl("delete", "pod", master, "--wait=false")
    assert deleted.exit == 1 and "[RG003]" in deleted.stderr, str(deleted)
    hook.bed.kubectl("uncordon", *others).require()
    wait_until(lambda: evict(cluster, master).exit == 0, 60, "the master may go")


def test_a_drain_waits_and_goes_on(hook, cluster, replica_away):
    """As with a budget: kubectl asks again every five seconds, until the replica is back."""
    _, node, others = replica_away
    drain = subprocess.Popen(["kubectl", "--kubeconfig", hook.bed.kubeconfig, "drain", node, "--ignore-daemonsets",
                              "--delete-emptydir-data", "--pod-selector=app=redis", "--timeout=150s"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = ""
    while "RG002" not in said:
        line = drain.stdout.readline()
        assert line, f"the drain ended at once\n{said}"
        said += line
    hook.bed.kubectl("uncordon", *others).require()
    said += drain.communicate(timeout=180)[0]
    assert drain.returncode == 0, said
    assert "will retry" in said, said


def test_other_users_controllers_pass_and_levels_are_kept(hook, cluster):
    hook.bed.kubectl("label", "namespace", cluster.name, "kubectl-redis.dev/policy=warn").require()
    scale = ("scale", "statefulset", "redis-app", "--replicas=2", "--dry-run=server")
    warned = wait_until(lambda: (lambda it: it.exit == 0 and it)(cluster.kubectl(*scale)), 20, "the level is warn")
    assert "Warning: [RG001]" in warned.stderr
    hook.bed.kubectl("label", "namespace", cluster.name, "kubectl-redis.dev/policy-").require()
    wait_until(lambda: cluster.kubectl(*scale).exit == 1, 20, "the level is enforce")


def test_deleting_is_allowed_by_annotation_and_that_is_logged(hook, cluster):
    cluster.kubectl("annotate", "statefulset", "redis-app", f"{ALLOW}=true").require()
    cluster.kubectl("delete", "statefulset", "redis-app", "--wait=false").require()
    assert any(line.get("overridden") for line in hook.lines() if line.get("namespace") == cluster.name)


@pytest.fixture
def space(hook):
    made = fresh_namespace(hook.bed)
    yield made
    drop_namespace(hook.bed, made.name)


def create_seen(hook, space, *flags):
    space.plugin("create", *flags).require()
    wait_until(lambda: is_seen(hook, space), 30, "the webhook sees the cluster")


def test_kubectl_redis_delete_needs_no_annotation_by_hand(hook, space):
    create_seen(hook, space, "--replicas", "0")
    tried = space.plugin("delete", "--purge-data", "--yes", "--dry-run=server").require()
    assert "statefulset.apps/redis-app" in tried.stdout + tried.stderr, str(tried)
    assert len(space.get("statefulsets,persistentvolumeclaims")["items"]) == 4
    assert ALLOW not in space.get("statefulset", "redis-app")["metadata"].get("annotations", {})
    space.plugin("delete", "--purge-data", "--yes").require()
    assert space.get("statefulsets,persistentvolumeclaims")["items"] == []


def test_a_cluster_behind_tls_and_a_password_is_seen_too(hook, space, tmp_path):
    make_secrets(space, tmp_path)
    if hook.account:
        space.kubectl("create", "role", "redis-secrets", "--verb=get", "--resource=secrets",
                      "--resource-name=redis-auth", "--resource-name=redis-tls").require()
        space.kubectl("create", "rolebinding", "redis-secrets", "--role=redis-secrets",
                      f"--serviceaccount={hook.account}").require()
    create_seen(hook, space, "--auth-secret", "redis-auth", "--tls-secret", "redis-tls", "--ephemeral")
    outcome = space.kubectl("scale", "statefulset", "redis-app", "--replicas=2")
    assert outcome.exit == 1 and "[RG001] 5461 slots are on pods that would go" in outcome.stderr, str(outcome)


def test_deployments_of_one_pod_each_are_guarded_too(hook, space):
    create_seen(hook, space, "--layout", "deployment")
    master = next(it["pod"] for it in space.status()["masters"])
    name = f"redis-app-{space.get('pod', master)['metadata']['labels']['kubectl-redis.dev/ordinal']}"
    for rule, words in (("RG001", ["scale", "deployment", name, "--replicas=0"]),
                        ("RG004", ["delete", "deployment", name, "--wait=false"]),
                        ("RG005", ["delete", "persistentvolumeclaim", f"redis-data-{name}", "--wait=false"])):
        outcome = space.kubectl(*words)
        assert outcome.exit == 1 and f"[{rule}]" in outcome.stderr, str(outcome)
    assert space.get("deployment", name)["spec"]["replicas"] == 1
