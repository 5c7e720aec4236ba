# SPDX-License-Identifier: Apache-2.0
"""The rules that the API server can judge itself: what `webhook manifests --as-vap` prints says the same
of an object as `lint` does. Only a real API server runs CEL."""

import json
import re

import pytest
import yaml

from bed import wait_until
from conftest import fresh_namespace
from test_webhook import article

ANNOTATIONS = {"kubectl-redis.dev/masters": "3", "kubectl-redis.dev/replicas": "1"}


def sound():
    made = article()
    made["metadata"]["annotations"] = dict(ANNOTATIONS)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = "redis:8.0"
    return made


def changed(change):
    """A sound StatefulSet after `change(object, pod, container)`."""
    made = sound()
    pod = made["spec"]["template"]["spec"]
    change(made, pod, pod["containers"][0])
    return made


def deployment(replicas=1, strategy="Recreate"):
    made = sound()
    spec = made["spec"]
    spec["template"]["spec"]["volumes"].append(
        {"name": "redis-data", "persistentVolumeClaim": {"claimName": "redis-data-0"}})
    return {**made, "kind": "Deployment", "metadata": {"name": "redis-app"},
            "spec": {"replicas": replicas, "selector": spec["selector"], "template": spec["template"],
                     "strategy": {"type": strategy}}}


def annotated(**texts):
    return changed(lambda made, pod, container: made["metadata"].update(
        annotations={f"kubectl-redis.dev/{key}": value for key, value in texts.items()}))


def with_image(image):
    return changed(lambda made, pod, container: container.update(image=image))


def as_user(own, everyone):
    def change(made, pod, container):
        container["securityContext"] = {} if own is None else {"runAsUser": own}
        pod["securityContext"] = {} if everyone is None else {"runAsUser": everyone}

    return changed(change)


def replicas(count, marks=()):
    return changed(lambda made, pod, container: (made["spec"].update(replicas=count),
                                                 made["metadata"].update(annotations=dict(marks))))


def claim(modes):
    return changed(lambda made, pod, container: made["spec"]["volumeClaimTemplates"][0]["spec"].update(accessModes=modes))


OBJECTS = {
    "a sound one": sound(),
    "one pod too few": replicas(5, ANNOTATIONS),
    "scaled to nothing": replicas(0, ANNOTATIONS),
    "two pods": replicas(2),
    "three pods": replicas(3),
    "six pods": replicas(6),
    "two masters": annotated(masters="2"),
    "masters in words": annotated(masters="three"),
    "claims that go": changed(lambda made, pod, container: made["spec"].update(
        persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})),
    "claims that stay": changed(lambda made, pod, container: made["spec"].update(
        persistentVolumeClaimRetentionPolicy={"whenScaled": "Retain", "whenDeleted": "Retain"})),
    "the node's network": changed(lambda made, pod, container: pod.update(hostNetwork=True)),
    "claims for reading": claim(["ReadOnlyMany"]),
    "claims for both": claim(["ReadOnlyMany", "ReadWriteOnce"]),
    "no version": with_image("redis"),
    "the latest version": with_image("registry:5000/redis:latest"),
    "a port, no version": with_image("registry:5000/redis"),
    "a digest": with_image("redis@sha256:" + "0" * 64),
    "privileged": changed(lambda made, pod, container: container.update(securityContext={"privileged": True})),
    "not privileged": changed(lambda made, pod, container: container.update(securityContext={"privileged": False})),
    "root": as_user(0, None),
    "root for all": as_user(None, 0),
    "root for all but this": as_user(999, 0),
    "several at once": changed(lambda made, pod, container: (made["spec"].update(replicas=5),
                                                             container.update(securityContext={"privileged": True}))),
    "taken out": annotated(masters="2", ignore="true"),
    "a Deployment of one": deployment(),
    "a Deployment of two": deployment(replicas=2),
    "a Deployment that overlaps": deployment(strategy="RollingUpdate"),
}


@pytest.fixture(scope="module")
def space(make_bed):
    bed = make_bed("--no-default-class")
    served = bed.kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name").stdout
    if "validatingadmissionpolicies." not in served:
        pytest.skip("this API server has no ValidatingAdmissionPolicies")
    text = bed.plugin("webhook", "manifests", "--as-vap").require().stdout
    bed.kubectl("apply", "-f", "-", stdin=text).require()
    made = fresh_namespace(bed)
    made.rules = set(re.findall(r"\[(RC\d+)\]", text))
    wait_until(lambda: judged(made, OBJECTS["two pods"])[0], 60, "the policies are in force")
    yield made
    bed.kubectl("delete", "-f", "-", stdin=text)
    bed.kubectl("delete", "namespace", made.name, "--wait=false")


def judged(space, thing):
    """Whether the API server refuses, and which rules it names in a refusal or warning."""
    outcome = space.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(thing))
    assert outcome.exit == 0 or "denied request" in outcome.stderr, str(outcome)
    return outcome.exit != 0, set(re.findall(r"\[(RC\d+)\]", outcome.stderr))


def linted(space, thing):
    outcome = space.bed.plugin("lint", "-f", "-", "-o", "json", stdin=yaml.safe_dump(thing))
    found = [each for each in outcome.json()["findings"] if each["rule"] in space.rules]
    return {severity: {each["rule"] for each in found if each["severity"] == severity}
            for severity in ("error", "warning")}


@pytest.mark.parametrize("name", OBJECTS)
def test_the_api_server_says_what_lint_says(space, name):
    wanted = linted(space, OBJECTS[name])
    refused, rules = judged(space, OBJECTS[name])
    assert refused == bool(wanted["error"]), (rules, wanted)
    assert rules <= wanted["error"] | wanted["warning"]
    assert wanted["warning"] <= rules or refused
    assert not refused or rules & wanted["error"]


def test_every_rule_with_an_expression_objects_to_something_here(space):
    seen = set().union(*(rules for thing in OBJECTS.values() for rules in linted(space, thing).values()))
    assert seen == space.rules


def test_the_levels_of_namespaces_hold(space):
    bad = OBJECTS["two pods"]
    for level, refused in (("warn", False), ("audit", False), ("off", False), ("enforce", True)):
        space.bed.kubectl("label", "--overwrite", "namespace", space.name, f"kubectl-redis.dev/policy={level}").require()
        wait_until(lambda: judged(space, bad)[0] == refused, 30, f"the level {level} is in force")
        assert bool(judged(space, bad)[1]) == (level in ("warn", "enforce"))
