#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""architecture.format: every C++ file is as clang-format would write it.

Formatters disagree between releases, so only Debian 12's is asked; elsewhere, and where there is none, the check is
skipped (77) and says so. Prints what would change and the command that changes it. Usage: format.py SOURCE_DIR
"""
import concurrent.futures
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys

RELEASE = "14"
FOLDERS = ["cmake", "shared", "plugin", "webhook", "tests"]
SKIPPED = 77
OFFENCE = re.compile(r"^([^:\n]+):\d+:\d+: error: ", re.MULTILINE)


def formatter():
    """The program, or None, with why not."""
    found = "no clang-format is installed (cmake/install-checkers.sh installs it)"
    for name in (f"clang-format-{RELEASE}", "clang-format"):
        program = shutil.which(name)
        if not program:
            continue
        version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
        if re.search(rf"version {RELEASE}\.", version):
            return program, ""
        found = f"this is not clang-format {RELEASE} but {version.strip()}"
    return None, found


def unformatted(program, files):
    """Those of the files that are not formatted."""
    done = subprocess.run([program, "--dry-run", "-Werror", *files], check=False, capture_output=True, text=True)
    if done.returncode and not OFFENCE.search(done.stderr):
        raise SystemExit(done.stderr)
    return set(OFFENCE.findall(done.stderr))


def difference(program, name):
    """What clang-format would change, as a diff."""
    text = pathlib.Path(name).read_text(encoding="utf-8")
    wanted = subprocess.run([program, name], check=True, capture_output=True, text=True).stdout
    return "".join(difflib.unified_diff(text.splitlines(True), wanted.splitlines(True), name, f"{name}, formatted"))


def main():
    program, why_not = formatter()
    if not program:
        print(f"NOT CHECKED: the format, as {why_not}")
        return SKIPPED
    os.chdir(sys.argv[1])
    files = sorted(file.as_posix() for folder in FOLDERS for file in pathlib.Path(folder).rglob("*.[ch]pp"))
    jobs = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        found = pool.map(unformatted, [program] * jobs, [files[job::jobs] for job in range(jobs)])
        offences = sorted(set().union(*found))
    if not offences:
        print(f"all {len(files)} files are formatted")
        return 0
    print("\n".join(difference(program, name) for name in offences))
    print(f"{len(offences)} files are not formatted. This mends them:")
    print(f"  {pathlib.Path(program).name} -i " + " ".join(offences))
    return 1


if __name__ == "__main__":
    sys.exit(main())
