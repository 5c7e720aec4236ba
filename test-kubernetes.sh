#!/usr/bin/env bash
# Runs the end-to-end suite on a real Kubernetes: three nodes with containerd on this machine, in a
# network namespace of their own. Needs root and Go; the first run builds Kubernetes (ten minutes).
# Arguments go to pytest, which starts in tests/e2e: ./test-kubernetes.sh test_article.py -s
# Exit status: 0 all passed, 77 the bed did not come up, otherwise pytest's.
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
tests/e2e/clients/build.sh >/dev/null # Here, as the bed has no way out to fetch what it is made of.
bed=$PWD/tests/kubernetes/bed.sh
pytest=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/pytest
! [ -e /run/netns/kubectl-redis ] || { echo "test-kubernetes.sh: the bed is up already; $bed down stops it" >&2; exit 77; }
said=$(mktemp)
trap 'rm -f "$said"; "$bed" down' EXIT
begin=$SECONDS
KREDIS_E2E_KUBECONFIG=$("$bed" up) || exit 77
export KREDIS_E2E_KUBECONFIG
echo "==> the bed took $((SECONDS - begin)) s to come up"

cd tests/e2e
status=0
table=
for version in ${KREDIS_E2E_VERSIONS:-8.0}; do
  echo "==> redis:$version"
  KREDIS_E2E_IMAGE=redis:$version "$bed" run "$pytest" -q "$@" | tee "$said" || status=$?
  table+=$(printf '%-12s %s' "$version" "$(tail -n 1 "$said")")$'\n'
done
printf '\n%s' "$table"
exit $status
