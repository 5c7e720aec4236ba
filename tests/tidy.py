#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every C++ file of ours, as .clang-tidy says; fails when it finds something.

Files with the same flags are looked at together, up to BATCH at a time, where no two define a name alike: most of the
time goes into the libraries' headers, and so it goes there once. What passed is remembered by content (the file, every
header of ours below it, flags, .clang-tidy, the tool's release), findings never are. When the time is up it says what
was not looked at; it begins with what was changed last.

Usage: tests/tidy.py [--build FOLDER] [--seconds N] [--jobs N] [FILE...]
  needs a configured build (./test.sh, or cmake --preset dev). Status: 0 clean, 1 findings, 77 no clang-tidy 14.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ("shared/", "plugin/", "webhook/", "tests/")
RELEASE = "14"
BATCH = 16
KEPT_DAYS = 60
SHOWN_LINES = 8
SKIPPED = 77
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FINDING = re.compile(r"^(?P<path>/[^:\n]+):\d+:\d+: (?:fatal error|error|warning): "
                     r".*?(?:\[(?P<check>[^\],]+)[^\]]*\])?$")
# What is defined at the start of a line: near enough, as judge() forgives.
DEFINED = re.compile(r"^(?!namespace |using namespace|extern |TEST_)\w[\w:<>,&* ]*?\b(\w+)(?:\(| =|\{| \{|;)",
                     re.MULTILINE)
NOT_SEEN_BY_CLANG = ("-Werror", "-Wno-subobject-linkage")


Unit = collections.namedtuple("Unit", "path flags")


def tool():
    for name in (f"clang-tidy-{RELEASE}", "clang-tidy"):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
            if f"version {RELEASE}." in version:
                return program, version
    return None, ""


def flags_of(command):
    """The compiler's arguments without its name, the input and the output."""
    words = iter(shlex.split(command)[1:])
    for word in words:
        if word in ("-o", "-c"):
            next(words)
        elif word not in NOT_SEEN_BY_CLANG:
            yield word


def units(build):
    """Every C++ file of ours that the build compiles, once."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        source, flags = pathlib.Path(entry["file"]), tuple(flags_of(entry["command"]))
        members = INCLUDE.findall(source.read_text(encoding="utf-8")) if source.parent.name == "Unity" else [source]
        for member in map(pathlib.Path, members):
            path = member.relative_to(ROOT).as_posix() if member.is_relative_to(ROOT) else ""
            if path.startswith(OURS) and path.endswith(".cpp"):
                found.setdefault(path, Unit(path, flags))
    return list(found.values())


class Contents:
    """Which files of ours lie below a file, and the key that stands for all of what clang-tidy sees of them."""

    def __init__(self, version):
        self.closures, self.hashes = {}, {}
        self.common = version + (ROOT / ".clang-tidy").read_text(encoding="utf-8")

    def closure(self, path):
        """The paths from the root, itself among them."""
        seen, waiting = set(), [path]
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            waiting += self.includes(one)
        return seen

    def includes(self, path):
        if path not in self.closures:
            text = (ROOT / path).read_bytes()
            self.hashes[path] = hashlib.sha256(text).hexdigest()
            named = INCLUDE.findall(text.decode("utf-8"))
            self.closures[path] = [name for name in named if (ROOT / name).is_file()]
        return self.closures[path]

    def key(self, unit):
        parts = [f"{path} {self.hashes[path]}" for path in sorted(self.closure(unit.path))]
        text = "\n".join([self.common, *unit.flags, *parts]).replace(str(ROOT), ".")
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


class Passed:
    """What passed before: an empty file a key."""

    def __init__(self):
        cache = os.environ.get("KREDIS_CACHE") or pathlib.Path.home() / ".cache/kubectl-redis"
        self.folder = pathlib.Path(cache) / "tidy"
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in self.folder.iterdir():
            if file.stat().st_mtime < time.time() - KEPT_DAYS * 86400:
                file.unlink()

    def __contains__(self, key):
        file = self.folder / key
        if not file.exists():
            return False
        os.utime(file)
        return True

    def add(self, key):
        (self.folder / key).touch()


def by_last_change(every):
    """Sorted: what is not committed, then as the log has it; without a log by time."""
    git = ["git", "-C", str(ROOT)]
    names = ""
    for command in (["diff", "--name-only", "HEAD"], ["log", "-n500", "--name-only", "--format="]):
        names += subprocess.run(git + command, check=False, capture_output=True, text=True).stdout
    rank = {}
    for name in names.split():
        rank.setdefault(name, len(rank))
    return sorted(every, key=lambda unit: (rank.get(unit.path, len(rank)), -(ROOT / unit.path).stat().st_mtime))


def batches(ordered):
    """Lists of files to look at together, the last changed first."""
    made = []
    for unit in ordered:
        names = set(DEFINED.findall((ROOT / unit.path).read_text(encoding="utf-8")))
        for batch, taken in made:
            if len(batch) < BATCH and batch[0].flags == unit.flags and not names & taken:
                break
        else:
            batch, taken = [], set()
            made.append((batch, taken))
        batch.append(unit)
        taken |= names
    return [batch for batch, _ in made]


def look_at(program, batch):
    """What clang-tidy says of the batch: (path, check, text) each."""
    flags = [*batch[0].flags, "-Wno-unknown-warning-option"]
    with tempfile.NamedTemporaryFile("w", suffix=".cpp", encoding="utf-8") as source:
        source.writelines(f'#include "{ROOT / unit.path}"  // NOLINT(bugprone-suspicious-include)\n' for unit in batch)
        source.flush()
        looked_at = source.name if len(batch) > 1 else ROOT / batch[0].path
        command = [program, "--quiet", f"--config-file={ROOT}/.clang-tidy",
                   f"--header-filter=^{ROOT}/({'|'.join(OURS)}).*\\.hpp$", looked_at, "--", *flags]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    findings = []
    for line in done.stdout.splitlines():
        start = FINDING.match(line)
        if start:
            findings.append([start["path"], start["check"], line])
        elif findings and findings[-1][2].count("\n") < SHOWN_LINES:
            findings[-1][2] += "\n" + line
    if done.returncode and not findings:
        findings.append([str(ROOT / batch[0].path), "clang-diagnostic-error", done.stdout + done.stderr])
    return findings


def judge(program, batch):
    """The findings. Names may clash only when looked at together: then by halves."""
    findings = look_at(program, batch)
    if len(batch) > 1 and any(check == "clang-diagnostic-error" for _, check, _ in findings):
        middle = len(batch) // 2
        return judge(program, batch[:middle]) + judge(program, batch[middle:])
    return findings


def clean(batch, findings, contents):
    """Those of the batch that no finding is about. One in a file that is not ours is about all."""
    told = {os.path.relpath(path, ROOT) for path, _, _ in findings}
    below = {unit: contents.closure(unit.path) for unit in batch}
    if told - set().union(*below.values()):
        return []
    return [unit for unit in batch if not told & below[unit]]


def run(options, program, version):
    """Says what is found and what is not reached; the exit status."""
    contents, passed = Contents(version), Passed()
    every = units(options.build)
    if options.files:
        wanted = {pathlib.Path(file).resolve().relative_to(ROOT).as_posix() for file in options.files}
        every = [unit for unit in every if unit.path in wanted]
    left = [unit for unit in every if contents.key(unit) not in passed]
    print(f"clang-tidy: {len(every)} files, of which {len(every) - len(left)} passed before as they are", flush=True)
    deadline = time.monotonic() + (options.seconds or float("inf"))
    said, missed = set(), []

    def in_time(batch):
        return judge(program, batch) if time.monotonic() < deadline else None

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = {pool.submit(in_time, batch): batch for batch in batches(by_last_change(left))}
        for done in concurrent.futures.as_completed(waiting):
            batch, findings = waiting[done], done.result()
            if findings is None:
                missed += [unit.path for unit in batch]
                continue
            for unit in clean(batch, findings, contents):
                passed.add(contents.key(unit))
            for text in (text for _, _, text in findings):
                head = text.partition("\n")[0]
                if head not in said:
                    print(text.replace(f"{ROOT}/", ""), flush=True)
                said.add(head)
    if missed:
        print(f"NOT LOOKED AT, as the time was up: {len(missed)} files: " + " ".join(sorted(missed)))
    print(f"clang-tidy: {len(said)} findings in {len(left) - len(missed)} files that were looked at")
    return 1 if said else 0


def main():
    parser = argparse.ArgumentParser(description="clang-tidy over every C++ file of ours")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="a configured build (default build)")
    parser.add_argument("--seconds", type=int, default=0, help="begin nothing after so many (default: no limit)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at once (default: the processors)")
    parser.add_argument("files", nargs="*", help="only these")
    options = parser.parse_args()
    program, version = tool()
    if not program:
        print(f"NOT CHECKED: no clang-tidy {RELEASE} is installed (cmake/install-checkers.sh installs it)")
        return SKIPPED
    return run(options, program, version)


if __name__ == "__main__":
    sys.exit(main())
