#!/usr/bin/env bash
# Runs the end-to-end suite on a real Kubernetes: three nodes with containerd on this machine, in a
# network namespace of their own. Needs root and Go; the first run builds Kubernetes (ten minutes).
# Arguments go to pytest: ./test-kubernetes.sh -k article
set -euo pipefail
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "test-kubernetes.sh: needs root" >&2; exit 2; }

cmake/install-dependencies.sh
tests/e2e/make-venv.sh
cmake --preset dev >/dev/null
cmake --build --preset dev --target kubectl-redis
tests/kubernetes/build.sh
trap 'tests/kubernetes/bed.sh down' EXIT
KREDIS_E2E_KUBECONFIG=$(tests/kubernetes/bed.sh up)
export KREDIS_E2E_KUBECONFIG
tests/kubernetes/bed.sh run "${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/pytest" -q tests/e2e "$@"
