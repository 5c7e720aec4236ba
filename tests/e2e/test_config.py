# SPDX-License-Identifier: Apache-2.0
"""`config diff` and `config apply`: from an edited ConfigMap to what every node runs."""

import json
import threading
import time

import redis

from bed import wait_until
from client import connect, missing_keys, node, write_keys
from test_create import require_whole


def edit(namespace, *lines):
    """Adds lines to the end of redis.conf, where the last one counts."""
    text = namespace.get("configmap", "redis-conf")["data"]["redis.conf"]
    patch = json.dumps({"data": {"redis.conf": text + "\n".join(lines) + "\n"}})
    namespace.kubectl("patch", "configmap", "redis-conf", "--type=merge", "-p", patch).require()
    return text


def settings(namespace, name):
    return {node(namespace, pod).config_get(name)[name] for pod in namespace.pods()}


def uids(namespace):
    return {name: pod["metadata"]["uid"] for name, pod in namespace.pods().items()}


def drift(namespace, *words):
    outcome = namespace.plugin("config", "diff", "-o", "json", *words)
    assert outcome.exit in (0, 3), str(outcome)
    return {(it["pod"], each["setting"]): each for it in outcome.json()["nodes"] for each in it["drift"]}


def test_a_fresh_cluster_runs_what_its_file_says(namespace):
    assert namespace.plugin("create", "--ephemeral").exit == 0
    outcome = namespace.plugin("config", "diff")
    assert outcome.exit == 0, str(outcome)
    assert "all 6 nodes run what redis.conf of ConfigMap redis-conf says" in outcome.stdout
    again = namespace.plugin("config", "apply")
    assert again.exit == 0 and "nothing to do" in again.stdout, str(again)

    # What somebody set by hand on one node is found there, and only there.
    node(namespace, "redis-app-3").config_set("cluster-node-timeout", 9000)
    assert {key: (it["wanted"], it["runs"]) for key, it in drift(namespace).items()} == {
        ("redis-app-3", "cluster-node-timeout"): ("5000", "9000")}

    # Settings that a server takes while it runs: nobody restarts.
    before = uids(namespace)
    edit(namespace, "maxmemory 64mb", "save 900 1", "save 300 10", "client-output-buffer-limit replica 64mb 16mb 30")
    plan = namespace.plugin("config", "apply", "--dry-run")
    assert plan.exit == 0 and "set_config redis-app-0 maxmemory 64mb" in plan.stdout, str(plan)
    assert "restart" not in plan.stdout
    assert settings(namespace, "maxmemory") == {"0"}
    outcome = namespace.plugin("config", "apply")
    assert outcome.exit == 0, str(outcome)
    assert settings(namespace, "maxmemory") == {str(64 << 20)}
    assert settings(namespace, "save") == {"900 1 300 10"}
    assert settings(namespace, "cluster-node-timeout") == {"5000"}
    assert uids(namespace) == before and drift(namespace) == {}


class Writer(threading.Thread):
    """Writes without pause; counts what failed after the client's ordinary retries."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.written, self.failed, self.ended = client, 0, [], False

    def run(self):
        while not self.ended:
            try:
                self.client.set(f"writer:{self.written}", f"value {self.written}")
                self.written += 1
            except redis.RedisError as error:
                self.failed.append(str(error))
            time.sleep(0.005)


def test_what_needs_a_restart_is_rolled_out_one_pod_at_a_time_and_a_killed_run_is_finished(namespace):
    assert namespace.plugin("create").exit == 0
    write_keys(connect(namespace), 100)
    edit(namespace, "tcp-backlog 300", "hz 20")
    plan = namespace.plugin("config", "apply", "--dry-run").require().stdout.splitlines()
    restarts = [line.split()[1] for line in plan if line.strip().startswith("restart ")]
    assert sorted(restarts[:3]) == ["redis-app-3", "redis-app-4", "redis-app-5"], plan
    assert sorted(restarts[3:]) == ["redis-app-0", "redis-app-1", "redis-app-2"], plan

    before = uids(namespace)
    writer = Writer(connect(namespace))
    writer.start()
    first = namespace.start_plugin("config", "apply")
    wait_until(lambda: uids(namespace) != before and len(uids(namespace)) == 6, 60, "a pod was restarted")
    first.kill()
    first.wait()
    outcome = namespace.plugin("config", "apply", timeout=400)
    writer.ended = True
    writer.join()
    assert outcome.exit == 0, str(outcome)
    assert settings(namespace, "tcp-backlog") == {"300"} and settings(namespace, "hz") == {"20"}
    after = uids(namespace)
    assert all(after[pod] != before[pod] for pod in before)
    require_whole(namespace, 3, 1)
    client = connect(namespace)
    assert missing_keys(client, 100) == []
    assert missing_keys(client, writer.written, "writer") == []
    assert writer.written > 100 and writer.failed == []
    assert drift(namespace) == {}


def test_what_create_would_refuse_is_refused_and_changes_nothing(namespace):
    assert namespace.plugin("create", "--ephemeral").exit == 0
    before = uids(namespace)
    for line, said in (("cluster-enabled no", "cluster-enabled"), ("dir /data", "/var/lib/redis"),
                       ("maxmemory plenty", "maxmemory"), ("no-such-setting 1", "no-such-setting")):
        old = edit(namespace, line)
        outcome = namespace.plugin("config", "apply")
        assert outcome.exit == 2 and said in outcome.stderr and "fix:" in outcome.stderr, str(outcome)
        patch = json.dumps({"data": {"redis.conf": old}})
        namespace.kubectl("patch", "configmap", "redis-conf", "--type=merge", "-p", patch).require()
    assert uids(namespace) == before


def test_the_deployment_layout_is_rolled_out_too(namespace):
    assert namespace.plugin("create", "--layout", "deployment").exit == 0
    write_keys(connect(namespace), 50)
    edit(namespace, "tcp-backlog 300")
    outcome = namespace.plugin("config", "apply", timeout=400)
    assert outcome.exit == 0, str(outcome)
    assert settings(namespace, "tcp-backlog") == {"300"}
    assert missing_keys(connect(namespace), 50) == []
