# SPDX-License-Identifier: Apache-2.0
"""The package in the hands of krew itself and of its index's validator (get-krew.sh builds both)."""

import functools
import http.server
import os
import subprocess
import threading

import pytest

from krew_support import CACHE, PLATFORMS, VERSION, package

KREW = CACHE / "krew" / "bin" / "krew"
VALIDATOR = CACHE / "krew" / "bin" / "validate-krew-manifest"
pytestmark = pytest.mark.skipif(not (KREW.exists() and VALIDATOR.exists()), reason="tests/krew/get-krew.sh was not run")


@pytest.fixture
def environment(tmp_path):
    """A user's, with krew as a plugin of kubectl, an index (empty here) and nothing installed."""
    (tmp_path / "krew" / "index" / "default" / ".git").mkdir(parents=True)
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "kubectl-krew").symlink_to(KREW)
    return {"HOME": str(tmp_path), "KREW_ROOT": str(tmp_path / "krew"), "KUBECONFIG": "/dev/null",
            "PATH": f"{tmp_path / 'krew' / 'bin'}:{tmp_path / 'path'}:{os.environ['PATH']}"}


def run(environment, *words):
    return subprocess.run([*map(str, words)], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False)


def test_krew_installs_it_at_the_first_try_and_removes_it(packed, environment):
    archive = packed / f"kubectl-redis-{VERSION}-linux-amd64.tar.gz"
    done = run(environment, "kubectl", "krew", "install", f"--manifest={packed / 'redis.yaml'}", f"--archive={archive}")
    assert done.returncode == 0 and "Installed plugin: redis" in done.stderr, done.stderr
    assert "detached/redis" in run(environment, "kubectl", "krew", "list").stdout.split()  # From no index.
    version = run(environment, "kubectl", "redis", "version", "--client")
    assert version.returncode == 0 and VERSION[1:] in version.stdout, version
    done = run(environment, "kubectl", "krew", "uninstall", "redis")
    assert done.returncode == 0, done.stderr
    assert run(environment, "kubectl", "redis", "version", "--client").returncode != 0


@pytest.fixture
def served(tmp_path):
    """A folder, and the address under which a web server of this machine gives it out."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["redis", "redis-cluster"])
def test_the_validator_downloads_and_installs_every_platform(stand_in, served, environment, name):
    folder, address = served
    pairs = [f"{platform}={stand_in}" for platform in PLATFORMS]
    done = package(folder, "--version", VERSION, "--name", name, "--local", *pairs, uri=address)
    assert done.returncode == 0, done.stderr
    done = run(environment, VALIDATOR, "-manifest", folder / f"{name}.yaml")
    assert done.returncode == 0, done.stderr
    assert f"all {len(PLATFORMS)} spec.platforms installed fine" in done.stderr
    assert "exceeds" not in done.stderr, "a line of the manifest is longer than the index wants"
