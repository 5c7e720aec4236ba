# SPDX-License-Identifier: Apache-2.0
"""Broken states by pairs: each is made for real, in a slot of its own, while another is there, and `fix` mends both; every
key is there once with its value before and after. Some of the pairs; KREDIS_E2E_MATRIX=1 tries all (ten minutes)."""

import itertools
import os

import pytest
from redis.crc import key_slot

from bed import wait_until
from client import connect, node
from mending import told, until_whole
from test_fix import make
from test_reshard import copies

KEYS = 30
STATES = {}
TABLE = []


def state(make_it):
    STATES[make_it.__name__.replace("_", " ")] = make_it
    return make_it


class Place:
    """Where a state is made: a slot with thirty keys, its owner, two other masters, and their replicas."""

    def __init__(self, namespace, tag, masters, replicas):
        self.namespace, self.tag, self.slot = namespace, tag, key_slot(tag.encode())
        self.owner, self.target, self.third = masters
        self.replicas = replicas

    def at(self, pod):
        return node(self.namespace, pod)

    def id_of(self, pod):
        return self.at(pod).execute_command("CLUSTER", "MYID").decode()

    def setslot(self, pod, word, *other):
        self.at(pod).execute_command("CLUSTER", "SETSLOT", self.slot, word, *map(self.id_of, other))

    def half_moved(self, to, count):
        self.setslot(to, "IMPORTING", self.owner)
        self.setslot(self.owner, "MIGRATING", to)
        names = self.at(self.owner).execute_command("CLUSTER", "GETKEYSINSLOT", self.slot, count)
        address = self.namespace.pods()[to]["status"]["podIP"]
        self.at(self.owner).execute_command("MIGRATE", address, 6379, "", 0, 5000, "KEYS", *names)


@state
def half_moved(at):
    at.half_moved(at.target, 10)


@state
def migrating_only(at):
    at.setslot(at.owner, "MIGRATING", at.target)


@state
def importing_only_with_keys(at):
    at.half_moved(at.third, 10)
    at.setslot(at.owner, "STABLE")


@state
def owned_by_nobody(at):
    for _ in range(2):  # Gossip may give it back to a node that was early.
        for pod in at.namespace.pods():
            try:
                at.at(pod).execute_command("CLUSTER", "DELSLOTS", at.slot)
            except Exception as error:
                assert "already unassigned" in str(error), error


@state
def denied_by_its_owner(at):
    at.at(at.owner).execute_command("CLUSTER", "DELSLOTS", at.slot)


@state
def named_wrong_by_a_map(at):
    at.setslot(at.third, "IMPORTING", at.owner)
    at.setslot(at.third, "NODE", at.target)


@state
def a_ghost_and_a_pod_outside(at):
    at.at(at.replicas[at.third]).execute_command("CLUSTER", "RESET", "HARD")


@state
def a_node_that_one_forgot(at):
    at.at(at.owner).execute_command("CLUSTER", "FORGET", at.id_of(at.replicas[at.target]))


@state
def a_replica_that_may_not_take_over(at):
    at.at(at.replicas[at.owner]).config_set("cluster-replica-no-failover", "yes")


@state
def a_master_that_died(at):
    at.namespace.kubectl("delete", "pod", at.third, "--grace-period=0", "--force").require()


def chosen():
    """What is the matter with a node, not with a slot, cannot be so twice."""
    pairs = [(one, other) for one, other in itertools.combinations_with_replacement(STATES, 2)
             if one != other or not one.startswith("a ")]
    return pairs if os.environ.get("KREDIS_E2E_MATRIX") else pairs[::7]


@pytest.fixture(scope="module")
def shop(bed):
    namespace = make(bed, claims=True)
    namespace.selector = "app=shop"
    yield namespace
    print("\n| two states at once | keys before | keys after |\n|---|---|---|")
    for row in TABLE:
        print("| {} | {} | {} |".format(*row))
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def masters_and_replicas(namespace):
    """The masters, the owner of slot 0 first and of the others the one with the lower epoch, and a replica of each."""
    def look():
        status = namespace.status("shop")
        found = {each["pod"]: [it["pod"] for it in each["replicas"]] for each in status["masters"]}
        return len(found) == 3 and all(found.values()) and status["slots"]["ok"] == 16384 and status

    status = wait_until(look, 60, "each of three masters has a replica")
    masters = sorted(status["masters"], key=lambda each: (each["slots"][0][0] != 0, epoch_of(namespace, each["pod"])))
    return [each["pod"] for each in masters], {each["pod"]: each["replicas"][0]["pod"] for each in masters}


def epoch_of(namespace, pod):
    info = node(namespace, pod).execute_command("CLUSTER INFO")
    return int(info["cluster_my_epoch"])


def tags_of(namespace, masters):
    """Of two slots that the first master owns."""
    owned = next(each["slots"] for each in namespace.status("shop")["masters"] if each["pod"] == masters[0])
    tags = (f"tag{i}" for i in itertools.count())
    return list(itertools.islice(
        (tag for tag in tags if any(a <= key_slot(tag.encode()) <= b for a, b in owned)), 2))


@pytest.mark.parametrize("one, other", chosen())
def test_two_states_at_once(shop, one, other):
    masters, replicas = masters_and_replicas(shop)
    client = connect(shop)
    client.flushall()
    tags = tags_of(shop, masters)
    before = {f"{{{tag}}}:{i}": f"{tag} {i}" for tag in [*tags, "a", "b", "c"] for i in range(KEYS)}
    for key, value in before.items():
        client.set(key, value)
    for tag, name in zip(tags, (one, other)):
        STATES[name](Place(shop, tag, masters, replicas))
    wait_until(lambda: told_anything(shop), 60, "doctor tells something")
    until_whole(shop)
    wait_until(lambda: copies(shop) == len(before), 30, "every key is there once")
    client = connect(shop)
    after = {key: client.get(key) for key in before}
    TABLE.append((f"{one}, {other}", len(before), sum(value is not None for value in after.values())))
    assert after == {key: value.encode() for key, value in before.items()}
    status = shop.status("shop")
    assert status["slots"]["ok"] == 16384 and status["slots"]["open"] == 0, status["slots"]
    assert not told(shop, "views-disagree") and not told(shop, "slots-open")


def told_anything(namespace):
    findings = namespace.plugin("doctor", "shop", "-o", "json").json()["findings"]
    return [each["id"] for each in findings if each["severity"] != "info"]
