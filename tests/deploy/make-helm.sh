#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds helm once, from its Go module, for the chart's tests. Needs Go; prints where it is.
#   KREDIS_CACHE   default ~/.cache/kubectl-redis
set -euo pipefail
folder=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/helm
version=v3.19.0
if [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ]; then
  mkdir -p "$folder"
  GOBIN=$folder GOFLAGS='' CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "helm.sh/helm/v3/cmd/helm@$version" >&2
  echo "$version" >"$folder/version"
fi
echo "$folder/helm"
