#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""architecture.includes: who may include whom.

Our own includes are root-relative, so a layer is the start of a path. Prints each offence as
`file:line: what` and fails when there is one. Usage: includes.py SOURCE_DIR
"""
import pathlib
import re
import sys

# Each layer with what its files may include of ours; the longest start of a path decides. This is
# CONTRIBUTING's picture, and what that does not show is not here.
PURE = ["shared/json/", "shared/core/"]
LAYERS = {
    "shared/json/": ["shared/json/"],
    "shared/core/": ["shared/core/"],
    "shared/wire/": PURE + ["shared/wire/"],
    "shared/policy/": PURE + ["shared/wire/", "shared/policy/"],
    "shared/manifest/": PURE + ["shared/wire/", "shared/policy/", "shared/manifest/"],
    "shared/ports/": PURE + ["shared/ports/"],
    "shared/system/": ["shared/ports/clock.hpp", "shared/system/"],
    "shared/redis/": PURE + ["shared/ports/", "shared/system/", "shared/redis/"],
    "shared/kube/": PURE + ["shared/ports/", "shared/system/", "shared/kube/"],
    "shared/observe/": PURE + ["shared/wire/", "shared/policy/", "shared/ports/", "shared/redis/", "shared/kube/",
                               "shared/observe/"],
    "plugin/": ["shared/", "plugin/"],
    "plugin/commands/": ["shared/", "plugin/commands/", "plugin/operations/", "plugin/apply/", "plugin/terminal/",
                         "plugin/render/"],
    "plugin/operations/": ["shared/", "plugin/operations/", "plugin/apply/", "plugin/terminal/"],
    "plugin/apply/": ["shared/", "plugin/apply/", "plugin/terminal/"],
    "plugin/terminal/": ["shared/", "plugin/terminal/"],
    "plugin/render/": PURE + ["shared/wire/", "shared/policy/", "shared/manifest/", "plugin/render/", "plugin/terminal/clean_text.hpp", "plugin/terminal/text_style.hpp"],
    "webhook/": ["shared/", "webhook/"],
}

# Third-party headers with the only places that may include them; tests may include anything.
THIRD_PARTY = {
    "CLI/": ["plugin/commands/verb.cpp", "webhook/config.cpp"],
    "hiredis/": ["shared/redis/"],
    "yaml-cpp/": ["shared/kube/"],
    "openssl/": ["shared/kube/", "shared/redis/", "webhook/"],
    "nlohmann/": ["shared/json/"],
    "fmt/": ["shared/wire/", "shared/policy/", "shared/manifest/", "shared/redis/", "shared/kube/", "shared/observe/",
             "plugin/", "webhook/"],
    "tl/": ["shared/core/"],
    "boost/": ["shared/kube/http.cpp", "shared/kube/websocket.cpp", "webhook/review_reader.cpp", "webhook/server"],
    "doctest/": [],
}

# Headers of ours show no third-party types; these two exist to name one.
HEADERS_WITH_THIRD_PARTY = {"shared/core/result.hpp", "shared/json/json.hpp"}

# What the pure layers must not touch: the outside world and, in the core, time.
IMPURE = {"iostream", "fstream", "filesystem", "thread", "mutex", "condition_variable", "future", "random",
          "unistd.h", "sys/socket.h"}
BANNED = {
    "shared/core/": IMPURE | {"sstream", "ostream", "istream", "iomanip", "cstdio", "chrono", "ctime"},
    "shared/json/": IMPURE,
    "shared/wire/": IMPURE,
    "shared/policy/": IMPURE,
    "shared/manifest/": IMPURE,
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def starts(path, prefixes):
    return any(path.startswith(prefix) for prefix in prefixes)


def layer_of(path):
    """The layer of a file, which is the longest start of its path; None outside them."""
    return max((layer for layer in LAYERS if path.startswith(layer)), key=len, default=None)


def check_own(layer, target):
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
    for file in sorted(file for top in ("shared", "plugin", "webhook") for file in (root / top).rglob("*.[ch]pp")):
        path = file.relative_to(root).as_posix()
        layer = layer_of(path)
        if layer is None:
            yield f"{path}:1: is in no layer"
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            own = found.group(1) == '"'
            what = check_own(layer, found.group(2)) if own else check_system(path, layer, found.group(2))
            if what:
                yield f"{path}:{number}: {what}"


def main():
    found = list(offences(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "every include keeps to its layer")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
