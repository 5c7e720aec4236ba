# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced: downloads Debian 13 source packages without touching the system's own apt configuration:
# the machine's sources with the suite replaced, as type deb-src, in a private folder. apt checks
# Debian's signature.

# fetch_source FOLDER PACKAGE: prints where the newest version that the mirrors have was unpacked.
fetch_source() {
  local work=$1/$2 file version
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
  # A mirror may lack a version that its index has already: then the one before.
  while read -r version; do
    if (cd "$work" && apt-get "${options[@]}" source -qq --only-source "$2=$version" >/dev/null 2>&1); then
      find "$work" -mindepth 1 -maxdepth 1 -type d -name "$2-*"
      return
    fi
  done < <(apt-cache "${options[@]}" madison "$2" | awk '$NF == "Sources" { print $3 }' | sort -Vru)
  echo "no version of the source package $2 could be had" >&2
  return 1
}
