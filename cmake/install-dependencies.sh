#!/usr/bin/env bash
# Installs what the build and the tests need on Debian 12 (or newer): distribution packages, then
# hiredis from Debian 13's source package where the system's own is too old.
# Needs root or sudo for the packages only. A second run finds everything in place and ends at once.
#
#   KREDIS_CACHE   where built dependencies go (default ~/.cache/kubectl-redis)
set -euo pipefail
shopt -s inherit_errexit nullglob

cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}
prefix=$cache/deps
packages=(
  build-essential ccache cmake dpkg-dev ninja-build pkg-config
  libboost-dev libcli11-dev libexpected-dev libfmt-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev doctest-dev zlib1g-dev
  bubblewrap ca-certificates curl iproute2 nfs-ganesha nfs-ganesha-mem openssl procps python3-venv redis-server redis-tools rpcbind
)

say() { printf '==> %s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
  local missing=() package
  command -v kubectl >/dev/null || packages+=(kubernetes-client)
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing: ${missing[*]}"
  as_root apt-get update -qq
  # RUNLEVEL=1 keeps the redis-server package from starting a service of its own.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Downloads a Debian 13 source package without touching the system's own apt configuration:
# the machine's sources with the suite replaced, as type deb-src, in a private folder.
# The upstream archive's sha256 is checked here, Debian's signature by apt.
fetch_source() { # package archive sha256
  local work=$cache/source/$1 file
  rm -rf "$work"; mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] && grep -q '^Suites:.*\(bookworm\|trixie\)' "$file" || continue
    sed -e 's/^Types:.*/Types: deb-src/' -e '/^Suites:/s/bookworm/trixie/g' -e '/^#/d' "$file" >"$work/apt/${file##*/}"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] || continue
    sed -nE '/^deb .*debian.*(bookworm|trixie)/{s/^deb /deb-src /; s/bookworm/trixie/g; p}' "$file"
  done >"$work/apt/sources.list"
  local options=(
    -o "Dir::Etc::SourceList=$work/apt/sources.list" -o "Dir::Etc::SourceParts=$work/apt"
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o "APT::Sandbox::User=root"
  )
  apt-get "${options[@]}" update -qq >&2
  (cd "$work" && apt-get "${options[@]}" source -qq --only-source "$1/trixie" >/dev/null)
  printf '%s  %s\n' "$3" "$work/$2" | sha256sum --check --quiet >&2
  find "$work" -mindepth 1 -maxdepth 1 -type d -name "$1-*"
}

build_hiredis() {
  [ ! -e "$prefix/hiredis-1.2.0.done" ] || return 0
  pkg-config --exists 'hiredis_ssl >= 1.2.0' 2>/dev/null && return 0
  say "building hiredis 1.2.0 with TLS (the system's is older or missing)"
  local source
  source=$(fetch_source hiredis hiredis_1.2.0.orig.tar.gz 82ad632d31ee05da13b537c124f819eb88e18851d9cb0c30ae0552084811588c)
  cmake -S "$source" -B "$source/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DENABLE_SSL=ON \
    -DDISABLE_TESTS=ON -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib >/dev/null
  cmake --build "$source/build" --target install >/dev/null
  touch "$prefix/hiredis-1.2.0.done"
}

install_packages
mkdir -p "$prefix"
build_hiredis
