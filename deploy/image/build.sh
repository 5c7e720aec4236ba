#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds an OCI archive with node images from Debian's packages, one tag a server (root.sh knows them),
# and under the tag sandbox what a container runtime needs to start a pod at all.
# usage: build.sh OUT.oci
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${1:?usage: build.sh OUT.oci}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

path=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

add_image() { # tag server
  echo "==> image $1" >&2
  "$here/root.sh" "$1" "$1.tar"
  umoci new --image "oci:$1"
  umoci raw add-layer --image "oci:$1" "$1.tar"
  umoci config --image "oci:$1" --config.cmd "$2" --config.env "$path" --config.user 999:999
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
for tag in 7.0 8.0 8.6; do add_image $tag redis-server; done
for tag in valkey-8.1 valkey-9.1; do add_image $tag valkey-server; done
tar cf "$out.new" -C oci .
mv "$out.new" "$out"
