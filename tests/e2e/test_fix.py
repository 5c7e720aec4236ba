# SPDX-License-Identifier: Apache-2.0
"""Broken states, made for real by commands of Redis and of Kubernetes, told by doctor and mended by fix; the keys are
counted before and after. States that cost data change nothing until a choice is made."""

import os
import signal
import time

import pytest

from bed import error_in, wait_until
from conftest import fresh_namespace
from hand_made import CONF, apply, config_map, pod_spec, stateful_set, with_claims
from mending import CALM, doctor, fill, fix, keys_of, settled, told, until_whole, wait_for
from test_recognition import members, roles
from test_remedies import node_id, redis, redis_on_all

TABLE = []
SERVER_POINTS = int(os.environ.get("KREDIS_E2E_SERVER_POINTS", 1))  # Of fix, at which a master dies.


def mended(namespace, state, id_, *words, before=None, lost=0):
    """Told by doctor with a status that says so, mended, and whole: with every key, but for those that were given up."""
    wait_for(namespace, id_)
    assert doctor(namespace, "--fail-on", "info").exit == 3
    outcome = fix(namespace, "--yes", *words)
    settled(namespace)
    after = keys_of(namespace)
    TABLE.append((state, len(before), len(after)))
    print(outcome.stdout)
    print(f"| {state} | {len(before)} | {len(after)} |")
    gone = {name for name in before if after.get(name) != before[name]}
    assert len(gone) == lost and len(after) == len(before) - lost, (gone, set(after) - set(before))
    return outcome


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    print("\n| state | keys before | keys after |\n|---|---|---|")
    for row in TABLE:
        print("| {} | {} | {} |".format(*row))


def make(bed, pods=6, claims=False):
    namespace = fresh_namespace(bed)
    workload = stateful_set("shop", pods, {"app": "shop"}, pod_spec("conf"))
    conf = CONF.replace("appendonly no", "appendonly yes")
    apply(namespace, config_map("conf", conf), with_claims(workload) if claims else workload)
    assert namespace.plugin("init", "shop").exit == 0
    settled_or_spread(namespace)
    return namespace


def settled_or_spread(namespace):
    """Where the scheduler put a replica beside its master, that stays, and is no concern here."""
    wait_until(lambda: namespace.status("shop")["slots"]["ok"] == 16384, CALM, "all slots are served")


@pytest.fixture(scope="module")
def shop(bed):
    namespace = make(bed)
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


# {06S} is in slot 0, which is the first master's at first.
TAG, SLOT = "06S", "0"


@pytest.fixture
def ends(shop):
    """The owner of slot 0, two other masters, and thirty keys in it beside others."""
    settled(shop)
    status = shop.status("shop")
    owner = next(each["pod"] for each in status["masters"] if any(a <= 0 <= b for a, b in each["slots"]))
    others = [each["pod"] for each in status["masters"] if each["pod"] != owner]
    # A node with a lower epoch takes nothing from the owner by gossip, when a map is wrong on purpose.
    others.sort(key=lambda pod: epoch_of(shop, pod))
    fill(shop, owner, TAG, "a", "b", "c")
    return owner, *others


def epoch_of(namespace, pod):
    line = next(each for each in redis(namespace, pod, "cluster", "nodes").splitlines() if "myself" in each)
    return int(line.split()[6])


def setslot(namespace, pod, *words):
    assert redis(namespace, pod, "cluster", "setslot", SLOT, *words) == "OK"


def keys_in_slot(namespace, pod):
    return int(redis(namespace, pod, "cluster", "countkeysinslot", SLOT))


def move_some(namespace, source, target, count, *how):
    """Some keys of the slot, as a move that ended in the middle leaves them."""
    address = namespace.get("pod", target)["status"]["podIP"]
    names = redis(namespace, source, "cluster", "getkeysinslot", SLOT, str(count)).split()
    assert redis(namespace, source, "migrate", address, "6379", "", "0", "5000", *how, "keys", *names) == "OK"
    return names


def half_moved(namespace, source, target, count):
    setslot(namespace, target, "importing", node_id(namespace, source))
    setslot(namespace, source, "migrating", node_id(namespace, target))
    return move_some(namespace, source, target, count) if count else []


def test_a_move_that_ended_in_the_middle_is_finished(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    half_moved(shop, owner, target, 10)
    outcome = mended(shop, "migrating and importing agree", "slots-open", before=before)
    assert "move_slots" in outcome.stdout and keys_in_slot(shop, target) == 30


def test_a_key_on_both_sides_keeps_the_value_that_was_served(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    names = half_moved(shop, owner, target, 0) or move_some(shop, owner, target, 3, "copy")
    redis(shop, owner, "set", names[0], "newer")  # The copy's acknowledgement was lost, and clients went on here.
    before[names[0]] = "newer"
    mended(shop, "a key on both sides of a move", "slots-open", before=before)


def test_migrating_only_goes_back_where_nothing_went(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    setslot(shop, owner, "migrating", node_id(shop, target))
    outcome = mended(shop, "migrating only, the target has no key", "slots-open", before=before)
    assert "stabilise_slots" in outcome.stdout and keys_in_slot(shop, owner) == 30


def test_migrating_only_goes_on_where_keys_went(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    half_moved(shop, owner, target, 10)
    setslot(shop, target, "stable")
    mended(shop, "migrating only, the target has keys", "slots-open", before=before)
    assert keys_in_slot(shop, target) == 30


def test_importing_only_without_keys_is_closed(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    setslot(shop, target, "importing", node_id(shop, owner))
    outcome = mended(shop, "importing only, no key there", "slots-open", before=before)
    assert "stabilise_slots" in outcome.stdout


def test_importing_only_with_keys_brings_them_to_the_owner(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    half_moved(shop, owner, target, 10)
    setslot(shop, owner, "stable")
    outcome = mended(shop, "importing only, with keys", "slots-open", before=before)
    assert "return_keys" in outcome.stdout and keys_in_slot(shop, owner) == 30 and keys_in_slot(shop, target) == 0


def one_other_value(namespace, owner, target):
    """A key that the owner has, too, with another value: its name, and what clients should read in the end."""
    name = redis(namespace, target, "cluster", "getkeysinslot", SLOT, "1")
    redis(namespace, owner, "set", name, "the owner's")
    there = redis(namespace, target, "cluster", "getkeysinslot", SLOT, "99").split()
    return name, keys_of(namespace) | {each: f"{TAG}-{each.split('}')[1]}" for each in there if each != name}


def test_importing_only_with_another_value_is_refused_until_said(shop, ends):
    owner, target, _ = ends
    half_moved(shop, owner, target, 10)
    setslot(shop, owner, "stable")
    name, before = one_other_value(shop, owner, target)
    refused = fix(shop, "--yes", exit=3)
    assert "1 are on their owner, too" in refused.stdout and f"--accept-loss {SLOT}" in refused.stdout, str(refused)
    assert keys_in_slot(shop, target) == 10, "nothing was changed"
    unasked = fix(shop, "--accept-loss", SLOT, exit=3)
    assert "keeps its own values" in unasked.stderr and keys_in_slot(shop, target) == 10, str(unasked)
    mended(shop, "importing only, one key with another value", "slots-open", "--accept-loss", SLOT, before=before)
    assert redis(shop, owner, "get", name) == "the owner's"


def unmarked(namespace, owner, target, count):
    """As two failovers in the middle of a move leave it: replicas do not know which slots are half moved."""
    half_moved(namespace, owner, target, count)
    setslot(namespace, owner, "stable")
    setslot(namespace, target, "stable")


def test_keys_without_a_mark_are_found_and_brought(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    unmarked(shop, owner, target, 10)
    outcome = mended(shop, "keys on a pod that no mark leads to", "keys-astray", before=before)
    assert "return_keys" in outcome.stdout and keys_in_slot(shop, owner) == 30 and keys_in_slot(shop, target) == 0


def test_keys_without_a_mark_with_another_value_stay_until_said(shop, ends):
    owner, target, _ = ends
    unmarked(shop, owner, target, 10)
    name, before = one_other_value(shop, owner, target)
    wait_for(shop, "keys-astray")
    refused = fix(shop, "--yes", exit=3)
    assert f"--accept-loss {SLOT}" in refused.stderr, str(refused)
    assert keys_in_slot(shop, target) == 1 and keys_in_slot(shop, owner) == 30
    mended(shop, "the same, one with another value", "slots-open", "--accept-loss", SLOT, before=before)
    assert redis(shop, owner, "get", name) == "the owner's"


def test_marks_on_three_nodes(shop, ends):
    owner, target, third = ends
    before = keys_of(shop)
    half_moved(shop, owner, third, 5)
    setslot(shop, owner, "stable")
    half_moved(shop, owner, target, 5)
    mended(shop, "a move in the middle, and a third importing with keys", "slots-open", before=before)
    assert keys_in_slot(shop, target) == 30 and keys_in_slot(shop, third) == 0


def test_a_slot_nobody_owns_and_nobody_has_keys_of(shop, ends):
    pods = members(shop.status("shop"))
    before = keys_of(shop)
    empty = next(slot for slot in range(1, 100) if redis(shop, ends[0], "cluster", "countkeysinslot", str(slot)) == "0")
    for _ in range(2):  # Gossip may give it back to a node that was early.
        redis_on_all(shop, pods, "cluster", "delslots", str(empty))
    mended(shop, "a slot without an owner, no keys", "slots-uncovered", before=before)


def test_a_slot_nobody_owns_goes_to_the_pod_that_has_its_keys(shop, ends):
    owner, *_ = ends
    pods = members(shop.status("shop"))
    before = keys_of(shop)
    for _ in range(2):
        redis_on_all(shop, pods, "cluster", "delslots", SLOT)
    wait_for(shop, "slots-uncovered")
    refused = fix(shop, exit=3)
    assert "30 keys" in refused.stderr, str(refused)
    assert told(shop, "slots-uncovered"), "nothing was changed"
    mended(shop, "a slot without an owner, keys on one pod", "slots-uncovered", before=before)
    assert keys_in_slot(shop, owner) == 30


def test_a_slot_nobody_owns_with_keys_on_two_pods_takes_a_choice(shop, ends):
    owner, target, _ = ends
    pods = members(shop.status("shop"))
    before = keys_of(shop)
    half_moved(shop, owner, target, 10)
    setslot(shop, target, "stable")
    setslot(shop, owner, "stable")
    for _ in range(2):
        redis_on_all(shop, pods, "cluster", "delslots", SLOT)
    wait_for(shop, "slots-uncovered")
    refused = fix(shop, "--yes", exit=3)
    assert "several pods have keys" in refused.stdout and "--keep" in refused.stdout, str(refused)
    assert "10 keys" in refused.stdout and "20 keys" in refused.stdout, str(refused)
    mended(shop, "a slot without an owner, keys on two pods", "slots-uncovered", "--keep", owner, before=before)
    assert keys_in_slot(shop, owner) == 30 and keys_in_slot(shop, target) == 0


def test_an_open_slot_that_nobody_owns(shop, ends):
    """Two states at once."""
    owner, target, _ = ends
    pods = members(shop.status("shop"))
    before = keys_of(shop)
    half_moved(shop, owner, target, 0)
    for _ in range(2):
        redis_on_all(shop, pods, "cluster", "delslots", SLOT)
    mended(shop, "half moved, and without an owner", "slots-uncovered", before=before)


def test_maps_that_name_another_owner(shop, ends):
    """A node that takes a slot over believes nobody about it."""
    owner, low, high = ends
    before = keys_of(shop)
    setslot(shop, high, "importing", node_id(shop, owner))
    setslot(shop, high, "node", node_id(shop, low))
    mended(shop, "a map names another owner, and a mark", "slots-open", before=before)


def test_slots_that_their_owner_denies(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    redis(shop, owner, "cluster", "delslots", SLOT)
    mended(shop, "the owner denies a slot with keys", "slots-denied", before=before)


def test_a_slot_in_a_circle(shop, ends):
    """Each of two masters says that it is the other's: a replica that had not heard of the slot's arrival took the new
    owner's place."""
    owner, target, _ = ends
    before = keys_of(shop)
    half_moved(shop, owner, target, 30)
    setslot(shop, target, "stable")
    setslot(shop, owner, "node", node_id(shop, target))
    mended(shop, "two masters that each name the other, keys on one", "slots-denied", before=before)
    assert keys_in_slot(shop, target) == 30


def test_a_ghost_is_forgotten_and_the_pod_gets_its_place_again(shop, ends):
    replica = next(iter(roles(shop.status("shop")).values()))[0]
    before = keys_of(shop)
    redis(shop, replica, "cluster", "reset", "hard")
    wait_for(shop, "pod-outside")
    mended(shop, "a ghost, and a pod outside", "ghost-node", before=before)


def test_a_master_without_slots_becomes_a_replica(shop, ends):
    replica = next(iter(roles(shop.status("shop")).values()))[0]
    before = keys_of(shop)
    redis(shop, replica, "cluster", "reset", "hard")
    redis(shop, ends[0], "cluster", "meet", shop.get("pod", replica)["status"]["podIP"], "6379")
    mended(shop, "a master without slots", "master-without-slots", before=before)


def test_a_ghost_and_a_half_moved_slot(shop, ends):
    owner, target, _ = ends
    before = keys_of(shop)
    half_moved(shop, owner, target, 10)
    replica = next(each[0] for master, each in roles(shop.status("shop")).items() if master not in (owner, target))
    redis(shop, replica, "cluster", "reset", "hard")
    mended(shop, "a ghost, and a half moved slot", "ghost-node", before=before)


def test_a_node_that_one_forgot(shop, ends):
    (a, _), (_, of_b), _ = roles(shop.status("shop")).items()
    before = keys_of(shop)
    redis(shop, a, "cluster", "forget", node_id(shop, of_b[0]))
    mended(shop, "a node that one forgot", "views-disagree", before=before)


def test_a_node_that_all_others_forgot(shop, ends):
    """From Redis 7.2 on they repeat it to each other for a minute, whoever introduces it again."""
    status = roles(shop.status("shop"))
    gone = next(iter(status.values()))[0]
    before, name = keys_of(shop), node_id(shop, gone)
    for pod in {*status, *(each for replicas in status.values() for each in replicas)} - {gone}:
        redis(shop, pod, "cluster", "forget", name)
    mended(shop, "a node that all others forgot", "views-disagree", before=before)


def test_a_replica_that_may_not_take_over(shop, ends):
    replica = next(iter(roles(shop.status("shop")).values()))[0]
    before = keys_of(shop)
    redis(shop, replica, "config", "set", "cluster-replica-no-failover", "yes")
    mended(shop, "a replica that may not take over", "replica-no-failover", before=before)


def test_masters_that_pile_up_go_back(shop, ends):
    status = shop.status("shop")
    before = keys_of(shop)
    masters_on = {master["node"] for master in status["masters"]}
    replica = next(each for master in status["masters"] for each in master["replicas"]
                   if each["node"] != master["node"] and each["node"] in masters_on)
    redis(shop, replica["pod"], "cluster", "failover")
    wait_until(lambda: roles(shop.status("shop")).get(replica["pod"]), 30, "the old master follows")
    outcome = mended(shop, "masters piled up on a node", "majority-on-one-node", before=before)
    assert "failover" in outcome.stdout


def test_a_master_without_a_replica_and_one_with_two(shop, ends):
    (a, _), (_, of_b), _ = roles(shop.status("shop")).items()
    before = keys_of(shop)
    redis(shop, of_b[0], "cluster", "replicate", node_id(shop, a))
    wait_for(shop, "no-replica")
    fix(shop, "--yes", "--only", "no-replica")
    wait_until(lambda: not told(shop, "no-replica"), CALM, "each has one")
    after = keys_of(shop)
    TABLE.append(("a master without a replica, one with two", len(before), len(after)))
    assert after == before
    for pod in members(shop.status("shop")):  # Whichever moved may be beside its master now: not a matter of roles.
        redis(shop, pod, "ping")


def open_a_thousand(namespace, a, b):
    """Half moves the first 1,000 slots of `a` to `b`."""
    first = next(it for it in namespace.status("shop")["masters"] if it["pod"] == a)["slots"][0][0]
    to, of = node_id(namespace, b), node_id(namespace, a)
    for pod, word, other in ((b, "importing", of), (a, "migrating", to)):
        lines = "".join(f"cluster setslot {slot} {word} {other}\n" for slot in range(first, first + 1000))
        namespace.kubectl("exec", "-i", pod, "-c", "redis", "--", "redis-cli", stdin=lines).require()


def test_killed_in_the_middle_and_run_again(bed):
    namespace = make(bed)
    a, b, _ = roles(namespace.status("shop"))
    fill(namespace, a, TAG, "a", "b")
    before = keys_of(namespace)
    open_a_thousand(namespace, a, b)
    wait_for(namespace, "slots-open")
    kills = 0
    for delay in (0.3, 0.4, 0.5, 0.6, 0.7):
        process = namespace.start_plugin("fix", "shop", "--yes")
        time.sleep(delay)  # Wherever it is by then.
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    assert kills, "none was alive any more"
    wait_until(lambda: namespace.plugin("fix", "shop", "--yes").exit == 0, 90, "the next run ends well")
    after = keys_of(namespace)
    TABLE.append((f"1,000 half moved slots, fix killed {kills} times", len(before), len(after)))
    assert after == before and not told(namespace, "slots-open")
    for point in range(SERVER_POINTS):
        a, b = list(roles(namespace.status("shop")))[:2][:: 1 if point % 4 < 2 else -1]  # There and back again.
        open_a_thousand(namespace, a, b)
        process = namespace.start_plugin("fix", "shop", "--yes")
        time.sleep(0.2 + 0.6 * point / SERVER_POINTS)  # Wherever it is by then.
        namespace.kubectl("delete", "pod", (a, b)[point % 2], "--grace-period=0", "--force").require()
        said = process.communicate(timeout=300)
        print(f"\n  {(a, b)[point % 2]} died: exit {process.returncode} {error_in(said[1])}")
        assert process.returncode == 0 or "left: " in said[0] or "fix: " in said[1], said
        wait_until(lambda: fix(namespace, "--yes"), 120, "the next run ends well")
        settled_or_spread(namespace)
        after = keys_of(namespace)
        assert after == before and not told(namespace, "slots-open")
    TABLE.append((f"1,000 half moved slots, a master dies {SERVER_POINTS} times", len(before), len(after)))
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_every_copy_of_a_shard_gone_is_given_up_by_name_only(bed):
    namespace = make(bed)
    (a, of_a), (b, _), _ = roles(namespace.status("shop")).items()
    fill(namespace, a, TAG, "a", "b", "c")
    before = keys_of(namespace)
    held = int(redis(namespace, a, "dbsize"))
    namespace.kubectl("delete", "pod", a, *of_a, "--grace-period=0", "--force").require()
    finding = wait_for(namespace, "slots-failed")
    refused = wait_until(lambda: (o := namespace.plugin("fix", "shop", "--yes")).exit == 3 and "every copy" in o.stdout and o,
                         CALM, "it says so")
    id_ = refused.stdout.split("--accept-loss ")[1].split()[0]
    assert told(namespace, "slots-failed"), finding
    until_whole(namespace, "--accept-loss", id_)
    after = keys_of(namespace)
    TABLE.append(("every copy of a shard gone, loss accepted", len(before), len(after)))
    assert len(after) == len(before) - held and all(before[name] == value for name, value in after.items())
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_without_a_majority_a_take_over_is_asked_for(bed):
    namespace = make(bed)
    a, b, c = roles(namespace.status("shop"))
    fill(namespace, a, TAG, "a", "b", "c")
    before = keys_of(namespace)
    redis(namespace, c, "wait", "1", "1000")
    namespace.kubectl("delete", "pod", a, b, "--grace-period=0", "--force").require()
    wait_for(namespace, "no-majority")
    early = fix(namespace, "--yes", "--takeover", exit=3)
    assert "is away for" in early.stdout, str(early)
    refused = wait_until(lambda: (o := namespace.plugin("fix", "shop", "--yes")).exit == 3 and "--takeover" in o.stdout and o,
                         90, "it is offered")
    assert "nobody votes" in refused.stdout and told(namespace, "no-majority"), str(refused)
    until_whole(namespace, "--takeover")
    after = keys_of(namespace)
    TABLE.append(("the majority of masters gone", len(before), len(after)))
    assert after == before
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_addresses_that_all_changed(bed):
    namespace = make(bed, claims=True)
    a = next(iter(roles(namespace.status("shop"))))
    fill(namespace, a, TAG, "a", "b", "c")
    before = keys_of(namespace)
    pods = [f"shop-{i}" for i in range(6)]
    namespace.kubectl("delete", "pod", *pods, "--grace-period=2").require()
    namespace.kubectl("rollout", "status", "statefulset/shop", "--timeout=60s", timeout=90).require()
    wait_for(namespace, "address-stale")
    until_whole(namespace)
    after = keys_of(namespace)
    TABLE.append(("all addresses changed", len(before), len(after)))
    assert after == before
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_replicas_are_evened(bed):
    namespace = fresh_namespace(bed)
    conf = CONF.replace("appendonly no", "appendonly yes")
    apply(namespace, config_map("conf", conf), stateful_set("shop", 9, {"app": "shop"}, pod_spec("conf")))
    assert namespace.plugin("init", "shop", "--replicas", "2").exit == 0
    (a, _), (_, of_b), _ = roles(namespace.status("shop")).items()
    fill(namespace, a, TAG, "a", "b", "c")
    before = keys_of(namespace)
    redis(namespace, of_b[0], "cluster", "replicate", node_id(namespace, a))
    wait_for(namespace, "replicas-uneven")
    fix(namespace, "--yes", "--only", "replicas-uneven")
    wait_until(lambda: not told(namespace, "replicas-uneven"), CALM, "they are even")
    after = keys_of(namespace)
    TABLE.append(("uneven replicas", len(before), len(after)))
    assert after == before
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def test_what_fix_does_not_know_is_said(shop):
    outcome = shop.plugin("fix", "shop", "--only", "slots-opne")
    assert outcome.exit == 2 and "did you mean slots-open" in outcome.stderr, str(outcome)
    outcome = shop.plugin("fix", "shop", "--only", "few-masters")
    assert outcome.exit == 2 and "no remedy" in outcome.stderr, str(outcome)
