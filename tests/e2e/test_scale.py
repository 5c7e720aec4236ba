# SPDX-License-Identifier: Apache-2.0
"""`scale`: out and in on real servers, under a client that writes and reads without pause; killed
anywhere; and what it refuses."""

import os
import signal
import threading
import time

import pytest
import redis

from bed import wait_until
from client import connect, missing_keys, node, what_nodes_say, write_keys
from conftest import drop_namespace, fresh_namespace
from plain_client import PlainClient
from test_create import require_whole
from webhook_process import start_hooked


class Load:
    """A client that writes, reads back and counts, until it is told to stop."""

    WORKERS = 3

    def __init__(self, namespace):
        self.clients = [PlainClient(namespace) for _ in range(self.WORKERS)]
        self.stopping = threading.Event()
        self.acknowledged = [set() for _ in range(self.WORKERS)]
        self.failures = []
        self.operations = 0
        self.gap = 0.0
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(self.WORKERS)]

    def key(self, worker, n):
        return f"load:{worker}:{n % 5000}:{n}"

    def run(self, worker):
        client = self.clients[worker]
        n, last = 0, time.monotonic()
        while not self.stopping.is_set():
            try:
                client.do("SET", self.key(worker, n), n)
                self.acknowledged[worker].add(n)
                back = n * 7919 % (n + 1)
                found = client.do("GET", self.key(worker, back))
                if back in self.acknowledged[worker] and found != b"%d" % back:
                    self.failures.append(f"{self.key(worker, back)} does not read back")
                self.operations += 2
                now = time.monotonic()
                self.gap, last = max(self.gap, now - last), now
            except Exception as error:  # Whatever reaches the user of the client is a failure.
                self.failures.append(f"{type(error).__name__}: {error}")
            n += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.operations > 100, 30, "the client is at work")
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if kind is None:
            self.judge()

    def judge(self):
        lost = [
            self.key(worker, n)
            for worker, numbers in enumerate(self.acknowledged)
            for n in numbers
            if self.clients[worker].do("GET", self.key(worker, n)) != b"%d" % n
        ]
        print(f"\n  {self.operations} operations, {sum(map(len, self.acknowledged))} writes acknowledged, {len(lost)}"
              f" lost, {len(self.failures)} failed, {sum(it.redirects for it in self.clients)} redirects,"
              f" longest gap {self.gap * 1000:.0f} ms", *self.failures[:3])
        assert lost == []
        assert self.failures == []


def scale(namespace, *flags):
    start = time.monotonic()
    outcome = namespace.plugin("scale", "--yes", *flags, timeout=300)
    print(f"\n{' '.join(map(str, flags))}: {time.monotonic() - start:.1f} s")
    assert outcome.exit == 0, str(outcome)
    return outcome


def require_shape(namespace, masters, replicas):
    """The shape everywhere: nodes, pods, annotations; nobody remembers who left."""
    status = require_whole(namespace, masters, replicas)
    pods = masters * (1 + replicas)
    assert len(namespace.pods()) == pods
    for item in namespace.get("statefulsets,deployments")["items"]:
        notes = item["metadata"]["annotations"]
        assert notes["kubectl-redis.dev/masters"] == str(masters)
        assert notes["kubectl-redis.dev/replicas"] == str(replicas)
    for pod in namespace.pods():
        assert node(namespace, pod).config_get("cluster-allow-replica-migration").popitem()[1] == "yes"
        assert len(node(namespace, pod).execute_command("CLUSTER NODES")) == pods
    counts = [sum(last - first + 1 for first, last in master["slots"]) for master in status["masters"]]
    assert max(counts) - min(counts) <= 1, counts
    return status


@pytest.mark.parametrize("layout", ["statefulset", "deployment"])
def test_out_and_in_again_while_a_client_writes(namespace, layout):
    namespace.plugin("create", "--layout", layout).require()
    with Load(namespace):
        scale(namespace, "--masters", 5)
        require_shape(namespace, 5, 1)
        scale(namespace, "--masters", 3)
        require_shape(namespace, 3, 1)


def test_replicas_come_and_go_while_a_client_writes(namespace):
    namespace.plugin("create", "--replicas", 0).require()
    with Load(namespace):
        scale(namespace, "--replicas", 2)
        require_shape(namespace, 3, 2)
        scale(namespace, "--replicas", 1)
        require_shape(namespace, 3, 1)


@pytest.mark.parametrize("most, flags", [(2, ["--durability", "safe"]), (1, ["--layout", "deployment"]),
                                         (1, ["--set", "appendonly=no", "--allow", "no-persistence"])])
def test_replicas_that_leave_come_back_without_their_data(namespace, most, flags):
    """Their claims stay; what they had copied must not be taken for data of their own."""
    namespace.plugin("create", "--replicas", most, *flags).require()
    write_keys(connect(namespace), 300)
    for replicas in (most - 1, most):
        scale(namespace, "--replicas", replicas)
        require_shape(namespace, 3, replicas)
    assert missing_keys(connect(namespace), 300) == []


LIBRARY = """#!lua name={0}
redis.register_function('{0}_of', function(keys) return '{0} ' .. redis.call('GET', keys[1]) end)"""


def test_functions_are_where_keys_are(namespace):
    """They do not move with slots; and a pod that left forgets them, as they may change meanwhile."""
    namespace.plugin("create", "--replicas", 0).require()
    client = connect(namespace)
    write_keys(client, 300)
    try:
        for pod in namespace.pods():
            node(namespace, pod).function_load(LIBRARY.format("first"))
    except redis.exceptions.ResponseError:
        pytest.skip("servers before 7.0 have no functions")

    def called(name):
        now = connect(namespace)
        return {now.execute_command("FCALL", f"{name}_of", 1, f"key:{i}") for i in range(300)}

    before = called("first")
    scale(namespace, "--masters", 5)
    assert called("first") == before
    scale(namespace, "--masters", 3)
    for pod in namespace.pods():
        node(namespace, pod).execute_command("FUNCTION", "FLUSH")
        node(namespace, pod).function_load(LIBRARY.format("second"))
    scale(namespace, "--masters", 5)
    assert len(called("second")) == 300
    with pytest.raises(redis.exceptions.ResponseError):
        called("first")


def test_roles_move_off_the_highest_ordinals_first(namespace):
    """Masters on the pods that go: they hand over, and no slot moves."""
    namespace.plugin("create").require()
    client = connect(namespace)
    write_keys(client, 300)
    for pod in ("redis-app-3", "redis-app-4", "redis-app-5"):
        namespace.plugin("failover", "--pod", pod).require()
    before = sorted(master["slots"] for master in namespace.status()["masters"])
    outcome = namespace.plugin("scale", "--replicas", 0, "--yes")
    assert outcome.exit == 0, str(outcome)
    assert "slots moved" not in outcome.stderr
    status = require_shape(namespace, 3, 0)
    assert sorted(master["slots"] for master in status["masters"]) == before
    assert missing_keys(connect(namespace), 300) == []


def test_replicas_become_masters_where_no_pod_is_added(namespace):
    namespace.plugin("create").require()
    write_keys(connect(namespace), 300)
    scale(namespace, "--masters", 6, "--replicas", 0)
    require_shape(namespace, 6, 0)
    scale(namespace, "--masters", 3, "--replicas", 1)
    require_shape(namespace, 3, 1)
    assert missing_keys(connect(namespace), 300) == []


POINTS = int(os.environ.get("KREDIS_E2E_POINTS", 4))  # At which the plugin is killed, evenly over the usual time.
SERVER_POINTS = int(os.environ.get("KREDIS_E2E_SERVER_POINTS", 1))  # At which a server is.


@pytest.fixture(scope="module")
def killed(bed):
    """A cluster that is scaled out and in again, and how long each takes undisturbed."""
    namespace = fresh_namespace(bed)
    namespace.plugin("create").require()
    write_keys(connect(namespace), 3000)
    namespace.took = {}
    for masters in (5, 3):
        start = time.monotonic()
        scale(namespace, "--masters", masters)
        namespace.took[masters] = time.monotonic() - start
    yield namespace
    drop_namespace(bed, namespace.name)


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_at_any_point_the_same_command_finishes(killed, point):
    for masters in (5, 3):
        first = killed.start_plugin("scale", "--masters", masters, "--yes")
        time.sleep(killed.took[masters] * (point + 0.5) / POINTS)
        first.kill()
        said = first.communicate()[1].strip().splitlines()
        print(f"\nto {masters} masters, killed at: {said[-1].strip() if said else 'the start'}")
        again = killed.plugin("scale", "--masters", masters, "--yes", timeout=100)
        assert again.exit == 0, f"{again}\n{what_nodes_say(killed)}"
        require_shape(killed, masters, 1)
    assert missing_keys(connect(killed), 3000) == []


@pytest.mark.parametrize("point", range(SERVER_POINTS))
def test_a_server_dies_at_any_point_the_same_command_finishes(killed, point):
    """Whatever it is then: a giver, a taker, a replica, one that leaves."""
    for masters in (5, 3):
        running = killed.start_plugin("scale", "--masters", masters, "--yes")
        time.sleep(killed.took[masters] * (point + 0.5) / SERVER_POINTS)
        pods = sorted(killed.pods())
        victim = pods[(point * 7 + masters) % len(pods)]
        killed.kubectl("delete", "pod", victim, "--grace-period=0", "--force")  # Or it is gone by then.
        said = running.communicate(timeout=300)[1].strip().splitlines()
        print(f"\nto {masters} masters, {victim} died: exit {running.returncode}: {said[-1].strip() if said else ''}")

        def again():
            outcome = killed.plugin("scale", "--masters", masters, "--yes", timeout=200)
            assert outcome.exit == 0, f"{outcome}\n{what_nodes_say(killed)}"
            return True

        wait_until(again, 200, "the same command finishes", every=2)
        require_shape(killed, masters, 1)
        assert missing_keys(connect(killed), 3000) == []


@pytest.fixture(scope="module")
def steady(bed):
    """A cluster that nobody may change."""
    namespace = fresh_namespace(bed)
    namespace.plugin("create", "--set", "maxmemory=20mb").require()
    yield namespace
    drop_namespace(bed, namespace.name)


def refused(namespace, *flags):
    """The error, once it is sure that nothing was changed."""
    before, status = namespace.objects(), [it["slots"] for it in namespace.status()["masters"]]
    outcome = namespace.plugin("scale", "--yes", *flags, timeout=300)
    assert outcome.exit != 0, str(outcome)
    assert namespace.objects() == before
    assert [it["slots"] for it in namespace.status()["masters"]] == status
    assert outcome.stderr.count("error: ") == 1 and "fix: " in outcome.stderr, str(outcome)
    return outcome.stderr


def test_nothing_asked_for(steady):
    assert "how many masters" in refused(steady)


def test_too_few_masters(steady):
    assert "a majority of masters must survive one" in refused(steady, "--masters", 2)


def test_as_it_is_there_is_nothing_to_do(steady):
    before = steady.objects()
    outcome = steady.plugin("scale", "--masters", 3, "--replicas", 1)
    assert outcome.exit == 0 and "nothing to do" in outcome.stdout, str(outcome)
    assert steady.objects() == before


def test_a_dry_run_shows_all_of_it_and_changes_nothing(steady):
    before = steady.objects()
    outcome = steady.plugin("scale", "--masters", 4, "--dry-run")
    assert outcome.exit == 0, str(outcome)
    for words in ("scale statefulset.apps/redis-app 8", "meet redis-app-6", "replicate redis-app-7", "move_slots"):
        assert words in outcome.stdout, outcome.stdout
    assert steady.objects() == before


def test_an_open_slot_towards_nobody(steady):
    pod = steady.status()["masters"][0]["pod"]
    other = steady.status()["masters"][1]["id"]
    slot = steady.status()["masters"][0]["slots"][0][0]
    node(steady, pod).execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", other)
    try:
        assert f"slot {slot} is open" in refused(steady, "--masters", 4)
    finally:
        node(steady, pod).execute_command("CLUSTER", "SETSLOT", slot, "STABLE")


def test_a_quota_without_room(steady):
    steady.kubectl("create", "quota", "small", "--hard=pods=7").require()
    wait_until(lambda: steady.get("quota", "small").get("status", {}).get("used"), 20, "the quota counts")
    try:
        assert "ResourceQuota small leaves too little pods" in refused(steady, "--masters", 5)
    finally:
        steady.kubectl("delete", "quota", "small").require()


LEASE = """---
{{apiVersion: coordination.k8s.io/v1, kind: Lease,
metadata: {{name: kubectl-redis-redis, annotations: {{kubectl-redis.dev/doing: kubectl redis fix redis}}}},
spec: {{holderIdentity: somebody, leaseDurationSeconds: 60, renewTime: "{now}"}}}}"""


def test_somebody_else_at_work(steady):
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    steady.kubectl("apply", "-f", "-", stdin=LEASE.format(now=now)).require()
    try:
        said = refused(steady, "--masters", 4, "--timeout", "3s")
        assert "somebody" in said and "kubectl redis fix redis" in said, said
    finally:
        steady.kubectl("delete", "lease", "kubectl-redis-redis").require()


CLAIM = """---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: redis-data-redis-app-7},
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 200M}}}}"""


def test_a_claim_of_another_life(steady):
    steady.kubectl("apply", "-f", "-", stdin=CLAIM).require()
    try:
        assert "kubectl delete pvc redis-data-redis-app-7" in refused(steady, "--masters", 4)
    finally:
        steady.kubectl("delete", "pvc", "redis-data-redis-app-7").require()


def test_data_that_would_not_fit(steady):
    """Last, as it makes the cluster larger."""
    scale(steady, "--masters", 4)
    client = connect(steady)
    for i in range(2600):
        client.set(f"large:{i}", "x" * 20000)
    assert "too few for the data" in refused(steady, "--masters", 3)


def test_ctrl_c_leaves_what_the_same_command_finishes(namespace):
    namespace.plugin("create").require()
    first = namespace.start_plugin("scale", "--masters", 4, "--yes")
    wait_until(lambda: len(namespace.pods()) == 8, 30, "pods are asked for")
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=30)[1]
    assert first.returncode == 130, said
    assert namespace.get("leases")["items"] == []
    namespace.kubectl("wait", "pods", "-l", "app=redis", "--for=condition=Ready", "--timeout=60s").require()
    hidden = node(namespace, "redis-app-7")  # As of a node that was to leave when somebody ended that.
    hidden.execute_command("ACL", "SETUSER", "default", "-cluster|slots", "-cluster|shards")
    scale(namespace, "--masters", 4)
    require_shape(namespace, 4, 1)
    assert len(hidden.execute_command("CLUSTER SLOTS")) >= 4


def test_no_client_gets_an_empty_map_of_a_node_that_leaves(namespace):
    """It would send its commands to any node that it ever heard of, and those fail."""
    namespace.plugin("create", "--masters", 4).require()
    leaving = {name: node(namespace, name) for name in ("redis-app-6", "redis-app-7")}
    maps, denied = [], set()
    change = namespace.start_plugin("scale", "--masters", 3, "--yes")
    while change.poll() is None:
        for name, line in leaving.items():
            try:
                maps.append(len(line.execute_command("CLUSTER SLOTS")))
            except redis.exceptions.NoPermissionError:
                denied.add(name)
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                pass  # It is gone, which sends a client elsewhere as well.
    said = change.communicate()[1]
    assert change.returncode == 0, said
    print(f"\n  {len(maps)} maps, the smallest of {min(maps)} runs")
    assert min(maps) >= 3 and denied == set(leaving), said
    require_shape(namespace, 3, 1)


def test_claims_of_pods_that_go_stay_empty_or_go_where_that_is_asked(namespace):
    namespace.plugin("create", "--masters", 4).require()

    def claims():
        return sorted(item["metadata"]["name"] for item in namespace.get("pvc")["items"])

    eight = claims()
    scale(namespace, "--masters", 3)
    assert claims() == eight
    scale(namespace, "--masters", 4)
    asks = namespace.plugin("scale", "--masters", 3, "--purge-data")
    assert asks.exit == 3 and "losing data was not confirmed" in asks.stderr, str(asks)
    scale(namespace, "--masters", 3, "--purge-data")
    wait_until(lambda: claims() == eight[:6], 30, "the claims of the pods that went are gone")
    require_shape(namespace, 3, 1)


def test_the_webhook_lets_it_pass_once_the_roles_have_moved(make_bed, tmp_path):
    bed = make_bed()
    if bed.sandbox is None:
        pytest.skip("needs the sandbox")
    webhook = start_hooked(bed, tmp_path, "--poll-interval", "2")
    try:
        for layout in ("statefulset", "deployment"):
            namespace = fresh_namespace(bed)
            namespace.plugin("create", "--masters", 4, "--layout", layout).require()
            scale(namespace, "--masters", 3)
            require_shape(namespace, 3, 1)
    finally:
        webhook.stop()


def test_a_cluster_that_others_made(namespace):
    """Its StatefulSet is scaled, and nothing else of it changed."""
    namespace.plugin("create").require()
    strip = '[{"op": "remove", "path": "/metadata/labels"}, {"op": "remove", "path": "/metadata/annotations"}]'
    namespace.kubectl("patch", "statefulset", "redis-app", "--type=json", "-p", strip).require()
    template = namespace.get("statefulset", "redis-app")["spec"]["template"]
    write_keys(connect(namespace), 300)
    for masters in (4, 3):
        outcome = namespace.plugin("scale", "redis-app", "--masters", masters, "--replicas", 1, "--yes", timeout=100)
        assert outcome.exit in (0, 3), str(outcome)
        assert len(namespace.status("redis-app")["masters"]) == masters
        assert len(namespace.pods()) == masters * 2
    assert namespace.get("statefulset", "redis-app")["spec"]["template"] == template
    assert missing_keys(connect(namespace), 300) == []


def test_suggest_ends_with_3_when_something_would_suit_better(namespace):
    namespace.plugin("create", "--replicas", 0).require()
    outcome = namespace.plugin("scale", "--suggest", "-o", "json")
    assert outcome.exit == 3, str(outcome)
    assert outcome.json()["wanted"] == {"masters": 3, "replicas": 1}
