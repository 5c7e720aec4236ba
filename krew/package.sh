#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Packs the plugin for krew: an archive for each platform, and the manifest NAME.yaml that names them
# with their checksums, checked against krew's rules.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() {
  cat <<'USAGE'
usage: package.sh --homepage URL --uri FOLDER_URL [options] [OS/ARCH=BINARY...]
  --uri      where the archives will be downloaded from; the archive's name is added
  --version  vX.Y.Z, by default the sources' own
  --name     the plugin's name in the index, by default redis; kubectl calls it with - as _
  --out      the folder for the manifest and the archives, by default dist
  --local    takes programs that need this machine's libraries, too: for trying out
Without any OS/ARCH=BINARY, build.sh builds all platforms first.
example: package.sh --homepage https://example.org/kubectl-redis --uri https://example.org/kubectl-redis/v0.1.0
USAGE
}

fail() {
  echo "package.sh: $*" >&2
  exit 1
}

name=redis homepage='' uri='' out=dist checks_binaries=yes
version=v$(sed -nE 's/^project\(.* VERSION ([0-9.]+) .*/\1/p' "$here/../CMakeLists.txt")
binaries=()
while [ $# -gt 0 ]; do
  case "$1" in
    --name | --version | --homepage | --uri | --out) [ $# -gt 1 ] || fail "$1 needs a value" ;;&
    --name) name=$2 && shift 2 ;;
    --version) version=$2 && shift 2 ;;
    --homepage) homepage=$2 && shift 2 ;;
    --uri) uri=${2%/} && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    --local) checks_binaries=no && shift ;;
    -h | --help) usage && exit ;;
    */*=*) binaries+=("$1") && shift ;;
    *) usage >&2 && exit 2 ;;
  esac
done
[ -n "$homepage" ] && [ -n "$uri" ] || { usage >&2; exit 2; }
if [ ${#binaries[@]} -eq 0 ]; then
  built=$("$here/build.sh")
  mapfile -t binaries <<<"$built"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
manifest=$out/$name.yaml
command=${name//-/_}
python=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/venv/bin/python
[ -x "$python" ] || python=python3

# The same files give the same archive: sorted, owned by nobody in particular, dated by the sources.
pack() { # BINARY ARCHIVE
  rm -rf "$work/tree" && mkdir "$work/tree"
  install -m 755 "$1" "$work/tree/kubectl-redis"
  sed "s/^exec kubectl-redis /exec kubectl-$command /" "$here/kubectl_complete-redis" >"$work/tree/kubectl_complete-$command"
  chmod 755 "$work/tree/kubectl_complete-$command"
  install -m 644 "$here/../LICENSE" "$work/tree/LICENSE"
  tar --create --format=ustar --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner \
    --directory "$work/tree" LICENSE kubectl-redis "kubectl_complete-$command" | gzip -n -9 >"$2"
}

add_platform() { # OS ARCH ARCHIVE
  cat >>"$manifest" <<PLATFORM
  - selector:
      matchLabels:
        os: $1
        arch: $2
    uri: $uri/$3
    sha256: $(sha256sum "$out/$3" | cut -d ' ' -f 1)
    bin: kubectl-redis
    files:
    - from: kubectl-redis
      to: .
    - from: kubectl_complete-$command
      to: .
    - from: LICENSE
      to: .
PLATFORM
}

sed -e "s|@NAME@|$name|g; s|@COMMAND@|$command|g; s|@VERSION@|$version|g; s|@HOMEPAGE@|$homepage|g" \
  "$here/plugin.yaml.in" >"$manifest"
for pair in "${binaries[@]}"; do
  platform=${pair%%=*} binary=${pair#*=}
  [ -f "$binary" ] || fail "there is no $binary for $platform"
  [ $checks_binaries = no ] || "$python" "$here/portable.py" "$platform" "$binary" || fail "not packed; --local packs it all the same"
  archive=kubectl-$name-$version-${platform/\//-}.tar.gz
  pack "$binary" "$out/$archive"
  add_platform "${platform%/*}" "${platform#*/}" "$archive"
done
"$python" "$here/validate.py" "$manifest" "$out"
