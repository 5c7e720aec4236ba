# SPDX-License-Identifier: Apache-2.0
"""Writes and reads through redis-py without pause until SIGTERM, then reads back everything that was
acknowledged. Usage: load.py HOST:PORT. Prints "running", and at the end one line of JSON:

client, operations, failures (what the client raised after its own redirects and retries), lost
(acknowledged writes that do not read back), gapMilliseconds (the longest pause between two
operations of one worker that succeeded).

SIGUSR1 has it print the longest gap since the one before: a number of milliseconds on a line."""

import json
import signal
import sys
import threading
import time

from redis.cluster import RedisCluster

WORKERS = 4
stopping = threading.Event()


class Worker(threading.Thread):
    def __init__(self, number, client):
        super().__init__()
        self.number = number
        self.client = client
        self.acknowledged = []
        self.failures = []
        self.operations = 0
        self.wrong = 0
        self.last = None
        self.gap = 0.0
        self.recent_gap = 0.0

    def key(self, n):
        return f"py:{self.number}:{n}"

    def attempt(self, operation, *args):
        """Whether it succeeded, and what it returned."""
        self.operations += 1
        try:
            value = operation(*args)
        except Exception as error:  # Whatever reaches the user of the client is a failure.
            self.failures.append(f"{type(error).__name__}: {error}")
            return False, None
        now = time.monotonic()
        gap = now - (self.last or now)
        self.gap = max(self.gap, gap)
        self.recent_gap = max(self.recent_gap, gap)
        self.last = now
        return True, value

    def run(self):
        n = 0
        while not stopping.is_set():
            if self.attempt(self.client.set, self.key(n), n)[0]:
                self.acknowledged.append(n)
            if self.acknowledged:
                which = self.acknowledged[n * 7919 % len(self.acknowledged)]
                good, value = self.attempt(self.client.get, self.key(which))
                self.wrong += good and value != str(which).encode()
            n += 1
            stopping.wait(0.002)

    def lost(self):
        return self.wrong + sum(self.client.get(self.key(n)) != str(n).encode() for n in self.acknowledged)


def connect(host, port):
    return RedisCluster(host=host, port=port, socket_timeout=3, socket_connect_timeout=3)


def tell_recent_gap(workers):
    print(round(max(worker.recent_gap for worker in workers) * 1000), flush=True)
    for worker in workers:
        worker.recent_gap = 0.0


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    host, port = sys.argv[1].rsplit(":", 1)
    # A client each: one that reloads its map closes connections under the hands of its other threads.
    workers = [Worker(number, connect(host, int(port))) for number in range(WORKERS)]
    signal.signal(signal.SIGUSR1, lambda *_: tell_recent_gap(workers))
    for worker in workers:
        worker.start()
    print("running", flush=True)
    stopping.wait()
    for worker in workers:
        worker.join()
    print(json.dumps({
        "client": "redis-py",
        "operations": sum(worker.operations for worker in workers),
        "failures": [failure for worker in workers for failure in worker.failures],
        "lost": sum(worker.lost() for worker in workers),
        "gapMilliseconds": round(max(worker.gap for worker in workers) * 1000),
    }))


main()
