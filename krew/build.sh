#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the plugin for the platforms that are packaged, all on this machine, with the compiler of
# Zig: for Linux against musl and static, so that it needs no C library of any age; for macOS against
# the system's own. Prints OS/ARCH=BINARY lines, which package.sh takes.
#
# OpenSSL, yaml-cpp and hiredis of each platform are built once and stay in
# ~/.cache/kubectl-redis/portable (KREDIS_CACHE moves it); the plugin goes to build/portable/OS-ARCH.
# Needs what cmake/install-dependencies.sh installs, make and perl, and PyPI for the first time.
# JOBS: how many compilers at a time.
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cmake/fetch-source.sh"

cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/portable
ziglang='ziglang==0.17.1'
jobs=${JOBS:-$(nproc)}
all=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64)

say() { printf '==> %s\n' "$*" >&2; }
fail() {
  echo "build.sh: $*" >&2
  exit 1
}

# What Zig, OpenSSL and CMake call the platform OS/ARCH, and where its parts go.
choose_platform() {
  case "$1" in
    linux/amd64) target=x86_64-linux-musl openssl=linux-x86_64 system=Linux processor=x86_64 ;;
    linux/arm64) target=aarch64-linux-musl openssl=linux-aarch64 system=Linux processor=aarch64 ;;
    darwin/amd64) target=x86_64-macos openssl=darwin64-x86_64-cc system=Darwin processor=x86_64 ;;
    darwin/arm64) target=aarch64-macos openssl=darwin64-arm64-cc system=Darwin processor=arm64 ;;
    *) fail "no platform $1: ${all[*]}" ;;
  esac
  root=$cache/${1/\//-}
  plugin=$here/../build/portable/${1/\//-}
}

install_zig() {
  [ "$(cat "$cache/zig/installed.txt" 2>/dev/null)" != "$ziglang" ] || return 0
  say "installing $ziglang"
  rm -rf "$cache/zig"
  python3 -m venv "$cache/zig"
  "$cache/zig/bin/pip" install --quiet --disable-pip-version-check "$ziglang" || fail "Zig cannot be had from PyPI"
  echo "$ziglang" >"$cache/zig/installed.txt"
}

# A wrapper a tool: build systems want one word. Zig's own cache lies with ours.
make_tools() {
  mkdir -p "$root/tools"
  local tool
  for tool in cc c++ ar ranlib; do
    local words=$tool
    case $tool in cc | c++) words="$tool -target $target" ;; esac
    printf '#!/bin/sh\nexport ZIG_GLOBAL_CACHE_DIR="%s"\nexec "%s" -m ziglang %s "$@"\n' \
      "$cache/zig-cache" "$cache/zig/bin/python" "$words" >"$root/tools/$tool"
  done
  chmod +x "$root"/tools/*
}

# source_of PACKAGE: where its sources are, downloaded once.
source_of() {
  local found
  found=$(find "$cache/source/$1" -mindepth 1 -maxdepth 1 -type d -name "$1-*" 2>/dev/null || true)
  [ -n "$found" ] || found=$(fetch_source "$cache/source" "$1")
  echo "$found"
}

# once PACKAGE FUNCTION: builds it in a fresh folder, unless the same function did before.
once() {
  local recipe
  recipe=$({ declare -f "$2" cross_cmake; echo "$ziglang"; } | sha256sum)
  [ "$(cat "$root/$1.done" 2>/dev/null)" != "$recipe" ] || return 0
  local source
  source=$(source_of "$1")
  say "building $1 for $target"
  rm -rf "$root/build-$1" && mkdir -p "$root/build-$1"
  (cd "$root/build-$1" && "$2" "$source") >"$root/$1.log" 2>&1 || { tail -n 20 "$root/$1.log" >&2; fail "$1: see $root/$1.log"; }
  rm -rf "$root/build-$1"
  echo "$recipe" >"$root/$1.done"
}

# Without what the plugin never uses. Certificates of authorities are in /etc/ssl on macOS, too.
build_openssl() {
  CC=$root/tools/cc AR=$root/tools/ar RANLIB=$root/tools/ranlib "$1/Configure" "$openssl" \
    --prefix="$root" --libdir=lib --openssldir=/etc/ssl -Os -fPIC -DOPENSSL_NO_APPLE_CRYPTO_RANDOM \
    no-shared no-tests no-apps no-docs no-legacy no-engine no-module no-dso no-ui-console no-comp no-afalgeng \
    no-ssl3 no-dtls no-cms no-ts no-ct no-ocsp no-quic no-srp no-psk no-gost no-idea no-camellia no-seed no-rc2 no-rc4 \
    no-md4 no-bf no-cast no-whirlpool no-sm2 no-sm3 no-sm4 no-aria no-ml-kem no-ml-dsa no-slh-dsa
  make -s -j"$jobs" build_libs
  make -s install_dev
}

# cross_cmake SOURCE OPTION...: in the current folder. Of Apple's tools CMake wants to see one.
cross_cmake() {
  cmake -S "$1" -B . -G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_SYSTEM_NAME="$system" -DCMAKE_SYSTEM_PROCESSOR="$processor" \
    -DCMAKE_C_COMPILER="$root/tools/cc" -DCMAKE_CXX_COMPILER="$root/tools/c++" -DCMAKE_AR="$root/tools/ar" \
    -DCMAKE_RANLIB="$root/tools/ranlib" -DCMAKE_INSTALL_NAME_TOOL=true -DCMAKE_OSX_SYSROOT= -DCMAKE_OSX_DEPLOYMENT_TARGET= \
    -DCMAKE_FIND_ROOT_PATH="$root" -DCMAKE_INSTALL_PREFIX="$root" -DCMAKE_INSTALL_LIBDIR=lib "${@:2}"
}

build_yaml() {
  cross_cmake "$1" -DYAML_CPP_BUILD_TOOLS=OFF -DYAML_CPP_BUILD_TESTS=OFF -DYAML_BUILD_SHARED_LIBS=OFF
  cmake --build . -j "$jobs" --target install
}

build_hiredis() {
  cross_cmake "$1" -DBUILD_SHARED_LIBS=OFF -DENABLE_SSL=ON -DDISABLE_TESTS=ON -DOPENSSL_ROOT_DIR="$root" \
    -DOPENSSL_USE_STATIC_LIBS=ON -DOPENSSL_INCLUDE_DIR="$root/include" -DOPENSSL_SSL_LIBRARY="$root/lib/libssl.a" \
    -DOPENSSL_CRYPTO_LIBRARY="$root/lib/libcrypto.a"
  cmake --build . -j "$jobs" --target install
}

# Libraries that are headers only are this machine's own.
link_headers() {
  local folder
  for folder in CLI fmt nlohmann tl; do
    [ -d "/usr/include/$folder" ] || fail "there is no /usr/include/$folder: run cmake/install-dependencies.sh"
    ln -sfn "/usr/include/$folder" "$root/include/$folder"
  done
  # Debian 12's Boost is unpacked beside its libraries; a newer system's own will do.
  folder=$cache/../deps/boost-1.81/usr/include/boost
  [ -d "$folder" ] || folder=/usr/include/boost
  [ -d "$folder" ] || fail "there are no headers of Boost: run cmake/install-dependencies.sh"
  ln -sfn "$folder" "$root/include/boost"
}

build_plugin() {
  say "building the plugin for $target"
  mkdir -p "$plugin"
  (cd "$plugin" && cross_cmake "$here/.." -DKREDIS_PORTABLE_PREFIX="$root" -DKREDIS_BUILD_TESTS=OFF \
    -DKREDIS_BUILD_WEBHOOK=OFF -DCMAKE_EXE_LINKER_FLAGS=-s && cmake --build . -j "$jobs" --target kubectl-redis) \
    >"$root/plugin.log" 2>&1 ||
    { grep -m 5 -A 4 'error: ' "$root/plugin.log" >&2 || tail -n 20 "$root/plugin.log" >&2; fail "the plugin: see $root/plugin.log"; }
}

[ $# -gt 0 ] || set -- "${all[@]}"
for each in "$@"; do choose_platform "$each"; done
mkdir -p "$cache"
install_zig
for each in "$@"; do
  choose_platform "$each"
  make_tools
  once openssl build_openssl
  once yaml-cpp build_yaml
  once hiredis build_hiredis
  link_headers
  build_plugin
  echo "$each=$(realpath "$plugin/bin/kubectl-redis")"
done
