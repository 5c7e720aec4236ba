#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the webhook's image without docker: an OCI archive with one file, a static binary, that runs as
# user 65532. Prints the sizes. Needs umoci; the first build takes some minutes.
# usage: webhook.sh OUT.oci [PROGRAM]     PROGRAM: a static binary that is there already
#
# Push it where your nodes pull from, for example: skopeo copy oci-archive:OUT.oci docker://REGISTRY/kubectl-redis-webhook:VERSION
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath -m "${1:?usage: webhook.sh OUT.oci [PROGRAM]}")
program=${2:+$(realpath "$2")}
if [ -z "$program" ]; then
  (cd "$root" && cmake --preset image >/dev/null && cmake --build --preset image >&2)
  program=$root/build/image/bin/kubectl-redis-webhook
fi
if readelf -d "$program" | grep -q NEEDED; then
  echo "webhook.sh: $program needs libraries, and an image from scratch has none" >&2
  exit 1
fi
version=$("$program" --version)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
install -m 0555 "$program" "$work/root/kubectl-redis-webhook"
tar -C "$work/root" --owner=0 --group=0 --numeric-owner --sort=name --mtime=@0 -cf "$work/layer.tar" kubectl-redis-webhook
cd "$work"
umoci init --layout oci
umoci new --image "oci:$version"
umoci raw add-layer --image "oci:$version" layer.tar
umoci config --image "oci:$version" --config.user 65532:65532 --config.entrypoint /kubectl-redis-webhook \
  --config.exposedports 9443/tcp --config.label org.opencontainers.image.title=kubectl-redis-webhook \
  --config.label "org.opencontainers.image.version=$version"
umoci gc --layout oci
tar cf "$out.new" -C oci .
mv "$out.new" "$out"
printf 'kubectl-redis-webhook:%s: binary %d bytes, image %d bytes\n' \
  "$version" "$(stat -c %s "$program")" "$(stat -c %s "$out")"
