# SPDX-License-Identifier: Apache-2.0
"""Cluster clients as programs of their own, in Python and Go (`clients`), that write and read without pause
around what a test does, and what they saw of it. They resolve the pods' names as pods do: real bed only."""

import json
import pathlib
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from bed import run

CLIENTS = pathlib.Path(__file__).parent / "clients"
SETTLE = 3  # Seconds of load before and after.


@pytest.fixture(scope="module")
def go_client():
    """The path of the go-redis client."""
    return run([CLIENTS / "build.sh"], timeout=600).require().stdout.strip()


def command_lines(namespace, go_client, folder):
    """The Python client's and the Go client's, with the cluster's DNS in place of the machine's."""
    resolv = folder / "resolv.conf"
    resolv.write_text(f"nameserver {namespace.bed.dns_server()}\n")
    target = f"redis-access-service.{namespace.name}.svc.cluster.local:6379"
    with_dns = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolv)]
    return [[*with_dns, sys.executable, str(CLIENTS / "load.py"), target], [*with_dns, go_client, target]]


def show(reports, what, took):
    print(f"\n{what}, {took:.0f} s:")
    for it in reports:
        print(f"  {it['client']:9} {it['operations']:6} operations, {len(it['failures'])} failed, {it['lost']} lost,"
              f" longest gap {it['gapMilliseconds']} ms", *sorted(set(it["failures"]))[:3])


def judge(reports):
    for it in reports:
        assert it["operations"] > 100, it
        assert it["lost"] == 0, it
        assert it["failures"] == [], it


@contextmanager
def load(clients, what, judge=judge):
    """Runs the clients around the body, which gets them, and judges what they saw."""
    running = [subprocess.Popen(it, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for it in clients]
    try:
        for process in running:
            line = process.stdout.readline()
            assert line == "running\n", line + process.stderr.read()
        time.sleep(SETTLE)
        start = time.monotonic()
        yield running
        took = time.monotonic() - start
        time.sleep(SETTLE)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        answers = [process.communicate(timeout=300) for process in running]
    reports = [json.loads(out) for out, _ in answers]
    show(reports, what, took)
    judge(reports)
