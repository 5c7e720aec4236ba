#!/usr/bin/env bash
# Installs what the build and the tests need on Debian 12 (or newer): distribution packages, then, where
# the system's own are too old, Boost's headers and hiredis from Debian 13's source package.
# Needs root or sudo for the packages only. A second run finds everything in place and ends at once.
#
#   KREDIS_CACHE   where built dependencies go (default ~/.cache/kubectl-redis)
set -euo pipefail
shopt -s inherit_errexit nullglob

. "$(dirname "$0")/fetch-source.sh"

cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}
prefix=$cache/deps
packages=(
  build-essential ccache cmake dpkg-dev ninja-build pkg-config
  libcli11-dev libexpected-dev libfmt-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev doctest-dev zlib1g-dev
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
  if [ ${#missing[@]} -eq 0 ]; then
    say "all ${#packages[@]} Debian packages are installed"
    return 0
  fi
  say "installing ${#missing[@]} of ${#packages[@]} Debian packages (a minute or two): ${missing[*]}"
  as_root apt-get update -qq
  # RUNLEVEL=1 keeps the redis-server package from starting a service of its own.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Boost.JSON as it is used needs 1.81. Debian 12 has that too, but not beside its default, 1.74, which
# another program may need: so it is unpacked, not installed.
get_boost() {
  local name=boost-1.81 version
  version=$(sed -n 's/^#define BOOST_VERSION //p' /usr/include/boost/version.hpp 2>/dev/null || true)
  [ ! -e "$prefix/$name.done" ] && [ "${version:-0}" -lt 108100 ] || return 0
  say "unpacking the headers of Boost 1.81 (the system's are older or missing)"
  rm -rf "$cache/source/$name" "${prefix:?}/$name"
  mkdir -p "$cache/source/$name" "$prefix/$name"
  as_root apt-get update -qq
  if ! (cd "$cache/source/$name" && apt-get download -qq libboost1.81-dev >/dev/null 2>&1); then
    say "installing: libboost-dev"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libboost-dev >/dev/null
    return 0
  fi
  dpkg-deb --fsys-tarfile "$cache/source/$name"/*.deb | tar -x -C "$prefix/$name" ./usr/include
  rm -r "$cache/source/$name"
  touch "$prefix/$name.done"
}

build_hiredis() {
  [ ! -e "$prefix/hiredis-1.2.0.done" ] || return 0
  pkg-config --exists 'hiredis_ssl >= 1.2.0' 2>/dev/null && return 0
  say "fetching and building hiredis 1.2.0 with TLS (the system's is older or missing)"
  local source
  source=$(fetch_source "$cache/source" hiredis)
  printf '%s  %s\n' 82ad632d31ee05da13b537c124f819eb88e18851d9cb0c30ae0552084811588c "$cache/source/hiredis/hiredis_1.2.0.orig.tar.gz" |
    sha256sum --check --quiet >&2
  cmake -S "$source" -B "$source/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DENABLE_SSL=ON \
    -DDISABLE_TESTS=ON -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib >/dev/null
  cmake --build "$source/build" --target install >/dev/null
  touch "$prefix/hiredis-1.2.0.done"
}

install_packages
mkdir -p "$prefix"
get_boost
build_hiredis
say "Boost and hiredis are in place"
