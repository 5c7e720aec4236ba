# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a real Kubernetes while a cluster is made or serves: `create` says what it is, in
the words of whoever refused, and the same command finishes the work once that is mended."""

import json
import re
import shutil
import time

import pytest

from bed import PATIENCE, wait_until
from client import connect, missing_keys, node, write_keys
from test_cold_restart import identities, nodes_file
from test_create import require_whole
from test_refusals import require_refusal


@pytest.fixture
def real(namespace):
    if not namespace.bed.real:
        pytest.skip("needs the real bed")
    return namespace


def seconds(number):
    return f"{number * PATIENCE:g}s"


def create(namespace, *words, timeout=30):
    """Bounded, whatever happens."""
    return namespace.plugin("create", *words, "--timeout", seconds(timeout), timeout=2 * timeout + 60)


def require_well(namespace):
    """Whole, once every pod has been asked again whether it is ready."""
    wait_until(lambda: namespace.status()["health"] == "ok", 60, "the cluster is well")
    require_whole(namespace, 3, 1)


def require_finished(namespace, *words):
    """The same command again, once nothing is in the way."""
    again = create(namespace, *words, timeout=120)
    assert again.exit == 0, str(again)
    require_well(namespace)


# --- pods that do not come -------------------------------------------------------------------------


def test_pods_that_fit_on_no_node_are_named_with_what_is_lacking(real):
    outcome = create(real, "--ephemeral", "--requests", "cpu=900", timeout=10)
    require_refusal(outcome, r"0 of 6 pods became ready in time\n  redis-app-0: .*0/3 nodes are available.*Insufficient cpu")


def test_an_image_without_a_shell_is_told_so(real):
    """The webhook's own is from scratch."""
    image = "kubectl-redis-webhook:" + real.plugin("version", "--client", "-o", "json").json()["clientVersion"]["version"]
    outcome = create(real, "--image", image, timeout=20)
    require_refusal(outcome, r"redis-app-0 on node-.: its image has no /bin/sh")


CLASS_OF_NOBODY = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: of-nobody}
provisioner: kubectl-redis.dev/nobody
"""


def test_pods_that_wait_for_volumes_for_ever_are_named_with_the_claims(real):
    real.bed.kubectl("apply", "-f", "-", stdin=CLASS_OF_NOBODY).require()
    outcome = create(real, "--storage-class", "of-nobody", timeout=10)
    require_refusal(outcome, r"redis-app-0: .*unbound immediate PersistentVolumeClaims")


def quota(namespace, hard):
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": hard}})).require()
    wait_until(lambda: namespace.get("resourcequota", "tight").get("status", {}).get("hard") == hard, 30,
               "the quota is in force")


def test_a_quota_that_is_too_small_is_named_before_anything_is_made(real):
    quota(real, {"pods": "5"})
    before = real.objects()
    require_refusal(create(real, "--ephemeral"), r"ResourceQuota tight leaves too little pods: 0 of 5 are in use")
    assert real.objects() == before


def test_a_quota_that_refuses_the_pods_is_told_in_the_servers_words(real):
    quota(real, {"limits.memory": "8Gi"})  # Counts only pods that have a limit, and takes no others.
    outcome = create(real, "--ephemeral", timeout=15)
    require_refusal(outcome, r"6 not made: .*failed quota: tight: must specify limits\.memory for: redis")
    real.kubectl("delete", "resourcequota", "tight").require()
    require_finished(real, "--ephemeral")


# --- somebody else's admission policy --------------------------------------------------------------

REASON = ("Workloads of this company carry a cost centre. " + "See the handbook, chapter 7. " * 14 +
          "Ask the platform team: extension 4711.")


def policy(namespace, resource, group):
    name = f"{resource}-of-{namespace.name}"
    base = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}
    return {"apiVersion": "v1", "kind": "List", "items": [
        {**base, "kind": "ValidatingAdmissionPolicy", "spec": {
            "failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "has(object.metadata.labels) && 'cost-centre' in object.metadata.labels",
                             "messageExpression": json.dumps(REASON)}]}},
        {**base, "kind": "ValidatingAdmissionPolicyBinding", "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}}}}}]}


PROBES = {
    "statefulsets": {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "probe"},
                     "spec": {"serviceName": "probe", "selector": {"matchLabels": {"app": "probe"}},
                              "template": {"metadata": {"labels": {"app": "probe"}},
                                           "spec": {"containers": [{"name": "probe", "image": "probe:1"}]}}}},
    "pods": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
             "spec": {"containers": [{"name": "probe", "image": "probe:1"}]}},
}


@pytest.fixture(params=[("statefulsets", "apps"), ("pods", "")], ids=["of the workload", "of the pods"])
def guarded(real, request):
    """A namespace in which somebody's policy refuses one kind of object."""
    resource, group = request.param
    text = json.dumps(policy(real, resource, group))
    real.bed.kubectl("apply", "-f", "-", stdin=text).require()

    def in_force():
        tried = real.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(PROBES[resource]))
        return "extension 4711" in tried.stderr

    wait_until(in_force, 60, "the policy is in force")
    real.drop_policy = lambda: real.bed.kubectl("delete", "-f", "-", stdin=text)
    yield real
    real.drop_policy()


def test_a_policy_of_somebody_else_is_shown_whole(guarded):
    outcome = create(guarded, "--ephemeral", timeout=15)
    require_refusal(outcome, "ValidatingAdmissionPolicy")
    assert REASON in re.sub(r"\s+", " ", outcome.stderr), str(outcome)
    guarded.drop_policy()
    time.sleep(3 * PATIENCE)  # Until the API server has noticed.
    require_finished(guarded, "--ephemeral")


# --- machines and networks -------------------------------------------------------------------------


def test_a_node_that_is_lost_while_create_waits_is_named_and_create_goes_on_later(real):
    lost = real.bed.nodes()[1]
    running = real.start_plugin("create", "--timeout", seconds(40))
    try:
        wait_until(lambda: any(pod["spec"].get("nodeName") == lost for pod in real.pods().values()), 60,
                   f"a pod is on {lost}", every=0.05)
        real.bed.node("kill", lost)
        start = time.monotonic()
        _, stderr = running.communicate(timeout=90 * PATIENCE)
        assert time.monotonic() - start < 60 * PATIENCE
        assert running.returncode == 1, stderr
        assert re.search(rf"redis-app-\d on {lost}: .*(not ready|NotReady)", stderr), stderr
        assert "  fix: " in stderr, stderr
    finally:
        running.kill()
        real.bed.node("start", lost)
    require_finished(real)


@pytest.mark.parametrize("moment", ["first object", "first pod"])
def test_an_api_server_that_restarts_in_the_middle_does_not_end_create(real, moment):
    kind = {"first object": "configmaps", "first pod": "pods"}[moment]
    running = real.start_plugin("create", "--timeout", seconds(120))
    try:
        wait_until(lambda: [it for it in real.get(kind)["items"] if it["metadata"]["name"] != "kube-root-ca.crt"], 60,
                   f"the {moment} is there", every=0.02)
        real.bed.control("restart", "apiserver")
        _, stderr = running.communicate(timeout=150 * PATIENCE)
    finally:
        running.kill()
    assert running.returncode == 0, stderr
    require_well(real)


def nodes_named(text):
    """The pods in the first line of an error about a pair."""
    return re.search(r"(redis-app-\d) cannot reach the bus port 16379 of (redis-app-\d) \(10\.", text)


@pytest.fixture
def cut(real):
    """Cuts the first two nodes' pods off from each other; healed in the end."""
    first, second = (name.removeprefix("node-") for name in real.bed.nodes()[:2])
    yield lambda: real.bed.control("cut", first, second)
    real.bed.control("heal")


def require_pair_named(namespace, stderr):
    pair = nodes_named(stderr)
    assert pair, stderr
    pods = namespace.pods()
    assert {pods[name]["spec"]["nodeName"] for name in pair.groups()} == set(namespace.bed.nodes()[:2]), stderr
    assert "fix: " in stderr and "16379" in stderr.split("fix: ")[1], stderr


def test_two_nodes_without_a_network_between_them_are_named_by_init(real, cut):
    real.plugin("create", "--no-init", "--ephemeral").require()
    cut()
    start = time.monotonic()
    outcome = real.plugin("init", "--timeout", seconds(20), timeout=120)
    assert outcome.exit == 1, str(outcome)
    assert time.monotonic() - start < 30 * PATIENCE
    require_pair_named(real, outcome.stderr)
    real.bed.control("heal")
    again = real.plugin("init", "--timeout", seconds(60))
    assert again.exit == 0, str(again)
    require_well(real)


def test_a_network_that_is_cut_in_the_middle_of_init_ends_it_in_time_and_later_it_goes_on(real, cut):
    real.plugin("create", "--no-init", "--ephemeral").require()
    pods = sorted(real.pods())
    running = real.start_plugin("init", "--timeout", seconds(20))
    try:
        wait_until(lambda: any(node(real, pod).execute_command("CLUSTER INFO")["cluster_known_nodes"] != "1"
                               for pod in pods), 20, "the first nodes have met", every=0.005)
        cut()
        start = time.monotonic()
        _, stderr = running.communicate(timeout=60 * PATIENCE)
        assert time.monotonic() - start < 30 * PATIENCE
    finally:
        running.kill()
    # It may have been through just before. Nothing else ends well.
    if running.returncode != 0:
        assert running.returncode == 1, stderr
        require_pair_named(real, stderr)
    real.bed.control("heal")
    assert real.plugin("init", "--timeout", seconds(60)).exit == 0
    wait_until(lambda: identities(real), 60, "every node is well")
    require_well(real)


# --- volumes -----------------------------------------------------------------------------------------


def served_without(namespace, pod):
    masters = namespace.status()["masters"]
    return sum(bool(master["slots"]) for master in masters) == 3 and pod not in {
        master["pod"] for master in masters if master["slots"]}


def require_ready_again(namespace, pod):
    """Waits for a pod, and does what status says to do for it: a StatefulSet that makes a pod while its
    claim is still going may not notice that the claim is gone (Kubernetes' own race, seen once in 40)."""
    delete = ("delete", "pod", pod)

    def ready():
        outcome = namespace.kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=5s")
        findings = namespace.status()["findings"]
        if any(" ".join(("kubectl", *delete)) in finding["fix"] for finding in findings):
            namespace.kubectl(*delete).require()
        assert outcome.exit == 0, findings
        return True

    wait_until(ready, 60, f"{pod} is back")


def test_a_lost_volume_costs_no_key_and_status_says_which_pod_misses_it(real):
    create(real, timeout=120).require()
    write_keys(connect(real), 200)
    time.sleep(1.5)
    folder = nodes_file(real, "redis-app-0").parent
    shutil.rmtree(folder)
    real.kubectl("delete", "pod", "redis-app-0", "--grace-period=0", "--force").require()
    wait_until(lambda: served_without(real, "redis-app-0"), 60, "a replica took over")
    assert missing_keys(connect(real), 200) == []

    def told():
        text = real.plugin("status").stdout
        return "redis-app-0" in text and "FailedMount" in text and str(folder.name) in text

    wait_until(told, 60, "status says why redis-app-0 does not run")
    # A new claim brings a new volume, and the pod comes back as a new node, which init takes in.
    real.kubectl("delete", "persistentvolumeclaim", "redis-data-redis-app-0", "--wait=false").require()
    real.kubectl("delete", "pod", "redis-app-0", "--grace-period=0", "--force").require()
    require_ready_again(real, "redis-app-0")
    assert missing_keys(connect(real), 200) == []
