# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest

from krew_support import BIN, PLATFORMS, VERSION, package, portable_binary


@pytest.fixture(scope="session")
def binary(tmp_path_factory):
    """The portable program where krew/build.sh built it; else this machine's, without its debug
    information, which would only make the archive slow to pack."""
    if found := portable_binary("linux/amd64"):
        return found
    small = tmp_path_factory.mktemp("bin") / "kubectl-redis"
    subprocess.run(["strip", "-o", small, BIN / "kubectl-redis"], check=True)
    return small


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """A program that is packed in no time, where nobody runs it."""
    program = tmp_path_factory.mktemp("bin") / "kubectl-redis"
    program.write_text("#!/bin/sh\nexit 1\n")
    return program


@pytest.fixture(scope="session")
def packed(binary, stand_in, tmp_path_factory):
    """The folder with the manifest and an archive for each platform, the real program for linux/amd64."""
    out = tmp_path_factory.mktemp("dist")
    pairs = [f"{platform}={binary if platform == 'linux/amd64' else stand_in}" for platform in PLATFORMS]
    done = package(out, "--version", VERSION, "--local", *pairs)
    assert done.returncode == 0, done.stderr
    return out
