#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds krew itself and its index's validator, once, into the cache, for test_real_krew.py. Needs Go.
#   KREDIS_CACHE   default ~/.cache/kubectl-redis
set -euo pipefail
bin=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/krew/bin
version=v0.4.3
mkdir -p "$bin"
CGO_ENABLED=0 GOFLAGS= GOBIN=$bin go install "sigs.k8s.io/krew/cmd/krew@$version" \
  "sigs.k8s.io/krew/cmd/validate-krew-manifest@$version"
