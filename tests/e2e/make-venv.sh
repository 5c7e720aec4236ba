#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the Python environment of the end-to-end tests in the cache, if it is not there as wanted.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv
cmp -s "$here/requirements.txt" "$venv/installed.txt" && exit 0
echo "==> installing the end-to-end tests' Python packages" >&2
python3 -m venv --clear "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/requirements.txt" "$venv/installed.txt"
