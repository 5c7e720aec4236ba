# SPDX-License-Identifier: Apache-2.0
"""Where things are, and how the package is made, for all tests of this folder."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KREDIS_BIN", ROOT / "build" / "bin"))
CACHE = pathlib.Path(os.environ.get("KREDIS_CACHE", pathlib.Path.home() / ".cache" / "kubectl-redis"))
PORTABLE = ROOT / "build" / "portable"
VERSION = "v0.1.0"
PLATFORMS = ["linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"]

sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "krew"))


def portable_binary(platform):
    """What krew/build.sh built for it in this checkout; None when it did not."""
    path = PORTABLE / platform.replace("/", "-") / "bin" / "kubectl-redis"
    return path if path.exists() else None


def package(out, *words, uri=f"https://example.org/kubectl-redis/{VERSION}"):
    command = [str(ROOT / "krew" / "package.sh"), "--out", str(out), "--homepage", "https://example.org/kubectl-redis",
               "--uri", uri, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
