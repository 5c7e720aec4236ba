# SPDX-License-Identifier: Apache-2.0
"""`kubectl redis webhook install` and what follows: in the cluster, asked by the API server through its
Service, with pods that come and go. Runs on every bed."""

import json
import time

import pytest

from bed import wait_until
from conftest import drop_namespace, fresh_namespace
from test_webhook import affinity_of, apply, article, broken, probe_level, reviews_without_a_pause, without_affinity

SYSTEM = "kubectl-redis-system"
NAME = "kubectl-redis-webhook"
CONFIGURATIONS = "mutatingwebhookconfigurations,validatingwebhookconfigurations"


@pytest.fixture(scope="module")
def bed(make_bed):
    made = make_bed("--no-default-class")
    if not made.real and made.sandbox is None:
        pytest.skip("needs an image of the webhook, which the project's own beds have")
    made.first = made.plugin("webhook", "install")
    yield made
    made.plugin("webhook", "uninstall")


@pytest.fixture
def space(bed):
    bed.first.require()
    made = fresh_namespace(bed)
    yield made
    drop_namespace(bed, made.name)


def pods(bed):
    found = bed.kubectl("-n", SYSTEM, "get", "pods", "-o", "json").require().json()["items"]
    return {pod["metadata"]["name"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}


def ready(pod):
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def two_ready(bed):
    return sum(ready(pod) for pod in pods(bed).values()) == 2


def status(bed):
    return bed.plugin("webhook", "status", "-o", "json")


def level(bed, name):
    made = fresh_namespace(bed)
    bed.kubectl("label", "namespace", made.name, f"kubectl-redis.dev/policy={name}").require()
    return made


def test_install_waits_and_proves_itself(bed):
    outcome = bed.first.require()
    assert "proven by a broken object that it refused" in outcome.stdout
    assert "[RC0" in outcome.stdout
    assert two_ready(bed)
    assert len({pod["spec"]["nodeName"] for pod in pods(bed).values()}) == 2, "both on one node"
    assert "kubectl-redis-proof" not in bed.kubectl("get", "statefulsets", "-A", "-o", "name").require().stdout


def test_install_again_changes_nothing(bed):
    before = {name: pod["metadata"]["uid"] for name, pod in pods(bed).items()}
    outcome = bed.plugin("webhook", "install").require()
    assert "created" not in outcome.stderr and "configured" not in outcome.stderr, str(outcome)
    assert {name: pod["metadata"]["uid"] for name, pod in pods(bed).items()} == before
    assert status(bed).exit == 0, "the authority was lost"


def test_a_dry_run_says_what_install_would_do(bed):
    outcome = bed.plugin("webhook", "install", "--replicas", "3", "--dry-run=server").require()
    assert f"deployment.apps/{NAME} configured (server dry run)" in outcome.stdout
    assert f"service/{NAME} unchanged (server dry run)" in outcome.stdout
    assert len(pods(bed)) == 2


def test_version_shows_the_webhook(bed):
    report = bed.plugin("version", "-o", "json").require().json()
    assert report["webhookVersion"] == report["clientVersion"]


def test_apply_is_completed_or_refused(bed, space):
    apply(space, without_affinity()).require()
    assert affinity_of(space) is not None
    outcome = apply(space, broken())
    assert outcome.exit == 1 and 'webhook "validate.kubectl-redis.dev" denied' in outcome.stderr, str(outcome)


def test_server_side_apply_is_completed_or_refused(bed, space):
    flags = ["--server-side", "--field-manager", "e2e"]
    apply(space, without_affinity(), flags=flags).require()
    generation = space.get("statefulset", "redis-app")["metadata"]["generation"]
    assert affinity_of(space) is not None
    apply(space, without_affinity(), flags=flags).require()
    assert space.get("statefulset", "redis-app")["metadata"]["generation"] == generation
    assert apply(space, broken(), flags=[*flags, "--force-conflicts"]).exit == 1


def test_scaling_out_is_allowed(bed, space):
    apply(space, article()).require()
    count = article()["spec"]["replicas"]
    space.kubectl("scale", "statefulset", "redis-app", f"--replicas={count + 2}").require()
    assert space.get("statefulset", "redis-app")["spec"]["replicas"] == count + 2


def test_each_level_does_what_it_says(bed):
    bed.first.require()
    spaces = {name: level(bed, name) for name in ("enforce", "warn", "audit", "off")}
    for name, made in spaces.items():
        wanted = "audit" if name == "off" else name
        wait_until(lambda: probe_level(made) == wanted, 20, f"the level {name} is in force")
    outcomes = {name: apply(made, broken()) for name, made in spaces.items()}
    assert [outcomes[name].exit for name in ("enforce", "warn", "audit", "off")] == [1, 0, 0, 0]
    assert "Warning: [RC0" in outcomes["warn"].stderr
    assert outcomes["audit"].stderr == outcomes["off"].stderr == ""
    for made in spaces.values():
        drop_namespace(bed, made.name).require()


def test_status_tells_replicas_certificates_decisions_and_latency(bed, space):
    apply(space, broken())
    outcome = status(bed)
    assert outcome.exit == 0, str(outcome)
    report = outcome.json()
    assert [each["ready"] for each in report["replicas"]] == [True, True]
    assert all(each["version"] for each in report["replicas"])
    assert all(each["certificate"]["notAfter"] > time.strftime("%Y-%m-%d") for each in report["replicas"])
    assert all(each["authority"]["notAfter"] > each["certificate"]["notAfter"] for each in report["replicas"])
    assert all(0 <= each["viewAgeSeconds"] < 200 for each in report["replicas"])
    assert sum(each["refused"] for each in report["replicas"]) >= 1
    assert any(rule.startswith("RC0") for rule in report["objections"])
    assert 0 < report["latencySeconds"]["p50"] <= report["latencySeconds"]["p99"]
    text = bed.plugin("webhook", "status").require().stdout
    assert "REPLICA" in text and "OBJECTIONS" in text and "when no replica answers" in text


def test_rotation_fails_no_review(bed, space):
    with reviews_without_a_pause(space) as load:
        bed.plugin("webhook", "rotate-certs").require()
        reviews = load.reviews
        wait_until(lambda: load.reviews > reviews + 5, 60, "reviews go on")
    assert load.failures == []
    assert status(bed).exit == 0


def one_goes_under_load(bed, space, *how):
    """The load, with Fail, so that a review which nobody answers is seen. None fails once another took its place."""
    bed.plugin("webhook", "install", "--failure-policy", "Fail").require()
    with reviews_without_a_pause(space) as load:
        wait_until(lambda: load.reviews > 3, 60, "reviews go on")
        gone = next(iter(pods(bed)))
        bed.kubectl("-n", SYSTEM, "delete", "pod", gone, "--wait=false", *how).require()
        wait_until(lambda: gone not in pods(bed) and two_ready(bed), 60, "another took its place")
        reviews, failures = load.reviews, len(load.failures)
        wait_until(lambda: load.reviews > reviews + 5, 60, "reviews go on")
    print(f"\n{load.reviews} reviews, {len(load.failures)} failed")
    assert load.failures[failures:] == []
    return load


def test_a_replica_that_is_told_to_go_fails_no_review(bed, space):
    assert one_goes_under_load(bed, space).failures == []


def test_a_killed_replica_fails_what_was_on_its_way_to_it_and_no_more(bed, space):
    """Until the endpoints are new, the API server may call a process that is no more."""
    load = one_goes_under_load(bed, space, "--force", "--grace-period=0")
    assert len(load.failures) <= 3
    assert all("connection re" in failure or "EOF" in failure for failure in load.failures), load.failures


def test_a_rollout_under_load_fails_no_review(bed, space):
    before = set(pods(bed))
    with reviews_without_a_pause(space) as load:
        bed.plugin("webhook", "install", "--failure-policy", "Fail", "--default-level", "warn").require()
        reviews = load.reviews
        wait_until(lambda: load.reviews > reviews + 3, 60, "reviews go on")
    print(f"\n{load.reviews} reviews, {len(load.failures)} failed")
    assert load.failures == []
    assert not before & set(pods(bed))
    assert probe_level(space) == "warn"


def test_with_nobody_there_fail_refuses_and_ignore_lets_pass(bed, space):
    bed.plugin("webhook", "install", "--failure-policy", "Fail").require()
    bed.kubectl("-n", SYSTEM, "scale", "deployment", NAME, "--replicas=0").require()
    wait_until(lambda: pods(bed) == {}, 60, "no replica is left")
    wait_until(lambda: "failed calling webhook" in apply(space, article()).stderr, 30, "changes are refused")
    found = status(bed)
    assert found.exit == 3 or found.json()["wantedReplicas"] == 0, str(found)
    for kind in ("mutating", "validating"):
        bed.kubectl("patch", f"{kind}webhookconfiguration", NAME, "--type=json", "-p", json.dumps(
            [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}])).require()
    wait_until(lambda: apply(space, broken()).exit == 0, 30, "changes pass")


def test_uninstall_leaves_nothing(bed, space):
    said = bed.plugin("webhook", "uninstall", "--dry-run=client").require().stdout
    assert said.splitlines()[1].strip().startswith("delete validatingwebhookconfiguration"), "the API server is led away first"
    bed.plugin("webhook", "uninstall").require()
    for kind in (f"{CONFIGURATIONS},clusterroles,clusterrolebindings,namespaces").split(","):
        left = bed.kubectl("get", kind, "-o", "name").require().stdout.split()
        assert not [name for name in left if name.endswith((f"/{NAME}", f"/{SYSTEM}"))], left
    apply(space, broken()).require()
    assert status(bed).exit == 3
    outcome = bed.plugin("webhook", "uninstall")
    assert outcome.exit == 1 and "is not installed" in outcome.stderr
