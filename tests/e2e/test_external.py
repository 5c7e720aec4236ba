# SPDX-License-Identifier: Apache-2.0
"""`create --external`: a client that knows no pod's address and resolves no pod's name."""

import pytest
from redis.cluster import ClusterNode, RedisCluster

from bed import wait_until
from client import missing_keys, node, write_keys
from test_create import require_whole


def outside_client(host, port):
    """No address is remapped: what MOVED says is where it goes."""
    return wait_until(lambda: RedisCluster(startup_nodes=[ClusterNode(host, port)], socket_timeout=5,
                                           socket_connect_timeout=2), 30, f"a client comes in by {host}:{port}")


def node_addresses(bed):
    nodes = bed.kubectl("get", "nodes", "-o", "json").require().json()["items"]
    return {node["metadata"]["name"]: next(it["address"] for it in node["status"]["addresses"] if it["type"] == "InternalIP")
            for node in nodes}


def pod_addresses(namespace):
    return {pod["status"]["podIP"] for pod in namespace.pods().values()}


def use(client, namespace):
    reached = {(it.host, it.port) for it in client.get_nodes()}
    assert not {host for host, _ in reached} & pod_addresses(namespace), reached
    write_keys(client, 200)
    assert missing_keys(client, 200) == []
    return reached


def test_a_load_balancer_for_each_pod_lets_clients_in_from_outside(namespace):
    outcome = namespace.plugin("create", "--external", "LoadBalancer", "--ephemeral")
    assert outcome.exit == 0, str(outcome)
    require_whole(namespace, 3, 1)
    services = [namespace.get("service", f"redis-app-{i}") for i in range(6)]
    ingress = {service["status"]["loadBalancer"]["ingress"][0]["ip"] for service in services}
    assert len(ingress) == 6
    reached = use(outside_client(min(ingress), 6379), namespace)
    assert reached == {(address, 6379) for address in ingress}
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
    client = outside_client(host, port)
    assert use(client, namespace) == announced
    namespace.kubectl("delete", "pod", "redis-app-0").require()
    require_whole(namespace, 3, 1)
    assert missing_keys(client, 200) == []


@pytest.mark.parametrize("words", [["--layout", "deployment"], ["--client-endpoint", "ip"]])
def test_what_does_not_go_together_is_refused(namespace, words):
    outcome = namespace.plugin("create", "--external", "LoadBalancer", *words)
    assert outcome.exit == 2 and "--external" in outcome.stderr and "fix:" in outcome.stderr, str(outcome)
    assert namespace.objects() == []
