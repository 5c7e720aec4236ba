# SPDX-License-Identifier: Apache-2.0
"""Writes keys through redis-py and reads them back; with `read`, only the latter.
Usage: roundtrip.py HOST:PORT COUNT PREFIX [read]. Prints one line of JSON: nodes (where MOVED and
CLUSTER SLOTS led it), missing (keys that do not read back)."""

import json
import sys

from redis.cluster import RedisCluster


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    keys = [f"{sys.argv[3]}:{n}" for n in range(int(sys.argv[2]))]
    client = RedisCluster(host=host, port=int(port), socket_timeout=5, socket_connect_timeout=3)
    if sys.argv[4:] != ["read"]:
        for key in keys:
            client.set(key, key)
    print(json.dumps({
        "nodes": sorted([node.host, node.port] for node in client.get_nodes()),
        "missing": [key for key in keys if client.get(key) != key.encode()],
    }))


main()
