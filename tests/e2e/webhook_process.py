# SPDX-License-Identifier: Apache-2.0
"""The webhook as a process of this machine, and the configurations that lead an API server to it."""

import base64
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

from bed import BIN, wait_until
from certificates import make_authority, make_certificate

RULES = [
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["statefulsets", "deployments"],
     "operations": ["CREATE", "UPDATE"]},
    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps", "services"],
     "operations": ["CREATE", "UPDATE"]},
    {"apiGroups": ["policy"], "apiVersions": ["v1"], "resources": ["poddisruptionbudgets"],
     "operations": ["CREATE", "UPDATE"]},
]
# What only guards are asked about, after everything else.
GUARDED = [
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["statefulsets", "deployments"],
     "operations": ["DELETE"]},
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["replicasets"], "operations": ["UPDATE", "DELETE"]},
    {"apiGroups": ["apps"], "apiVersions": ["v1"],
     "resources": ["statefulsets/scale", "deployments/scale", "replicasets/scale"], "operations": ["UPDATE"]},
    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "persistentvolumeclaims"],
     "operations": ["UPDATE", "DELETE"]},
    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps", "services", "namespaces"],
     "operations": ["DELETE"]},
    {"apiGroups": ["policy"], "apiVersions": ["v1"], "resources": ["poddisruptionbudgets"], "operations": ["DELETE"]},
    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/eviction"], "operations": ["CREATE"]},
]


class Webhook:
    """kubectl-redis-webhook on 127.0.0.1, with a certificate from `folder` or one of its own."""

    account = None  # Acts as an administrator.

    def __init__(self, folder, *flags, env=None, own_certificate=False, name="webhook"):
        self.log = folder / f"{name}.log"
        self.authority = folder / "ca.crt"
        mounted = ["--certificate-file", str(folder / "webhook.crt"), "--key-file", str(folder / "webhook.key")]
        self.process = subprocess.Popen(
            [str(BIN / "kubectl-redis-webhook"), "--listen", "127.0.0.1:0", "--drain-wait", "0",
             *([] if own_certificate else mounted), *flags],
            env={**os.environ, **(env or {})},
            stderr=open(self.log, "w", encoding="utf-8"),
        )
        self.port = wait_until(self._port, 20, "the webhook listens", every=0.02)

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def _port(self):
        return next((line["port"] for line in self.lines() if line["message"] == "listening"), None)

    def request(self, path, body=None):
        """The status and text of an answer; `body` is sent as JSON."""
        context = ssl.create_default_context(cafile=self.authority)
        asked = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}",
                                       data=None if body is None else json.dumps(body).encode(),
                                       headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def metrics(self):
        """Those of every replica: here one."""
        return [self.request("/metrics")[1]]

    def memory_kib(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))

    def stop(self):
        """Ends it as Kubernetes does; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def configuration(kind, webhook, failure_policy="Fail"):
    path = "mutate" if kind.startswith("Mutating") else "validate"
    bundle = base64.b64encode(webhook.authority.read_bytes()).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "kubectl-redis-webhook"},
        "webhooks": [{
            "name": f"{path}.kubectl-redis.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": failure_policy,
            "timeoutSeconds": 10,
            "clientConfig": {"url": f"https://127.0.0.1:{webhook.port}/{path}", "caBundle": bundle},
            "rules": RULES if path == "mutate" else RULES + GUARDED,
        }],
    }


def register(bed, webhook):
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        bed.kubectl("apply", "-f", "-", stdin=json.dumps(configuration(kind, webhook))).require()


class Load:
    """Does `review` without a pause, in a thread of its own; keeps what failed."""

    def __init__(self, review):
        self.review, self.failures, self.reviews = review, [], 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stop.is_set():
            outcome = self.review()
            self.reviews += 1
            if outcome.exit != 0:
                self.failures.append(str(outcome))
            time.sleep(0.1)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def start_hooked(bed, folder, *flags):
    """A webhook that `bed`'s API server asks, ready and registered."""
    make_authority(folder)
    make_certificate(folder, "webhook")
    webhook = Webhook(folder, *flags, env=bed.env)
    wait_until(lambda: webhook.request("/readyz")[0] == 200, 20, "the webhook is ready", every=0.05)
    register(bed, webhook)
    webhook.bed = bed
    return webhook


class InstalledWebhook:
    """The webhook in `bed` as `webhook install` puts it there: two replicas, asked through its Service."""

    namespace = "kubectl-redis-system"
    account = f"{namespace}:kubectl-redis-webhook"

    def __init__(self, bed):
        self.bed = bed
        bed.plugin("webhook", "install").require()

    def _pods(self):
        return self.bed.kubectl("-n", self.namespace, "get", "pods", "-o", "name").require().stdout.split()

    def metrics(self):
        """Those of every replica."""
        proxy = f"/api/v1/namespaces/{self.namespace}/pods/https:{{}}:9443/proxy/metrics"
        return [self.bed.kubectl("get", "--raw", proxy.format(pod.removeprefix("pod/"))).require().stdout
                for pod in self._pods()]

    def lines(self):
        """What all replicas have logged."""
        logs = [self.bed.kubectl("-n", self.namespace, "logs", pod).require().stdout for pod in self._pods()]
        return [json.loads(line) for line in "".join(logs).splitlines() if line.startswith("{")]

    def stop(self):
        self.bed.plugin("webhook", "uninstall").require()
