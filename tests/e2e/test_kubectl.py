# SPDX-License-Identifier: Apache-2.0
"""What stock kubectl must be able to do with the sandbox, and what the sandbox does to its nodes."""

import os
import subprocess

import pytest

from bed import BIN, start_sandbox, stop_sandbox, wait_until

POD = """
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: redis
          image: redis
          args: ["--protected-mode", "no"]
          ports: [{name: redis, containerPort: 6379}]
"""

SET = f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: cache}}
spec:
  serviceName: cache
  replicas: 3
  selector: {{matchLabels: {{app: cache}}}}
  template:
    metadata: {{labels: {{app: cache}}}}
{POD}
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 10M}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: cache}}
spec: {{clusterIP: None, selector: {{app: cache}}, ports: [{{port: 6379}}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: cache}}
spec: {{maxUnavailable: 1, selector: {{matchLabels: {{app: cache}}}}}}
"""

DEPLOYMENT = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
{POD}
"""


@pytest.fixture
def cache(sandbox, namespace):
    namespace.kubectl("apply", "-f", "-", stdin=SET).require()
    rolled_out(namespace, "statefulset/cache")
    return namespace


def rolled_out(namespace, workload):
    namespace.kubectl("rollout", "status", workload, "--timeout=120s").require()


def node_of(namespace, pod):
    return namespace.get("pod", pod)["spec"]["nodeName"]


def addresses_behind(namespace, service):
    subsets = namespace.get("endpoints", service).get("subsets", [])
    return {address["ip"] for subset in subsets for address in subset.get("addresses", [])}


def test_a_stateful_set_scales_keeps_its_claims_and_restarts_one_pod_at_a_time(cache):
    cache.kubectl("scale", "statefulset", "cache", "--replicas=1").require()
    wait_until(lambda: len(cache.pods("app=cache")) == 1, 30, "one pod is left")
    assert len(cache.get("persistentvolumeclaims")["items"]) == 3
    cache.kubectl("scale", "statefulset", "cache", "--replicas=3").require()
    rolled_out(cache, "statefulset/cache")
    before = {name: pod["metadata"]["uid"] for name, pod in cache.pods("app=cache").items()}
    cache.kubectl("rollout", "restart", "statefulset/cache").require()
    rolled_out(cache, "statefulset/cache")
    after = {name: pod["metadata"]["uid"] for name, pod in cache.pods("app=cache").items()}
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


def test_names_and_streams_reach_the_pods(cache):
    outcome = cache.kubectl("exec", "cache-0", "--", "redis-cli", "-h", "cache-1.cache", "ping")
    assert outcome.stdout == "PONG\n", str(outcome)
    assert "Ready to accept connections" in cache.kubectl("logs", "cache-2").stdout


def test_a_pod_made_anew_has_a_new_address_and_its_old_claim(cache):
    before = cache.get("pod", "cache-1")
    cache.kubectl("delete", "pod", "cache-1").require()
    rolled_out(cache, "statefulset/cache")
    after = cache.get("pod", "cache-1")
    assert before["status"]["podIP"] != after["status"]["podIP"]
    assert before["spec"]["volumes"][0] == after["spec"]["volumes"][0]


def test_drain_respects_the_budget_and_cordon_keeps_pods_away(cache):
    node = node_of(cache, "cache-0")
    try:
        cache.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force",
                      "--pod-selector=app=cache", "--timeout=100s").require()
        rolled_out(cache, "statefulset/cache")
        assert node not in {pod["spec"]["nodeName"] for pod in cache.pods("app=cache").values()}
    finally:
        cache.kubectl("uncordon", node).require()


def test_deleting_with_orphans_keeps_the_pods_and_a_new_set_adopts_them(cache):
    before = cache.get("pod", "cache-0")["metadata"]["uid"]
    cache.kubectl("delete", "statefulset", "cache", "--cascade=orphan").require()
    assert len(cache.pods("app=cache")) == 3
    cache.kubectl("apply", "-f", "-", stdin=SET).require()
    rolled_out(cache, "statefulset/cache")
    assert cache.get("pod", "cache-0")["metadata"]["uid"] == before


def test_a_deployment_rolls_over_and_goes_with_all_it_owns(sandbox, namespace):
    namespace.kubectl("apply", "-f", "-", stdin=DEPLOYMENT).require()
    rolled_out(namespace, "deployment/web")
    namespace.kubectl("rollout", "restart", "deployment/web").require()
    rolled_out(namespace, "deployment/web")
    assert len(namespace.get("replicasets")["items"]) == 2
    namespace.kubectl("delete", "deployment", "web", "--cascade=foreground").require()
    assert namespace.get("replicasets,pods")["items"] == []


def test_services_lead_to_ready_pods_by_cluster_address_node_port_and_load_balancer(cache):
    cache.kubectl("expose", "pod", "cache-0", "--name=out", "--port=6379", "--type=LoadBalancer").require()
    wait_until(lambda: addresses_behind(cache, "out"), 20, "the service has an endpoint")
    service = wait_until(
        lambda: (found := cache.get("service", "out"))["status"]["loadBalancer"].get("ingress") and found,
        20, "the service has an ingress address")
    node = cache.bed.kubectl("get", "node", node_of(cache, "cache-0"), "-o",
                             "jsonpath={.status.addresses[0].address}").require().stdout
    for address, port in [
        (service["spec"]["clusterIP"], 6379),
        (node, service["spec"]["ports"][0]["nodePort"]),
        (service["status"]["loadBalancer"]["ingress"][0]["ip"], 6379),
    ]:
        ping = ["redis-cli", "-h", address, "-p", str(port), "ping"]
        wait_until(lambda: subprocess.run(ping, capture_output=True, text=True).stdout == "PONG\n",
                   20, " ".join(ping))


def test_a_pod_that_fits_nowhere_says_why(sandbox, namespace):
    namespace.kubectl("run", "huge", "--image=redis", "--overrides", """{"spec": {"containers": [
        {"name": "huge", "image": "redis", "resources": {"requests": {"cpu": "999"}}}]}}""").require()
    message = wait_until(
        lambda: namespace.get("pod", "huge")["status"].get("conditions", [{}])[0].get("message"),
        20, "the pod is unschedulable")
    assert message.startswith("0/3 nodes are available: 3 Insufficient cpu.")


def test_a_killed_node_takes_its_pods_out_of_the_services_and_comes_back(cache):
    node = node_of(cache, "cache-0")
    address = cache.get("pod", "cache-0")["status"]["podIP"]
    cache.bed.control("node", "kill", node)
    try:
        wait_until(lambda: address not in addresses_behind(cache, "cache"), 30, "the endpoint is gone")
        assert "NotReady" in cache.bed.kubectl("get", "node", node).stdout
    finally:
        cache.bed.control("node", "start", node)
    wait_until(lambda: len(addresses_behind(cache, "cache")) == 3, 60, "all pods are back")
    assert cache.get("pod", "cache-0")["status"]["containerStatuses"][0]["restartCount"] == 1


def test_the_sandbox_leaves_nothing_behind(sandbox):
    process, bed = start_sandbox()
    bed.in_namespace("default").kubectl("apply", "-f", "-", stdin=SET).require()
    rolled_out(bed.in_namespace("default"), "statefulset/cache")
    stop_sandbox(process)
    assert process.returncode == 0
    assert not os.path.exists(bed.sandbox)
    left = subprocess.run(["pgrep", "-f", bed.sandbox], capture_output=True, text=True).stdout
    assert left == ""


def test_a_second_sandbox_in_the_same_folder_is_refused(sandbox):
    outcome = subprocess.run([BIN / "sandbox", "up", "--dir", sandbox.sandbox],
                             capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 3
    assert "--dir" in outcome.stderr
