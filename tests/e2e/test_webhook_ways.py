# SPDX-License-Identifier: Apache-2.0
"""Every way by which the API server lets a pod, a claim, a workload, a ConfigMap, a Service or a budget of a
cluster go, one test each: docs/webhook.md has the list."""

import json

import pytest

from bed import wait_until
from client import node
from conftest import drop_namespace, fresh_namespace
from test_webhook_guards import ALLOW, create_seen, evict, hook  # noqa: F401

GONE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-4000-8000-000000000000"}


def make_seen(hook, *flags):
    space = fresh_namespace(hook.bed)
    create_seen(hook, space, "--replicas", "0", *flags)
    return space


@pytest.fixture(scope="module")
def cluster(hook):
    """Three masters and no replica: nobody else has any slot."""
    space = make_seen(hook)
    yield space
    drop_namespace(hook.bed, space.name)


def owners_with_gone(object_):
    return {"metadata": {"ownerReferences": object_["metadata"].get("ownerReferences", []) + [GONE]}}


def patch(space, kind, name, change):
    return space.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps(change))


def is_refused(outcome, *rules):
    assert outcome.exit == 1 and any(f"[{rule}]" in outcome.stderr for rule in rules), str(outcome)


@pytest.mark.parametrize("rule, kind, name", [
    ("RG003", "pod", "redis-app-0"),
    ("RG004", "statefulset", "redis-app"),
    ("RG005", "persistentvolumeclaim", "redis-data-redis-app-0"),
    ("RG007", "configmap", "redis-conf"),
    ("RG007", "service", "redis-service"),
    ("RG007", "poddisruptionbudget", "redis"),
])
def test_nothing_goes_by_its_name(cluster, rule, kind, name):
    names = [it["metadata"]["name"] for it in cluster.get(kind + "s")["items"]]
    if name not in names:  # As `create` calls it: the one that the workload uses.
        spec = cluster.get("statefulset", "redis-app")["spec"]
        mounted = [it["configMap"]["name"] for it in spec["template"]["spec"]["volumes"] if "configMap" in it]
        name = {"configmap": mounted[0], "service": spec["serviceName"]}.get(kind, names[0])
    is_refused(cluster.kubectl("delete", kind, name, "--wait=false"), rule)
    assert "deletionTimestamp" not in cluster.get(kind, name)["metadata"]


@pytest.mark.parametrize("rule, path", [
    ("RG003", "/api/v1/namespaces/{}/pods"),
    ("RG004", "/apis/apps/v1/namespaces/{}/statefulsets"),
    ("RG005", "/api/v1/namespaces/{}/persistentvolumeclaims"),
    ("RG007", "/api/v1/namespaces/{}/configmaps?fieldSelector=metadata.name!=kube-root-ca.crt"),
    ("RG007", "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"),
])
def test_nothing_goes_with_its_collection(cluster, rule, path):
    is_refused(cluster.kubectl("delete", "--raw", path.format(cluster.name)), rule)


def test_nothing_goes_with_its_namespace(hook, cluster):
    is_refused(hook.bed.kubectl("delete", "namespace", cluster.name, "--wait=false"), "RG008")
    assert "deletionTimestamp" not in hook.bed.kubectl("get", "namespace", cluster.name, "-o", "json").require().stdout


def test_nothing_goes_by_eviction(cluster):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "redis-app-0", "namespace": cluster.name}}
    path = f"/api/v1/namespaces/{cluster.name}/pods/redis-app-0/eviction"
    is_refused(cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body)), "RG002")


@pytest.mark.parametrize("rule, kind, name", [
    ("RG003", "pod", "redis-app-0"),
    ("RG004", "statefulset", "redis-app"),
    ("RG005", "persistentvolumeclaim", "redis-data-redis-app-0"),
    ("RG007", "configmap", None),
    ("RG007", "service", None),
    ("RG007", "poddisruptionbudget", None),
])
def test_nothing_goes_with_an_owner_that_it_gains(cluster, rule, kind, name):
    spec = cluster.get("statefulset", "redis-app")["spec"]
    mounted = [it["configMap"]["name"] for it in spec["template"]["spec"]["volumes"] if "configMap" in it]
    name = name or {"configmap": mounted[0], "service": spec["serviceName"]}.get(
        kind, cluster.get(kind + "s")["items"][0]["metadata"]["name"])
    is_refused(patch(cluster, kind, name, owners_with_gone(cluster.get(kind, name))), rule)


def test_no_slot_goes_by_scaling(cluster):
    is_refused(cluster.kubectl("scale", "statefulset", "redis-app", "--replicas=2"), "RG001")
    is_refused(patch(cluster, "statefulset", "redis-app", {"spec": {"replicas": 2}}), "RG001")


def test_no_slot_goes_by_another_first_ordinal(cluster):
    is_refused(patch(cluster, "statefulset", "redis-app", {"spec": {"ordinals": {"start": 1}}}), "RG001")


@pytest.mark.parametrize("when", ["whenDeleted", "whenScaled"])
def test_no_claim_goes_by_a_retention_policy(cluster, when):
    change = {"spec": {"persistentVolumeClaimRetentionPolicy": {when: "Delete"}}}
    is_refused(patch(cluster, "statefulset", "redis-app", change), "RG006")


@pytest.mark.parametrize("how", ["emptyDir", "claim", "subPath", "folder"])
def test_no_data_goes_by_another_place(cluster, how):
    """Even where the same change says that the cluster is ephemeral from now on."""
    pod = cluster.get("statefulset", "redis-app")["spec"]["template"]["spec"]
    volume = {"emptyDir": {"emptyDir": {}}, "claim": {"persistentVolumeClaim": {"claimName": "other"}}}.get(how)
    if volume:
        pod["volumes"].append({"name": "scratch", **volume})
    other = {"subPath": {"subPath": "elsewhere"}, "folder": {"mountPath": "/elsewhere"}}.get(how, {"name": "scratch"})
    for mount in pod["containers"][0]["volumeMounts"]:
        mount.update(other if mount["name"] == "redis-data" else {})
    change = {"metadata": {"annotations": {"kubectl-redis.dev/storage": "ephemeral"}},
              "spec": {"template": {"spec": {"volumes": pod["volumes"], "containers": pod["containers"]}}}}
    is_refused(patch(cluster, "statefulset", "redis-app", change), "RG006")


def test_no_workload_hides_from_the_guards(cluster):
    """A change after which nothing tells that it is a Redis Cluster."""
    before = cluster.get("statefulset", "redis-app")
    pod = before["spec"]["template"]["spec"]
    pod["containers"][0].update(image="tools:1", command=["sleep", "1d"], args=[])
    nothing = {kind: {key: None for key in before["metadata"][kind]} for kind in ("labels", "annotations")}
    selecting = before["spec"]["selector"]["matchLabels"]
    labels = {key: None for key in before["spec"]["template"]["metadata"]["labels"] if key not in selecting}
    template = {"metadata": {"labels": labels, "annotations": None}, "spec": {"containers": pod["containers"]}}
    change = {"metadata": nothing, "spec": {"template": template}}
    is_refused(patch(cluster, "statefulset", "redis-app", change), "RG004", "RG006")


def test_no_service_leads_elsewhere(cluster):
    elsewhere = {"spec": {"selector": {"app": "other", "appCluster": None}}}
    governing = cluster.get("statefulset", "redis-app")["spec"]["serviceName"]
    is_refused(patch(cluster, "service", governing, elsewhere), "RC069", "RG007")
    other = next(it["metadata"]["name"] for it in cluster.get("services")["items"]
                 if it["metadata"]["name"] != governing)
    change = json.dumps(elsewhere)
    told = cluster.kubectl("patch", "service", other, "--type=merge", "-p", change, "--dry-run=server").require()
    assert "RG007" in told.stderr or "RC069" in told.stderr, str(told)


def test_no_workload_goes_with_the_owner_that_it_had(hook, cluster):
    """What the garbage collector does when the owner is gone: asks, and is refused."""
    if not cluster.bed.real:
        pytest.skip("needs a garbage collector")
    cluster.kubectl("create", "configmap", "parent").require()
    uid = cluster.get("configmap", "parent")["metadata"]["uid"]
    owners = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": uid}]
    allowed = {"metadata": {"annotations": {ALLOW: "true"}, "ownerReferences": owners}}
    patch(cluster, "statefulset", "redis-app", allowed).require()
    patch(cluster, "statefulset", "redis-app", {"metadata": {"annotations": {ALLOW: None}}}).require()
    cluster.kubectl("delete", "configmap", "parent").require()

    def refused():
        return any("RG004" in json.dumps(line) for line in hook.lines() if line.get("operation") == "DELETE")

    wait_until(refused, 60, "the garbage collector is refused")
    assert "deletionTimestamp" not in cluster.get("statefulset", "redis-app")["metadata"]
    assert len(cluster.pods()) == 3
    patch(cluster, "statefulset", "redis-app", {"metadata": {"ownerReferences": None}}).require()


@pytest.mark.parametrize("how", ["label", "owner", "deadline", "image"])
def test_no_pod_is_taken_from_its_workload_or_ended_by_a_change(cluster, how):
    pod = cluster.get("pod", "redis-app-0")
    selector = cluster.get("statefulset", "redis-app")["spec"]["selector"]["matchLabels"]
    containers = pod["spec"]["containers"]
    containers[0]["image"] = "redis:gone"
    change = {"label": {"metadata": {"labels": {key: None for key in selector}}},
              "owner": {"metadata": {"ownerReferences": None}},
              "deadline": {"spec": {"activeDeadlineSeconds": 1}},
              "image": {"spec": {"containers": containers}}}[how]
    is_refused(patch(cluster, "pod", "redis-app-0", change), "RG003")


def test_no_budget_is_led_to_other_pods(cluster):
    name = cluster.get("poddisruptionbudgets")["items"][0]["metadata"]["name"]
    is_refused(patch(cluster, "poddisruptionbudget", name,
                     {"spec": {"selector": {"matchLabels": {"app": "other", "appCluster": None}}}}), "RG007")


def test_no_config_map_loses_what_is_mounted(cluster):
    spec = cluster.get("statefulset", "redis-app")["spec"]["template"]["spec"]
    name = next(it["configMap"]["name"] for it in spec["volumes"] if "configMap" in it)
    change = {"data": {"redis.conf": None}}
    outcome = patch(cluster, "configmap", name, change)
    is_refused(outcome, "RG007")


def test_the_cluster_is_whole_after_all_this(cluster):
    assert cluster.status()["slots"]["ok"] == 16384


def test_what_is_ignored_passes_and_is_logged_and_counted(hook, cluster):
    claim = "redis-data-redis-app-2"
    cluster.kubectl("annotate", "persistentvolumeclaim", claim, "kubectl-redis.dev/ignore=true").require()
    cluster.kubectl("delete", "persistentvolumeclaim", claim, "--dry-run=server").require()
    told = wait_until(lambda: [line for line in hook.lines() if line.get("ignored") and line.get("name") == claim],
                      20, "the log tells")
    assert told[0]["operation"] == "DELETE"
    assert any('ignored_total{kind="PersistentVolumeClaim"}' in metrics for metrics in hook.metrics())
    cluster.kubectl("annotate", "persistentvolumeclaim", claim, "kubectl-redis.dev/ignore-").require()


def test_an_annotation_of_the_namespace_lets_it_go(hook):
    space = make_seen(hook)
    is_refused(hook.bed.kubectl("delete", "namespace", space.name, "--dry-run=server"), "RG008")
    hook.bed.kubectl("annotate", "namespace", space.name, f"{ALLOW}=true").require()
    hook.bed.kubectl("delete", "namespace", space.name, "--wait=false").require()


def test_no_replica_set_takes_its_pods_along(hook):
    space = make_seen(hook, "--layout", "deployment")
    sets = [it for it in space.get("replicasets")["items"] if it["spec"]["replicas"] == 1]
    name = sets[0]["metadata"]["name"]
    is_refused(space.kubectl("delete", "replicaset", name, "--wait=false"), "RG003")
    is_refused(space.kubectl("scale", "replicaset", name, "--replicas=0"), "RG001")
    is_refused(space.kubectl("delete", "--raw", f"/apis/apps/v1/namespaces/{space.name}/replicasets"), "RG003")
    is_refused(patch(space, "replicaset", name, owners_with_gone(sets[0])), "RG003")
    drop_namespace(hook.bed, space.name)


def open_a_slot(space, source, target, slot):
    """As a move of slots has it open, at both ends."""
    ids = [node(space, pod).cluster("MYID") for pod in (source, target)]
    node(space, target).cluster("SETSLOT", slot, "IMPORTING", ids[0])
    node(space, source).cluster("SETSLOT", slot, "MIGRATING", ids[1])


def is_refused_while_moving(attempt):
    """A look of up to a second ago counts, and one that a pod had no time to answer refuses for what it misses."""
    tried = []

    def refused():
        tried.append(attempt())
        return tried[-1].exit != 1 or "[RG009]" in tried[-1].stderr

    wait_until(refused, 10, "it is refused as slots move")
    is_refused(tried[-1], "RG009")
    return tried[-1]


def test_a_shard_whose_slots_move_is_left_alone(hook):
    space = fresh_namespace(hook.bed)
    create_seen(hook, space)

    def tried(pod):
        return space.kubectl("delete", "pod", pod, "--dry-run=server")

    open_a_slot(space, "redis-app-0", "redis-app-1", 7)
    restart = {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}
    wait_until(lambda: "[RG009]" in tried("redis-app-0").stderr, 10, "it is seen")
    for pod in ("redis-app-0", "redis-app-1"):
        is_refused_while_moving(lambda: tried(pod))
        assert "TooManyRequests" in is_refused_while_moving(lambda: evict(space, pod)).stderr
    is_refused_while_moving(lambda: patch(space, "statefulset", "redis-app", restart))
    wait_until(lambda: not tried("redis-app-2").exit, 10, "the other shard is free")
    space.plugin("fix", "--yes").require()
    wait_until(lambda: not tried("redis-app-0").exit, 10, "it is over")
    wait_until(lambda: not patch(space, "statefulset", "redis-app", restart).exit, 10, "a restart is, too")
    drop_namespace(hook.bed, space.name)
