#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What admission adds to a write, in a real API server: a dry run of the article's StatefulSet with
nothing in its way, with our webhook (which completes it as well), and with the rules that look at one
object as ValidatingAdmissionPolicies.

usage: admission_bench.py BIN     BIN holds kubectl-redis; KUBECONFIG is a cluster that has the webhook's image
Prints one JSON object a line; medians, the ways in turn. `peer` is the time with nothing in the way."""

import base64
import http.client
import json
import os
import pathlib
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import yaml

HERE = pathlib.Path(__file__).parent
TURNS = 3
REQUESTS = 100  # A turn and way.
APPLIES = 10


def article():
    text = (HERE.parent / "e2e" / "manifests" / "article" / "redis.yaml").read_text()
    workload = next(it for it in yaml.safe_load_all(text) if it and it["kind"] == "StatefulSet")
    workload["metadata"]["annotations"] = {"kubectl-redis.dev/masters": "3", "kubectl-redis.dev/replicas": "1"}
    workload["spec"]["template"]["spec"]["containers"][0]["image"] = "redis:8.0"
    return workload


class ApiServer:
    """One connection, kept alive: what is timed is the server."""

    def __init__(self, folder):
        config = yaml.safe_load(pathlib.Path(os.environ["KUBECONFIG"]).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        for name, text in (("ca", cluster["certificate-authority-data"]), ("crt", user["client-certificate-data"]),
                           ("key", user["client-key-data"])):
            (folder / name).write_bytes(base64.b64decode(text))
        context = ssl.create_default_context(cafile=folder / "ca")
        context.load_cert_chain(folder / "crt", folder / "key")
        where = urllib.parse.urlsplit(cluster["server"])
        self.connection = http.client.HTTPSConnection(where.hostname, where.port, context=context)

    def create_dry(self, workload):
        self.connection.request("POST", "/apis/apps/v1/namespaces/default/statefulsets?dryRun=All",
                                json.dumps(workload), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


def run(*words, stdin=""):
    subprocess.run([str(word) for word in words], input=stdin, text=True, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain: {what}")
        time.sleep(0.2)


class Ways:
    """What stands between a write and the store. Each is entered, measured and left."""

    def __init__(self, plugin, server):
        self.plugin, self.server = plugin, server
        self.policies = subprocess.run([plugin, "webhook", "manifests", "--as-vap"], check=True, text=True,
                                       stdout=subprocess.PIPE).stdout

    def is_refused(self):
        """Whether two masters are: every one of the ways has that rule."""
        workload = article()
        workload["metadata"]["annotations"]["kubectl-redis.dev/masters"] = "2"
        return self.server.create_dry(workload)[0] >= 400

    def enter(self, way):
        if way == "webhook":
            run(self.plugin, "webhook", "install")
        elif way == "policies":
            run("kubectl", "apply", "-f", "-", stdin=self.policies)
        wait_until(lambda: self.is_refused() == (way != "nothing"), f"{way} in force")

    def leave(self, way):
        if way == "webhook":
            run(self.plugin, "webhook", "uninstall")
        elif way == "policies":
            run("kubectl", "delete", "--wait=true", "-f", "-", stdin=self.policies)
        wait_until(lambda: not self.is_refused(), f"{way} gone")


def measure(server):
    workload = article()
    requests, applies = [], []
    for _ in range(REQUESTS):
        began = time.monotonic()
        status, said = server.create_dry(workload)
        requests.append((time.monotonic() - began) * 1000)
        if status != 201:
            sys.exit(f"refused: {said}")
    for _ in range(APPLIES):
        began = time.monotonic()
        run("kubectl", "apply", "--dry-run=server", "-f", "-", stdin=json.dumps(workload))
        applies.append((time.monotonic() - began) * 1000)
    return {"a create with dryRun=All": requests, "kubectl apply --dry-run=server": applies}


def main():
    if len(sys.argv) != 2 or "KUBECONFIG" not in os.environ:
        sys.exit(__doc__)
    seen = {}
    with tempfile.TemporaryDirectory(prefix="kredis-bench-") as folder:
        server = ApiServer(pathlib.Path(folder))
        ways = Ways(pathlib.Path(sys.argv[1]).resolve() / "kubectl-redis", server)
        for _ in range(TURNS):
            for way in ("nothing", "webhook", "policies"):
                ways.enter(way)
                try:
                    for case, times in measure(server).items():
                        seen.setdefault(case, {}).setdefault(way, []).extend(times)
                finally:
                    ways.leave(way)
    for case, times in seen.items():
        nothing = statistics.median(times["nothing"])
        for way, name in (("webhook", "with the webhook"), ("policies", "with the policies")):
            mine = statistics.median(times[way])
            print(json.dumps({"bench": "admission", "case": f"{case}, {name}", "ours": round(mine, 2),
                              "peer": round(nothing, 2), "unit": "ms", "ratio": round(mine / nothing, 3)}), flush=True)


main()
