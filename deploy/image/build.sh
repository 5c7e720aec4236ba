#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds an OCI archive with node images from Debian's packages, one tag a server, and the pod sandbox
# that a container runtime needs to start a pod at all:
#   7.0 (Redis, Debian 12), 8.0 (Redis, Debian 13), valkey-8.1 (Valkey, Debian 13), sandbox
# usage: build.sh OUT.oci
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${1:?usage: build.sh OUT.oci}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

path=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

add_image() { # tag suite command packages
  echo "==> image $1: $4 of $2" >&2
  mmdebstrap --quiet --variant=minbase --include="$4" --format=tar \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$2" "$1.tar"
  umoci new --image "oci:$1"
  umoci raw add-layer --image "oci:$1" "$1.tar"
  umoci config --image "oci:$1" --config.cmd "$3" --config.env "$path" --config.user 999:999
  rm "$1.tar"
}

add_sandbox() {
  gcc -static -O2 -o pause "$here/pause.c"
  tar cf pause.tar pause
  umoci new --image oci:sandbox
  umoci raw add-layer --image oci:sandbox pause.tar
  umoci config --image oci:sandbox --config.entrypoint /pause
}

umoci init --layout oci
add_sandbox
add_image 7.0 bookworm redis-server redis-server,redis-tools,busybox
add_image 8.0 trixie redis-server redis-server,redis-tools,busybox
add_image valkey-8.1 trixie valkey-server valkey-server,valkey-tools,busybox
tar cf "$out.new" -C oci .
mv "$out.new" "$out"
