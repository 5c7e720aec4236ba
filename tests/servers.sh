#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Servers of other versions than this machine's, for tests: unpacks the root file system of each into the
# cache, and puts beside it a folder "servers" whose redis-server and redis-cli run here, with their own C
# library. Prints that folder for each. `sandbox up --image redis:8.6=ROOT` runs pods with such a root.
#   KREDIS_CACHE   default ~/.cache/kubectl-redis
# usage: servers.sh TAG...                    the tags of deploy/image/root.sh
#        servers.sh --run TAG COMMAND...      with SERVERS set to that folder; 77 where it was not made yet
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/servers

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# start_with ROOT PROGRAM: prints a script that runs it.
start_with() {
  printf '#!/bin/sh\nexec %s --library-path %s --argv0 %s %s "$@"\n' \
    "$1/usr/lib64/ld-linux-x86-64.so.2" "$1/usr/lib/x86_64-linux-gnu" "$2" "$1/usr/bin/$2"
}

make_server() {
  local root=$cache/$1 family=${1%%-*} part
  [ "$family" = valkey ] || family=redis
  echo "==> server $1 (half a minute)" >&2
  command -v mmdebstrap >/dev/null || as_root apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null
  rm -rf "$root.new" "$root"
  mkdir -p "$root.new"
  "$here/../deploy/image/root.sh" "$1" "$root.new.tar"
  tar xf "$root.new.tar" -C "$root.new" --no-same-owner --exclude='./dev/*'
  rm "$root.new.tar"
  # Under both names: what runs it may look for either.
  mkdir "$root.new/servers"
  for part in server cli; do
    start_with "$root" "$family-$part" >"$root.new/servers/redis-$part"
    chmod +x "$root.new/servers/redis-$part"
  done
  mv "$root.new" "$root"
}

if [ "${1:-}" = --run ]; then
  SERVERS=$cache/$2/servers
  [ -x "$SERVERS/redis-server" ] || { echo "skipped: tests/servers.sh $2 makes that server"; exit 77; }
  export SERVERS
  exec "${@:3}"
fi
for tag in "$@"; do
  [ -x "$cache/$tag/servers/redis-server" ] || make_server "$tag"
  "$cache/$tag/servers/redis-server" --version >&2
  echo "$cache/$tag/servers"
done
