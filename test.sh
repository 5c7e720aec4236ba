#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test that needs no root. A second run is quick.
# Arguments go to ctest: ./test.sh -L unit
set -euo pipefail
cd "$(dirname "$0")"

cmake/install-dependencies.sh
tests/e2e/make-venv.sh
tests/servers.sh valkey-9.1 8.6 >/dev/null || echo "==> servers of other versions cannot be had here: their tests are skipped"
cmake --preset dev >/dev/null
cmake --build --preset dev
ctest --preset dev --output-on-failure --parallel "${KREDIS_TEST_JOBS:-$(nproc)}" "$@"
