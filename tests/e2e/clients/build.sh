#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the go-redis client into the cache, if it is not there as wanted; prints its path.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)/go
cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/clients
out=$cache/go-$(cat "$here"/go.mod "$here"/go.sum "$here"/main.go | sha256sum | cut -c1-16)
if [ ! -x "$out" ]; then
  mkdir -p "$cache"
  (cd "$here" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -o "$out.new" .) >&2
  mv "$out.new" "$out"
fi
echo "$out"
