#!/usr/bin/env bash
# The main job, end to end, on a fresh machine: installs what is missing, builds, starts a sandbox,
# and lets `kubectl redis create` turn nothing into a healthy six-node Redis Cluster.
# Run it as root or with sudo at hand. Again is quick: only the sandbox part is done anew.
set -euo pipefail
cd "$(dirname "$0")"

bold= plain=
[ ! -t 1 ] || { bold=$'\033[1m' plain=$'\033[0m'; }
say() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }

say "what the build needs"
cmake/install-dependencies.sh
say "building (the first time takes a few minutes): steps done/all, and for how long by now"
cmake --preset dev >/dev/null
NINJA_STATUS="[%f/%t, %e s] " cmake --build --preset dev --target kubectl-redis sandbox

say "starting the sandbox: an API server, three nodes in three zones, no root"
dir=${KREDIS_SANDBOX_DIR:-${TMPDIR:-/tmp}/kubectl-redis-sandbox-$(id -u)}
build/bin/sandbox down --dir "$dir" 2>/dev/null || true
eval "$(build/bin/sandbox up --dir "$dir" --detach)"

say "kubectl redis create"
build/bin/kubectl-redis create

say "kubectl redis status"
build/bin/kubectl-redis status

cat <<TEXT

The cluster runs in the sandbox until you stop it. Go on with:
  export KUBECONFIG=$KUBECONFIG PATH="$PWD/build/bin:\$PATH"
  kubectl get pods -o wide                # stock kubectl works against the sandbox
  kubectl redis status -o json
  kubectl delete pod redis-app-0          # a master goes; its replica takes over
  kubectl redis status --watch
  kubectl redis delete
  sandbox down --dir $dir
TEXT
