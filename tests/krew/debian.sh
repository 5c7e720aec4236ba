#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a packaged program in root file systems of Debian 10 to 13, through chroot, as their users
# would: nothing of this machine but its kernel. Needs root, mmdebstrap and Debian's packages; a
# program for arm64 also needs qemu-user-static, and then runs in this machine's kind of file system.
# usage: debian.sh BINARY [SUITE...]       KREDIS_CACHE: where the file systems are kept
# Exit status: 0 when it ran well in all, 1 when not, 77 when some could not be made.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?usage: debian.sh BINARY [SUITE...]}") && shift
[ $# -gt 0 ] || set -- buster bullseye bookworm trixie
cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/rootfs
article=$here/../e2e/manifests/article
emulator=$(command -v qemu-aarch64-static || true)

say() { printf '%s\n' "$*"; }

# make_root SUITE: what Debian calls essential, and the certificates of authorities.
make_root() {
  [ ! -d "$cache/$1" ] || return 0
  mkdir -p "$cache"
  mmdebstrap --quiet --variant=essential --include=ca-certificates --format=directory "$1" "$cache/$1.new" &&
    mv "$cache/$1.new" "$cache/$1" || { rm -rf "$cache/$1.new"; return 1; }
}

# Runs the plugin in the root file system, with nothing of our environment.
plugin() {
  local words=(/opt/kubectl-redis)
  [ -z "$foreign" ] || words=(/opt/qemu "${words[@]}")
  chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root TERM=dumb "${words[@]}" "$@"
}

# expect NAME STATUS TEXT WORD...: the plugin's exit status, and a text in what it prints.
expect() {
  local name=$1 wanted=$2 text=$3 got=0 printed
  printed=$(plugin "${@:4}" 2>&1 </dev/null) || got=$?
  if [ $got = "$wanted" ] && [[ $printed == *"$text"* ]]; then
    say "  ok    $name"
  else
    say "  FAILED $name: exit status $got, wanted $wanted and '$text':"
    printf '%s\n' "$printed" | head -n 5
    failed=1
  fi
}

run_in() { # SUITE
  root=$cache/$1
  install -D -m 755 "$binary" "$root/opt/kubectl-redis"
  rm -rf "$root/opt/article" && cp -r "$article" "$root/opt/article"
  [ -z "$foreign" ] || install -m 755 "$emulator" "$root/opt/qemu"
  printf '127.0.0.1 localhost named.example\n' >"$root/etc/hosts"
  say "Debian $(cat "$root/etc/debian_version"), $(chroot "$root" /usr/bin/ldd --version | sed -n '1s/.* /glibc /p')"
  expect 'version' 0 'kubectl redis ' version --client
  expect 'help' 0 'Usage: kubectl redis' --help
  expect 'lint judges the article' 0 '0 errors' lint -f /opt/article
  expect 'create shows its objects' 0 'kind: StatefulSet' create --dry-run=client -o yaml
  expect 'a name out of /etc/hosts is looked up' 3 'refused' status --server https://named.example:1
  expect 'a name that is not there is told' 3 'no address' status --server https://nowhere.invalid:1
}

failed=0 missing=0 foreign=''
case $(od -An -tx1 -j18 -N1 "$binary") in
  *b7*) foreign=arm64; [ -n "$emulator" ] || { say "there is no qemu-aarch64-static (Debian: qemu-user-static)"; exit 77; } ;;
esac
for suite in "$@"; do
  if make_root "$suite" >/dev/null 2>&1; then
    run_in "$suite"
  else
    say "NOT RUN: no root file system of Debian's $suite can be made from the packages that this machine reaches"
    missing=1
  fi
done
[ $failed = 0 ] || exit 1
[ $missing = 0 ] || exit 77
