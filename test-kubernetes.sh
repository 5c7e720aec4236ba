#!/usr/bin/env bash
# Runs the end-to-end suite on a real Kubernetes: three nodes with containerd on this machine, in a
# network namespace of their own. Needs root and Go; the first run builds Kubernetes (ten minutes).
# Arguments go to pytest, which starts in tests/e2e: ./test-kubernetes.sh test_article.py -s
#   KREDIS_E2E_VERSIONS   the servers to run it with, one after another (default "8.0"): 7.0 8.0 valkey-8.1
#   KREDIS_E2E_PATIENCE   waits this many times as long, for a machine that is slow
set -euo pipefail
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "test-kubernetes.sh: needs root" >&2; exit 2; }

cmake/install-dependencies.sh
tests/e2e/make-venv.sh
cmake --preset dev >/dev/null
cmake --build --preset dev --target kubectl-redis
tests/kubernetes/build.sh
bed=$PWD/tests/kubernetes/bed.sh
pytest=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/pytest
trap '"$bed" down' EXIT
KREDIS_E2E_KUBECONFIG=$("$bed" up)
export KREDIS_E2E_KUBECONFIG
cd tests/e2e
for version in ${KREDIS_E2E_VERSIONS:-8.0}; do
  echo "==> redis:$version" >&2
  KREDIS_E2E_IMAGE=redis:$version "$bed" run "$pytest" -q "$@"
done
