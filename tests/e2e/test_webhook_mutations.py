# SPDX-License-Identifier: Apache-2.0
"""The article's StatefulSet through the webhook, whole, in pieces and bare: the cluster comes up.
Broken pieces are refused with the ids of the rules; what `create` makes passes as it is."""

import base64
import copy
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from bed import MANIFESTS, wait_until
from conftest import drop_namespace, fresh_namespace
from webhook_process import start_hooked

CONTAINER = "spec/template/spec/containers/0"
# What is taken out, one at a time; these clusters are of three masters, to be quick.
PIECES = [f"{CONTAINER}/ports", "spec/template/spec/affinity", "spec/volumeClaimTemplates",
          f"{CONTAINER}/volumeMounts/0", f"{CONTAINER}/volumeMounts/1", "spec/template/spec/volumes",
          f"{CONTAINER}/command", f"{CONTAINER}/args", f"{CONTAINER}/resources",
          "spec/template/spec/terminationGracePeriodSeconds"]


def article(*names):
    return [yaml.safe_load((MANIFESTS / "article" / f"{name}.yaml").read_text()) for name in names]


def without(pointer):
    made = article("redis")[0]
    made["spec"]["replicas"] = 3
    *parents, last = pointer.split("/")
    here = made
    for key in parents:
        here = here[int(key)] if isinstance(here, list) else here[key]
    del here[int(last) if isinstance(here, list) else last]
    return made


def bare():
    """All pieces taken out: what is left is the image and who belongs together."""
    made = article("redis")[0]
    del made["spec"]["volumeClaimTemplates"]
    made["spec"]["template"]["spec"] = {"containers": [{"name": "redis", "image": "redis"}]}
    return made


VARIANTS = {"whole": article("redis")[0], "bare": bare(), **{f"no {piece}": without(piece) for piece in PIECES}}


@pytest.fixture(scope="module")
def hook(make_bed, tmp_path_factory):
    bed = make_bed()
    if bed.sandbox is None:
        pytest.skip("needs the sandbox: its API server reaches this machine")
    webhook = start_hooked(bed, tmp_path_factory.mktemp("webhook"))
    yield webhook
    webhook.stop()


def apply(space, *objects):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return space.kubectl("apply", "-f", "-", stdin=text)


def ready(space):
    found = space.get("statefulset", "redis-app")
    return found["status"].get("readyReplicas") == found["spec"]["replicas"]


def bring_up(hook, workload):
    """How init and status ended, and the space."""
    space = fresh_namespace(hook.bed)
    config, service = article("redis-conf", "headless-service")
    # The official images are built with it off, so that nothing fills it in; the sandbox's server is not.
    config["data"]["redis.conf"] += "protected-mode no\n"
    apply(space, config, service, workload).require()
    wait_until(lambda: ready(space), 80, f"the pods of {space.name} are ready")
    replicas = 1 if workload["spec"]["replicas"] == 6 else 0
    space.plugin("init", "--replicas", str(replicas)).require()
    status = space.status()
    space.kubectl("annotate", "statefulset", "redis-app", "kubectl-redis.dev/allow-delete=true").require()
    space.kubectl("delete", "statefulset", "redis-app", "--wait=false").require()
    return status


@pytest.fixture(scope="module")
def clusters(hook):
    """All variants, brought up side by side."""
    with ThreadPoolExecutor(6) as workers:
        yield {name: workers.submit(bring_up, hook, workload) for name, workload in VARIANTS.items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_cluster_comes_up_whatever_the_article_leaves_out(clusters, variant):
    status = clusters[variant].result()
    masters = [master for master in status["masters"] if master["slots"]]
    assert len(masters) == 3
    assert status["slots"]["ok"] == 16384
    expected = 1 if VARIANTS[variant]["spec"]["replicas"] == 6 else 0
    assert {len(master["replicas"]) for master in masters} == {expected}


def set_at(made, pointer, value):
    *parents, last = pointer.split("/")
    here = made
    for key in parents:
        here = here[int(key)] if isinstance(here, list) else here[key]
    here[last] = value


BROKEN = {
    "RC006": ("spec/replicas", 5, {"kubectl-redis.dev/masters": "3", "kubectl-redis.dev/replicas": "1"}),
    "RC007": ("spec/replicas", 2, {}),
    "RC023": (f"{CONTAINER}/ports", [{"name": "redis", "containerPort": 6380}], {}),
    "RC026": ("spec/template/spec/volumes", [{"name": "redis-conf", "configMap": {"name": "redis-conf"}},
                                             {"name": "redis-data", "emptyDir": {}}], {}),
    "RC057": (f"{CONTAINER}/livenessProbe",
              {"exec": {"command": ["sh", "-c", "redis-cli cluster info | grep cluster_state:ok"]}}, {}),
    "RC066": (f"{CONTAINER}/securityContext", {"privileged": True}, {}),
}


def broken(*rules):
    made = article("redis")[0]
    for rule in rules:
        pointer, value, annotations = BROKEN[rule]
        set_at(made, pointer, copy.deepcopy(value))
        made["metadata"].setdefault("annotations", {}).update(annotations)
    if "RC026" in rules:
        del made["spec"]["volumeClaimTemplates"]
    return made


@pytest.mark.parametrize("rules", [[rule] for rule in BROKEN] + [[rule for rule in BROKEN if rule != "RC006"]])
def test_a_broken_piece_is_refused_with_the_id_of_its_rule(hook, namespace_, rules):
    apply(namespace_, *article("redis-conf", "headless-service")).require()
    outcome = apply(namespace_, broken(*rules))
    assert outcome.exit == 1
    for rule in rules:
        assert f"[{rule}]" in outcome.stderr, str(outcome)
    assert namespace_.get("statefulsets")["items"] == []


def test_a_broken_configuration_is_refused_in_its_config_map(hook, namespace_):
    config, service, workload = article("redis-conf", "headless-service", "redis")
    apply(namespace_, service, {**workload, "spec": {**workload["spec"], "replicas": 0}})
    config["data"]["redis.conf"] += "daemonize yes\n"
    outcome = apply(namespace_, config)
    assert outcome.exit == 1 and "[RC035]" in outcome.stderr, str(outcome)


def test_what_create_makes_passes_as_it_is(hook, namespace_):
    namespace_.plugin("create", "--no-init").require()
    judged = [line for line in hook.lines() if line.get("namespace") == namespace_.name]
    made = {line["kind"] for line in judged if line["endpoint"] == "mutate"}
    assert {"StatefulSet", "ConfigMap", "Service"} <= made
    assert {line["result"] for line in judged} == {"allowed"}


@pytest.fixture
def namespace_(hook):
    made = fresh_namespace(hook.bed)
    yield made
    drop_namespace(hook.bed, made.name)


def patch_of(hook, workload):
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
              "request": {"uid": "1", "operation": "CREATE", "kind": {"kind": workload["kind"]},
                          "namespace": "nowhere", "name": "redis-app", "object": workload}}
    response = json.loads(hook.request("/mutate", review)[1])["response"]
    return json.loads(base64.b64decode(response["patch"])) if "patch" in response else []


def patched_by_kubectl(hook, workload, patch, tmp_path):
    file = tmp_path / "object.json"
    file.write_text(json.dumps(workload))
    return hook.bed.kubectl("patch", "--local", "-f", file, "--type=json", "-p", json.dumps(patch),
                            "-o", "json").require().json()


@pytest.mark.parametrize("variant", ["whole", "bare", f"no {CONTAINER}/volumeMounts/0"])
def test_kubectls_own_patch_makes_of_the_answer_what_then_lacks_nothing(hook, variant, tmp_path):
    """kubectl applies RFC 6902 with a library of its own."""
    patch = patch_of(hook, VARIANTS[variant])
    assert patch and {operation["op"] for operation in patch} == {"add"}
    made = patched_by_kubectl(hook, VARIANTS[variant], patch, tmp_path)
    for operation in patch:
        if not operation["path"].endswith("/-"):
            here = made
            for key in operation["path"][1:].split("/"):
                key = key.replace("~1", "/").replace("~0", "~")
                here = here[int(key)] if isinstance(here, list) else here[key]
            assert here is not None
    assert patch_of(hook, made) == []
