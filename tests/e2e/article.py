# SPDX-License-Identifier: Apache-2.0
"""The article's manifests on a bed. The sandbox takes them as they are. The real bed pulls no image
and its kernel mounts no NFS: there the image gets a tag that is loaded, and the volumes, of the same
names and sizes, are folders of the machine."""

import pathlib

import yaml

from bed import IMAGE, KUBERNETES_BED, MANIFESTS

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class ArticleBed:
    """A bed on which claims without a class wait for static volumes, as on the article's."""

    def __init__(self, bed):
        self.bed = bed

    def __enter__(self):
        self._set_default_class("false")
        return self

    def __exit__(self, *_):
        self._set_default_class("true")

    def _set_default_class(self, value):
        if self.bed.real:
            self.bed.kubectl("annotate", "--overwrite", "storageclass", "local", f"{DEFAULT_CLASS}={value}").require()

    def apply(self, namespace, *names):
        for name in names:
            namespace.kubectl("apply", "-f", "-", stdin=self.manifest(name)).require()

    def manifest(self, name):
        text = (MANIFESTS / "article" / f"{name}.yaml").read_text(encoding="utf-8")
        if not self.bed.real:
            return text
        documents = list(yaml.safe_load_all(text))
        for document in documents:
            if document["kind"] == "PersistentVolume":
                folder_in_place_of_nfs(document)
            elif document["kind"] == "StatefulSet":
                container = document["spec"]["template"]["spec"]["containers"][0]
                container["image"] = IMAGE
                if "valkey" in IMAGE:  # Its server has another name.
                    container["command"] = ["valkey-server" if it == "redis-server" else it for it in container["command"]]
        return yaml.safe_dump_all(documents)

    def remove(self, namespace):
        """Takes the volumes away as well, which belong to no namespace."""
        self.bed.kubectl("delete", "namespace", namespace.name, timeout=180)
        self.bed.kubectl("delete", "-f", "-", stdin=self.manifest("pv"))


def folder_in_place_of_nfs(volume):
    name = pathlib.PurePath(volume["spec"].pop("nfs")["path"]).name
    folder = KUBERNETES_BED / "volumes" / f"article-{name}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    volume["spec"]["hostPath"] = {"path": str(folder), "type": "Directory"}
