#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the peer of ./bench.sh webhook into the cache, if it is not there as wanted; prints its path.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/bench
out=$cache/peer-$(cat "$here"/go.mod "$here"/go.sum "$here"/*.go | sha256sum | cut -c1-16)
if [ ! -x "$out" ]; then
  mkdir -p "$cache"
  (cd "$here" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -ldflags "-s -w" -o "$out.new" .) >&2
  mv "$out.new" "$out"
fi
echo "$out"
