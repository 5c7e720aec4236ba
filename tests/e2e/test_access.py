# SPDX-License-Identifier: Apache-2.0
"""What pods and their clients see of a cluster: names, addresses, the nodes that pods run on."""

import collections
import re

import pytest

from bed import IMAGE, wait_until
from conftest import fresh_namespace
from test_create import require_whole

CLIENT = """
apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: client, image: "{image}", command: [sleep, infinity]}}]
"""


@pytest.fixture(scope="module", params=["statefulset", "deployment"])
def cluster(bed, request):
    """A cluster of either layout, and a pod beside it to look at it from."""
    if not bed.real:
        pytest.skip("needs the real bed: names and addresses are Kubernetes' own")
    namespace = fresh_namespace(bed)
    namespace.layout = request.param
    namespace.plugin("create", "--layout", request.param, "--access", "NodePort").require()
    namespace.kubectl("apply", "-f", "-", stdin=CLIENT.format(image=IMAGE)).require()
    namespace.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=60s").require()
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def in_client(namespace, *command, stdin=""):
    return namespace.kubectl("exec", "-i", "client", "--", *command, stdin=stdin).require().stdout


def cli(namespace, host, *command, port=6379, stdin=""):
    """A cluster client in the client's pod: it follows redirections."""
    tool = 'tool=redis-cli; command -v $tool >/dev/null || tool=valkey-cli; exec $tool -c "$@"'
    return in_client(namespace, "sh", "-c", tool, "sh", "-h", host, "-p", str(port), *command, stdin=stdin)


def addresses(namespace):
    return {name: pod["status"]["podIP"] for name, pod in namespace.pods().items()}


def resolve(namespace, name):
    return {line.split()[0] for line in in_client(namespace, "getent", "ahosts", name).splitlines()}


def test_pod_names_resolve_from_another_pod(cluster):
    if cluster.layout == "deployment":
        names = {service["metadata"]["name"]: {service["spec"]["clusterIP"]}
                 for service in cluster.get("services", "-l", "app=redis")["items"]
                 if re.fullmatch(r"redis-app-\d", service["metadata"]["name"])}
        assert len(names) == 6
    else:
        names = {f"{pod}.redis-service": {address} for pod, address in addresses(cluster).items()}
    for name, expected in names.items():
        assert resolve(cluster, f"{name}.{cluster.name}.svc.cluster.local") == expected
        assert resolve(cluster, name) == expected


def test_the_headless_service_lists_every_pod(cluster):
    assert resolve(cluster, f"redis-service.{cluster.name}.svc.cluster.local") == set(addresses(cluster).values())


def test_pods_are_spread_over_the_nodes_and_masters_apart_from_their_replicas(cluster):
    on = collections.Counter(pod["spec"]["nodeName"] for pod in cluster.pods().values())
    assert sorted(on.values()) == [2, 2, 2], on
    status = require_whole(cluster, 3, 1)
    assert len({master["node"] for master in status["masters"]}) == 3


def test_every_claim_is_bound_with_the_class_local(cluster):
    claims = cluster.get("persistentvolumeclaims")["items"]
    assert len(claims) == 6
    assert {(claim["status"]["phase"], claim["spec"]["storageClassName"]) for claim in claims} == {("Bound", "local")}


def test_every_pod_says_that_the_cluster_is_well(cluster):
    for pod, address in addresses(cluster).items():
        info = cli(cluster, address, "CLUSTER", "INFO")
        assert "cluster_state:ok" in info and "cluster_known_nodes:6" in info, f"{pod}\n{info}"
        assert len(cli(cluster, address, "CLUSTER", "NODES").strip().splitlines()) == 6


def write_and_read(namespace, host, port, prefix):
    keys = [f"{prefix}:{i}" for i in range(60)]
    written = cli(namespace, host, port=port, stdin="".join(f"SET {key} {key}\n" for key in keys))
    assert written.split().count("OK") == len(keys), written
    read = cli(namespace, host, port=port, stdin="".join(f"GET {key}\n" for key in keys))
    assert [word for word in read.split() if word.startswith(prefix)] == keys, read


def test_a_client_in_another_pod_writes_and_reads_through_the_cluster_ip(cluster):
    write_and_read(cluster, "redis-access-service", 6379, "clusterip")


def test_a_client_in_another_pod_writes_and_reads_through_the_node_port(cluster):
    service = cluster.get("service", "redis-access-service")
    port = service["spec"]["ports"][0]["nodePort"]
    nodes = cluster.bed.kubectl("get", "nodes", "-o", "json").require().json()["items"]
    host = next(it["address"] for it in nodes[0]["status"]["addresses"] if it["type"] == "InternalIP")
    write_and_read(cluster, host, port, "nodeport")


def test_a_client_in_another_pod_writes_and_reads_through_the_load_balancer(cluster):
    cluster.kubectl("patch", "service", "redis-access-service", "-p", '{"spec": {"type": "LoadBalancer"}}').require()

    def ingress():
        status = cluster.get("service", "redis-access-service")["status"]
        return status.get("loadBalancer", {}).get("ingress", [{}])[0].get("ip")

    write_and_read(cluster, wait_until(ingress, 30, "the load balancer has an address"), 6379, "loadbalancer")


def role(namespace, pod):
    return cli(namespace, addresses(namespace)[pod], "ROLE").split()[0]


def come_back(namespace, pod, app):
    """Deletes a pod; gives the name of the next one of `app`, once that is a replica."""
    uid = namespace.pods()[pod]["metadata"]["uid"]
    namespace.kubectl("delete", "pod", pod).require()

    def back():
        pods = {name: it for name, it in namespace.pods().items() if name.startswith(app)}
        (name, it), = pods.items()
        return it["metadata"]["uid"] != uid and role(namespace, name) == "slave" and name

    return wait_until(back, 60, "it is back as a replica")


def require_same_node_elsewhere(namespace, app):
    """The pod of `app` comes back with its node's id, its old data and another address."""
    before = next(name for name in namespace.pods() if name.startswith(app))
    node_id = cli(namespace, addresses(namespace)[before], "CLUSTER", "MYID").strip()
    address = addresses(namespace)[before]
    after = come_back(namespace, before, app)
    assert cli(namespace, addresses(namespace)[after], "CLUSTER", "MYID").strip() == node_id
    assert addresses(namespace)[after] != address
    wait_until(lambda: namespace.status()["slots"]["ok"] == 16384 and require_links(namespace), 60, "all is well")


def test_a_master_that_is_deleted_comes_back_as_a_replica_with_the_same_id(cluster):
    before = next(name for name in cluster.pods() if name.startswith("redis-app-0"))
    if role(cluster, before) != "master":
        cli(cluster, addresses(cluster)[before], "CLUSTER", "FAILOVER")
        wait_until(lambda: role(cluster, before) == "master", 30, f"{before} is a master")
    require_same_node_elsewhere(cluster, "redis-app-0")


def test_a_replica_that_is_deleted_comes_back_as_a_replica_with_the_same_id(cluster):
    replica = next(name for name in sorted(cluster.pods()) if role(cluster, name) == "slave")
    require_same_node_elsewhere(cluster, "-".join(replica.split("-")[:3]))


def require_links(namespace):
    status = namespace.status()
    return [it["link"] for master in status["masters"] for it in master["replicas"]] == ["up"] * 3
