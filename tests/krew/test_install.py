# SPDX-License-Identifier: Apache-2.0
"""`cmake --install`: the plugin, kubectl's completion and the man page, each where it is looked for."""

import os
import subprocess

import pytest

from krew_support import BIN, VERSION


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A prefix into which the build that is tested was installed."""
    prefix = tmp_path_factory.mktemp("prefix")
    done = subprocess.run(["cmake", "--install", BIN.parent, "--prefix", prefix, "--strip"],
                          capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return prefix


def test_everything_is_in_its_place(installed):
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert found - {"bin/kubectl-redis-webhook"} == {
        "bin/kubectl-redis", "bin/kubectl_complete-redis", "share/man/man1/kubectl-redis.1"}
    assert all(os.access(installed / each, os.X_OK) for each in found if each.startswith("bin/"))


def test_kubectl_finds_the_plugin_and_completes_it(installed):
    environment = {**os.environ, "PATH": f"{installed / 'bin'}:{os.environ['PATH']}", "KUBECONFIG": "/dev/null"}

    def kubectl(*words):
        return subprocess.run(["kubectl", *words], env=environment, capture_output=True, text=True, timeout=60, check=False)

    version = kubectl("redis", "version", "--client")
    assert version.returncode == 0 and VERSION[1:] in version.stdout, version
    assert "status" in kubectl("__complete", "redis", "stat").stdout.split()


def test_the_man_page_names_every_verb(installed):
    page = (installed / "share" / "man" / "man1" / "kubectl-redis.1").read_text()
    assert page.startswith(('.\\"', ".TH")) and ".SH NAME" in page
    done = subprocess.run([installed / "bin" / "kubectl-redis", "__complete", ""], capture_output=True, text=True, check=True)
    verbs = {line.split("\t")[0] for line in done.stdout.splitlines() if not line.startswith(":")}
    missing = {verb for verb in verbs if f".B {verb}" not in page and f"fB{verb}" not in page}
    assert verbs and not missing, f"the man page does not name {missing}"
