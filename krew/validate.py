#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a krew manifest, and the archives that it names, as krew and its index do before they take it.

Usage: validate.py NAME.yaml [FOLDER_OF_ARCHIVES]. Prints each offence; exit status 1 when there is one.
Rules: krew's plugin-manifest documentation and its own validation; needs PyYAML.
"""
import hashlib
import pathlib
import posixpath
import re
import sys
import tarfile

import yaml

SAFE_NAME = re.compile(r"^[\w-]+$", re.ASCII)
RESERVED = re.compile(r"^(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])$", re.IGNORECASE)
NUMBER = r"(0|[1-9][0-9]*)"
SEMVER = re.compile(rf"^v{NUMBER}\.{NUMBER}\.{NUMBER}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$")
SHA256 = re.compile(r"^[a-f0-9]{64}$")
SYSTEMS = {"linux", "darwin", "windows"}
MACHINES = {"amd64", "arm64", "arm", "386", "ppc64le", "s390x"}
LONGEST_SHORT_DESCRIPTION = 50
LONGEST_LINE = 80  # Of description and caveats; krew's validator warns of longer ones.


def text(value):
    return value if isinstance(value, str) else ""


def check_head(manifest, filename):
    if manifest.get("apiVersion") != "krew.googlecontainertools.github.com/v1alpha2":
        yield "apiVersion is not krew.googlecontainertools.github.com/v1alpha2"
    if manifest.get("kind") != "Plugin":
        yield "kind is not Plugin"
    name = text((manifest.get("metadata") or {}).get("name"))
    if not SAFE_NAME.match(name) or RESERVED.match(name):
        yield f"metadata.name {name!r} is not a safe name"
    if name != name.lower() or "_" in name or name.startswith(("kube-", "kubectl-")):
        yield f"metadata.name {name!r} is not lower-case words with hyphens, without kube"
    if filename != f"{name}.yaml":
        yield f"the file is called {filename}, not {name}.yaml"


def check_spec(spec):
    if not SEMVER.match(text(spec.get("version"))):
        yield f"spec.version {spec.get('version')!r} is not a semantic version with a v"
    short = text(spec.get("shortDescription"))
    if not short or "\n" in short or "\r" in short:
        yield "spec.shortDescription is not one line"
    if len(short) > LONGEST_SHORT_DESCRIPTION or short.endswith("."):
        yield f"spec.shortDescription is longer than {LONGEST_SHORT_DESCRIPTION} characters or ends with a full stop"
    if not text(spec.get("description")):
        yield "spec.description is missing"
    for key in ("description", "caveats"):
        if any(len(line) > LONGEST_LINE for line in text(spec.get(key)).splitlines()):
            yield f"spec.{key} has a line of more than {LONGEST_LINE} characters"
    if not re.match(r"^https?://\S+$", text(spec.get("homepage"))):
        yield "spec.homepage is not a web address"
    if not spec.get("platforms"):
        yield "spec.platforms is empty"
    labels = [(each.get("selector") or {}).get("matchLabels") for each in spec.get("platforms") or []]
    if any(labels.count(each) > 1 for each in labels if each):
        yield "spec.platforms has two for the same machine"


def check_selector(selector):
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield "the selector is empty"
        return
    labels = selector.get("matchLabels") or {}
    keys = set(labels) | {each.get("key") for each in selector.get("matchExpressions") or []}
    if not keys <= {"os", "arch"}:
        yield f"the selector speaks of {', '.join(sorted(map(str, keys - {'os', 'arch'})))}"
    if labels.get("os", "linux") not in SYSTEMS or labels.get("arch", "amd64") not in MACHINES:
        yield f"no machine is {labels}"


def inside(path):
    clean = posixpath.normpath(path)
    return bool(path) and not path.startswith("/") and clean != ".." and not clean.startswith("../")


def check_files(platform):
    files = platform.get("files")
    if "files" in platform and not files:
        yield "files is there but empty"
    for operation in files or []:
        if not inside(text(operation.get("from"))) or not inside(text(operation.get("to"))):
            yield f"files has {operation}, which leads out of the folder or is empty"


def check_platform(platform):
    yield from check_selector(platform.get("selector"))
    uri = text(platform.get("uri"))
    if not re.match(r"^https?://\S+\.(zip|tar\.gz)$", uri):
        yield f"uri {uri!r} is no web address of a .zip or .tar.gz"
    if not SHA256.match(text(platform.get("sha256"))):
        yield "sha256 is not 64 lower-case hexadecimal digits"
    if not inside(text(platform.get("bin"))):
        yield f"bin {platform.get('bin')!r} is not a path inside the archive"
    yield from check_files(platform)


def installed_names(platform, members):
    """What lies in the plugin's folder after krew applied `files`; without them all of the archive."""
    if "files" not in platform:
        return set(members)
    names = set()
    for operation in platform["files"]:
        pattern = posixpath.normpath(operation["from"])
        for member in members:
            if pathlib.PurePosixPath(member).match(pattern):
                names.add(posixpath.normpath(posixpath.join(operation["to"], posixpath.basename(member))))
    return names


def check_archive(platform, path):
    if hashlib.sha256(path.read_bytes()).hexdigest() != platform["sha256"]:
        yield f"{path.name} has another sha256"
    with tarfile.open(path, "r:gz") as archive:
        members = archive.getmembers()
    for member in members:
        if not (member.isfile() or member.isdir()):
            yield f"{path.name} holds {member.name}, which is neither file nor folder: krew does not unpack it"
        if ".." in member.name or member.name.startswith("/"):
            yield f"{path.name} holds {member.name}, which leads out of the folder"
    modes = {posixpath.normpath(member.name): member.mode for member in members if member.isfile()}
    names = installed_names(platform, modes)
    binary = posixpath.normpath(platform["bin"])
    if binary not in names:
        yield f"{path.name}: bin {binary} is not installed"
    elif not any(mode & 0o111 for name, mode in modes.items() if posixpath.basename(name) == posixpath.basename(binary)):
        yield f"{path.name}: {binary} is not executable"
    if not any(name.startswith("LICENSE") for name in names):
        yield f"{path.name}: no LICENSE is installed"


def offences(path, archives=None):
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("spec"), dict):
        return ["the file is no manifest"]
    found = [*check_head(manifest, path.name), *check_spec(manifest["spec"])]
    for platform in manifest["spec"].get("platforms") or []:
        broken = list(check_platform(platform))
        found += broken
        if archives is not None and not broken:
            found += check_archive(platform, archives / posixpath.basename(platform["uri"]))
    return found


def main():
    path = pathlib.Path(sys.argv[1])
    found = offences(path, pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    for each in found:
        print(f"{path}: {each}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
