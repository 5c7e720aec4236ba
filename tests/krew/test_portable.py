# SPDX-License-Identifier: Apache-2.0
"""What may be packed: programs that need nothing that a machine of the platform may lack."""

import struct
import subprocess

import pytest

from krew_support import BIN, PLATFORMS, package, portable_binary

import portable  # Of krew/, which krew_support puts on the path.

PROCESSORS = {"amd64": 0x01000007, "arm64": 0x0100000C}


@pytest.fixture
def compiled(tmp_path):
    """compiled(FLAG...): a small program of this machine's compiler."""

    def build(*flags):
        source = tmp_path / "small.c"
        source.write_text("#include <stdio.h>\nint main(void) { return puts(\"small\") < 0; }\n")
        subprocess.run(["cc", "-o", tmp_path / "small", source, *flags], check=True)
        return tmp_path / "small"

    return build


def mach_o(arch, libraries=("/usr/lib/libSystem.B.dylib",), signed=True):
    commands = [struct.pack("<IIIIII", 0xC, 24 + 40, 24, 0, 0, 0) + name.encode().ljust(40, b"\0") for name in libraries]
    if signed:
        commands.append(struct.pack("<IIII", 0x1D, 16, 0, 0))
    body = b"".join(commands)
    return struct.pack("<IIIIIIII", 0xFEEDFACF, PROCESSORS[arch], 0, 2, len(commands), len(body), 0, 0) + body


def test_a_static_program_runs_anywhere(compiled):
    assert portable.offences("linux/amd64", compiled("-static")) == []


def test_a_program_that_needs_a_newer_glibc_is_told_which(compiled, monkeypatch):
    small = compiled()
    monkeypatch.setattr(portable, "NEWEST_GLIBC", (2, 2))
    found = portable.offences("linux/amd64", small)
    assert found and all("newer than 2.2" in each for each in found)
    monkeypatch.setattr(portable, "NEWEST_GLIBC", (99, 0))
    assert portable.offences("linux/amd64", small) == []


def test_a_library_beside_glibc_is_refused(compiled):
    assert "needs libstdc++.so.6, which not every machine has" in portable.offences(
        "linux/amd64", compiled("-Wl,--no-as-needed", "-lstdc++"))


def test_a_program_of_another_processor_or_system_is_refused(compiled, tmp_path):
    assert "not arm64" in portable.offences("linux/arm64", compiled("-static"))[0]
    assert portable.offences("darwin/arm64", compiled("-static")) == ["is no program of macOS"]
    assert portable.offences("windows/amd64", compiled("-static")) == ["no check is known for windows/amd64"]
    (tmp_path / "text").write_text("#!/bin/sh\n")
    assert "something else than Linux" in portable.offences("linux/amd64", tmp_path / "text")[0]


@pytest.mark.parametrize("program, said", [
    (mach_o("arm64"), None),
    (mach_o("amd64"), "another processor"),
    (mach_o("arm64", signed=False), "is not signed"),
    (mach_o("arm64", libraries=["/opt/local/lib/libssl.dylib"]), "needs /opt/local/lib/libssl.dylib"),
])
def test_programs_for_macos_are_read(tmp_path, program, said):
    (tmp_path / "program").write_bytes(program)
    found = portable.offences("darwin/arm64", tmp_path / "program")
    assert (found == []) if said is None else (len(found) == 1 and said in found[0]), found


def test_packaging_refuses_what_runs_only_here(tmp_path):
    """This machine's own build takes OpenSSL and libstdc++ from the system."""
    done = package(tmp_path, f"linux/amd64={BIN / 'kubectl-redis'}")
    assert done.returncode == 1
    assert "which not every machine has" in done.stderr and "--local" in done.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_build_sh_built_may_be_packed_and_is_small(platform, tmp_path):
    program = portable_binary(platform)
    if program is None:
        pytest.skip(f"krew/build.sh {platform} was not run in this checkout")
    assert portable.offences(platform, program) == []
    assert program.stat().st_size < 8 << 20
    done = package(tmp_path, f"{platform}={program}")
    assert done.returncode == 0, done.stderr
