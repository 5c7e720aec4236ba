# SPDX-License-Identifier: Apache-2.0
"""The cluster that tests run against, and the programs that they run: nothing here asserts."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KREDIS_BIN", ROOT / "build" / "bin"))
MANIFESTS = pathlib.Path(__file__).parent / "manifests"
# The real bed of tests/kubernetes, when it is the one that KREDIS_E2E_KUBECONFIG names.
KUBERNETES_BED = pathlib.Path(os.environ.get("KREDIS_BED", "/var/tmp/kubectl-redis-bed"))
# What the bed's nodes run when nothing is said; the sandbox takes any name of Redis.
IMAGE = os.environ.get("KREDIS_E2E_IMAGE", "redis:8.0")
# The root file system that a sandbox runs that image from, where it is not this machine (tests/servers.sh).
IMAGE_ROOT = os.environ.get("KREDIS_E2E_IMAGE_ROOT")
# Everything that waits is given this many times what it should need: machines differ.
PATIENCE = float(os.environ.get("KREDIS_E2E_PATIENCE", "1"))


class Impatient(AssertionError):
    """A condition that did not come true in time."""


def error_in(stderr):
    """The line that says why a command failed; empty where it did not."""
    return next((line for line in stderr.splitlines() if line.startswith("error: ")), "")


def wait_until(condition, timeout, what, every=0.25):
    """Polls `condition` until it gives something true, and returns that."""
    deadline = time.monotonic() + timeout * PATIENCE
    error = None
    while True:
        try:
            value = condition()
            error = None
        except Exception as problem:  # A cluster in motion fails in many ways; the last one is told.
            value, error = None, problem
        if value:
            return value
        if time.monotonic() > deadline:
            raise Impatient(f"waited {timeout * PATIENCE:g} s in vain: {what}") from error
        time.sleep(every)


@dataclass
class Outcome:
    """How a program ended and what it said."""

    command: str
    exit: int
    stdout: str
    stderr: str

    def json(self):
        return json.loads(self.stdout)

    def require(self):
        assert self.exit == 0, str(self)
        return self

    def __str__(self):
        return f"$ {self.command}\nexit {self.exit}\n{self.stdout}{self.stderr}"


def run(command, env=None, stdin="", timeout=300):
    text = " ".join(str(word) for word in command)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout * PATIENCE,
        )
    except subprocess.TimeoutExpired as slow:
        said = (slow.stderr or b"").decode(errors="replace")
        raise Impatient(f"$ {text}\ndid not end in {timeout * PATIENCE:g} s\n{said}") from slow
    return Outcome(text, done.returncode, done.stdout, done.stderr)


def with_image(args):
    """Has `create` use the image that this run of the tests is for, where a test names none."""
    if args[0] == "create" and "--image" not in args and "KREDIS_E2E_IMAGE" in os.environ:
        return (*args, "--image", IMAGE)
    return args


class Bed:
    """A Kubernetes cluster by its kubeconfig. `sandbox` is the sandbox's folder, or None."""

    def __init__(self, kubeconfig, sandbox=None):
        self.kubeconfig = str(kubeconfig)
        self.sandbox = sandbox

    @property
    def env(self):
        return {"KUBECONFIG": self.kubeconfig, "NO_COLOR": "1"}

    def plugin(self, *args, env=None, stdin="", timeout=300):
        return run([BIN / "kubectl-redis", *with_image(args)], {**self.env, **(env or {})}, stdin, timeout)

    def start_plugin(self, *args):
        """The plugin as a process, for tests that interrupt it."""
        return subprocess.Popen(
            [str(BIN / "kubectl-redis"), *map(str, with_image(args))],
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kubectl(self, *args, stdin="", timeout=120):
        return run(["kubectl", *args], self.env, stdin, timeout)

    @property
    def real(self):
        """Whether this is the project's own bed of real Kubernetes."""
        return self.sandbox is None and pathlib.Path(self.kubeconfig).parent == KUBERNETES_BED

    def control(self, *args):
        """A verb of the sandbox, or of tests/kubernetes/bed.sh."""
        if self.real:
            return run([ROOT / "tests" / "kubernetes" / "bed.sh", *args]).require()
        return run([BIN / "sandbox", args[0], "--dir", self.sandbox, *args[1:]]).require()

    def nodes(self):
        items = self.kubectl("get", "nodes", "-o", "json").require().json()["items"]
        return [item["metadata"]["name"] for item in items]

    def dns_server(self):
        """Where names of this cluster are resolved, as pods are told."""
        return "10.77.0.1"  # tests/kubernetes/bed.sh

    def node(self, verb, name):
        """Kills a node with all its pods, or starts it again."""
        return self.control("node", verb, name.removeprefix("node-") if self.real else name)

    def in_namespace(self, name):
        return Namespace(self, name)


class Namespace:
    """One namespace of a bed, with the verbs that tests use all the time."""

    def __init__(self, bed, name):
        self.bed = bed
        self.name = name
        self.selector = "app=redis"  # Of the pods that pods() is about.

    def words(self, args):
        """The plugin's words with the namespace, before what -- leaves to others."""
        own = args.index("--") if "--" in args else len(args)
        return [*args[:own], "-n", self.name, *args[own:]]

    def plugin(self, *args, **more):
        return self.bed.plugin(*self.words(args), **more)

    def start_plugin(self, *args):
        return self.bed.start_plugin(*self.words(args))

    def kubectl(self, *args, **more):
        return self.bed.kubectl("-n", self.name, *args, **more)

    def get(self, *args):
        return self.kubectl("get", *args, "-o", "json").require().json()

    def apply(self, *files):
        for file in files:
            self.kubectl("apply", "-f", file).require()

    def objects(self):
        """Everything that a test could have changed, by name and generation."""
        kinds = "statefulsets,deployments,services,configmaps,secrets,persistentvolumeclaims,pods,poddisruptionbudgets"
        return sorted(
            (item["kind"], item["metadata"]["name"], item["metadata"].get("generation"))
            for item in self.get(kinds)["items"]
            if item["metadata"]["name"] != "kube-root-ca.crt"
        )

    def pods(self, selector=None):
        selector = self.selector if selector is None else selector  # "" is of all.
        return {pod["metadata"]["name"]: pod for pod in self.get("pods", "-l", selector)["items"]}

    def status(self, *args, **more):
        """`status -o json`; findings (exit 3) are part of the answer."""
        outcome = self.plugin("status", *args, "-o", "json", **more)
        assert outcome.exit in (0, 3), str(outcome)
        return outcome.json()


def start_sandbox(*flags):
    """A sandbox that ends with this process; returns it with its bed."""
    folder = tempfile.mkdtemp(prefix="kredis-e2e-")
    log = open(os.path.join(folder, "sandbox.log"), "w", encoding="utf-8")
    if IMAGE_ROOT:
        flags = (*flags, "--image", f"{IMAGE}={IMAGE_ROOT}")
    process = subprocess.Popen(
        [str(BIN / "sandbox"), "up", "--dir", os.path.join(folder, "bed"), *flags],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    line = process.stdout.readline()
    found = re.search(r"KUBECONFIG=(\S+)", line)
    if not found:
        process.kill()
        raise RuntimeError(f"the sandbox did not start; see {log.name}\n{line}")
    process.folder = folder
    return process, Bed(found.group(1).strip("'\""), os.path.join(folder, "bed"))


def stop_sandbox(process):
    """Ends a sandbox; only one that would not end leaves its folder, with the log."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
        shutil.rmtree(process.folder, ignore_errors=True)
    except subprocess.TimeoutExpired:
        print("the sandbox did not end; killing it", file=sys.stderr)
        process.kill()
