# SPDX-License-Identifier: Apache-2.0
"""fix on clusters that others made: a chart's, with a password that only its pods know, and one of two StatefulSets."""

import pytest

from conftest import fresh_namespace
from hand_made import CONF, apply, config_map, pod_spec, stateful_set
from mending import fill, keys_of, wait_for
from test_fix import TAG, half_moved, keys_in_slot, mended, move_some, settled_or_spread
from test_recognition import roles
from test_remedies import redis

PASSWORD = "s3cret"
STORED = CONF.replace("appendonly no", "appendonly yes")


def chart(namespace):
    """As bitnami/redis-cluster: one StatefulSet, its labels, and the password from a Secret that is named after it."""
    namespace.kubectl("create", "secret", "generic", "shop-auth", f"--from-literal=redis-password={PASSWORD}").require()
    env = [{"name": "REDISCLI_AUTH", "valueFrom": {"secretKeyRef": {"name": "shop-auth", "key": "redis-password"}}}]
    labels = {"app.kubernetes.io/name": "redis-cluster", "app.kubernetes.io/instance": "shop"}
    apply(namespace, config_map("conf", f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n" + STORED),
          stateful_set("shop", 6, labels, pod_spec("conf", redis={"env": env})))
    assert namespace.plugin("init", "shop").exit == 0


def pair(namespace):
    """Leaders and followers, known as one by a common label."""
    both = {"redis_setup_type": "cluster"}
    apply(namespace, config_map("conf", STORED),
          *(stateful_set(name, 3, both | {"app": name}, pod_spec("conf")) for name in ("shop", "shop-follower")))
    assert namespace.plugin("init", "-l", "redis_setup_type=cluster", "--replicas", "1").exit == 0


@pytest.mark.parametrize("made", [chart, pair])
def test_what_others_made_is_mended(bed, made):
    namespace = fresh_namespace(bed)
    made(namespace)
    settled_or_spread(namespace)
    shards = roles(namespace.status("shop"))
    masters = namespace.status("shop")["masters"]
    owner = next(each["pod"] for each in masters if any(first <= 0 <= last for first, last in each["slots"]))
    target = next(each["pod"] for each in masters if each["pod"] != owner)
    fill(namespace, owner, TAG, "a", "b", "c")
    before = keys_of(namespace)
    half_moved(namespace, owner, target, 0)
    move_some(namespace, owner, target, 10, *(("auth", PASSWORD) if made is chart else ()))
    redis(namespace, shards[target][0], "cluster", "reset", "hard")
    wait_for(namespace, "pod-outside")
    mended(namespace, f"{made.__name__}: a half-moved slot, a ghost and a pod outside", "slots-open", before=before)
    assert keys_in_slot(namespace, target) == 30
    assert len(roles(namespace.status("shop"))[target]) == 1
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")
