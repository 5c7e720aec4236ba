# SPDX-License-Identifier: Apache-2.0
"""Sixty Redis nodes."""

from client import connect, missing_keys, write_keys
from conftest import fresh_namespace
from test_create import require_whole


def test_create_makes_a_cluster_of_sixty_nodes(make_bed):
    namespace = fresh_namespace(make_bed("--nodes", "20"))
    outcome = namespace.plugin("create", "--masters", "30", "--replicas", "1", "--ephemeral",
                               "--timeout", "10m", timeout=660)
    assert outcome.exit == 0, str(outcome)
    status = require_whole(namespace, 30, 1)
    assert all(status["survives"]["nodes"].values())
    client = connect(namespace)
    write_keys(client, 200)
    assert missing_keys(client, 200) == []
    namespace.plugin("delete", "--yes")
