# SPDX-License-Identifier: Apache-2.0
"""Manifests in the shapes that people publish: each is recognised, is patched by the webhook or by `lint --fix`,
comes up, becomes a cluster by `init`, and is whole again after all of its pods are lost at once.

What is said in a manifest's first lines is held against what happens:
  # init: WORDS        what `init` is called with
  # password: WORD     of the servers
  # lost: WHY          keys do not outlive the pods
  # forgotten: WHY     nor does the cluster
KREDIS_E2E_CORPUS names a folder with more of them, which may leave all of that out, and the Secrets and claims that they
name: these are made."""

import json
import os
import pathlib
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import yaml

from bed import BIN, MANIFESTS, run, wait_until
from conftest import drop_namespace, fresh_namespace
from webhook_process import start_hooked

KEYS = 60
PASSWORD = "s3cret"
STAGES = ("recognised", "patched", "up", "healed")
FILES = sorted([*(MANIFESTS / "corpus").glob("*.yaml"), *pathlib.Path(os.environ.get("KREDIS_E2E_CORPUS", "/nonexistent")).glob("*.yaml")])
FORCE = ("--wait=false", "--grace-period=0", "--force")


def walk(value):
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(each)


class Case:
    """A manifest, and what its first lines say of it."""

    def __init__(self, file):
        self.file = file
        text = file.read_text()
        self.says = dict(re.findall(r"^# (init|password|lost|forgotten): (.*)$", text, re.M))
        self.password = self.says.get("password", PASSWORD if "requirepass" in text else None)

    def objects(self):
        return [each for each in yaml.safe_load_all(self.file.read_text()) if each]

    def left_out(self):
        """The Secrets and claims that its pods name and it does not bring."""
        brought = {(each["kind"], each["metadata"]["name"]) for each in self.objects()}
        secrets, claims = {}, set()
        for each in walk(self.workloads()):
            if "secretKeyRef" in each:
                secrets.setdefault(each["secretKeyRef"]["name"], {})[each["secretKeyRef"]["key"]] = PASSWORD
            if isinstance(each.get("secret"), dict):
                secrets.setdefault(each["secret"]["secretName"], {"password": PASSWORD})
            if "claimName" in each:
                claims.add(each["claimName"])
        claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
        made = [{"kind": "Secret", "metadata": {"name": name}, "stringData": data} for name, data in secrets.items()]
        made += [{"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": claim} for name in claims]
        return [{"apiVersion": "v1"} | each for each in made if (each["kind"], each["metadata"]["name"]) not in brought]

    def workloads(self):
        return [each for each in self.objects() if each["kind"] in ("StatefulSet", "Deployment")]

    def init_words(self):
        if "init" in self.says:
            return self.says["init"].split()
        names = [each["metadata"]["name"] for each in self.workloads()]
        labels = [set(each["spec"]["template"]["metadata"]["labels"].items()) for each in self.workloads()]
        common = ",".join("=".join(pair) for pair in set.intersection(*labels))
        return names if len(names) == 1 else ["-l", common]


class Road:
    """One manifest on its way. `passed` are the stages behind it; `why` it went no further."""

    def __init__(self, hook, case, by):
        self.hook, self.case, self.by, self.passed, self.why, self.seconds = hook, case, by, [], "", 0
        self.space = None

    def go(self):
        start = time.monotonic()
        try:
            for stage in STAGES:
                getattr(self, stage)()
                self.passed.append(stage)
        except Exception as failure:  # Told by the manifest's own test.
            self.why = f"{type(failure).__name__}: {failure}"
        finally:
            self.seconds = time.monotonic() - start
            self.clear()
        return self

    def clear(self):
        if self.space:
            drop_namespace(self.hook.bed, self.space.name)
            self.space.kubectl("delete", "pods", "--all", *FORCE)

    def lint(self, *more):
        return run([BIN / "kubectl-redis", "lint", "-f", self.case.file, *more], {"KUBECONFIG": "/nonexistent"})

    def recognised(self):
        said = self.lint("-o", "json").json()
        assert said["notJudged"] == [] and said["recognised"] > 0, said

    def stored(self):
        return {(each["kind"], each["metadata"]["name"]): each
                for each in self.space.get("statefulsets,deployments")["items"]}

    def patched(self):
        """By the webhook, or by `lint --fix` before it: then the webhook finds the template complete."""
        self.space = fresh_namespace(self.hook.bed)
        for each in self.case.left_out():
            self.space.kubectl("apply", "-f", "-", stdin=json.dumps(each)).require()
        text = self.case.file.read_text()
        fixed = run([BIN / "kubectl-redis", "lint", "--fix", "-f", "-"], stdin=text)
        again = run([BIN / "kubectl-redis", "lint", "--fix", "-f", "-"], stdin=fixed.stdout)
        assert fixed.stdout not in ("", text) and again.stdout == fixed.stdout, str(fixed)
        self.space.kubectl("apply", "-f", "-", stdin=fixed.stdout if self.by == "lint --fix" else text).require()
        stored = self.stored()
        assert len(stored) == len(self.case.workloads())
        unmarked = [name for name, each in stored.items()
                    if "kubectl-redis.dev/cluster" not in each["metadata"].get("labels", {})]
        assert unmarked == [], f"not patched: {unmarked}"

    def members(self, selector=""):
        """The pods of the workloads, by name."""
        templates = [each["spec"]["selector"]["matchLabels"] for each in self.case.workloads()]
        return {name: pod for name, pod in self.space.pods("").items()
                if any(wanted.items() <= pod["metadata"]["labels"].items() for wanted in templates)}

    def all_ready(self, gone=()):
        pods = self.members()
        wanted = sum(each["spec"].get("replicas", 1) for each in self.stored().values())
        ready = [pod for pod in pods.values() if pod["metadata"]["uid"] not in gone and any(
            it["type"] == "Ready" and it["status"] == "True" for it in pod["status"].get("conditions", []))]
        return len(ready) == len(pods) == wanted

    def up(self):
        wait_until(self.all_ready, 60, "all pods are ready", every=0.5)
        self.space.plugin("init", *self.case.init_words()).require()
        wait_until(self.whole, 30, "the cluster is whole")

    def nodes(self):
        """Status, of the words that `init` knew it by."""
        words = self.case.init_words()
        named = words[:2] if words[0] == "-l" else words[:1]
        return self.space.status(*named)

    def whole(self):
        status = self.nodes()
        masters = [each for each in status["masters"] if each["slots"]]
        replicas = [each for master in masters for each in master["replicas"]]
        return (status["slots"]["ok"] == 16384 and status["health"] in ("ok", "degraded") and len(masters) + len(replicas) == len(self.members())
                and all(each["link"] == "up" for each in replicas) and status)

    def masters(self):
        """A connection to each that has slots, by the first and last of its runs."""
        for master in self.nodes()["masters"]:
            host = self.members()[master["pod"]]["status"]["podIP"]
            port = int(master["address"].rsplit(":", 1)[1])
            yield redis.Redis(host=host, port=port, password=self.case.password, socket_timeout=5), master["slots"]

    def each_key(self, act):
        """`act` with every key, at the master that has it."""
        answers = []
        for node, runs in self.masters():
            for i in range(KEYS):
                slot = redis.crc.key_slot(f"key:{i}".encode())
                if any(first <= slot <= last for first, last in runs):
                    answers.append(act(node, i))
        return answers

    def present(self):
        return sum(self.each_key(lambda node, i: node.get(f"key:{i}") == f"value {i}".encode()))

    def healed(self):
        says = self.case.says
        assert len(self.each_key(lambda node, i: node.set(f"key:{i}", f"value {i}"))) == KEYS
        before = {each["id"] for each in self.nodes()["masters"]}
        gone = [pod["metadata"]["uid"] for pod in self.members().values()]
        self.space.kubectl("delete", "pods", *self.members(), *FORCE).require()
        wait_until(lambda: self.all_ready(gone), 90, "all pods are ready again", every=0.5)
        if "forgotten" in says:
            assert self.nodes()["slots"]["assigned"] == 0, "declared as forgotten, and it is not"
            self.space.plugin("init", *self.case.init_words()).require()
        status = wait_until(self.whole, 60, "the cluster is whole again", every=0.5)
        if "forgotten" not in says:
            assert {node["id"] for master in status["masters"] for node in [master, *master["replicas"]]} >= before
        lost = "lost" in says or "forgotten" in says
        assert self.present() == (0 if lost else KEYS)


def table(roads):
    lines = [f"{'manifest':32}{'by':12}" + "".join(f"{stage:12}" for stage in STAGES) + "seconds"]
    for road in roads:
        marks = "".join(f"{'yes' if stage in road.passed else '-':12}" for stage in STAGES)
        lines.append(f"{road.case.file.stem[:31]:32}{road.by:12}{marks}{road.seconds:5.0f}  {' '.join(road.why.split())[:160]}")
    counts = "".join(f"{sum(stage in road.passed for road in roads):<12}" for stage in STAGES)
    return "\n".join([*lines, f"{f'of {len(roads)}':44}{counts}"])


@pytest.fixture(scope="module")
def roads(request, make_bed, tmp_path_factory):
    """All manifests on their way, four at a time."""
    bed = make_bed()
    if bed.sandbox is None:
        pytest.skip("needs the sandbox: its API server reaches this machine")
    chosen = {item.callspec.params["file"] for item in request.session.items if item.fspath.basename == "test_corpus.py"}
    # Without guards: machines that fail ask nobody.
    hook = start_hooked(bed, tmp_path_factory.mktemp("webhook"), "--poll-interval", "0")
    with ThreadPoolExecutor(4) as workers:
        # Half of them by each way, as either has to do alone.
        started = {case.file: workers.submit(Road(hook, case, ("webhook", "lint --fix")[number % 2]).go)
                   for number, case in enumerate(map(Case, FILES)) if case.file in chosen}
        yield started
    print("\n" + table([each.result() for each in started.values()]))
    hook.stop()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_published_manifest_comes_up_and_heals_after_all_pods_are_lost(roads, file):
    road = roads[file].result()
    assert road.passed == list(STAGES), road.why
