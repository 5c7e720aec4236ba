#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The webhook against a Go reference (controller-runtime's server with ten of our rules), in turn:
reviews a second, times of answers, processor time a review, memory, start to ready.

usage: webhook_bench.py WEBHOOK BIN         the program of the image, and what holds review_load
       webhook_bench.py reviews FOLDER      only writes the reviews that it sends
Prints one JSON object a line; medians of several runs, ours and the peer's in turn."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "e2e"))
TURNS = 3
SECONDS = 3
TICK = os.sysconf("SC_CLK_TCK")


def review(kibibytes):
    """The article's StatefulSet as the API server would send it, as large as wanted."""
    import yaml

    text = (HERE.parent / "e2e" / "manifests" / "article" / "redis.yaml").read_text()
    workload = next(it for it in yaml.safe_load_all(text) if it and it["kind"] == "StatefulSet")
    workload["metadata"].setdefault("namespace", "default")
    container = workload["spec"]["template"]["spec"]["containers"][0]
    whole = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "apps", "version": "v1", "kind": "StatefulSet"},
        "resource": {"group": "apps", "version": "v1", "resource": "statefulsets"},
        "name": workload["metadata"]["name"], "namespace": workload["metadata"]["namespace"], "operation": "CREATE",
        "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
        "object": workload, "oldObject": None, "dryRun": False, "options": None}}
    number = 0
    while len(json.dumps(whole)) < kibibytes * 1024 - 100:
        container.setdefault("env", []).append({"name": f"SETTING_{number}", "value": "a value of some length " * 2})
        number += 1
    return json.dumps(whole)


def write_reviews(folder):
    paths = []
    for size in (6, 60):
        path = pathlib.Path(folder) / f"review-{size}k.json"
        path.write_text(review(size))
        paths.append(path)
    return paths


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Server:
    def __init__(self, side, command, port, folder):
        self.side, self.port = side, port
        began = time.monotonic()
        with open(folder / f"{side}.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait(folder / "ca.crt")
        self.ready = (time.monotonic() - began) * 1000
        self.idle = self.memory()

    def _wait(self, authority):
        context = ssl.create_default_context(cafile=authority)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), 1) as plain:
                    with context.wrap_socket(plain, server_hostname="127.0.0.1"):
                        return
            time.sleep(0.001)
        sys.exit(f"{self.side} does not listen")

    def memory(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(f"{field}:")) / 1024

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Bench:
    def __init__(self, webhook, binaries, folder):
        self.webhook, self.binaries, self.folder = webhook, binaries, folder
        self.peer = subprocess.run([HERE / "peer" / "build.sh"], check=True, text=True,
                                   stdout=subprocess.PIPE).stdout.strip()

    def start(self, side):
        port = free_port()
        if side == "ours":
            command = [self.webhook, "--listen", f"127.0.0.1:{port}", "--watch", "false",
                       "--drain-wait", "0", "--certificate-file", self.folder / "webhook.crt",
                       "--key-file", self.folder / "webhook.key"]
        else:
            command = [self.peer, str(port), self.folder]
        return Server(side, command, port, self.folder)

    def client(self, server, path, body, *flags):
        return [self.binaries / "review_load", str(server.port), self.folder / "ca.crt", path, body, *map(str, flags)]

    def load(self, server, path, body, *flags):
        before = server.processor_seconds()
        done = subprocess.run(self.client(server, path, body, *flags), check=True, text=True, stdout=subprocess.PIPE)
        seen = json.loads(done.stdout)
        seen["cpu"] = (server.processor_seconds() - before) / seen["reviews"] * 1e6
        return seen

    def with_idle(self, server, body, count):
        client = subprocess.Popen(self.client(server, "/mutate", body, "--idle", count), text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if json.loads(client.stdout.readline() or "{}").get("open") != count:
            sys.exit(f"{server.side} does not hold {count} connections")
        time.sleep(1)
        memory = server.memory()
        client.communicate()
        return memory


def show(case, unit, values):
    mine, theirs = (statistics.median(values[side]) for side in ("ours", "peer"))
    print(json.dumps({"bench": "webhook", "case": case, "ours": round(mine, 3), "peer": round(theirs, 3),
                      "unit": unit, "ratio": round(mine / theirs, 3)}), flush=True)


def in_turn(work):
    """What `work` measured of both, TURNS times each: {name: {side: [values]}}."""
    seen = {}
    for _ in range(TURNS):
        for side in ("ours", "peer"):
            for name, value in work(side).items():
                seen.setdefault(name, {"ours": [], "peer": []})[side].append(value)
    return seen


def compare_load(bench, bodies):
    servers = {side: bench.start(side) for side in ("ours", "peer")}
    try:
        for size, body in bodies.items():
            for path in ("/mutate", "/validate"):
                for connections in (1, 16, 64):
                    seen = in_turn(lambda side: bench.load(
                        servers[side], path, body, "--connections", connections, "--seconds", SECONDS))
                    case = f"{path} {size} KiB, {connections} connections"
                    for name, unit in (("perSecond", "1/s"), ("p50", "ms"), ("p99", "ms"), ("cpu", "us")):
                        show(f"{case}: {name}", unit, seen[name])
            seen = in_turn(lambda side: bench.load(
                servers[side], "/mutate", body, "--connections", 16, "--seconds", SECONDS, "--rate", 500))
            for name, unit in (("p50", "ms"), ("p99", "ms"), ("cpu", "us")):
                show(f"/mutate {size} KiB, 500 reviews a second: {name}", unit, seen[name])
        show("memory after the load", "MiB", {side: [server.memory()] for side, server in servers.items()})
    finally:
        for server in servers.values():
            server.stop()


def compare_rest(bench, body):
    def one(side):
        server = bench.start(side)
        try:
            time.sleep(1)
            return {"start to ready": server.ready, "memory idle": server.memory(),
                    "memory idle, without the program's own file": server.memory("RssAnon"),
                    "memory with 1000 idle connections": bench.with_idle(server, body, 1000)}
        finally:
            server.stop()

    for name, values in in_turn(one).items():
        show(name, "ms" if "start" in name else "MiB", values)


def main():
    if sys.argv[1] == "reviews":
        write_reviews(sys.argv[2])
        return
    from certificates import make_authority, make_certificate

    with tempfile.TemporaryDirectory(prefix="kredis-bench-") as name:
        folder = pathlib.Path(name)
        make_authority(folder)
        make_certificate(folder, "webhook")
        bench = Bench(*(pathlib.Path(each).resolve() for each in sys.argv[1:3]), folder)
        small, large = write_reviews(folder)
        compare_rest(bench, small)
        compare_load(bench, {6: small, 60: large})


main()
