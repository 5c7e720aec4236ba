# SPDX-License-Identifier: Apache-2.0
"""The package for krew: its manifest, its archive, and an installation as krew does it."""

import copy
import os
import posixpath
import shutil
import subprocess
import tarfile

import pytest
import yaml

from krew_support import PLATFORMS, ROOT, VERSION, package

import validate  # Of krew/, which krew_support puts on the path.


@pytest.fixture
def manifest(packed):
    return yaml.safe_load((packed / "redis.yaml").read_text())


def offences_of(manifest, folder, name="redis.yaml", archives=None):
    path = folder / name
    path.write_text(yaml.safe_dump(manifest))
    return validate.offences(path, archives)


def test_the_package_keeps_every_rule(packed, manifest):
    assert validate.offences(packed / "redis.yaml", packed) == []
    assert manifest["spec"]["version"] == VERSION
    labels = [each["selector"]["matchLabels"] for each in manifest["spec"]["platforms"]]
    assert [f"{each['os']}/{each['arch']}" for each in labels] == PLATFORMS
    assert "@" not in (packed / "redis.yaml").read_text()


def test_each_platform_has_its_own_archive_and_checksum(packed, manifest):
    uris = {each["uri"] for each in manifest["spec"]["platforms"]}
    assert uris == {f"https://example.org/kubectl-redis/{VERSION}/kubectl-redis-{VERSION}-{each.replace('/', '-')}.tar.gz"
                    for each in PLATFORMS}
    assert all((packed / posixpath.basename(each)).exists() for each in uris)


def test_the_version_is_the_sources_own_unless_another_is_given(binary, stand_in, tmp_path):
    done = package(tmp_path, "--local", f"linux/amd64={stand_in}")
    assert done.returncode == 0, done.stderr
    said = subprocess.run([binary, "version", "--client"], capture_output=True, text=True, check=True).stdout.split()[-1]
    assert yaml.safe_load((tmp_path / "redis.yaml").read_text())["spec"]["version"] == f"v{said}"


def test_what_is_built_is_what_is_packaged():
    done = subprocess.run([str(ROOT / "krew" / "build.sh"), "beos/ppc"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.split(": ")[-1].split() == PLATFORMS


def test_the_archive_is_the_same_each_time(stand_in, packed, tmp_path):
    assert package(tmp_path, "--version", VERSION, "--local", f"linux/arm64={stand_in}").returncode == 0
    name = f"kubectl-redis-{VERSION}-linux-arm64.tar.gz"
    assert (tmp_path / name).read_bytes() == (packed / name).read_bytes()


def test_another_name_is_ready_for_an_index_that_refuses_redis(binary, tmp_path):
    done = package(tmp_path, "--version", VERSION, "--name", "redis-cluster", "--local", f"linux/amd64={binary}")
    assert done.returncode == 0, done.stderr
    manifest = yaml.safe_load((tmp_path / "redis-cluster.yaml").read_text())
    assert validate.offences(tmp_path / "redis-cluster.yaml", tmp_path) == []
    link = install(manifest, tmp_path, tmp_path / "krew")
    (link.parent / "kubectl_complete-redis_cluster").symlink_to(link.resolve().parent / "kubectl_complete-redis_cluster")
    assert kubectl(tmp_path / "krew", "redis-cluster", "version", "--client").returncode == 0
    completed = kubectl(tmp_path / "krew", "__complete", "redis-cluster", "stat")
    assert "status" in completed.stdout.split(), completed


@pytest.mark.parametrize("words", [["--version", "0.1.0"], ["--version", "v0.1"], ["--version", VERSION, "--name", "Kube_X"]])
def test_packaging_fails_where_krew_would_refuse(stand_in, tmp_path, words):
    done = package(tmp_path, *words, "--local", f"linux/amd64={stand_in}")
    assert done.returncode == 1 and done.stderr, done


def spec(**change):
    return lambda manifest: manifest["spec"].update(change)


def platform(**change):
    return lambda manifest: manifest["spec"]["platforms"][0].update(change)


@pytest.mark.parametrize(
    "break_it, said",
    [
        (lambda m: m.update(apiVersion="v1"), "apiVersion"),
        (lambda m: m.update(kind="Plug"), "kind"),
        (lambda m: m["metadata"].update(name="re dis"), "safe name"),
        (lambda m: m["metadata"].update(name="con"), "safe name"),
        (lambda m: m["metadata"].update(name="other"), "not other.yaml"),
        (spec(version="1.0.0"), "semantic version"),
        (spec(version="v01.0.0"), "semantic version"),
        (spec(shortDescription="two\nlines"), "one line"),
        (spec(shortDescription="x" * 51), "longer than 50"),
        (spec(description=""), "description is missing"),
        (spec(homepage="example.org"), "homepage"),
        (spec(description="x" * 81), "description has a line"),
        (spec(caveats="short\n" + "x" * 81), "caveats has a line"),
        (spec(platforms=[]), "platforms is empty"),
        (lambda m: m["spec"]["platforms"].append(m["spec"]["platforms"][0]), "two for the same machine"),
        (platform(selector={}), "selector is empty"),
        (platform(selector={"matchLabels": {"cpu": "amd64"}}), "speaks of cpu"),
        (platform(selector={"matchLabels": {"os": "beos"}}), "no machine"),
        (platform(uri="https://example.org/a.rar"), "uri"),
        (platform(sha256="A" * 64), "sha256"),
        (platform(bin=""), "bin"),
        (platform(bin="../kubectl-redis"), "bin"),
        (platform(files=[]), "files is there but empty"),
        (platform(files=[{"from": "../x", "to": "."}]), "leads out"),
    ],
)
def test_each_rule_is_checked(manifest, tmp_path, break_it, said):
    broken = copy.deepcopy(manifest)
    break_it(broken)
    assert any(said in each for each in offences_of(broken, tmp_path)), said


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda p: p.update(sha256="0" * 64), "another sha256"),
        (lambda p: p.update(bin="kubectl-other"), "bin kubectl-other is not installed"),
        (lambda p: p.update(files=p["files"][:2]), "no LICENSE"),
    ],
)
def test_the_archive_is_checked_against_the_manifest(packed, manifest, tmp_path, change, said):
    broken = copy.deepcopy(manifest)
    change(broken["spec"]["platforms"][0])
    assert any(said in each for each in offences_of(broken, tmp_path, archives=packed)), said


def install(manifest, packed, krew_root):
    """What `krew install --manifest --archive` does: unpack, apply `files`, link the program."""
    chosen = next(each for each in manifest["spec"]["platforms"]
                  if each["selector"]["matchLabels"] == {"os": "linux", "arch": "amd64"})
    unpacked = krew_root / "unpacked"
    with tarfile.open(packed / posixpath.basename(chosen["uri"])) as archive:
        archive.extractall(unpacked, filter="data")
    store = krew_root / "store" / manifest["metadata"]["name"] / manifest["spec"]["version"]
    for operation in chosen["files"]:
        for source in unpacked.glob(operation["from"]):
            target = store / operation["to"]
            target.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target / source.name)
    shutil.rmtree(unpacked)
    (krew_root / "bin").mkdir()
    link = krew_root / "bin" / f"kubectl-{manifest['metadata']['name'].replace('-', '_')}"
    link.symlink_to(store / chosen["bin"])
    return link


def kubectl(krew_root, *words):
    env = {**os.environ, "PATH": f"{krew_root / 'bin'}:{os.environ['PATH']}", "KUBECONFIG": "/dev/null"}
    return subprocess.run(["kubectl", *words], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_installed_as_krew_does_it_runs_through_kubectl_and_goes_without_a_trace(manifest, packed, tmp_path):
    link = install(manifest, packed, tmp_path)
    assert sorted(each.name for each in link.resolve().parent.iterdir()) == [
        "LICENSE", "kubectl-redis", "kubectl_complete-redis"]
    version = kubectl(tmp_path, "redis", "version", "--client")
    assert version.returncode == 0, version.stderr
    help_text = kubectl(tmp_path, "redis", "--help")
    assert help_text.returncode == 0 and "Usage: kubectl redis" in help_text.stdout
    assert str(link) in kubectl(tmp_path, "plugin", "list").stdout
    # The caveat's link makes kubectl complete the plugin's words.
    (tmp_path / "bin" / "kubectl_complete-redis").symlink_to(link.resolve().parent / "kubectl_complete-redis")
    completed = kubectl(tmp_path, "__complete", "redis", "stat")
    assert "status" in completed.stdout.split(), completed
    (tmp_path / "bin" / "kubectl_complete-redis").unlink()
    link.unlink()
    shutil.rmtree(tmp_path / "store" / "redis")
    assert kubectl(tmp_path, "redis", "version").returncode != 0
