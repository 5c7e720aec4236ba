#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Packs the plugin for krew: an archive for each platform, and the manifest NAME.yaml that names them,
# checked against krew's rules.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() {
  cat <<'USAGE'
usage: package.sh --version vX.Y.Z --homepage URL --uri FOLDER_URL [--name redis] [--out DIR] OS/ARCH=BINARY...
  --uri   where the archives will be downloaded from; the archive's name is added
  --name  the plugin's name in the index; kubectl calls it with - as _
example: package.sh --version v0.1.0 --homepage https://example.org/kubectl-redis \
           --uri https://example.org/kubectl-redis/v0.1.0 linux/amd64=build/release/bin/kubectl-redis
USAGE
}

fail() {
  echo "package.sh: $*" >&2
  exit 1
}

name=redis version='' homepage='' uri='' out=dist
binaries=()
while [ $# -gt 0 ]; do
  case "$1" in
    --name | --version | --homepage | --uri | --out) [ $# -gt 1 ] || fail "$1 needs a value" ;;&
    --name) name=$2 && shift 2 ;;
    --version) version=$2 && shift 2 ;;
    --homepage) homepage=$2 && shift 2 ;;
    --uri) uri=${2%/} && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    -h | --help) usage && exit ;;
    */*=*) binaries+=("$1") && shift ;;
    *) usage >&2 && exit 2 ;;
  esac
done
[ -n "$version" ] && [ -n "$homepage" ] && [ -n "$uri" ] && [ ${#binaries[@]} -gt 0 ] || { usage >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
manifest=$out/$name.yaml
sed -e "s|@NAME@|$name|g; s|@VERSION@|$version|g; s|@HOMEPAGE@|$homepage|g" "$here/plugin.yaml.in" >"$manifest"

# The same files give the same archive: sorted, owned by nobody in particular, dated by the sources.
pack() { # BINARY ARCHIVE
  rm -rf "$work/tree" && mkdir "$work/tree"
  install -m 755 "$1" "$work/tree/kubectl-redis"
  install -m 755 "$here/kubectl_complete-redis" "$work/tree/kubectl_complete-redis"
  install -m 644 "$here/../LICENSE" "$work/tree/LICENSE"
  tar --create --format=ustar --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner \
    --directory "$work/tree" LICENSE kubectl-redis kubectl_complete-redis | gzip -n -9 >"$2"
}

for pair in "${binaries[@]}"; do
  platform=${pair%%=*} binary=${pair#*=}
  os=${platform%/*} arch=${platform#*/}
  [ -f "$binary" ] || fail "there is no $binary for $platform"
  archive=kubectl-$name-$version-$os-$arch.tar.gz
  pack "$binary" "$out/$archive"
  sha256=$(sha256sum "$out/$archive" | cut -d ' ' -f 1)
  cat >>"$manifest" <<PLATFORM
  - selector:
      matchLabels:
        os: $os
        arch: $arch
    uri: $uri/$archive
    sha256: $sha256
    bin: kubectl-redis
    files:
    - from: kubectl-redis
      to: .
    - from: kubectl_complete-redis
      to: .
    - from: LICENSE
      to: .
PLATFORM
done

python=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/python
[ -x "$python" ] || python=python3
"$python" "$here/validate.py" "$manifest" "$out"
