# SPDX-License-Identifier: Apache-2.0
"""A cluster called shop that is broken and mended: what doctor tells of it, which keys it has, until it is whole."""

from bed import Impatient, wait_until
from test_remedies import redis

# Redis keeps a failed node for a minute where it was forgotten; elections take the node time-out.
CALM = 60


def doctor(namespace, *words):
    outcome = namespace.plugin("doctor", "shop", "-o", "json", *words)
    assert outcome.exit in (0, 3), str(outcome)
    return outcome


def told(namespace, id_):
    return [each for each in doctor(namespace).json()["findings"] if each["id"] == id_]


def wait_for(namespace, id_):
    try:
        return wait_until(lambda: told(namespace, id_), CALM, f"doctor tells {id_}")
    except Impatient:
        print(namespace.plugin("doctor", "shop"))
        raise


def keys_of(namespace):
    """Every key that clients can read, with its value."""
    found = {}
    status = namespace.status("shop")
    for master in status["masters"]:
        names = redis(namespace, master["pod"], "--scan").split()
        for begin in range(0, len(names), 200):
            part = names[begin:begin + 200]
            script = "; ".join(f"redis-cli -c get '{name}'" for name in part)
            outcome = namespace.kubectl("exec", master["pod"], "-c", "redis", "--", "sh", "-c", script).require()
            for name, value in zip(part, outcome.stdout.split("\n")):
                if value:
                    found[name] = value
    return found


def fill(namespace, pod, *tags):
    """Thirty keys in each slot that a tag leads to."""
    lines = "".join(f"set {{{tag}}}{i} {tag}-{i}\n" for tag in tags for i in range(30))
    namespace.kubectl("exec", "-i", pod, "-c", "redis", "--", "redis-cli", "-c", stdin=lines).require()


def settled(namespace):
    def looks():
        outcome = namespace.plugin("doctor", "shop", "-o", "json")
        return outcome.exit == 0 and namespace.status("shop")

    try:
        return wait_until(looks, CALM, "nothing is found")
    except Impatient:
        print(namespace.plugin("doctor", "shop"))
        raise


def fix(namespace, *words, exit=0):
    outcome = namespace.plugin("fix", "shop", *words)
    assert outcome.exit == exit, str(outcome)
    return outcome


def until_whole(namespace, *words):
    """Pods come back while it is mended: the same command, until it has nothing to add."""
    runs = []

    def ends_well():
        run = namespace.plugin("fix", "shop", "--yes", *words)
        runs.append(run)
        left = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("left: ")]
        # Where the scheduler put them is another matter.
        placed = left and all("replica-on-masters-node" in line for line in left)
        return run.exit == 0 or (run.exit == 3 and placed and "nothing to do" in run.stdout + run.stderr)

    try:
        wait_until(ends_well, 120, "it is whole")
    except Impatient:
        print(*runs, sep="\n")
        raise
    print(*(each.stdout for each in runs), sep="\n")
