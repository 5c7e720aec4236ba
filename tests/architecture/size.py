#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""architecture.size: no file and no function outgrows what a reader can hold.

Files: 500 lines, under tests/ 600. Functions (C++): 60 lines of body, tables of data not counted.
Functions are found by their braces, not by a compiler: a `{` that follows a `)` opens one.
Prints each offence as `file:line: what` and fails when there is one. Usage: size.py SOURCE_DIR
"""
import pathlib
import re
import sys

FOLDERS = ["shared", "plugin", "webhook", "tests", "krew", "cmake", ".ci"]
SUFFIXES = {".cpp", ".hpp", ".py", ".sh", ".cmake"}
FILE_LIMIT = 500
TEST_FILE_LIMIT = 600
FUNCTION_LIMIT = 60

NOISE = re.compile(
    r'R"([^(\s]*)\(.*?\)\1"'  # raw strings
    r"|//[^\n]*|/\*.*?\*/"  # comments
    r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*"  # the preprocessor's lines
    r'|"(?:\\.|[^"\\\n])*"'  # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])'",  # characters, but not the ' in 16'384
    re.DOTALL | re.MULTILINE)
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
FUNCTION_TAIL = re.compile(r"\)\s*(const|noexcept|override|final|mutable|&|->[\w:<>,\s*&]+|:.*)*\s*$", re.DOTALL)


def blanked(text):
    """The text without comments and literals, its lines where they were."""
    return NOISE.sub(lambda match: "\n" * match.group(0).count("\n"), text)


def kind_of(head, parent):
    if parent in ("function", "inside"):
        return "data" if re.search(r"(=|return|\w)\s*$", head) and not FUNCTION_TAIL.search(head) and not re.search(
            r"\b(else|do|try)\s*$", head) else "inside"
    if parent == "data":
        return "data"
    if FUNCTION_TAIL.search(head):
        return "scope" if re.match(r"\s*TEST_SUITE\b", head) else "function"
    return "scope" if SCOPE.search(head) else "data"


def long_functions(text):
    """Yields (line, lines of body) of each function; lines of data tables in it are not counted."""
    stack = [("scope", 0)]
    head, line, data_lines = "", 1, 0
    for char in blanked(text):
        if char == "{":
            kind = kind_of(head, stack[-1][0])
            if kind == "function":
                data_lines = 0
            stack.append((kind, line))
            head = ""
        elif char == "}":
            kind, first = stack.pop() if len(stack) > 1 else stack[0]
            if kind == "function":
                yield first, line - first + 1 - data_lines
            elif kind == "data" and stack[-1][0] != "data":
                data_lines += line - first
            head = ""
        elif char == ";":
            head = ""
        else:
            head += char
        line += char == "\n"


def offences(root):
    files = [file for folder in FOLDERS for file in sorted((root / folder).rglob("*")) if file.suffix in SUFFIXES]
    for file in files:
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        limit = TEST_FILE_LIMIT if path.startswith("tests/") else FILE_LIMIT
        lines = text.count("\n")
        if lines > limit:
            yield f"{path}:1: {lines} lines, at most {limit}"
        if file.suffix not in (".cpp", ".hpp"):
            continue
        for line, length in long_functions(text):
            if length > FUNCTION_LIMIT:
                yield f"{path}:{line}: a function of {length} lines, at most {FUNCTION_LIMIT}"


def main():
    found = list(offences(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "every file and function is of a readable size")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
