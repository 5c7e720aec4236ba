#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds what the bed runs, once, into the cache: Kubernetes and CoreDNS from Go modules, and images
# from Debian packages. Needs root for the packages, Go, and some ten minutes the first time.
#   KREDIS_CACHE   default ~/.cache/kubectl-redis
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/kubernetes
version=v1.34.4
parts=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet coredns)
packages=(etcd-server containerd containernetworking-plugins iproute2 iptables conntrack mmdebstrap umoci gcc libc6-dev)

say() { printf '==> %s\n' "$*" >&2; }

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing: ${missing[*]}"
  apt-get update -qq
  # RUNLEVEL=1 keeps the packages from starting services of their own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build_components() {
  local stamp
  stamp=$(cat "$here"/components/{go.mod,go.sum,main.go} | sha256sum | cut -c1-16)
  if [ "$(cat "$cache/components.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "building Kubernetes $version (the first time takes some ten minutes)"
    (cd "$here/components" && CGO_ENABLED=0 GOFLAGS= go build -trimpath -o "$cache/kube" -ldflags "-s -w
      -X k8s.io/component-base/version.gitVersion=$version
      -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34" .)
    echo "$stamp" >"$cache/components.stamp"
  fi
  mkdir -p "$cache/bin"
  local part
  for part in "${parts[@]}"; do ln -sf ../kube "$cache/bin/$part"; done
}

build_images() {
  local stamp
  stamp=$(cat "$here"/../../deploy/image/{build.sh,root.sh,pause.c} | sha256sum | cut -c1-16)
  [ ! -e "$cache/images.oci" ] || [ "$(cat "$cache/images.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  "$here/../../deploy/image/build.sh" "$cache/images.oci"
  echo "$stamp" >"$cache/images.stamp"
}

# The webhook of this working tree; built again whenever its sources changed.
build_webhook() {
  "$here/../../deploy/image/webhook.sh" "$cache/webhook.oci"
}

mkdir -p "$cache"
install_packages
build_components
build_images
build_webhook
