#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test that needs no root. A second run is quick.
# Arguments go to ctest: ./test.sh -L unit
set -euo pipefail
cd "$(dirname "$0")"

cmake/install-dependencies.sh
venv=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv
if ! cmp -s tests/e2e/requirements.txt "$venv/installed.txt"; then
  echo "==> installing the end-to-end tests' Python packages" >&2
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/e2e/requirements.txt
  cp tests/e2e/requirements.txt "$venv/installed.txt"
fi

cmake --preset dev >/dev/null
cmake --build --preset dev
ctest --preset dev --output-on-failure --parallel "${KREDIS_TEST_JOBS:-$(nproc)}" "$@"
