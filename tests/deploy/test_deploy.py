# SPDX-License-Identifier: Apache-2.0
"""The ways to deploy the webhook make the same objects: kustomize, the chart, and the plugin itself."""

import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KREDIS_BIN", ROOT / "build" / "bin"))
CACHE = pathlib.Path(os.environ.get("KREDIS_CACHE", pathlib.Path.home() / ".cache" / "kubectl-redis"))


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def objects(text):
    found = [item for item in yaml.safe_load_all(text) if item]
    by_name = {(item["kind"], item["metadata"]["name"]): item for item in found}
    assert len(by_name) == len(found), "one object twice"
    return by_name


@pytest.fixture(scope="module")
def helm():
    built = CACHE / "helm" / "helm"
    program = str(built) if built.exists() else shutil.which("helm")
    if not program:
        pytest.skip("needs helm: tests/deploy/make-helm.sh builds it")

    def template(*flags):
        return objects(run(program, "template", "webhook", ROOT / "deploy" / "chart", "--kube-version", "1.34.0", *flags))

    template.lint = lambda: run(program, "lint", "--strict", ROOT / "deploy" / "chart")
    return template


def manifests(*flags):
    return objects(run(BIN / "kubectl-redis", "webhook", "manifests", *flags))


def kustomized(name):
    return objects(run("kubectl", "kustomize", ROOT / "deploy" / "kustomize" / name))


def test_kustomize_makes_what_install_applies():
    assert kustomized("base") == manifests()
    assert kustomized("fail-closed") == manifests("--failure-policy", "Fail")
    assert kustomized("cert-manager") == manifests("--cert-manager")
    assert len(manifests()) == 12


def test_the_chart_makes_what_kustomize_makes(helm):
    assert helm() == kustomized("base")
    assert helm("--set", "validate.failurePolicy=Fail") == kustomized("fail-closed")
    assert helm("--set", "certManager.enabled=true") == kustomized("cert-manager")


def test_every_value_of_the_chart_reaches_its_place(helm):
    flags = ["--image", "mine/webhook:2", "--replicas", "3", "--default-level", "warn", "-n", "guards",
             "--failure-policy", "Fail"]
    values = ["image=mine/webhook:2", "replicas=3", "defaultLevel=warn", "namespace=guards", "validate.failurePolicy=Fail"]
    assert helm("--set", ",".join(values)) == manifests(*flags)


def test_helm_finds_no_fault(helm):
    assert "0 chart(s) failed" in helm.lint()
