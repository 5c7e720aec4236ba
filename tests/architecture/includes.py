#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""architecture.includes: who may include whom.

Our own includes are root-relative, so a layer is the start of a path. Prints each offence as
`file:line: what` and fails when there is one. Usage: includes.py SOURCE_DIR
"""
import pathlib
import re
import sys

# Each layer with what its files may include of ours.
LAYERS = {
    "shared/core/": ["shared/core/"],
    "shared/wire/": ["shared/core/", "shared/wire/", "shared/ports/redis_port.hpp"],
    "shared/policy/": ["shared/core/", "shared/wire/", "shared/policy/"],
    "shared/manifest/": ["shared/core/", "shared/wire/", "shared/policy/", "shared/manifest/"],
    "shared/ports/": ["shared/core/", "shared/ports/", "shared/wire/json.hpp"],
    "shared/redis/": ["shared/core/", "shared/ports/", "shared/redis/"],
    "shared/kube/": ["shared/core/", "shared/ports/", "shared/kube/", "shared/wire/json.hpp"],
    "shared/access/": ["shared/core/", "shared/ports/", "shared/redis/", "shared/kube/", "shared/access/",
                       "shared/wire/json.hpp"],
    "plugin/": ["shared/", "plugin/"],
    "webhook/": ["shared/", "webhook/"],
}

# Third-party headers with the only places that may include them; tests may include anything.
THIRD_PARTY = {
    "CLI/": ["plugin/"],
    "hiredis/": ["shared/redis/"],
    "yaml-cpp/": ["shared/kube/"],
    "openssl/": ["shared/kube/", "shared/redis/", "webhook/"],
    "nlohmann/": ["shared/wire/"],
    "fmt/": ["shared/wire/", "shared/policy/", "shared/manifest/", "shared/redis/", "shared/kube/", "plugin/",
             "webhook/"],
    "tl/": ["shared/core/"],
    "boost/": ["webhook/review_reader.cpp", "webhook/server"],
    "doctest/": [],
}

# Headers of ours show no third-party types; these two exist to name one.
HEADERS_WITH_THIRD_PARTY = {"shared/core/result.hpp", "shared/wire/json.hpp"}

# What the pure layers must not touch: the outside world and, in the core, time.
IMPURE = {"iostream", "fstream", "filesystem", "thread", "mutex", "condition_variable", "future", "random",
          "unistd.h", "sys/socket.h"}
BANNED = {
    "shared/core/": IMPURE | {"sstream", "ostream", "istream", "iomanip", "cstdio", "chrono", "ctime"},
    "shared/wire/": IMPURE,
    "shared/policy/": IMPURE,
    "shared/manifest/": IMPURE,
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def starts(path, prefixes):
    return any(path.startswith(prefix) for prefix in prefixes)


def check_own(root, layer, target):
    # A generated header lies in the build folder; its layer is what counts.
    if not target.startswith(("shared/", "plugin/", "webhook/", "tests/")):
        return f'"{target}" is not a path from the root'
    if not starts(target, LAYERS[layer]):
        return f'{layer} must not include "{target}"'
    return None


def check_system(path, layer, target):
    if target in BANNED.get(layer, ()):
        return f"<{target}> is not pure"
    for library, places in THIRD_PARTY.items():
        if not target.startswith(library):
            continue
        if not starts(path, places):
            return f"<{target}> belongs into {' or '.join(places) or 'tests'}"
        if path.endswith(".hpp") and path not in HEADERS_WITH_THIRD_PARTY:
            return f"<{target}> shows a third-party type in a header"
    return None


def offences(root):
    for layer in LAYERS:
        for file in sorted((root / layer).rglob("*.[ch]pp")):
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                own = found.group(1) == '"'
                what = check_own(root, layer, found.group(2)) if own else check_system(path, layer, found.group(2))
                if what:
                    yield f"{path}:{number}: {what}"


def main():
    found = list(offences(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "every include keeps to its layer")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
