# SPDX-License-Identifier: Apache-2.0
"""Two people at once: who changes a cluster holds its Lease; the other is told, and takes over when the holder is gone."""

import datetime
import json

from bed import wait_until
from test_create import require_whole

LEASE = "kubectl-redis-redis"


def leases(namespace):
    return {item["metadata"]["name"]: item for item in namespace.get("leases.coordination.k8s.io")["items"]}


def hold(namespace, holder, cluster="redis"):
    """A Lease that somebody elsewhere holds."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
             "metadata": {"name": f"kubectl-redis-{cluster}",
                          "annotations": {"kubectl-redis.dev/doing": f"kubectl redis config apply {cluster}"}},
             "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now}}
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(lease)).require()


def test_a_change_is_shown_to_others_and_its_lease_is_given_back(namespace):
    running = namespace.start_plugin("create", "--ephemeral")
    wait_until(lambda: LEASE in leases(namespace), 30, "the Lease is taken", every=0.05)
    holder = leases(namespace)[LEASE]
    assert "kubectl redis create redis" in holder["metadata"]["annotations"]["kubectl-redis.dev/doing"]
    assert "/" in holder["spec"]["holderIdentity"] and "@" in holder["spec"]["holderIdentity"]
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert leases(namespace) == {}
    require_whole(namespace, 3, 1)


def test_a_second_change_is_refused_by_name_and_a_look_is_free(namespace):
    namespace.plugin("create", "--ephemeral").require()
    hold(namespace, "jane@elsewhere/42")
    for words in (["failover", "--pod", "redis-app-3"], ["create", "--ephemeral"], ["init"],
                  ["delete", "--yes"], ["config", "apply"]):
        outcome = namespace.plugin(*words, "--timeout", "10s")
        assert outcome.exit == 3, str(outcome)
        assert "jane@elsewhere/42" in outcome.stderr and "config apply" in outcome.stderr, str(outcome)
        assert "fix:" in outcome.stderr
    namespace.plugin("status").require()
    namespace.plugin("failover", "--pod", "redis-app-3", "--dry-run").require()
    require_whole(namespace, 3, 1)


def test_a_holder_that_is_gone_is_taken_over(namespace):
    running = namespace.start_plugin("create", "--ephemeral")
    wait_until(lambda: LEASE in leases(namespace), 30, "the Lease is taken", every=0.05)
    running.kill()
    running.wait()
    assert LEASE in leases(namespace)
    again = namespace.plugin("create", "--ephemeral")  # The same machine: its process is no more.
    assert again.exit == 0, str(again)
    require_whole(namespace, 3, 1)
    hold(namespace, "jane@elsewhere/42")  # Elsewhere: not renewed while we look.
    outcome = namespace.plugin("failover", "--pod", "redis-app-3")
    assert outcome.exit == 0, str(outcome)
    assert leases(namespace) == {}
