# SPDX-License-Identifier: Apache-2.0
"""`create --external`: a client that knows no pod's address and resolves no pod's name. On the real
bed it runs on a neighbouring machine, from which no pod can be reached."""

import json
import pathlib
import sys

import pytest

from bed import ROOT, run, wait_until
from client import node
from test_access import require_links
from test_create import require_whole

CLIENT = pathlib.Path(__file__).parent / "clients" / "roundtrip.py"
KEYS = "200"


def outside(bed, *command):
    """Runs a command where clients are that are not in the cluster's network."""
    return bed.control("outside", *command) if bed.real else run(command).require()


def use(namespace, host, port, *words):
    """Where the client was led, once all its keys read back. What MOVED says is where it goes."""

    def attempt():
        report = json.loads(outside(namespace.bed, sys.executable, CLIENT, f"{host}:{port}", KEYS, "key", *words).stdout)
        return report["missing"] == [] and report

    report = wait_until(attempt, 30, f"a client writes and reads by way of {host}:{port}")
    return {(host, port) for host, port in report["nodes"]}


def require_all_reached(namespace, host, port, announced):
    """A server names a replica only once it has heard of its offset."""
    wait_until(lambda: use(namespace, host, port) == announced, 30, f"clients are led to {announced}")


def node_addresses(bed):
    nodes = bed.kubectl("get", "nodes", "-o", "json").require().json()["items"]
    return {node["metadata"]["name"]: next(it["address"] for it in node["status"]["addresses"] if it["type"] == "InternalIP")
            for node in nodes}


def pod_addresses(namespace):
    return {pod["status"]["podIP"] for pod in namespace.pods().values()}


def test_a_load_balancer_for_each_pod_lets_clients_in_from_outside(namespace):
    outcome = namespace.plugin("create", "--external", "LoadBalancer", "--ephemeral")
    assert outcome.exit == 0, str(outcome)
    require_whole(namespace, 3, 1)
    services = [namespace.get("service", f"redis-app-{i}") for i in range(6)]
    ingress = {service["status"]["loadBalancer"]["ingress"][0]["ip"] for service in services}
    assert len(ingress) == 6
    assert not ingress & pod_addresses(namespace)
    require_all_reached(namespace, min(ingress), 6379, {(address, 6379) for address in ingress})
    # Replication and the bus stay inside.
    assert node(namespace, "redis-app-3").info("replication")["master_host"] in pod_addresses(namespace)
    before = namespace.objects()
    assert namespace.plugin("create", "--external", "LoadBalancer", "--ephemeral").exit == 0
    assert namespace.objects() == before


def test_a_node_port_for_each_pod_lets_clients_in_and_survives_a_failover(namespace):
    outcome = namespace.plugin("create", "--external", "NodePort")
    assert outcome.exit == 0, str(outcome)
    require_whole(namespace, 3, 1)
    nodes = node_addresses(namespace.bed)
    ports = {name: next(it["nodePort"] for it in namespace.get("service", name)["spec"]["ports"] if it["name"] == "redis-port")
             for name in namespace.pods()}
    announced = {(nodes[pod["spec"]["nodeName"]], ports[name]) for name, pod in namespace.pods().items()}
    host, port = min(announced)
    assert not {address for address, _ in announced} & pod_addresses(namespace)
    require_all_reached(namespace, host, port, announced)
    namespace.kubectl("delete", "pod", "redis-app-0").require()
    # Not "ok": two masters may share a node now.
    wait_until(lambda: namespace.status()["slots"]["ok"] == 16384 and require_links(namespace), 60, "all is well")
    use(namespace, host, port, "read")


def test_no_pod_can_be_reached_from_outside(namespace):
    if not namespace.bed.real:
        pytest.skip("needs the real bed: the sandbox's network has no outside")
    namespace.plugin("create", "--ephemeral").require()
    address = min(pod_addresses(namespace))
    command = ["bash", "-c", f"exec 3<>/dev/tcp/{address}/6379"]
    assert run(command).exit == 0
    refused = run([ROOT / "tests/kubernetes/bed.sh", "outside", *command])
    assert refused.exit == 1 and "unreachable" in refused.stderr, str(refused)


@pytest.mark.parametrize("words", [["--layout", "deployment"], ["--client-endpoint", "ip"]])
def test_what_does_not_go_together_is_refused(namespace, words):
    outcome = namespace.plugin("create", "--external", "LoadBalancer", *words)
    assert outcome.exit == 2 and "--external" in outcome.stderr and "fix:" in outcome.stderr, str(outcome)
    assert namespace.objects() == []
