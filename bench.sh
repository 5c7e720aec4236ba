#!/usr/bin/env bash
# Benchmarks. Alone: lists them. With a name: builds what it needs as a release in build/release and
# runs it. Each result is a line of JSON: {"bench", "case", "ours", "peer", "unit", "ratio"}, medians
# of several runs of both in turn, ratio = ours / peer; peer and ratio are null where there is none.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The environment of the end-to-end tests, whose certificates and manifests some benchmarks use.
with_python() {
  tests/e2e/make-venv.sh
  "${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/python" "$@"
}

# The webhook as its image holds it.
build_image() { cmake --preset image >/dev/null && cmake --build --preset image >&2; }

# On the real Kubernetes, which needs root: up, the command inside, down.
on_kubernetes() {
  tests/kubernetes/build.sh
  tests/e2e/make-venv.sh
  trap 'tests/kubernetes/bed.sh down; rm -rf "$work"' EXIT
  tests/kubernetes/bed.sh up >/dev/null
  tests/kubernetes/bed.sh run "${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/python" "$@"
}

# name | what it measures, and the peer | CMake targets | command
benchmarks=(
  "reshard|moving slots, against redis-cli --cluster reshard and a bare pipeline of MIGRATE|reshard_bench|build/release/bin/reshard_bench 3"
  "scale|from 3 masters to 6, against redis-cli --cluster add-node and rebalance|scale_bench|build/release/bin/scale_bench 3"
  "init|initialising 6 and 60 ready nodes, against redis-cli --cluster create|init_bench|build/release/bin/init_bench 6 && build/release/bin/init_bench 60"
  "status|\`status\` of 6 nodes in the sandbox, against kubectl get pods|kubectl-redis sandbox|python3 tests/bench/commands_bench.py build/release/bin status"
  "startup|start and memory of \`version --client\`, against kubectl's; size of the program|kubectl-redis|python3 tests/bench/commands_bench.py build/release/bin startup"
  "create|\`create\` from nothing to a healthy cluster in the sandbox: time and peak memory|kubectl-redis sandbox|python3 tests/bench/commands_bench.py build/release/bin create"
  "plans|plans of rebalance, reshard, scale and fix for 1,000 nodes, beside reading CLUSTER NODES|plans_bench|build/release/bin/plans_bench"
  "placement|time, memory and quality of choosing roles for 10, 100 and 1,000 pods, against random swaps|placement_bench|build/release/bin/placement_bench"
  "policy|what one decision of the webhook costs without the network|policy_bench|with_python tests/bench/webhook_bench.py reviews \"$work\" && build/release/bin/policy_bench \"$work\"/*.json"
  "webhook|admission reviews: speed, processor time, memory, start, against controller-runtime in Go|review_load|build_image && with_python tests/bench/webhook_bench.py build/image/bin/kubectl-redis-webhook build/release/bin"
  "admission|what the webhook, or the policies, add to a write in a real API server (root; the test-kubernetes.sh bed)|kubectl-redis|on_kubernetes tests/bench/admission_bench.py build/release/bin"
)

if [ $# -ne 1 ]; then
  echo "usage: ./bench.sh NAME"
  for row in "${benchmarks[@]}"; do
    IFS='|' read -r name about _ <<<"$row"
    printf '  %-12s %s\n' "$name" "$about"
  done
  [ $# -eq 0 ] && exit 0 || exit 2
fi

for row in "${benchmarks[@]}"; do
  IFS='|' read -r name _ targets command <<<"$row"
  [ "$name" = "$1" ] || continue
  cmake/install-dependencies.sh
  cmake --preset release >/dev/null
  # shellcheck disable=SC2086 # A list of words.
  cmake --build --preset release --target $targets >&2
  eval "$command"
  exit
done
echo "no benchmark is called $1; ./bench.sh alone lists them" >&2
exit 2
