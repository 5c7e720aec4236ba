#!/usr/bin/env bash
# Installs what only the checks of the code need: Debian's clang-format and clang-tidy. Building, testing and trying
# the product needs neither. Needs root or sudo; a second run ends at once.
set -euo pipefail

packages=(clang-format-14 clang-tidy-14)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "==> installing ${missing[*]}" >&2
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
