# SPDX-License-Identifier: Apache-2.0
"""A cluster client that does what the cluster's specification asks of one and no more: it follows MOVED
and ASK to wherever they lead. (redis-py's follows ASK only to nodes that own slots already, which new
ones do not: it raises AttributeError there.)"""

import time

import redis
from redis.crc import key_slot

from client import AddressBook

PATIENCE = 10  # Seconds for one operation, redirects and reconnections included.


class PlainClient:
    """Not for several threads."""

    def __init__(self, namespace):
        self.book = AddressBook(namespace)
        self.start = [(ip, 6379) for ip in self.book.read().values()]
        self.connections = {}
        self.owners = {}
        self.redirects = 0
        self.learn()

    def at(self, address):
        if address not in self.connections:
            host, port = self.book.remap(address)
            self.connections[address] = redis.Connection(host=host, port=port, socket_timeout=5, socket_connect_timeout=2)
        return self.connections[address]

    def learn(self):
        """Who owns what, as any node says that answers."""
        for address in [*self.connections, *self.start]:
            try:
                runs = self.raw(address, "CLUSTER", "SLOTS")
            except redis.RedisError:
                self.connections.pop(address, None)
                continue
            found = {slot: (run[2][0].decode(), run[2][1]) for run in runs for slot in range(run[0], run[1] + 1)}
            if found:
                self.owners = found
                return

    def raw(self, address, *command, asking=False):
        connection = self.at(address)
        if asking:
            connection.send_command("ASKING")
            connection.read_response()
        connection.send_command(*command)
        return connection.read_response()

    def do(self, *command):
        slot = key_slot(command[1].encode())
        deadline = time.monotonic() + PATIENCE
        asked = None
        while True:
            address = asked or self.owners[slot]
            try:
                return self.raw(address, *command, asking=asked is not None)
            except redis.ResponseError as error:
                words = str(error).split()
                asked = None
                if words[0] in ("MOVED", "ASK"):
                    host, port = words[2].rsplit(":", 1)
                    self.redirects += 1
                    if words[0] == "ASK":
                        asked = (host, int(port))
                    else:
                        self.owners[slot] = (host, int(port))
                elif words[0] not in ("TRYAGAIN", "CLUSTERDOWN", "LOADING") or time.monotonic() > deadline:
                    raise
                else:
                    time.sleep(0.02)
            except redis.RedisError:  # The node is gone, or away.
                asked = None
                self.connections.pop(address, None)
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
                self.learn()
