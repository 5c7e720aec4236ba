# SPDX-License-Identifier: Apache-2.0
"""A real cluster client outside the cluster. Nodes announce names that only pods can resolve, so the
client is told which address a name has now, as any client outside a cluster must be."""

import time

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from bed import wait_until


class AddressBook:
    """Pod and service names of a namespace -> addresses. Read again when a name is new, and when what
    was read is half a second old: a pod that is made anew has another address."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.addresses = {}
        self.read_at = 0

    def read(self):
        """Returns the pods' addresses; remembers the services' as well."""
        self.read_at = time.monotonic()
        pods = {
            name: pod["status"]["podIP"]
            for name, pod in self.namespace.pods().items()
            if pod["status"].get("podIP")
        }
        services = {
            service["metadata"]["name"]: service["spec"]["clusterIP"]
            for service in self.namespace.get("services")["items"]
            if service["spec"].get("clusterIP", "None") != "None"
        }
        self.addresses = {**services, **pods}
        return pods

    def remap(self, address):
        host, port = address
        name = host.split(".")[0]
        if host.replace(".", "").isdigit():
            return host, port
        if name not in self.addresses or time.monotonic() > self.read_at + 0.5:
            self.read()
        return self.addresses.get(name, host), port


def connect(namespace, **options):
    """A cluster client, once the cluster serves."""
    book = AddressBook(namespace)

    def attempt():
        nodes = [ClusterNode(address, 6379) for address in book.read().values()]
        client = RedisCluster(
            startup_nodes=nodes,
            address_remap=book.remap,
            socket_timeout=5,
            socket_connect_timeout=2,
            cluster_error_retry_attempts=10,
            retry=Retry(ExponentialBackoff(cap=1, base=0.05), 5),
            **options,
        )
        client.ping()
        return client

    return wait_until(attempt, 30, "a cluster client connects")


def node(namespace, pod, **options):
    """One node alone."""
    address = namespace.pods()[pod]["status"]["podIP"]
    return redis.Redis(host=address, port=6379, socket_timeout=5, **options)


def what_nodes_say(namespace):
    """Each pod's map and the end of its log, to be read where a test failed."""
    said = []
    for pod in sorted(namespace.pods()):
        nodes = namespace.kubectl("exec", pod, "--", "redis-cli", "CLUSTER", "NODES")
        log = namespace.kubectl("logs", "--tail=60", pod)
        said += [f"== {pod}", nodes.stdout or str(nodes), log.stdout]
    return "\n".join(said)


def write_keys(client, count, prefix="key"):
    for i in range(count):
        client.set(f"{prefix}:{i}", f"value {i}")


def missing_keys(client, count, prefix="key"):
    """The keys that do not read back as they were written."""
    return [i for i in range(count) if client.get(f"{prefix}:{i}") != f"value {i}".encode()]
