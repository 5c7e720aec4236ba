# SPDX-License-Identifier: Apache-2.0
"""Slots that the servers move themselves, on Valkey 9.1 and Redis 8.6: under clients, killed anywhere, and
jobs that go on when who began them is gone."""

import os
import pathlib
import signal
import time

import pytest
import redis

from bed import wait_until
from client import connect, missing_keys, node, write_keys
from conftest import OTHER_BED, drop_namespace, fresh_namespace
from test_remedies import follow, found
from test_reshard import Writer, check, copies, fill, move_under_a_client, slots
from test_scale import Load, require_shape, scale
from test_security import PASSWORD, make_secrets, tls_options
from webhook_process import start_hooked

IMAGES = {"valkey-9.1": "valkey/valkey:9.1", "8.6": "redis:8.6"}
SERVERS = pathlib.Path(os.environ.get("KREDIS_CACHE", pathlib.Path.home() / ".cache/kubectl-redis")) / "servers"
POINTS = int(os.environ.get("KREDIS_E2E_POINTS", 6))  # At which the plugin is killed, evenly over the usual time.
SLOW = 20_000  # Microseconds that a source takes for each key: a job can be met while it runs.


@pytest.fixture(scope="module", params=IMAGES)
def shop(request, make_bed):
    """A bed with pods of that server, and the name of its image."""
    root = SERVERS / request.param
    if OTHER_BED or not (root / "servers/redis-server").exists():
        pytest.skip(f"needs the sandbox and that server: tests/servers.sh {request.param}")
    image = IMAGES[request.param]
    return make_bed("--image", f"{image}={root}"), image


@pytest.fixture(scope="module")
def cluster(shop):
    bed, image = shop
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--image", image).require()
    for pod in namespace.pods():  # The client asks whom it is sent to by the name that it is told.
        node(namespace, pod).config_set("cluster-preferred-endpoint-type", "ip")
    fill(connect(namespace))
    yield namespace
    drop_namespace(bed, namespace.name)


def kind(cluster):
    """"Valkey 9.1", as the plugin says it."""
    info = node(cluster, next(iter(cluster.pods()))).info("server")
    name, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
    return f"{name} {'.'.join(version.split('.')[:2])}"


def jobs(cluster, source, target):
    """(slots, state) of all jobs that the servers remember of these two, of the end that answers for them."""
    valkey = kind(cluster).startswith("Valkey")
    server = node(cluster, source if valkey else target)
    listed = server.execute_command(*("CLUSTER GETSLOTMIGRATIONS" if valkey else "CLUSTER MIGRATION STATUS ALL").split())
    maps = [dict(zip(it[::2], it[1::2])) if isinstance(it, list) else it for it in listed]
    own = b"EXPORT" if valkey else b"import"
    return [(it[b"slot_ranges" if valkey else b"slots"].decode(), it[b"state"].decode()) for it in maps if it[b"operation"] == own]


def running(cluster, source, target):
    return [it for it in jobs(cluster, source, target) if it[1] not in ("success", "completed", "cancelled", "canceled", "failed")]


def slowly(cluster, pod, micros=SLOW):
    node(cluster, pod).config_set("rdb-key-save-delay", micros)


def start_slow_move(cluster, source, target, slots_="0-1999"):
    """The plugin in the middle of a job that takes seconds."""
    slowly(cluster, source)
    process = cluster.start_plugin("reshard", "--to", target, "--slots", slots_)
    wait_until(lambda: running(cluster, source, target), 20, "the job runs", every=0.05)
    return process


def holder(cluster, slot):
    for pod in cluster.pods():
        server = node(cluster, pod)
        if server.role()[0] == b"master":
            own = next(line for line in server.execute_command("CLUSTER NODES").values() if "myself" in line["flags"])
            if any(int(first) <= slot <= int(last) for first, last in ((it[0], it[-1]) for it in own["slots"])):
                return pod
    return None


def other(cluster, pod):
    return next(it for it in sorted(slots(cluster)) if it != pod)


def require_moved(cluster, target):
    """The slots are at `target` with all that was in them; evened again for the next test."""
    assert holder(cluster, 0) == target
    cluster.plugin("rebalance").require()
    check(connect(cluster))


def test_slots_move_under_a_client_and_back(cluster):
    names = sorted(slots(cluster))
    how = f"atomically: both are {kind(cluster)}"

    def seen(_, said):
        assert how in said.stdout and "key by key" not in said.stdout, said
        assert "slots moved, " in said.stderr, said

    move_under_a_client(cluster, ["reshard", "--from", names[0], "--to", names[1], "--slots", "2000"],
                        ["rebalance"],
                        ["rebalance", "--weight", f"{names[2]}=0.1"],
                        ["rebalance"], seen=seen)
    assert sorted(slots(cluster).values()) == [5461, 5461, 5462]


def test_the_classic_way_works_on_these_servers_too(cluster):
    def seen(flags, said):
        why = "as asked for" if "--how" in flags else "only so is --bandwidth heeded"
        assert f"key by key: {why}" in said.stdout and "atomically" not in said.stdout, said

    names = sorted(slots(cluster))
    move_under_a_client(cluster, ["reshard", "--from", names[0], "--to", names[1], "--slots", "1000", "--how", "classic"],
                        ["rebalance", "--bandwidth", "64Mi"], seen=seen)


def test_killed_anywhere_the_same_command_finishes(cluster):
    names = sorted(slots(cluster))
    wanted = "0-1999"
    move = lambda to: ["reshard", "--to", to, "--slots", wanted]
    cluster.plugin(*move(names[1])).require()
    for name in names[:2]:
        slowly(cluster, name, 3000)
    before = copies(cluster)
    begin = time.monotonic()
    cluster.plugin(*move(names[0])).require()
    usual = time.monotonic() - begin
    met = 0
    with Writer(cluster) as writer:
        for point in range(POINTS):
            source, to = names[point % 2], names[(point + 1) % 2]
            first = cluster.start_plugin(*move(to))
            time.sleep(usual * (point + 0.5) / POINTS)
            first.kill()
            first.communicate()
            met += len(running(cluster, source, to))
            cluster.plugin(*move(to)).require()
            owned = slots(cluster)[to]
            assert owned >= 2000, owned
    assert writer.failed == [] and writer.lost == 0 and writer.stale == []
    check(connect(cluster))
    assert copies(cluster) == before
    for name in names[:2]:
        slowly(cluster, name, 0)
    print(f"\n  killed at {POINTS} points of {usual:.1f} s; {met} times a job ran on")


def test_a_job_that_runs_is_adopted_and_nothing_else_meddles(cluster):
    source = holder(cluster, 0)
    target = other(cluster, source)
    first = start_slow_move(cluster, source, target)
    first.kill()
    first.communicate()
    assert len(running(cluster, source, target)) == 1

    shown = cluster.plugin("status")
    assert "the servers move slots 0-1999" in shown.stdout, shown
    mended = cluster.plugin("fix", "--yes")
    assert mended.exit == 3 and f"the servers move slots 0-1999 from {source} to {target}" in mended.stdout, mended
    assert "CLUSTER CANCELSLOTMIGRATIONS" in mended.stdout or "CLUSTER MIGRATION CANCEL ID" in mended.stdout, mended
    handed = cluster.plugin("failover", "--master", source, "--yes")
    assert handed.exit == 3 and "cannot hand over meanwhile" in handed.stderr, handed
    tried = cluster.plugin("reshard", "--to", target, "--slots", "0-1999", "--dry-run").require()
    assert "the servers still move slots 0-1999" in tried.stdout, tried

    slowly(cluster, source, 0)
    again = cluster.plugin("reshard", "--to", target, "--slots", "0-1999").require()
    assert "nothing to do" in again.stdout, again
    assert [it[1] for it in jobs(cluster, source, target) if it[0] == "0-1999"][:1] in (["success"], ["completed"])
    require_moved(cluster, target)


def test_ctrl_c_leaves_the_slots_where_they_were(cluster):
    source = holder(cluster, 0)
    target = other(cluster, source)
    before = slots(cluster)
    first = start_slow_move(cluster, source, target)
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=30)[1]
    slowly(cluster, source, 0)
    assert first.returncode != 0 and "interrupted" in said, said
    assert running(cluster, source, target) == []
    assert slots(cluster) == before
    cluster.plugin("reshard", "--to", target, "--slots", "0-1999").require()
    require_moved(cluster, target)


def test_a_job_that_somebody_cancels_is_not_begun_anew(cluster):
    source = holder(cluster, 0)
    target = other(cluster, source)
    first = start_slow_move(cluster, source, target)
    ended = follow(cluster, found(cluster, "redis", "slots-moving"))  # What status advises.
    assert ended.exit == 0, ended
    said = first.communicate(timeout=60)[1]
    slowly(cluster, source, 0)
    assert first.returncode == 3 and "gave the move of slots 0-1999" in said and "--how classic" in said, said
    assert holder(cluster, 0) == source


def test_keys_that_are_not_the_targets_own_keep_a_job_from_beginning(cluster):
    """Valkey 9.1.2 stops with an assertion when it takes a slot of which it has keys. Redis 8.6 deletes them
    with the mark."""
    source = holder(cluster, 42)
    target = other(cluster, source)
    giver, taker = node(cluster, source), node(cluster, target)
    taker.execute_command("CLUSTER", "SETSLOT", 42, "IMPORTING", giver.execute_command("CLUSTER", "MYID"))
    stray = next(f"s{i}" for i in range(200000) if taker.execute_command("CLUSTER", "KEYSLOT", f"s{i}") == 42)
    with taker.client() as line:
        line.execute_command("ASKING")
        line.execute_command("SET", stray, "old")
    taker.execute_command("CLUSTER", "SETSLOT", 42, "STABLE")
    connect(cluster).set(stray, "new")
    moved = cluster.plugin("reshard", "--to", target, "--slots", "42-42")
    if kind(cluster).startswith("Valkey"):
        assert moved.exit == 3 and f"{target} has 1 key of them, which are not its own" in moved.stderr, moved
        moved = cluster.plugin("reshard", "--to", target, "--slots", "42-42", "--how", "classic")
    moved.require()
    assert connect(cluster).get(stray) == b"new"
    connect(cluster).delete(stray)
    cluster.plugin("rebalance").require()


def test_a_master_that_dies_in_the_middle_costs_no_key(cluster):
    """The move ends with an error; run again once the cluster is whole, it finishes."""
    for which in ("source", "target"):
        source = holder(cluster, 0)
        target = other(cluster, source)
        first = start_slow_move(cluster, source, target)
        victim = source if which == "source" else target
        cluster.kubectl("delete", "pod", victim, "--grace-period=0", "--force").require()
        said = first.communicate(timeout=120)[1]
        print(f"\n  {which} {victim} killed: {said.strip().splitlines()[-3:]}")
        wait_until(lambda: cluster.plugin("status", "-o", "json").json() and connect(cluster).ping(), 60, "clients are served")

        def again():
            heir = other(cluster, holder(cluster, 0))
            return cluster.plugin("reshard", "--to", heir, "--slots", "0-1999").exit == 0

        wait_until(again, 120, "the move is finished")
        check(connect(cluster))
    for pod in cluster.pods():
        slowly(cluster, pod, 0)


def test_bad_input_changes_nothing(cluster):
    names = sorted(slots(cluster))
    before = slots(cluster)
    for flags, text in (
        (["rebalance", "--how", "both"], "--how"),
        (["reshard", "--to", names[0], "--slots", "500", "--how", "atomic", "--bandwidth", "1Mi"],
         "--how atomic cannot be: only so is --bandwidth heeded"),
    ):
        refused = cluster.plugin(*flags)
        assert refused.exit == 2 and text in refused.stderr, refused
    assert slots(cluster) == before


def test_webhooks_leave_the_two_masters_of_a_job_alone(shop, cluster, tmp_path):
    hook = start_hooked(shop[0], tmp_path)
    try:
        source = holder(cluster, 0)
        target = other(cluster, source)
        third = next(it for it in sorted(slots(cluster)) if it not in (source, target))
        tried = lambda pod: cluster.kubectl("delete", "pod", pod, "--dry-run=server")
        wait_until(lambda: tried(source).exit == 0, 20, "the webhook sees the cluster")
        first = start_slow_move(cluster, source, target)
        wait_until(lambda: tried(source).exit, 10, "it sees the job")
        for pod in (source, target):
            assert "[RG009]" in tried(pod).stderr, tried(pod)
        tried(third).require()
        slowly(cluster, source, 0)
        assert first.wait(60) == 0, first.communicate()
        for pod in (source, target):
            wait_until(lambda: tried(pod).exit == 0, 10, "it sees that the job is over")
    finally:
        shop[0].kubectl("delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "--all").require()
        hook.stop()
    require_moved(cluster, target)


def test_out_and_in_again_while_a_client_writes(shop):
    bed, image = shop
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--image", image).require()
    with Load(namespace):
        said = scale(namespace, "--masters", 5, "--how", "atomic")
        require_shape(namespace, 5, 1)
        scale(namespace, "--masters", 3)
        require_shape(namespace, 3, 1)
    planned = namespace.plugin("scale", "--masters", 4, "--dry-run").require()
    assert f"atomically: both are {kind(namespace)}" in planned.stdout, planned
    drop_namespace(bed, namespace.name)


def test_servers_log_in_to_each_other_over_tls(shop, tmp_path):
    bed, image = shop
    namespace = fresh_namespace(bed)
    make_secrets(namespace, tmp_path)
    namespace.plugin("create", "--image", image, "--auth-secret", "redis-auth", "--tls-secret", "redis-tls", "--replicas", 0).require()
    client = connect(namespace, password=PASSWORD, **tls_options(tmp_path))
    write_keys(client, 300)
    said = namespace.plugin("reshard", "--to", "redis-app-1", "--slots", "0-999").require()
    assert "atomically: both are " in said.stdout, said
    assert missing_keys(connect(namespace, password=PASSWORD, **tls_options(tmp_path)), 300) == []
    drop_namespace(bed, namespace.name)


def test_all_databases_move(shop):
    """Valkey has several in a cluster, when it is told to."""
    bed, image = shop
    if not image.startswith("valkey"):
        pytest.skip("Redis has one")
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--image", image, "--replicas", 0, "--set", "cluster-databases=4").require()
    key, slot = "{06S}", 0
    line = lambda pod, database: redis.Redis(host=namespace.pods()[pod]["status"]["podIP"], db=database, socket_timeout=5)
    for database in range(4):
        line("redis-app-0", database).set(f"{key}{database}", database)
    for way, to in (("atomic", "redis-app-1"), ("classic", "redis-app-2"), ("atomic", "redis-app-0")):
        namespace.plugin("reshard", "--to", to, "--slots", f"{slot}-{slot}", "--how", way).require()
        assert [line(to, database).get(f"{key}{database}") for database in range(4)] == [b"0", b"1", b"2", b"3"]
    drop_namespace(bed, namespace.name)


def test_servers_that_cannot_are_told_so(namespace):
    """These are of this machine's own version."""
    namespace.plugin("create", "--replicas", 0).require()
    pods = sorted(namespace.pods())
    version = kind(namespace).removeprefix("Redis ")
    if version.startswith("Valkey") or tuple(map(int, version.split("."))) >= (8, 4):
        pytest.skip("this machine's servers can")
    for flags in (["reshard", "--to", pods[1], "--slots", "5"], ["scale", "--masters", 4]):
        refused = namespace.plugin(*flags, "--how", "atomic")
        assert refused.exit == 2 and f"--how atomic cannot be: {pods[0]} is Redis {version}" in refused.stderr, refused
    said = namespace.plugin("reshard", "--to", pods[1], "--slots", "5").require()
    assert f"key by key: {pods[0]} is Redis {version}" in said.stdout, said
