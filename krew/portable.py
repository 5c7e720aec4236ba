#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that a program runs on every machine of a platform, not only where it was built.

Usage: portable.py OS/ARCH BINARY. Prints each offence; exit status 1 when there is one.
Linux: built for that processor, and needs no library at all, or glibc's own up to 2.28 only.
macOS: built for that processor, needs the system's own libraries only, and is signed for arm64.
Needs readelf (binutils) for Linux's programs.
"""
import os
import pathlib
import re
import struct
import subprocess
import sys

NEWEST_GLIBC = (2, 28)
GLIBC_PARTS = re.compile(r"^(lib(c|m|pthread|dl|rt|resolv|util)\.so\.[0-9]+|ld-linux[\w-]*\.so\.[0-9]+)$")
ELF_MACHINES = {"amd64": "Advanced Micro Devices X86-64", "arm64": "AArch64"}

MACH_O_64 = 0xFEEDFACF
MACH_O_PROCESSORS = {"amd64": 0x01000007, "arm64": 0x0100000C}
LC_LOAD_DYLIB, LC_CODE_SIGNATURE = 0xC, 0x1D


def readelf(path, *flags):
    done = subprocess.run(["readelf", "--wide", *flags, str(path)], env={**os.environ, "LC_ALL": "C"},
                          capture_output=True, text=True, check=False)
    return done.stdout


def elf_offences(path, arch):
    machine = re.search(r"^\s*Machine:\s+(.*?)\s*$", readelf(path, "--file-header"), re.MULTILINE)
    if not machine or machine.group(1) != ELF_MACHINES[arch]:
        yield f"is built for {machine.group(1) if machine else 'something else than Linux'}, not {arch}"
        return
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(path, "--dynamic"))
    for library in needed:
        if not GLIBC_PARTS.match(library):
            yield f"needs {library}, which not every machine has"
    if not needed:
        return
    wanted = set(re.findall(r"Name: GLIBC_([0-9.]+)", readelf(path, "--version-info")))
    for version in sorted(tuple(map(int, each.split("."))) for each in wanted):
        if version > NEWEST_GLIBC:
            yield f"needs glibc {'.'.join(map(str, version))}, newer than {'.'.join(map(str, NEWEST_GLIBC))}"


def load_commands(data):
    """Yields (command, its bytes) of a 64-bit Mach-O file."""
    count = struct.unpack_from("<I", data, 16)[0]
    at = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", data, at)
        yield command, data[at:at + size]
        at += size


def mach_o_offences(path, arch):
    data = path.read_bytes()
    if len(data) < 32 or struct.unpack_from("<I", data)[0] != MACH_O_64:
        yield "is no program of macOS"
        return
    if struct.unpack_from("<I", data, 4)[0] != MACH_O_PROCESSORS[arch]:
        yield f"is built for another processor than {arch}"
    is_signed = False
    for command, body in load_commands(data):
        is_signed = is_signed or command == LC_CODE_SIGNATURE
        if command == LC_LOAD_DYLIB:
            library = body[struct.unpack_from("<I", body, 8)[0]:].split(b"\0")[0].decode()
            if not library.startswith(("/usr/lib/", "/System/Library/")):
                yield f"needs {library}, which is no part of macOS"
    if arch == "arm64" and not is_signed:
        yield "is not signed, not even by itself: macOS on arm64 would kill it"


CHECKS = {"linux": elf_offences, "darwin": mach_o_offences}


def offences(platform, path):
    system, _, arch = platform.partition("/")
    if system not in CHECKS or arch not in ELF_MACHINES:
        return [f"no check is known for {platform}"]
    return list(CHECKS[system](path, arch))


def main():
    platform, path = sys.argv[1], pathlib.Path(sys.argv[2])
    found = offences(platform, path)
    for each in found:
        print(f"{path} for {platform}: {each}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
