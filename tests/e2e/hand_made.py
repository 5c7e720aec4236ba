# SPDX-License-Identifier: Apache-2.0
"""Workloads as people and charts write them, without a hand of ours in them."""

import json

CONF = """cluster-enabled yes
cluster-config-file /data/nodes.conf
cluster-node-timeout 3000
appendonly no
save ""
dir /data
protected-mode no
"""


def pod_spec(config_map, port=6379, port_name="client", first=(), redis=None):
    """The spec of a pod that runs Redis with the file of `config_map`; `first` are containers before it, `redis` is
    what its own has beside."""
    server = {
        "name": "redis",
        "image": "redis:8.0",
        "command": ["redis-server", "/conf/redis.conf"],
        "ports": [{"containerPort": port, "name": port_name}, {"containerPort": port + 10000, "name": "gossip"}],
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}, {"name": "data", "mountPath": "/data"}],
    } | (redis or {})
    return {
        "terminationGracePeriodSeconds": 2,
        "containers": [*first, server],
        "volumes": [{"name": "conf", "configMap": {"name": config_map}}, {"name": "data", "emptyDir": {}}],
    }


def config_map(name, conf=CONF, **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"redis.conf": conf, **more}}


def stateful_set(name, pods, labels, spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "replicas": pods,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def with_claims(workload):
    """The same with its data in a claim for each pod."""
    spec = workload["spec"]
    spec["template"]["spec"]["volumes"] = [each for each in spec["template"]["spec"]["volumes"] if each["name"] != "data"]
    spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"},
                                     "spec": {"accessModes": ["ReadWriteOnce"],
                                              "resources": {"requests": {"storage": "100Mi"}}}}]
    return workload


def deployment(name, labels, spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"node": name}},
            "template": {"metadata": {"labels": labels | {"node": name}}, "spec": spec},
        },
    }


def apply(namespace, *objects):
    """Applies them and waits until every pod of theirs is ready."""
    everything = {"apiVersion": "v1", "kind": "List", "items": objects}
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(everything)).require()
    for each in objects:
        if each["kind"] in ("StatefulSet", "Deployment"):
            namespace.kubectl("rollout", "status", f"{each['kind']}/{each['metadata']['name']}", "--timeout=60s",
                              timeout=90).require()
