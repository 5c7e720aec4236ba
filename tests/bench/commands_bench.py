#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the plugin's commands against kubectl's in a sandbox: `status` of six nodes against
`get pods`, `version --client` against `version --client`; and the peak memory of each.

usage: commands_bench.py BIN [status|startup|create]     BIN holds kubectl-redis and sandbox
Prints one JSON object a line; medians of several runs, ours and the peer's in turn."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 15
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def timed(command):
    """Runs `command`; returns seconds and peak resident MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, **QUIET)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return took, usage.ru_maxrss / 1024


def compare(bench, case, ours, peer, runs=RUNS):
    pairs = [(timed(ours), timed(peer)) for _ in range(runs)]
    for index, unit, scale in ((0, "ms", 1000), (1, "MiB", 1)):
        mine, theirs = (statistics.median(p[side][index] for p in pairs) * scale for side in (0, 1))
        print(json.dumps({"bench": bench, "case": case, "ours": round(mine, 2), "peer": round(theirs, 2),
                          "unit": unit, "ratio": round(mine / theirs, 3)}), flush=True)


def in_sandbox(binaries, work):
    folder = tempfile.mkdtemp(prefix="kredis-bench-")
    subprocess.run([binaries / "sandbox", "up", "--detach", "--dir", folder + "/bed"], check=True, **QUIET)
    os.environ["KUBECONFIG"] = folder + "/bed/kubeconfig"
    try:
        took, peak = timed([binaries / "kubectl-redis", "create"])
        work(took, peak)
    finally:
        subprocess.run([binaries / "sandbox", "down", "--dir", folder + "/bed"], check=False, **QUIET)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    bench = sys.argv[2]
    plugin = binaries / "kubectl-redis"
    if bench == "startup":
        compare(bench, "version --client against kubectl version --client",
                [plugin, "version", "--client"], ["kubectl", "version", "--client"])
        size = plugin.stat().st_size / 1e6
        print(json.dumps({"bench": bench, "case": "size of the program", "ours": round(size, 2),
                          "peer": None, "unit": "MB", "ratio": None}))
    elif bench == "status":
        in_sandbox(binaries, lambda took, peak: compare(
            bench, "status of 6 nodes against kubectl get pods", [plugin, "status"], ["kubectl", "get", "pods"]))
    elif bench == "create":
        def show(took, peak):
            for value, unit in ((took, "s"), (peak, "MiB")):
                print(json.dumps({"bench": bench, "case": "6 nodes in the sandbox", "ours": round(value, 2),
                                  "peer": None, "unit": unit, "ratio": None}))
        in_sandbox(binaries, show)
    else:
        sys.exit(__doc__)


main()
