#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the root file system of a node image, as a tar archive, from Debian's packages:
#   7.0 (Redis, Debian 12), 8.0 (Redis, Debian 13), 8.6 (Redis, Debian experimental),
#   valkey-8.1 (Valkey, Debian 13), valkey-9.1 (Valkey, Debian testing)
# usage: root.sh TAG OUT.tar
set -euo pipefail
usage="usage: root.sh 7.0|8.0|8.6|valkey-8.1|valkey-9.1 OUT.tar"
out=${2:?$usage}

case ${1:?$usage} in
  7.0) suite=bookworm server=redis ;;
  8.0) suite=trixie server=redis ;;
  8.6) suite=experimental server=redis ;;
  valkey-8.1) suite=trixie server=valkey ;;
  valkey-9.1) suite=testing server=valkey ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
packages=$server-server,$server-tools
sources=("$suite")
if [ $suite = experimental ]; then
  # It has only what is newer than unstable's.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$')
  sources=(unstable -- "deb $mirror unstable main" "deb $mirror experimental main")
  packages=$server-server/experimental,$server-tools/experimental
fi
# A mirror may be behind: what it signed counts, also after the day that it was to be renewed.
mmdebstrap --quiet --variant=minbase --include="$packages,busybox" --format=tar \
  --aptopt='Acquire::Check-Valid-Until "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' "${sources[0]}" "$out" "${sources[@]:2}"
