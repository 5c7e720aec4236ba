# SPDX-License-Identifier: Apache-2.0
"""Every verb in bad surroundings: each says one clear thing, ends with the status that is documented, and changes
nothing. Prints how many were tried."""

import signal
import socket
import subprocess
import threading

import pytest

from bed import BIN, MANIFESTS, wait_until
from conftest import fresh_namespace

# What is done without asking any server.
OFFLINE = {
    "rbac": ("rbac", "status"),
    "lint": ("lint", "-f", str(MANIFESTS / "article")),
    "explain": ("explain", "no-majority"),
    "rules": ("rules",),
    "rules --findings": ("rules", "--findings"),
    "webhook manifests": ("webhook", "manifests"),
    "nfs exports": ("nfs", "exports", "--server-path", "/srv/redis", "--clients", "10.0.0.0/8"),
    "completion": ("completion", "bash"),
}
# What takes the name of a cluster, in a form that changes nothing where it works.
NAMED = {
    "status": ("status", "NAME"),
    "doctor": ("doctor", "NAME", "--fail-on", "never"),
    "fix": ("fix", "NAME", "--only", "slots-open", "--dry-run"),
    "scale": ("scale", "NAME", "--masters", "4", "--dry-run"),
    "rebalance": ("rebalance", "NAME", "--dry-run"),
    "reshard": ("reshard", "NAME", "--from", "NAME-app-0", "--to", "NAME-app-1", "--slots", "1", "--dry-run"),
    "init": ("init", "NAME", "--dry-run"),
    "delete": ("delete", "NAME", "--dry-run"),
    "failover": ("failover", "NAME", "--node", "node-a", "--dry-run"),
    "failover drill": ("failover", "drill", "NAME", "--dry-run"),
    "config diff": ("config", "diff", "NAME"),
    "config apply": ("config", "apply", "NAME", "--dry-run"),
    "cli": ("cli", "NAME", "--pod", "NAME-app-0", "--", "PING"),
    "cli --all": ("cli", "NAME", "--all", "--", "PING"),
    "toolbox": ("toolbox", "NAME", "--", "true"),
    "node forget": ("node", "forget", "NAME", "--id", "00000000", "--dry-run"),
    "node meet": ("node", "meet", "NAME", "--pod", "NAME-app-0", "--dry-run"),
    "node replicate": ("node", "replicate", "NAME", "--pod", "NAME-app-3", "--master", "NAME-app-1", "--dry-run"),
    "node reset": ("node", "reset", "NAME", "--pod", "NAME-app-3", "--dry-run"),
    "node claim": ("node", "claim", "NAME", "--pod", "NAME-app-0", "--slots", "0", "--dry-run"),
}
# The others that ask a server.
ASKING = {
    "create": ("create", "fresh", "--dry-run=server"),
    "status -A": ("status", "-A"),
    "webhook status": ("webhook", "status"),
    "webhook install": ("webhook", "install", "--dry-run=server"),
    "webhook uninstall": ("webhook", "uninstall", "--dry-run"),
    "webhook rotate-certs": ("webhook", "rotate-certs"),
    "policy report": ("policy", "report"),
}


def named(name):
    return {verb: tuple(word.replace("NAME", name) for word in words) for verb, words in NAMED.items()}


def with_flags(words, *flags):
    """Before what -- leaves to others."""
    own = words.index("--") if "--" in words else len(words)
    return (*words[:own], *flags, *words[own:])


class Walk:
    """What was tried, and what went wrong; told at once, so that one fault does not hide another."""

    def __init__(self, what):
        self.what, self.tried, self.faults = what, 0, []

    def check(self, good, verb, outcome):
        self.tried += 1
        if not good:
            self.faults.append(f"{verb}: {outcome}")

    def end(self):
        print(f"{self.what}: {self.tried} tried, {len(self.faults)} wrong")
        assert self.tried and not self.faults, "\n".join(self.faults)


def says_one_thing(outcome, exits=(1,)):
    """An error in words, with what to do, and nothing on stdout."""
    lines = outcome.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    return outcome.exit in exits and len(errors) == 1 and any("fix:" in line for line in lines) and outcome.stdout == ""


@pytest.fixture(scope="module")
def cluster(bed):
    namespace = fresh_namespace(bed)
    assert namespace.plugin("create", "redis", "--ephemeral").exit == 0
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


def leaves(bed):
    """All verbs that there are, by completion."""
    def words(*before):
        lines = bed.plugin("__complete", *before, "").stdout.splitlines()
        return [line.split("\t")[0] for line in lines if "\t" in line]

    found = set()
    for verb in words():
        inner = words(verb) if verb in ("config", "webhook", "nfs", "policy", "node") else []
        found |= {f"{verb} {each}" for each in inner} or {verb}
    return found | {"failover drill"}


def test_the_walk_knows_every_verb(bed):
    known = {*OFFLINE, *NAMED, *ASKING, "version", "nfs check"}
    assert leaves(bed) <= known, leaves(bed) - known


def test_a_name_that_is_not_there(cluster):
    walk, objects = Walk("a name that is not there"), cluster.objects()
    for verb, words in named("nosuch").items():
        outcome = cluster.plugin(*words)
        walk.check(says_one_thing(outcome), verb, outcome)
    assert cluster.objects() == objects
    walk.end()


def test_a_server_that_is_not_there(bed):
    walk = Walk("a server that is not there")
    for verb, words in {**named("redis"), **ASKING}.items():
        for flags in (("-s", "https://127.0.0.1:1"), ("--kubeconfig", "/nonexistent/config"), ("--context", "nosuch")):
            outcome = bed.plugin(*with_flags(words, *flags, "-n", "default"), timeout=60)
            exits = (2,) if flags[0] == "--context" else (1,)
            walk.check(says_one_thing(outcome, exits), f"{verb} {flags[0]}", outcome)
    for verb, words in OFFLINE.items():
        outcome = bed.plugin(*words, "-s", "https://127.0.0.1:1")
        walk.check(outcome.exit in (0, 3) and outcome.stdout, verb, outcome)
    walk.end()


def test_a_user_who_may_nothing(cluster):
    walk, objects = Walk("a user who may nothing"), cluster.objects()
    for verb, words in {**named("redis"), **ASKING}.items():
        outcome = cluster.plugin(*with_flags(words, "--as", "nobody"))
        told = "nobody" in outcome.stderr or "may not" in outcome.stderr or "not allowed" in outcome.stderr
        walk.check(says_one_thing(outcome, (1, 3)) and told, verb, outcome)
    assert cluster.objects() == objects
    walk.end()


def test_a_full_disk_is_no_success(cluster):
    walk = Walk("stdout on a full disk")
    printing = {**OFFLINE, **{verb: words for verb, words in named("redis").items()
                              if verb in ("status", "init", "config diff", "cli --all")},
                "version": ("version",), "help": ("--help",)}
    for verb, words in printing.items():
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BIN / "kubectl-redis", *cluster.words(words)], stdout=full, stderr=subprocess.PIPE,
                                  env={"PATH": "/usr/bin:/bin", **cluster.bed.env}, text=True, timeout=60, check=False)
        walk.check(done.returncode in (1, 3) and "cannot write" in done.stderr, verb, f"{done.returncode} {done.stderr}")
    walk.end()


@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal(cluster, columns):
    walk = Walk(f"{columns} columns")
    narrow = {"COLUMNS": str(columns)}
    for verb in [*leaves(cluster.bed), ""]:
        words = [*verb.split(), "--help"]
        wide, told = cluster.bed.plugin(*words, env={"COLUMNS": ""}), cluster.bed.plugin(*words, env=narrow)
        fits = all(len(line) <= columns or len(line.split()) == 1 for line in told.stdout.splitlines())
        walk.check(told.exit == 0 and fits and told.stdout.split() == wide.stdout.split(), f"{verb} --help", told)
    outcome = cluster.plugin("status", env=narrow)
    table = outcome.stdout.split("\n\n")[1].splitlines()
    walk.check(all(len(line) <= columns for line in table) and len(table) == 7, "status", outcome)
    walk.end()


def test_a_locale_that_knows_ascii_only(cluster):
    walk = Walk("LC_ALL=C")
    for verb, words in {**OFFLINE, **named("redis")}.items():
        if verb in ("toolbox", "failover drill"):
            continue
        plain, outcome = cluster.plugin(*words), cluster.plugin(*words, env={"LC_ALL": "C"})
        walk.check(outcome.exit == plain.exit and len(outcome.stdout) == len(plain.stdout), verb, outcome)
    walk.end()


@pytest.fixture
def silent_server():
    """Takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        taken, ended = [], threading.Event()

        def take():
            listener.settimeout(0.2)
            while not ended.is_set():
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", taken
        ended.set()
        thread.join()
        for connection in taken:
            connection.close()


def test_ctrl_c_ends_it_and_says_how_to_go_on(bed, silent_server):
    walk, (address, taken) = Walk("Ctrl-C"), silent_server
    for verb, words in {**named("redis"), **ASKING}.items():
        before = len(taken)
        process = bed.start_plugin(*with_flags(words, "-s", address, "-n", "default", "--as", "it's me"))
        wait_until(lambda known=before: len(taken) > known, 30, f"{verb} asks the server")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        good = process.returncode == 130 and "interrupted" in told and "'it'\\''s me'" in told
        walk.check(good, verb, f"{process.returncode}: {told}")
    walk.end()
