# SPDX-License-Identifier: Apache-2.0
"""The beds. Without KREDIS_E2E_KUBECONFIG a sandbox is started; with it, tests that let nodes fail or
need other users are skipped."""

import os
import shutil
import uuid

import pytest

from bed import BIN, Bed, start_sandbox, stop_sandbox

OTHER_BED = os.environ.get("KREDIS_E2E_KUBECONFIG")


@pytest.fixture(scope="session", autouse=True)
def programs():
    for program in [BIN / "kubectl-redis"] + ([] if OTHER_BED else [BIN / "sandbox"]):
        if not program.exists():
            pytest.exit(f"{program} is not there: build first, or set KREDIS_BIN", returncode=1)
    if not shutil.which("kubectl"):
        pytest.exit("the end-to-end tests need kubectl in PATH", returncode=1)


@pytest.fixture(scope="session")
def bed():
    """Three nodes in three zones."""
    if OTHER_BED:
        yield Bed(OTHER_BED)
        return
    process, made = start_sandbox()
    yield made
    stop_sandbox(process)


@pytest.fixture
def sandbox(bed):
    """The same bed, for tests that only a sandbox can serve."""
    if bed.sandbox is None:
        pytest.skip("needs the sandbox")
    return bed


@pytest.fixture(scope="module")
def make_bed():
    """Makes sandboxes of other shapes: make_bed("--nodes", "20")."""
    started = []

    def make(*flags):
        if OTHER_BED:
            return Bed(OTHER_BED)
        process, made = start_sandbox(*flags)
        started.append(process)
        return made

    yield make
    for process in started:
        stop_sandbox(process)


def drop_namespace(bed, name):
    """What guards keep from being lost is meant to go here."""
    bed.kubectl("annotate", "namespace", name, "kubectl-redis.dev/allow-delete=true", "--overwrite")
    return bed.kubectl("delete", "namespace", name, "--wait=false")


def fresh_namespace(bed):
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    bed.kubectl("create", "namespace", name).require()
    return bed.in_namespace(name)


@pytest.fixture
def namespace(bed):
    made = fresh_namespace(bed)
    yield made
    # Clean up without waiting: the next test has a namespace of its own.
    drop_namespace(bed, made.name)
