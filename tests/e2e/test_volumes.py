# SPDX-License-Identifier: Apache-2.0
"""Claims and the volumes that they are bound to."""

import pytest
import yaml

from article import ArticleBed
from bed import MANIFESTS, wait_until
from conftest import fresh_namespace

NFS = ("--nfs-server", "192.168.0.222", "--nfs-path", "/usr/local/k8s/redis")


@pytest.fixture
def classless(make_bed):
    """A namespace whose claims get no class by default; NFS volumes are taken away at the end."""
    with ArticleBed(make_bed("--no-default-class")) as made:
        namespace = fresh_namespace(made.bed)
        yield namespace
        made.bed.kubectl("delete", "namespace", namespace.name, timeout=180)
        volumes = made.bed.kubectl("get", "persistentvolumes", "-o", "json").require().json()["items"]
        for volume in volumes:
            if "nfs" in volume["spec"]:
                made.bed.kubectl("delete", "persistentvolume", volume["metadata"]["name"], "--wait=false")


def bound_volumes(namespace):
    claims = namespace.get("persistentvolumeclaims")["items"]
    bound = [claim for claim in claims if claim["status"]["phase"] == "Bound"]
    return {claim["metadata"]["name"]: claim["spec"]["volumeName"] for claim in bound}


def claims_of_the_article():
    """The claims that the article's StatefulSet makes, all at once."""
    text = (MANIFESTS / "article" / "redis.yaml").read_text(encoding="utf-8")
    template = yaml.safe_load(text)["spec"]["volumeClaimTemplates"][0]
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": template["spec"]}
    names = [f"{template['metadata']['name']}-redis-app-{i}" for i in range(6)]
    return yaml.safe_dump_all([{**claim, "metadata": {"name": name}} for name in names])


def test_the_articles_nfs_volumes_bind_to_its_claims(classless):
    # The StatefulSet would wait for ever for its first pod where the machine mounts no NFS.
    classless.apply(MANIFESTS / "article" / "pv.yaml")
    classless.kubectl("apply", "-f", "-", stdin=claims_of_the_article()).require()
    bound = wait_until(lambda: len(bound_volumes(classless)) == 6 and bound_volumes(classless), 60, "six claims are bound")
    assert set(bound.values()) == {"nfs-pv1", "nfs-vp2", "nfs-pv3", "nfs-pv4", "nfs-pv5", "nfs-pv6"}


def test_create_makes_nfs_volumes_that_bind_one_to_each_claim(classless):
    # Only the binding: `create` itself would ask the server first, and there is none here.
    printed = classless.plugin("create", *NFS, "--dry-run=client", "-o", "yaml").require().stdout
    classless.kubectl("apply", "-f", "-", stdin=printed).require()
    bound = wait_until(lambda: len(bound_volumes(classless)) == 6 and bound_volumes(classless), 60, "six claims are bound")
    assert bound == {f"redis-data-redis-app-{i}": f"nfs-pv{i + 1}" for i in range(6)}
    volume = classless.bed.kubectl("get", "persistentvolume", "nfs-pv6", "-o", "json").require().json()["spec"]
    assert volume["capacity"]["storage"] == "200M"
    assert volume["accessModes"] == ["ReadWriteMany"]
    assert volume["nfs"] == {"server": "192.168.0.222", "path": "/usr/local/k8s/redis/pv6"}


def test_claims_of_a_class_get_a_volume_each_from_its_provisioner(namespace):
    classes = namespace.bed.kubectl("get", "storageclasses", "-o", "json").require().json()["items"]
    name = classes[0]["metadata"]["name"]
    namespace.plugin("create", "--storage-class", name, "--size", "300M").require()
    claims = namespace.get("persistentvolumeclaims")["items"]
    assert {claim["spec"]["storageClassName"] for claim in claims} == {name}
    assert {claim["spec"]["resources"]["requests"]["storage"] for claim in claims} == {"300M"}
    assert len(set(bound_volumes(namespace).values())) == 6
