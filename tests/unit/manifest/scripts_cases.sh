# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the tests of the pod scripts: checks, and the runner. Each function case_NAME is a test.
set -u

for program in redis-server redis-cli openssl timeout; do
  command -v $program >/dev/null || { echo "skipped: no $program here"; exit 77; }
done

. "$(dirname "${BASH_SOURCE[0]}")/scripts_pods.sh"
failures=0

clean_up() {
  end_pods
  if [ "$failures" = 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
}
trap clean_up EXIT

check() {
  what=$1
  shift
  if "$@"; then echo "    ok: $what"; else echo "    FAILED: $what"; failures=$((failures + 1)); fi
}
equal() { [ "$1" = "$2" ] || { echo "      '$1' is not '$2'"; return 1; }; }
no() { ! "$@" >/dev/null; }

# run_cases [CASE...]: all where none is named.
run_cases() {
  cases=("$@")
  [ $# -gt 0 ] || mapfile -t cases < <(declare -F | sed -n 's/^declare -f case_//p')
  for name in "${cases[@]}"; do
    echo "$name"
    forget_pods
    declare -F "case_$name" >/dev/null || { echo "no case $name" >&2; exit 2; }
    "case_$name"
  done
  echo "$failures failed"
  [ "$failures" = 0 ]
}
