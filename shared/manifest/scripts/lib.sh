#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the other scripts share; each reads this file first. For any POSIX shell, with the tools that
# Debian's and Alpine's images of Redis and Valkey have.

say() { echo "kubectl-redis: $*"; }

has() { command -v "$1" >/dev/null; }

cli=redis-cli
has "$cli" || cli=valkey-cli
# shellcheck disable=SC2034 # For those who read this file.
me=${POD_IP:-127.0.0.1}
ask_seconds=2

# ask ADDRESS[/PORT] COMMAND...: what the node there answers; nothing when it is silent for ask_seconds.
# Without a COMMAND the commands come from standard input, a line each.
# REDISCLI_AUTH, which redis-cli reads by itself, keeps the password off the command line.
ask() {
  ask_address=${1%/*} ask_port=6379
  case "$1" in */*) ask_port=${1#*/} ;; esac
  shift
  if [ -n "${TLS_DIR:-}" ]; then
    set -- --tls --cacert "$TLS_DIR/ca.crt" --cert "$TLS_DIR/tls.crt" --key "$TLS_DIR/tls.key" "$@"
  fi
  timeout "$ask_seconds" "$cli" -h "$ask_address" -p "$ask_port" "$@" 2>/dev/null
}
